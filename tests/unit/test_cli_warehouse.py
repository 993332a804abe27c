"""A mistyped warehouse is an error of every command that reads, never a warehouse in which nothing has happened."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tallystick.cli.app import app
from tallystick.cli.warehouse_option import open_warehouse
from tallystick.errors import NotFound

ROOT = Path(__file__).parents[2]
READING = (
    ["tables"],
    ["loads"],
    ["rejected", "list"],
    ["sql", "select 1"],
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


def test_a_folder_with_a_landed_delivery_is_a_warehouse(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        open_warehouse(tmp_path)  # somebody's empty folder
    (tmp_path / "raw").mkdir()
    assert open_warehouse(tmp_path).tables() == []
