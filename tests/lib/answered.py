"""Nights of scores and loads, written without Spark: what answers about one customer are looked up in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

from tallystick.project import Project
from tallystick.tables import Run, Slice, Warehouse, arrow_schema, replace_arrow
from tallystick.tables.store.bucketing import bucket_of


def midnight(project: Project, source: str, day: date) -> datetime:
    """The instant at which a business date of the source begins."""
    return datetime.combine(day, time(), ZoneInfo(project.sources[source].zone)).astimezone(UTC)


def score_night(
    warehouse: Warehouse,
    project: Project,
    source: str,
    day: date,
    people: Mapping[str, float],
    *,
    recipe: str = "returning",
    buckets: int = 0,
    decision: str = "refer",
    learned: date | None = None,
) -> None:
    """Scores of a business date: the pd of each customer, with texts that name the customer, by a model that learned
    from outcomes known on ``learned`` where that is told.
    """
    contract = project.contracts["score.daily"]
    count = buckets or project.sources[source].layout.buckets
    instant = midnight(project, source, day)
    placed = bucket_of(pa.array(list(people)), count)
    rows = [
        {
            "observation_id": name, "customer_id": name, "as_of": instant, "pd": pd, "score": 50.0,
            "limit_minor": 200_000, "currency": "CNY", "decision": decision, "reason_1": f"reason of {name}",
            "reason_2": "another", "reason_3": None, "is_in_training": False, "model_version": f"{recipe}/1",
            "recipe": recipe, "source": source, "bucket": int(bucket), "period": str(day.year),
        }
        for (name, pd), bucket in zip(people.items(), placed, strict=True)
    ]  # fmt: skip
    data = pa.Table.from_pylist(rows, schema=arrow_schema(contract.columns))
    between = (instant, midnight(project, source, day + timedelta(days=1)))
    where = Slice.of_scores(contract.name, source, recipe, between=between, buckets=count)
    run = Run(f"{source}/{recipe}/{day}", "test", "0", outcomes_known_by=learned.isoformat() if learned else "")
    replace_arrow(warehouse, contract, data, where=where, run=run)


def told_loads(
    warehouse: Warehouse,
    project: Project,
    *,
    without: Mapping[str, date] | None = None,
    deliveries: Mapping[date, str] | None = None,
    **loads: Sequence[date],
) -> None:
    """The loads of each source, each of all its tables but those of ``without``, as a load writes them down.

    ``deliveries`` is what a load says of them; without it they are those of its date.
    """
    contract = project.contracts["monitor.loads"]
    for source, days in loads.items():
        rows = [
            {
                "loaded_on": day, "table_name": name, "rows_read": 1, "rows_accepted": 1, "rows_rejected": 0,
                "rows_duplicate": 0, "rows_excluded": 0, "raw_sha256": "0", "source": source,
                "deliveries": (deliveries or {}).get(day),
            }
            for day in days
            for name in project.sources[source].tables
            if (without or {}).get(name) != day
        ]  # fmt: skip
        data = pa.Table.from_pylist(rows, schema=arrow_schema(contract.columns))
        where = Slice(f"loads/{source}", {"source": source})
        replace_arrow(warehouse, contract, data, where=where, run=Run(f"loads/{source}", "test", "0"))


def note_features(
    warehouse: Warehouse,
    project: Project,
    days: Sequence[date],
    inputs: Mapping[str, Sequence[str]],
    *,
    by_day: Mapping[date, str | None] | None = None,
    **more: str,
) -> None:
    """What the ledger says of groups of the simulated bank: computed from these tables on these dates.

    ``by_day`` is the digest of what was declared then; ``more`` are other columns of the rows, such as ``definition``.
    """
    contract = project.contracts["monitor.feature_days"]
    rows = [
        {
            "as_of_date": day, "definition": "0", "rows_written": 1, "inputs": json.dumps(dict.fromkeys(tables, 1)),
            "run_id": "test", "source": "simbank", "observations": "daily", "feature_group": group,
            "declared": (by_day or {}).get(day), **more,
        }
        for group, tables in inputs.items()
        for day in days
    ]  # fmt: skip
    data = pa.Table.from_pylist(rows, schema=arrow_schema(contract.columns))
    where = Slice("ledger", {"source": "simbank"})
    replace_arrow(warehouse, contract, data, where=where, run=Run(f"ledger/{more}/{by_day}", "test", "0"))


def open_accounts(
    warehouse: Warehouse, project: Project, accounts: Sequence[tuple[str, str, date, date]], *, source: str = "simbank"
) -> None:
    """Accounts, each of a customer, with its id, the local day it was opened at noon, and the day that was known on."""
    contract = project.contracts["clean.accounts"]
    count = project.sources[source].layout.buckets
    placed = bucket_of(pa.array([customer for customer, *_ in accounts]), count)
    rows = [
        {
            "customer_id": customer, "account_id": account, "known_on": known, "loaded_on": known, "currency": "CNY",
            "event_at": midnight(project, source, day) + timedelta(hours=12), "is_retracted": False, "source": source,
            "bucket": int(bucket), "period": str(day.year),
        }
        for (customer, account, day, known), bucket in zip(accounts, placed, strict=True)
    ]  # fmt: skip
    data = pa.Table.from_pylist(rows, schema=arrow_schema(contract.columns))
    where = Slice.of_source(contract.name, source, buckets=count)
    replace_arrow(warehouse, contract, data, where=where, run=Run(f"accounts/{source}", "test", "0"))


def store_accounts_held(
    warehouse: Warehouse, project: Project, day: date, held: Mapping[str, int], *, source: str = "simbank"
) -> None:
    """Rows of ``feature.accounts`` of the daily set, as if so many accounts had been counted of each customer."""
    contract = project.contracts["feature.accounts"]
    count, instant = project.sources[source].layout.buckets, midnight(project, source, day)
    placed = bucket_of(pa.array(list(held)), count)
    rows = [
        {
            "observations": "daily", "source": source, "bucket": int(bucket), "period": str(day.year), "as_of": instant,
            "observation_id": customer, "customer_id": customer, "accounts_held_count_all": number,
        }
        for (customer, number), bucket in zip(held.items(), placed, strict=True)
    ]  # fmt: skip
    data = pa.Table.from_pylist(rows, schema=arrow_schema(contract.columns))
    between = (instant, midnight(project, source, day + timedelta(days=1)))
    where = Slice.of_features(contract.name, source, "daily", between=between, buckets=count)
    replace_arrow(warehouse, contract, data, where=where, run=Run(f"held/{day}", "test", "0"))


# What a column that must be filled holds where a test says nothing of it.
_FILLED = {"string": "-", "int32": 0, "int64": 0, "double": 0.0, "boolean": False, "date": date(2026, 1, 1)}


def store_rows(
    warehouse: Warehouse, project: Project, table: str, rows: Sequence[tuple[str, date, Mapping[str, object]]]
) -> None:
    """The rows of a table of the simulated bank: the customer, the date at whose start a row stands, other columns."""
    source, contract = "simbank", project.contracts[table]
    count = project.sources[source].layout.buckets
    placed = bucket_of(pa.array([customer for customer, *_ in rows]), count)
    filled = {one.name: _FILLED[one.type] for one in contract.columns if one.required and one.type in _FILLED}
    made = [
        {
            **filled, "observations": "daily", "recipe": "early_warning", "observation_id": customer,
            "decided_on": day, "list_date": day, "source": source, "bucket": int(bucket), "period": str(day.year),
            "customer_id": customer, "as_of": midnight(project, source, day), **more,
        }
        for (customer, day, more), bucket in zip(rows, placed, strict=True)
    ]  # fmt: skip
    data = pa.Table.from_pylist(made, schema=arrow_schema(contract.columns))
    where = Slice.of_source(contract.name, source, buckets=count)
    replace_arrow(warehouse, contract, data, where=where, run=Run(f"rows/{contract.name}", "test", "0"))
