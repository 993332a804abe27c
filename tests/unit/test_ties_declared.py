"""Ties are refused at load for what cannot be right, with the file and the line of the key that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.errors import DeclarationError
from tallystick.project import load_project
from tallystick.project.checks import check_project
from tests.lib.project_folder import CONTRACT, write_project

TIE = """\
# Who came for the same thing.
title: Visits for one purpose
kind: visit
table: clean.visits
owner: tests
thing: purpose
last_of: pair
active: purpose <> 'cash'
"""


def problems(root: Path, text: str, name: str = "visits.yaml") -> str:
    write_project(root)
    (root / "ties").mkdir()
    (root / "ties" / name).write_text(text, encoding="utf-8")
    return "\n".join(str(problem).replace(f"{root}/", "") for problem in check_project(load_project(root)))


def test_a_tie_is_one_file(tmp_path: Path) -> None:
    assert problems(tmp_path, TIE) == ""
    tie = load_project(tmp_path).ties["visits"]
    assert (tie.other, tie.tables, tie.half_life_days, tie.hub_cap) == ("purpose", ("clean.visits",), 0, 50)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("thing: purpose", "think: purpose", 6, "a tie has no think (did you mean thing?)"),
        ("owner: tests\n", "", 1, "owner is missing"),
        ("thing: purpose", "thing: wealth", 6, "clean.visits has no text column wealth"),
        ("thing: purpose", "thing: event_at", 6, "clean.visits has no text column event_at"),
        ("clean.visits", "clean.visit", 4, "unknown table clean.visit"),
        ("purpose <> 'cash'", "wealth = 1", 8, "unknown column wealth"),
        ("purpose <> 'cash'", "HOUR(event_at)", 8, "is int64, not a condition"),
        ("purpose <> 'cash'", "is_retracted", 8, "unknown column is_retracted"),
        ("last_of: pair\n", "", 7, "active is asked of the last row"),
        ("last_of: pair", "last_of: month", 7, "last_of is 'month'"),
        ("last_of: pair", "half_life: 3m", 7, "half_life 3m is not in days"),
        ("thing: purpose", "to: purpose\ndirection: up", 7, "unknown direction 'up'"),
        ("thing: purpose", "thing: purpose\nto: purpose", 6, "another customer or a thing"),
        ("thing: purpose", "thing: purpose\ndirection: out", 7, "what is shared has no direction"),
        ("thing: purpose", "to: purpose\nthrough: {table: clean.visits}", 7, "through names a table and its key"),
        ("thing: purpose", "thing: purpose\nhub_cap: 1", 7, "hub_cap = 1 ties nobody"),
        ("thing: purpose", "thing: purpose\nweight: purpose", 7, "is string, not a number"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    told = problems(tmp_path, TIE.replace(old, new))
    assert told.startswith(f"ties/visits.yaml:{line}: ")
    assert says in told
    assert "\n" not in told


def test_a_protected_attribute_ties_nobody(tmp_path: Path) -> None:
    for number, text in enumerate((TIE, TIE.replace("thing: purpose", "thing: customer_id"))):
        root = tmp_path / str(number)
        told = problems(root, text)
        assert told == ""
        contract = CONTRACT.replace("enum: [{value: advice}", "tags: [protected], enum: [{value: advice}")
        write_project(root, contract=contract)
        told = "\n".join(str(problem) for problem in check_project(load_project(root)))
        assert "clean.visits.purpose is a protected attribute" in told


def test_another_file_is_told(tmp_path: Path) -> None:
    assert problems(tmp_path, TIE, name="visits.yml") == "ties/visits.yml: nothing reads this file (ties/<name>.yaml)"


def test_a_run_stops_at_a_wrong_tie(tmp_path: Path) -> None:
    problems(tmp_path, "title: t\n")
    with pytest.raises(DeclarationError, match="kind is missing"):
        _ = load_project(tmp_path).ties
