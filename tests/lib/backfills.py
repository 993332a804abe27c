"""A bank of six customers for tests of backfills: its project, its stored rows, and runs without Spark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pyarrow as pa
import xxhash

from tallystick.features.backfill import BackfillPlan
from tallystick.project import load_project
from tallystick.runs import backfill_features, compute_features
from tallystick.runs.fields import Params
from tallystick.runs.params import BackfillFeatures, ComputeFeatures
from tallystick.spec.tables import TableContract
from tallystick.tables import Run, Slice, Warehouse, arrow_schema, read_arrow, replace_arrow
from tests.lib import deliveries

P = TypeVar("P", bound=Params)

ZONE = "Europe/Prague"
CUSTOMERS = 6
HISTORY, LAST = date(2026, 3, 1), date(2026, 3, 13)

SPEND = """\
from tallystick.spec.features import FeatureGroup, Measure

SPEND = FeatureGroup(
    name="spend",
    table="clean.transactions",
    owner="tests",
    windows=("7d", "all"),
    measures=(
        Measure(name="any", value="amount_minor", ops="count sum", description="In {window}", reason="Spending"),
        Measure(name="out", value="amount_minor", where="direction = 'out'", ops="max", windows=("7d",),
                description="Out in {window}", reason="Spending"),
    ),
)
"""

Spent = dict[tuple[str, date], tuple[int, int, int, int, int | None]]


@dataclass(frozen=True)
class Transaction:
    """One version of a transaction, as far as the features look."""

    customer: int
    number: int
    at: datetime
    known_on: date
    amount: int
    direction: str = "out"

    @property
    def customer_id(self) -> str:
        """The customer's id."""
        return f"village:{self.customer}"


def history() -> list[Transaction]:
    """What one load brought on HISTORY: a transaction every other day and customer since January, each known a day
    after it happened. Customer 5 has none.
    """
    begin = datetime(2026, 1, 20, 9, 30, tzinfo=UTC)
    moments = [begin + timedelta(days=n) for n in range(40)]
    return [
        Transaction(c, 100 * c + n, at, at.date() + timedelta(days=1), 10 * n + c, "in" if n % 3 else "out")
        for c in range(CUSTOMERS - 1)
        for n, at in enumerate(moments)
        if (n + c) % 2 == 0
    ]


def daily(loaded_on: date) -> list[Transaction]:
    """What a nightly load brings: one transaction of the day before for every customer but the last."""
    at = datetime.combine(loaded_on - timedelta(days=1), time(12), tzinfo=UTC)
    return [
        Transaction(c, 100_000 + 10 * loaded_on.toordinal() + c, at, loaded_on, c + 1) for c in range(CUSTOMERS - 1)
    ]


def write_project(root: Path, *, spend: str = SPEND) -> Path:
    """The village bank's project with the one group."""
    deliveries.write_project(root)
    (root / "features" / "spend.py").write_text(spend, encoding="utf-8")
    return root


def store(project: Path, warehouse: Path, rows: Iterable[Transaction], *, loaded_on: date) -> None:
    """Publish a load of transactions as the ingest job does: it replaces what the same load brought before."""
    contract = load_project(project).contracts["clean.transactions"]
    records = [
        {
            "customer_id": row.customer_id, "transaction_id": f"t{row.number}", "event_at": row.at,
            "known_on": row.known_on, "loaded_on": loaded_on, "is_retracted": False, "account_id": f"a{row.customer}",
            "direction": row.direction, "amount_minor": row.amount, "currency": "CZK", "source": "village",
            "bucket": bucket(row.customer_id), "period": f"{row.at:%Y-%m}",
        }
        for row in rows
    ]  # fmt: skip
    _replace(warehouse, contract, records, loaded_on)


def bucket(customer_id: str) -> int:
    """The customer's bucket of the village's two: of the hash, read as a signed number, the last bit."""
    return xxhash.xxh64_intdigest(customer_id.encode(), seed=42) % 2


def store_accounts(project: Path, warehouse: Path) -> None:
    """An account for each customer since 1 February, known the day after; customer 5 has nothing else."""
    contract = load_project(project).contracts["clean.accounts"]
    records = [
        {
            "customer_id": f"village:{c}", "account_id": f"a{c}", "event_at": datetime(2026, 2, 1, 12, tzinfo=UTC),
            "known_on": date(2026, 2, 2), "loaded_on": HISTORY, "is_retracted": False, "currency": "CZK",
            "source": "village", "bucket": bucket(f"village:{c}"), "period": "2026-02",
        }
        for c in range(CUSTOMERS)
    ]  # fmt: skip
    _replace(warehouse, contract, records, HISTORY)


def store_applications(
    project: Path, warehouse: Path, made: Iterable[tuple[int, datetime]], *, loaded_on: date
) -> None:
    """Applications of customers at instants, in one load that is known on its own date."""
    contract = load_project(project).contracts["clean.applications"]
    records = [
        {
            "customer_id": f"village:{c}", "application_id": f"p{c}", "event_at": at, "known_on": loaded_on,
            "loaded_on": loaded_on, "is_retracted": False, "currency": "CZK", "amount_minor": 1, "term_months": 12,
            "source": "village", "bucket": bucket(f"village:{c}"), "period": f"{at:%Y-%m}",
        }
        for c, at in made
    ]  # fmt: skip
    _replace(warehouse, contract, records, loaded_on)


