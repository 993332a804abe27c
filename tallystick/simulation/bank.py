"""The simulated bank: its towns, one after the other or in several processes, written as the supplier's deliveries.

``simulate`` and the plan of the towns. ``town_days`` has what happens in one, ``town_files`` what is written of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Unpack

import numpy as np

from tallystick.errors import InputError
from tallystick.how_far import HowFar, parts_of, untold
from tallystick.simulation.arrivals import found_town
from tallystick.simulation.day_numbers import from_day_number
from tallystick.simulation.delivery_files import Deliveries, deliver_regions
from tallystick.simulation.fraud.underway import Fraud
from tallystick.simulation.processes import work_in_order
from tallystick.simulation.receipt import Plan, Wanted, make_plan, read_receipt, receipt_text
from tallystick.simulation.town_days import make_recorders, run_days
from tallystick.simulation.town_files import TownFiles, pack_town

TOWN_SIZE = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """What was written: the folder, the load date of each delivery, and data lines per file over all of them."""

    out: Path
    deliveries: tuple[date, ...]
    rows: Mapping[str, int]
    customers: int
    first_day: date
    last_day: date


@dataclass(frozen=True, kw_only=True, slots=True)
class _TownPlan:
    """One town of a bank: its number and the customers in it, the first of whom comes after ``before`` others."""

    bank: Plan
    number: int
    before: int
    size: int


def simulate(out: Path, *, processes: int = 1, how_far: HowFar = untold, **wanted: Unpack[Wanted]) -> Summary:
    """Write a small internet bank to ``out``: the same ``wanted`` give the same bytes, in any number of ``processes``.

    ``customers`` (2,000) come in towns of 2,000 who know only each other, so memory does not grow with their number;
    ``seed`` (7) is that of every random stream. The history runs over ``months`` calendar months (21) or so many
    ``days`` and ends with the day ``until``; it is delivered in the folder of the next day. Each of the ``daily``
    folders after it (0) holds one more day.

    A folder that already holds the result of the same arguments is left as it is; one that holds anything else is
    refused with InputError. Until all is written the files are in a hidden folder beside ``out``. With more than one
    process a script that calls this keeps the call behind ``if __name__ == "__main__":``.
    """
    plan = make_plan(wanted)
    if processes < 1:
        raise InputError("processes must be at least 1", where="simulate")
    if out.exists() and any(out.iterdir()):
        rows = read_receipt(out, plan)
        if rows is None:
            fix = "name a new one, or remove it"
            raise InputError("the folder to simulate into holds something else", where=str(out), fix=fix)
        return _summary(out, plan, rows)
    towns = [
        _TownPlan(bank=plan, number=number, before=before, size=min(TOWN_SIZE, plan.customers - before))
        for number, before in enumerate(range(0, plan.customers, TOWN_SIZE))
    ]
    with Deliveries(out, dates=plan.dates) as deliveries:
        deliver_regions(deliveries, first=plan.first)
        told = parts_of(how_far, [town.size for town in towns])
        for files in work_in_order(_simulate_town, towns, processes=processes, how_far=told):
            deliveries.add(files)
        rows = deliveries.rows()
        deliveries.write_receipt(receipt_text(plan, rows, deliveries.planted()))
    return _summary(out, plan, rows)


def _simulate_town(plan: _TownPlan, how_far: HowFar) -> TownFiles:
    """All days of a town and its files."""
    bank = plan.bank
    rng = np.random.Generator(np.random.PCG64([bank.seed, plan.number]))
    town = found_town(rng, plan.size, first_number=plan.before + 1, start=bank.first)
    fraud = Fraud(town, bank.seed, plan.number)
    recorders = make_recorders(town, bank.seed, plan.number)
    run_days(town, bank.first, bank.last, recorders=recorders, fraud=fraud, how_far=how_far)
    return pack_town(town, plan.number, dates=bank.dates, seed=bank.seed)


def _summary(out: Path, plan: Plan, rows: Mapping[str, int]) -> Summary:
    return Summary(
        out=out,
        deliveries=plan.dates,
        rows=rows,
        customers=plan.customers,
        first_day=from_day_number(plan.first),
        last_day=from_day_number(plan.last),
    )
