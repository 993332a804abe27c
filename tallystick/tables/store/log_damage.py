"""Finds out what of a table's log is damaged, and whether the rest of it still holds every version.

Apart from ``warehouse``, which asks only after deltalake could not open a table: an entry is one JSON file a version, a
checkpoint one Parquet file that stands for all entries up to its own, and ``_last_checkpoint`` names the newest.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from tallystick.errors import SetupError
from tallystick.tables.store.disk import is_whole
from tallystick.tables.store.log_files import LogFiles

HINT = "_last_checkpoint"
_COPY = "restore the file from a copy; without one, delete the table and run its steps again"


def refuse_empty_entry(log: LogFiles, name: str) -> None:
    """SetupError for an entry of the log without content: deltalake would take it for a commit that changed nothing."""
    if log.empty:
        raise _damaged(name, str(log.folder / log.empty[0]), _COPY)


def refuse_damaged_log(log: Path, name: str) -> None:
    """SetupError that names the damaged or missing file of the log and what to do; nothing when none is found."""
    entry = _broken_entry(log)
    if entry:
        raise _damaged(name, entry, _COPY)
    numbers = sorted(int(path.stem) for path in log.glob("*.json") if path.stem.isdigit())
    gap = next((number for number, held in enumerate(numbers) if number != held), None)
    broken = _broken_checkpoint(log)
    if broken and gap is None:
        # Entries that a checkpoint stands for are kept for a while: until then it holds nothing that they do not.
        fix = f"its entries 0 to {numbers[-1]} hold everything: move {HINT} and the checkpoint out of {log}"
        raise _damaged(name, broken, fix)
    if broken:
        fix = "restore the checkpoint from a copy, as older entries are gone; without one, delete the table and run"
        raise _damaged(name, broken, f"{fix} its steps again")
    if gap is not None and not any(log.glob("*.checkpoint*.parquet")):
        raise _damaged(name, str(log / f"{gap:020}.json"), _COPY)


def _broken_entry(log: Path) -> str:
    """The first entry of the log that is no JSON, as a path; empty when all are."""
    for path in sorted(log.glob("*.json")):
        try:
            if not all(isinstance(json.loads(line), dict) for line in path.read_bytes().splitlines()):
                return str(path)
        except ValueError:
            return str(path)
    return ""


def _broken_checkpoint(log: Path) -> str:
    """The first checkpoint that cannot be read, or that is named and not there, as a path; empty without one."""
    held = sorted(str(path) for path in log.glob("*.checkpoint*.parquet"))
    broken = next((path for path in held if not is_whole(path)), "")
    if broken:
        return broken
    with suppress(OSError, ValueError, TypeError, KeyError):  # deltalake goes without a hint that it cannot read
        named = f"{int(json.loads((log / HINT).read_bytes())['version']):020}"
        if not any(Path(path).name.startswith(f"{named}.checkpoint") for path in held):
            return str(log / f"{named}.checkpoint.parquet")
    return ""


def _damaged(name: str, place: str, fix: str) -> SetupError:
    return SetupError(f"the log of {name} is damaged", where=place, fix=fix)
