"""Whether loans of a customer are on the watch list of early warning, as of a night."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from tallystick.answers.shelves import Customer, Shelf, up_to
from tallystick.spec.data_files import DataFile
from tallystick.tables.store.customer_rows import CustomerFiles, instants_of
from tallystick.tables.store.parquet_files import read_files

WATCHLIST = "score.watchlist"

# The level of a loan that has left the list.
OFF = "off"

COLUMNS = (
    "observation_id", "as_of", "level", "reason_1", "reason_2", "reason_3", "clears_when", "listed_on",
    "first_seen_on",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchEntry:
    """A loan on the list: since when without a break, the first night ever, why, and what would clear it."""

    loan_id: str
    level: str
    listed_on: date
    first_seen_on: date
    reasons: tuple[str, ...]
    clears_when: str | None

    def __str__(self) -> str:
        return f"{self.level} since {self.listed_on}: {'; '.join(self.reasons)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchAnswer:
    """The lists of the newest night up to the date asked for; ``list_of`` is None where there is none so early."""

    list_of: date | None
    entries: tuple[WatchEntry, ...] = ()


def find_watched(shelf: Shelf, files: CustomerFiles, customer: Customer, *, day: date) -> WatchAnswer:
    """The customer's loans on each list, of its newest night at or before the start of the date.

    Of several lists the one that is oldest says how old the answer is; one that had no night yet says nothing.
    """
    end, nights, entries = customer.midnight(day), [], []
    for recipe in shelf.values("recipe", customer.source.name):
        night = _newest_night(up_to(shelf.shared_files(customer.source.name, recipe=recipe), end), end)
        if night is None:
            continue
        nights.append(night)
        rows = files.read(up_to(shelf.files(customer, recipe=recipe), night), customer.id, COLUMNS)
        if rows is not None:
            instants = instants_of(rows["as_of"])
            for instant, row in zip(instants, rows.drop_columns(["as_of"]).to_pylist(), strict=True):
                if instant == night and row["level"] != OFF:
                    entries.append(_entry(row))
    oldest = min(nights, default=None)
    return WatchAnswer(list_of=customer.date_of(oldest) if oldest else None, entries=tuple(entries))


def _entry(row: dict[str, object]) -> WatchEntry:
    reasons = tuple(str(row[f"reason_{n}"]) for n in (1, 2, 3) if row[f"reason_{n}"] is not None)
    named = {name: row[name] for name in ("level", "listed_on", "first_seen_on", "clears_when")}
    return WatchEntry(loan_id=str(row["observation_id"]), reasons=reasons, **named)  # type: ignore[arg-type]


def _newest_night(files: list[DataFile], end: datetime) -> datetime | None:
    """The newest night up to ``end`` of which the list has a row, of whatever customer."""
    newest: datetime | None = None
    for file in files:
        high = file.bounds["as_of"][1] if "as_of" in file.bounds else None
        if isinstance(high, datetime) and high <= end:
            found = [high]
        else:
            found = [one for one in instants_of(read_files([file.path], ["as_of"])["as_of"]) if one <= end]
        newest = max([*found, *([newest] if newest else [])], default=None)
    return newest