def store_rows(project: Path, warehouse: Path, table: str, rows: Iterable[dict[str, Any]], *, loaded_on: date) -> None:
    """Rows of any clean table in one load, with the columns that follow from the others filled in."""
    records = [
        {"loaded_on": loaded_on, "is_retracted": False, "source": "village", "bucket": bucket(row["customer_id"]),
         "period": f"{row['event_at']:%Y-%m}", **row}
        for row in rows
    ]  # fmt: skip
    _replace(warehouse, load_project(project).contracts[table], records, loaded_on)


def _replace(warehouse: Path, contract: TableContract, records: list[dict[str, Any]], loaded_on: date) -> None:
    where = Slice(
        f"{contract.name}/village/{loaded_on}", {"source": "village"}, "loaded_on", loaded_on,
        loaded_on + timedelta(days=1),
    )  # fmt: skip
    data = pa.Table.from_pylist(records, schema=arrow_schema(contract.columns))
    numbers = len(list(Path(warehouse).rglob("*.json")))
    replace_arrow(Warehouse(warehouse), contract, data, where=where, run=Run(f"load-{numbers}", "test", "0"))


def store_bank(project: Path, warehouse: Path) -> list[Transaction]:
    """The accounts, the history and a load each night up to LAST; returns every transaction."""
    rows = history()
    store_accounts(project, warehouse)
    store(project, warehouse, rows, loaded_on=HISTORY)
    for number in range((LAST - HISTORY).days):
        loaded_on = HISTORY + timedelta(days=number + 1)
        store(project, warehouse, daily(loaded_on), loaded_on=loaded_on)
        rows += daily(loaded_on)
    return rows


def spent(rows: Iterable[Transaction], days: Iterable[date]) -> Spent:
    """The group's five features at each local midnight, from the definition: loops and nothing else.

    count 7d, count all, sum 7d, sum all, max of what went out in 7d; of who has a visible transaction or account.
    """
    listed, found = list(rows), {}
    for day in days:
        as_of = datetime.combine(day, time(0), tzinfo=ZoneInfo(ZONE))
        far = datetime.combine(day - timedelta(days=7), time(0), tzinfo=ZoneInfo(ZONE))
        for customer in range(CUSTOMERS):
            seen = [r for r in listed if r.customer == customer and r.at < as_of and r.known_on <= day]
            if not seen and day < date(2026, 2, 2):
                continue
            week = [r for r in seen if r.at >= far]
            out = [r.amount for r in week if r.direction == "out"]
            sums = (sum(r.amount for r in week), sum(r.amount for r in seen))
            found[f"village:{customer}", day] = (len(week), len(seen), *sums, max(out, default=None))
    return found


def stored(warehouse: Path) -> Spent:
    """The feature table's rows in the shape of ``spent``; one row twice is an error."""
    rows = read_arrow(Warehouse(warehouse), "feature.spend").to_pylist()
    names = ("any_count_7d", "any_count_all", "any_sum_7d", "any_sum_all", "out_max_7d")
    made = {
        (row["customer_id"], row["as_of"].astimezone(ZoneInfo(ZONE)).date()): tuple(row[f"spend_{n}"] for n in names)
        for row in rows
    }
    if len(made) != len(rows):
        raise AssertionError("a customer has two rows of one day")
    return made


class LocalSession:
    """What the feature stage needs of Spark, in this process: tasks one after the other."""

    sparkContext = SimpleNamespace(defaultParallelism=2)  # noqa: N815

    def range(self, start: int, end: int, step: int, *, numPartitions: int) -> LocalSession:  # noqa: N803
        """The numbers of the tasks."""
        self._numbers = range(start, end, step)
        return self

    def mapInArrow(self, run: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]], schema: str) -> Any:  # noqa: N802
        """Run the tasks."""
        batches = [pa.RecordBatch.from_pydict({"id": [number]}) for number in self._numbers]
        self._rows = [row for batch in run(iter(batches)) for row in batch.to_pylist()]
        return self

    def collect(self) -> list[dict[str, Any]]:
        """Their results."""
        return self._rows


def told(params: type[P], project: Path | str, warehouse: Path | str, *, run_id: str = "", **asked: Any) -> P:
    """The parameters of a run for this project and warehouse; dates may be given as texts."""
    dates = {name: date.fromisoformat(asked[name]) for name in ("first", "last") if isinstance(asked.get(name), str)}
    run_id = run_id or f"run-{len(list(Path(warehouse).rglob('*.json')))}"
    common: dict[str, Any] = {"project": Path(project), "warehouse": Path(warehouse), "run_id": run_id}
    return params(**common, **(asked | dates))


def backfill_params(project: Path | str, warehouse: Path | str, first: str, last: str, **more: Any) -> BackfillFeatures:
    """The parameters of a backfill of the group."""
    asked = {"group": "spend", "source": "village", "first": first, "last": last, **more}
    return told(BackfillFeatures, project, warehouse, **asked)


def backfill(project: Path | str, warehouse: Path | str, first: str, last: str, **more: Any) -> None:
    """Backfill the group without Spark."""
    session: Any = LocalSession()
    backfill_features.run(backfill_params(project, warehouse, first, last, **more), session)


def plan(project: Path | str, warehouse: Path | str, first: str, last: str, **more: Any) -> BackfillPlan:
    """The plan of the same backfill."""
    return backfill_features.plan(backfill_params(project, warehouse, first, last, **more))


def compute(project: Path | str, warehouse: Path | str, *, run_id: str = "", **asked: Any) -> None:
    """Compute features without Spark."""
    session: Any = LocalSession()
    params = told(ComputeFeatures, project, warehouse, run_id=run_id, source="village", **asked)
    compute_features.run(params, session)
