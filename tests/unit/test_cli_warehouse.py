"""A mistyped warehouse is an error of every command that needs tables, never one in which nothing has happened.

A mistyped date is an error of every command that takes one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from tallystick.cli.app import app
from tallystick.cli.warehouse_option import open_warehouse
from tallystick.errors import DeclarationError, NotFound

ROOT = Path(__file__).parents[2]
TRAINED = "where there is no champion yet, tally run returning --source simbank=DIR trains its model before"
READING = (
    ["tables"],
    ["loads"],
    ["rejected", "list"],
    ["sql", "select 1"],
    ["features", "retired"],
    ["score", "simbank:1"],
    ["vector", "simbank:1"],
    ["watchlist", "list", "early_warning"],
    ["watchlist", "history", "early_warning", "simbank:1"],
    ["rules", "explain", "APP001", "--observation", "simbank:1"],
)
DAY = "2026-04-07"
WORKING = (
    ["features", "plan", "accounts", "--source", "simbank", "--from", DAY, "--to", DAY],
    ["features", "backfill", "accounts", "--source", "simbank", "--from", DAY, "--to", DAY],
    ["features", "compute", "accounts", "--source", "simbank", "--as-of", DAY],
    ["nightly", "returning", "--source", "simbank"],
    ["rejected", "replay", "--source", "simbank", "--from", DAY],
    ["segments", "preferences", "--source", "simbank"],
    ["watchlist", "update", "early_warning", "--source", "simbank"],
    ["maintain", "compact", "--source", "simbank", "--as-of", DAY],
    ["maintain", "vacuum"],
)


@pytest.mark.parametrize("command", [*READING, *WORKING], ids=" ".join)
def test_a_command_that_needs_tables_says_that_there_is_no_warehouse(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    wrong = tmp_path / "nosuch"
    ended = CliRunner().invoke(app, [*command, "-w", str(wrong)])
    assert isinstance(ended.exception, NotFound)
    assert str(ended.exception).startswith(f"{wrong}: there is no warehouse here (")
    assert "--warehouse" in str(ended.exception)
    assert not ended.stdout


@pytest.mark.parametrize(
    ("command", "next_step"),
    [
        ("watchlist list early_warning", "tally watchlist update early_warning --source SOURCE"),
        ("watchlist history early_warning 1", "tally watchlist update early_warning --source SOURCE"),
        ("score simbank:1", f"tally nightly returning --source simbank; {TRAINED}"),
    ],
)  # fmt: skip
def test_what_was_never_made_is_told_with_the_command_that_makes_it(
    command: str, next_step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    (tmp_path / "raw").mkdir()
    ended = CliRunner().invoke(app, [*command.split(), "-w", str(tmp_path)])
    assert isinstance(ended.exception, NotFound)
    assert ended.exception.fix == next_step


def date_options(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Every command with each of its options that takes a date."""
    for name, one in getattr(command, "commands", {}).items():
        yield from date_options(one, (*path, name))
    yield from ((" ".join(path), option.opts[0]) for option in command.params if option.metavar == "DATE")


# Built once: a runner builds all commands at every call.
TALLY = typer.main.get_command(app)
DATED = sorted(date_options(TALLY))
FLAGS = {"--as-of", "--cutoff", "--from", "--load-date", "--on", "--run-date", "--to", "--until"}


@pytest.mark.parametrize(("command", "flag"), DATED)
def test_a_mistyped_date_is_told_with_its_option_and_what_to_give(command: str, flag: str) -> None:
    for wrong in ("nonsense", "2026-04-31", "20260407", "2026-W15-2", "2026-4-7", "2026-04-07T00:00:00", ""):
        with pytest.raises(DeclarationError) as told:
            TALLY.main([*command.split(), flag, wrong], standalone_mode=False)
        assert str(told.value) == f"{flag}: {wrong!r} cannot be read (give a date such as 2026-04-07)"


def test_every_option_that_takes_a_date_was_tried() -> None:
    assert {flag for _, flag in DATED} == FLAGS
    assert {("score", "--as-of"), ("rules backtest", "--cutoff"), ("watchlist list", "--on")} <= set(DATED)


def test_a_folder_with_a_landed_delivery_is_a_warehouse(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_warehouse(tmp_path)  # somebody's empty folder
    (tmp_path / "raw").mkdir()
    assert open_warehouse(tmp_path).tables() == []
