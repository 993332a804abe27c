"""What a simulated folder holds: a receipt beside its deliveries, so that asking twice costs nothing.

The arguments of a run as a value, and the note of them. Apart from ``bank``, which carries them out.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TypedDict

import numpy as np

from tallystick.errors import InputError
from tallystick.simulation.day_numbers import day_number, first_of_month, month_number

RECEIPT = "simulation.json"
# To be raised with every change of what the same arguments give.
BEHAVIOUR = 8


DEFAULT_UNTIL = date(2026, 3, 31)
DEFAULT_MONTHS = 21


class Wanted(TypedDict, total=False):
    """What a bank is asked for; ``simulate`` says what each means. ``months`` and ``days`` exclude each other."""

    customers: int
    seed: int
    until: date
    months: int | None
    days: int | None
    daily: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The arguments of a run; ``first`` is the day number of the first day."""

    customers: int
    seed: int
    first: int
    until: date
    daily: int

    @property
    def last(self) -> int:
        """The day number of the last day."""
        return day_number(self.until) + self.daily

    @property
    def dates(self) -> tuple[date, ...]:
        """The load dates: the day after the history, and one more for each daily delivery."""
        return tuple(self.until + timedelta(days=1 + step) for step in range(self.daily + 1))


def make_plan(wanted: Wanted) -> Plan:
    """The plan of a bank that is asked for, with what was left out filled in; InputError where it makes no sense."""
    until, months, days = wanted.get("until", DEFAULT_UNTIL), wanted.get("months"), wanted.get("days")
    customers, daily = wanted.get("customers", 2_000), wanted.get("daily", 0)
    if months is not None and days is not None:
        raise InputError("months and days say the same thing", where="simulate", fix="give one of them")
    if min(customers, months or 1, days or 1) < 1 or 0 in (months, days) or daily < 0:
        what = "customers, months and days must be at least 1, daily at least 0"
        raise InputError(what, where="simulate")
    begin = month_number(until) - (months or DEFAULT_MONTHS) + 1
    first = day_number(until) - days + 1 if days else int(first_of_month(np.array([begin]))[0])
    return Plan(customers=customers, seed=wanted.get("seed", 7), first=first, until=until, daily=daily)


def receipt_text(plan: Plan, rows: dict[str, int], planted: dict[str, dict[str, dict[str, int]]]) -> str:
    """The note of a finished run: its arguments, lines per file, and the flawed ones per load date, file and kind."""
    return json.dumps({**_facts(plan), "rows": rows, "planted": planted}, indent=1) + "\n"


def read_receipt(out: Path, plan: Plan) -> dict[str, int] | None:
    """The rows per file of a finished run of the same plan in ``out``; None when it holds anything else."""
    try:
        told = json.loads((out / RECEIPT).read_text(encoding="utf-8"))
        rows = {str(name): int(count) for name, count in told.pop("rows").items()}
        told.pop("planted")
    except (OSError, ValueError, AttributeError, KeyError, TypeError):
        return None
    names = [out / day.isoformat() / f"{name}.csv.gz" for day in plan.dates for name in rows]
    return rows if told == _facts(plan) and all(path.is_file() for path in names) else None


def _facts(plan: Plan) -> dict[str, int | str]:
    return {
        "behaviour": BEHAVIOUR,
        "customers": plan.customers,
        "seed": plan.seed,
        "first": plan.first,
        "until": plan.until.isoformat(),
        "daily": plan.daily,
    }
