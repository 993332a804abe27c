"""How somebody without this project would declare a file of the simulated bank: table, key, columns and their kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ZONE = "Asia/Shanghai"
CORE_TIME, LOAN_TIME = "yyyyMMdd HH:mm:ss", "yyyy/MM/dd HH:mm:ss"


@dataclass(frozen=True, kw_only=True, slots=True)
class BankFile:
    """One file. ``columns`` gives each column of the header its kind and its name in the table.

    ``instant`` is how the file spells times; its dates are the first word of that. ``customer`` is empty where rows
    belong to nobody: such a table has one bucket.
    """

    name: str
    table: str
    key: tuple[str, ...]
    customer: str
    instant: str
    columns: Mapping[str, tuple[str, str]]
    delimiter: str = ","
    encoding: str = "utf-8"

    @property
    def sort(self) -> list[str]:
        """The columns that the table is sorted by."""
        return list(dict.fromkeys(name for name in (self.customer, "event_at", *self.key) if name))


# What a kind becomes: text a string, instant and millis an instant in UTC, day a date, yuan whole minor units, whole a
# 32-bit and long a 64-bit number, real a double, flag a truth value.
KINDS = ("text", "instant", "millis", "day", "yuan", "whole", "long", "real", "flag")


def columns_of(text: str) -> dict[str, tuple[str, str]]:
    """``HEADER kind name`` a line, or several of them with commas between."""
    words = [part.split() for line in text.strip().splitlines() for part in line.strip(" ,").split(",")]
    return {header: (kind, name) for header, kind, name in words}
