"""The features that are computed: three widths, each one feature group.

Also the list of their columns, for those contenders that write SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tallystick.project.contracts import load_contract
from tallystick.spec.bases import group_bases
from tallystick.spec.columns import group_columns, group_contract
from tallystick.spec.features import FeatureGroup, Measure
from tallystick.spec.tables import TableContract

ROOT = Path(__file__).resolve().parents[1]
EVENTS, OBSERVED = "clean.transactions", "clean.applications"
WINDOWS = (7, 30, 90, 180, 365)
DIRECTIONS = ("in", "out")
CHANNELS = ("cash", "transfer", "card", "mobile", "other")
CATEGORIES = (
    "household", "groceries", "rent", "salary", "insurance", "fee", "travel", "health", "shopping", "gambling",
    "education", "transport",
)  # fmt: skip
LARGE_MINOR = 100_000

_VALUE, _REASON = "amount_minor", "Movements on your account"
_BY_DIRECTION = {name: f"direction = '{name}'" for name in DIRECTIONS}
_BY_CHANNEL = {name: f"channel = '{name}'" for name in CHANNELS if name != "other"}
_BY_CATEGORY = {name: f"category = '{name}'" for name in CATEGORIES[:11]}
# 18 filters: 2 directions, 4 channels, 11 categories and one on the amount.
FILTERS = {**_BY_DIRECTION, **_BY_CHANNEL, **_BY_CATEGORY, "large": f"{_VALUE} >= {LARGE_MINOR}"}
# 40 filters: the same and each of 11 categories in each direction.
_CROSSED = {
    f"{category}_{direction}": f"{_BY_CATEGORY[category]} AND {_BY_DIRECTION[direction]}"
    for category in _BY_CATEGORY
    for direction in DIRECTIONS
}
MANY_FILTERS = {**FILTERS, **_CROSSED}


def _group(name: str, filters: Mapping[str, str], *measures: Measure) -> FeatureGroup:
    return FeatureGroup(
        name=name,
        table=EVENTS,
        owner="benchmark",
        windows=tuple(f"{days}d" for days in WINDOWS),
        filters=dict(filters),
        measures=measures,
    )


def _filtered(filters: Mapping[str, str], ops: str) -> Measure:
    return Measure(name="amount", value=_VALUE, ops=ops, filters=tuple(filters), reason=_REASON)


GROUPS = {
    45: _group(
        "bench_narrow",
        {},
        Measure(name="amount", value=_VALUE, ops="count sum mean std min max", reason=_REASON),
        Measure(name="income", value=_VALUE, where=_BY_DIRECTION["in"], ops="count sum mean", reason=_REASON),
    ),
    450: _group("bench_wide", FILTERS, _filtered(FILTERS, "count sum mean min max")),
    2000: _group(
        "bench_widest",
        MANY_FILTERS,
        _filtered(MANY_FILTERS, "count sum mean std min max first last days_since_last mean_gap"),
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One column as SQL sees it: ``op`` over ``amount_minor`` of the rows of the last ``days`` that pass ``where``."""

    name: str
    op: str
    where: str
    days: int
    type: str


@cache
def contracts() -> Mapping[str, TableContract]:
    """The contracts of the tables that the benchmark reads and writes, by name."""
    clean = {
        name: load_contract(ROOT / f"schemas/{name.replace('.', '/')}.yaml", name=name) for name in (EVENTS, OBSERVED)
    }
    return clean | {group.feature_table: group_contract(group, clean) for group in GROUPS.values()}


@cache
def wanted(width: int) -> tuple[Wanted, ...]:
    """The columns of a width, in order."""
    group = GROUPS[width]
    bases = group_bases(group)
    made = []
    for column in group_columns(group, contracts()):
        base = bases[column.cells[0].stem]
        where = base.measure.where or (group.filters[base.filter] if base.filter else "true")
        days = int(column.window.removesuffix("d"))
        made.append(Wanted(name=column.name, op=base.op.name, where=where, days=days, type=column.type))
    return tuple(made)
