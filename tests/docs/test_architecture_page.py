"""docs/architecture.md shows the house as it is: its picture, its rooms and its figures are printed from the source."""

from __future__ import annotations

import re

from tests.lib import architecture, house


def test_the_page_is_current() -> None:
    page = architecture.PAGE.read_text(encoding="utf-8")
    assert page == architecture.printed(page), "print it again: .venv/bin/python -m tests.lib.architecture"


def test_every_arrow_goes_down_the_declared_layers() -> None:
    place = {room: number for number, layer in enumerate(architecture.declared_layers()) for room in layer}
    drawn = architecture.drawn_imports()
    assert drawn
    upwards = [f"{a} -> {b}" for a, b in drawn if a in place and b in place and place[a] >= place[b]]
    assert not upwards, house.listed(upwards)


def test_what_is_drawn_is_all_that_is_imported() -> None:
    reached: dict[str, set[str]] = {room: set() for room in architecture.room_imports()}
    for _ in reached:
        for room, target in architecture.drawn_imports():
            reached[room] |= {target} | reached[target]
    assert {room: targets - reached[room] for room, targets in architecture.room_imports().items()} == {
        room: set() for room in reached
    }


def test_every_folder_is_in_the_table_of_rooms() -> None:
    folders = {source.path.removesuffix("__init__.py") for source in house.sources("tallystick")}
    told = set(re.findall(r"^\| `(tallystick/[^`]*)` \|", architecture.rooms_table(), flags=re.MULTILINE))
    assert {folder for folder in folders if folder.endswith("/")} == told


def test_every_place_that_the_page_names_exists() -> None:
    page = architecture.PAGE.read_text(encoding="utf-8").partition("## What an addition takes")[0]
    paths = set(re.findall(r"`((?:tallystick|tests|docs|dags|jobs)/[\w/.]*)`", page))
    assert len(paths) > 15
    missing = [path for path in sorted(paths) if not (house.ROOT / path).exists()]
    assert not missing, house.listed(missing)
