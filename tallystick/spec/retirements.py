"""Retired and renamed columns: which ones nobody reads any more, since when, and what a reader of them is told.

Kept apart from ``columns`` because readers ask for the past of a column without needing the group's features of today.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tallystick.spec.features import FeatureGroup
    from tallystick.spec.tables import Retirement


def gone_text(name: str, *, retired_on: date | str | None, replaced_by: str) -> str:
    """What the reader of a column is told that is no longer written.

    >>> gone_text("txn_out_sum_7d", retired_on=date(2026, 3, 1), replaced_by="")
    'txn_out_sum_7d was retired on 2026-03-01; rows from then on have no value of it'
    """
    if replaced_by:
        return f"{name} was renamed to {replaced_by}; read that (history before its backfill is absent)"
    return f"{name} was retired on {retired_on}; rows from then on have no value of it"


def find_retirement(name: str, retired: Iterable[Retirement]) -> Retirement | None:
    """The retirement of the column ``name``: the one that names it, else the first whose pattern it matches."""
    listed = list(retired)
    exact = [one for one in listed if one.pattern == name]
    return next(iter(exact or [one for one in listed if fnmatchcase(name, one.pattern)]), None)


def tell_gone(pattern: str, retired: Iterable[Retirement]) -> str:
    """What to tell somebody who asks for ``pattern``, a name or names with ``*``; empty when nothing of it is gone."""
    listed = list(retired)
    found = [(one.pattern, one) for one in listed if fnmatchcase(one.pattern, pattern)]
    found = found or [(pattern, one) for one in [find_retirement(pattern, listed)] if one is not None]
    told = [gone_text(name, retired_on=one.retired_on, replaced_by=one.replaced_by) for name, one in found[:3]]
    return "; ".join(dict.fromkeys(told))


def lift_retirements(group: FeatureGroup, *, after: date | None) -> FeatureGroup:
    """The group in which retirements later than ``after`` are not declared; None lifts all of them.

    So a run that begins on ``after`` computes what some of its dates still need.
    """

    def kept(day: date | None) -> date | None:
        return day if day is not None and after is not None and day <= after else None

    return replace(
        group,
        measures=tuple(replace(measure, retired_on=kept(measure.retired_on)) for measure in group.measures),
        derived=tuple(replace(derived, retired_on=kept(derived.retired_on)) for derived in group.derived),
        retired={name: day for name, day in group.retired.items() if kept(day)},
    )


def next_names(retired: Mapping[str, str]) -> dict[str, str]:
    """Of old and new names the last one of each chain: a column renamed twice leads to the name in force."""
    made = {}
    for name in retired:
        last, seen = retired[name], {name}
        while retired.get(last) and last not in seen:
            seen.add(last)
            last = retired[last]
        made[name] = last
    return made
