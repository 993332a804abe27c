"""What lies in a table's log, as one look at its folder tells it: which versions there are, and what opens one of them.

Apart from ``log_copies``, which holds a copy of what lies in a store: a look is for a folder, too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tallystick.places import RemotePath

LOG = "_delta_log"
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint(\..+)?\.parquet")


@dataclass(frozen=True, slots=True)
class LogFiles:
    """The names in a table's log with their bytes and, in a store, with the tags that change with their content."""

    table: Path
    sizes: Mapping[str, int]
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The log itself."""
        return self.table / LOG

    @property
    def versions(self) -> list[int]:
        """The versions that have an entry, in order."""
        return sorted(int(name.removesuffix(".json")) for name in self.sizes if is_entry(name))

    @property
    def empty(self) -> list[str]:
        """The names of the entries without content, in order."""
        return sorted(name for name, size in self.sizes.items() if name.endswith(".json") and not size)

    def needed_for(self, version: int) -> list[str]:
        """What tells all of a version: its newest checkpoint, and the entries from that on."""
        numbers = {name: int(found[1]) for name in self.sizes if (found := _CHECKPOINT.fullmatch(name))}
        start = max((number for number in numbers.values() if number <= version), default=-1)
        checkpoint = [name for name, number in numbers.items() if number == start]
        return [*checkpoint, *(entry_name(number) for number in self.versions if max(start, 0) <= number <= version)]


def list_log(table: Path) -> LogFiles:
    """A look at a table's log now; without files where there is none."""
    log = table / LOG
    if isinstance(log, RemotePath):
        found = log.store.find(f"{log.key}/", depth=1)
        names = {one.key.rpartition("/")[2]: one for one in found if not one.key.endswith("/")}
        # Of a store that gives no tag, the bytes and the time of change stand for it.
        tags = {name: one.tag or f"{one.size} {one.changed_at}" for name, one in names.items()}
        return LogFiles(table, {name: one.size for name, one in names.items()}, tags)
    try:
        with os.scandir(log) as entries:
            # The bytes of anything else are asked by nobody.
            return LogFiles(table, {e.name: e.stat().st_size if e.name.endswith(".json") else -1 for e in entries})
    except FileNotFoundError:
        return LogFiles(table, {})


def entry_name(version: int) -> str:
    """The name of a version's entry."""
    return f"{version:020}.json"


def is_entry(name: str) -> bool:
    """Whether a file of the log is the entry of a version."""
    return name.endswith(".json") and name.removesuffix(".json").isdigit()
