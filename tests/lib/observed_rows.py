"""Rows with versions and the definition of who is observed, for tests of observation sets.

The definition knows one rule: on a date the version in force is, of those known by then, the one delivered last.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from tallystick.observations import ObservationSpec, observe
from tallystick.spec.expressions import parse_condition
from tallystick.spec.observations import ObservationSet, Population

ZONE = "Europe/Copenhagen"
TABLE = "clean.loans"
OTHER = "clean.visits"
DAY = date(2026, 3, 10)
Expected = list[tuple[str, str, datetime]]


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a row: what happened when, delivered when, known when."""

    row: str
    at: datetime
    known: date
    loaded: date | None = None
    gone: bool = False
    customer: str = "c1"
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def delivered(self) -> tuple[date, date]:
        return (self.loaded or self.known, self.known)


def rows_table(versions: Sequence[Version], **types: pa.DataType) -> pa.Table:
    """Them as rows of a clean table."""
    return pa.table(
        {
            "loan_id": pa.array([v.row for v in versions], pa.string()),
            "customer_id": pa.array([v.customer for v in versions], pa.string()),
            "event_at": pa.array([v.at for v in versions], pa.timestamp("us", tz="UTC")),
            "known_on": pa.array([v.known for v in versions], pa.date32()),
            "loaded_on": pa.array([v.delivered[0] for v in versions], pa.date32()),
            "is_retracted": pa.array([v.gone for v in versions], pa.bool_()),
        }
        | {name: pa.array([v.more.get(name) for v in versions], kind) for name, kind in types.items()}
    )


def local(day: date, hour: int = 0, zone: str = ZONE) -> datetime:
    """An hour of a local day as an instant."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=ZoneInfo(zone)).astimezone(UTC)


def day_of(moment: datetime, zone: str = ZONE) -> date:
    """The local date of an instant."""
    return moment.astimezone(ZoneInfo(zone)).date()


def spec_of(
    population: Population,
    *,
    key: str = "loan_id",
    types: Mapping[str, str] | None = None,
    review_days: int = 0,
    **run: Any,
) -> Any:
    """A run over a set of that population; ``types`` are those of the columns of its condition."""
    declared = ObservationSet(name="mine", key=key, population=population, review_days=review_days)
    where = getattr(population, "where", "")
    condition = parse_condition(where, types or {}) if where else None
    tables = dict.fromkeys(declared.tables or ("raw.observations",), "loan_id")
    return ObservationSpec(declared=declared, tables=tables, condition=condition, **run)


def seen_by(spec: ObservationSpec, rows: Mapping[str, pa.Table], zone: str = ZONE, **how: Any) -> Expected:
    """What is observed: key, customer, instant."""
    made = observe(spec, rows.__getitem__, zone=zone, **how)
    return [(row["observation_id"], row["customer_id"], row["as_of"]) for row in made.to_pylist()]


def in_force(versions: Sequence[Version], on: date) -> Version | None:
    """The definition: of the versions of one row known by the date, the one delivered last."""
    known = [v for v in versions if v.known <= on]
    return max(known, key=lambda v: v.delivered, default=None)


def decided(versions: Sequence[Version], zone: str = ZONE, *, review_days: int = 0) -> Version | None:
    """The definition: in the order of delivery, the first that is in force on some day, and that no later delivered
    version replaced by the date of its decision, ``review_days`` after its own.
    """
    ordered = sorted(versions, key=lambda v: v.delivered)
    for place, version in enumerate(ordered):
        on = day_of(version.at, zone) + timedelta(days=review_days)
        if all(later.known > max(on, version.known) for later in ordered[place + 1 :]):
            return None if version.gone else version
    return None


def by_row(versions: Sequence[Version]) -> dict[str, list[Version]]:
    """The versions of each row."""
    found: dict[str, list[Version]] = {}
    for version in versions:
        found.setdefault(version.row, []).append(version)
    return found


def draw_versions(draw: random.Random, *, rows: int, start: date, days: int) -> list[Version]:
    """Random versions: corrections that name earlier and later dates, retractions, several in one load."""
    made: dict[tuple[str, date, date], Version] = {}
    for _ in range(rows):
        number = draw.randrange(max(2, rows // 2))
        known, loaded = (start + timedelta(days=draw.randrange(days)) for _ in range(2))
        at = local(start + timedelta(days=draw.randrange(days)), draw.choice([0, 0, 1, 12, 23]))
        closed = draw.choice([None, start + timedelta(days=draw.randrange(days))])
        version = Version(
            row=f"r{number}", at=at, known=known, loaded=loaded, gone=draw.random() < 0.2,
            customer=f"c{number % 5}", more={"closed_on": closed, "amount_minor": draw.randrange(3)},
        )  # fmt: skip
        made[version.row, *version.delivered] = version
    listed = list(made.values())
    draw.shuffle(listed)
    return listed
