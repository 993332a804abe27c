"""A mistyped warehouse is an error of every command that reads, never a warehouse in which nothing has happened."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tallystick.cli.app import app
from tallystick.cli.warehouse_option import open_warehouse
from tallystick.errors import NotFound

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


@pytest.mark.parametrize("command", READING, ids=" ".join)
def test_a_reading_command_says_that_there_is_no_warehouse(
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


def test_a_folder_with_a_landed_delivery_is_a_warehouse(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_warehouse(tmp_path)  # somebody's empty folder
    (tmp_path / "raw").mkdir()
    assert open_warehouse(tmp_path).tables() == []
