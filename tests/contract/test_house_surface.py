"""The surface: one door of few sorted names, and commands that explain themselves.

`tallystick.__all__`, and the commands of `tally` against README.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest

from tests.lib import house

MOST_NAMES = 25


def test_the_door_has_at_most_25_sorted_names() -> None:
    import tallystick

    names = tallystick.__all__
    assert names == sorted(names)
    assert len(names) <= MOST_NAMES
    assert [name for name in names if not hasattr(tallystick, name)] == []


def test_the_door_shows_what_it_declares_and_nothing_else() -> None:
    import tallystick

    submodules = {path.stem for path in (house.ROOT / "tallystick").iterdir()}
    visible = {
        name
        for name in vars(tallystick)
        if not name.startswith("_") and name not in submodules and name != "annotations"
    }
    assert visible <= set(tallystick.__all__)


def commands() -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
    """Every command of `tally` in full, its help, and its parameters with their help."""
    typer = pytest.importorskip("typer")
    from tallystick.cli.app import app

    def walk(command: object, words: list[str]) -> Iterator[tuple[str, str, list[tuple[str, str]]]]:
        children = getattr(command, "commands", None)
        if children:
            for name, child in children.items():
                yield from walk(child, [*words, name])
            return
        options = [(p.name or "", getattr(p, "help", None) or "") for p in command.params]  # type: ignore[attr-defined]
        yield " ".join(words), inspect.cleandoc(command.help or ""), options  # type: ignore[attr-defined]

    return walk(typer.main.get_command(app), ["tally"])


def test_every_command_and_option_has_help() -> None:
    found = []
    for name, text, options in commands():
        if not text:
            found.append(f"{name} has no help")
        found += [f"{name}: {option} has no help" for option, help_text in options if not help_text]
    assert not found, house.listed(found)


def test_every_command_is_in_the_readme() -> None:
    readme = (house.ROOT / "README.md").read_text(encoding="utf-8")
    assert not [name for name, _, _ in commands() if name not in readme]


def test_the_readme_is_short() -> None:
    assert (house.ROOT / "README.md").read_text(encoding="utf-8").count("\n") <= 150


def test_every_target_of_the_makefile_has_a_line_of_help() -> None:
    lines = (house.ROOT / "Makefile").read_text(encoding="utf-8").splitlines()
    phony = {line.split(":")[1].strip() for line in lines if line.startswith(".PHONY")}
    helped = {line.split(":")[0] for line in lines if " ## " in line}
    assert phony == helped
