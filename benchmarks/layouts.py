"""The same rows as files, in the layout that suits each contender best, with what writing them cost.

Plain files, clean Delta tables, monthly files for DuckDB, one huge customer. ``spark_side`` makes Spark's bucketed
files.

A layout that is complete has a marker beside it, and is used again by later runs.
"""

from __future__ import annotations

import datetime as dt
import json
import multiprocessing
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import generate
from benchmarks.groups import EVENTS, OBSERVED, contracts
from benchmarks.scale import FIRST_DAY, FRACTIONS, LOADED_ON, MONTHS, SOURCE, Scale
from tallystick.tables import (
    BucketStore,
    DataFile,
    Run,
    Slice,
    Warehouse,
    commit_layout,
    ensure_table,
    new_rel,
    pin,
    plan_compaction,
    replace_files,
    write_file,
    write_merge,
)
from tallystick.tables.upkeep.rewriting import Merge

# What a contender needs of an event; the other columns of the clean table would only cost it time.
READ_COLUMNS = (
    "customer_id", "event_at", "known_on", "is_retracted", "direction", "channel", "category", "amount_minor",
)  # fmt: skip
ROW_GROUP_ROWS = 122_880  # DuckDB's own
HOT_OBSERVATIONS = 12


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a scale's files are."""

    root: Path
    scale: Scale

    @property
    def path(self) -> Path:
        """The folder of everything of this scale."""
        return self.root / self.scale.name

    @property
    def warehouse(self) -> Warehouse:
        """The clean Delta tables."""
        return Warehouse(self.path / "warehouse")

    def share(self, engine: str, fraction: int) -> Path:
        """The files for DuckDB or Spark of one customer in ``fraction``."""
        return self.path / engine / f"1_of_{fraction}"

    def marker(self, layout: str) -> Path:
        """The file that says that a layout is complete, and what it cost."""
        return self.path / f"{layout}.json"

    def once(self, layout: str, make: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """What ``make`` told when it made the layout, now or in an earlier run."""
        marker = self.marker(layout)
        if not marker.exists():
            self.path.mkdir(parents=True, exist_ok=True)
            told = json.dumps(make())
            part = marker.with_suffix(".part")
            part.write_text(told, encoding="utf-8")
            part.replace(marker)
        found: dict[str, Any] = json.loads(marker.read_text(encoding="utf-8"))
        return found


def make_main(folder: Folder, workers: int) -> dict[str, Any]:
    """All layouts of the main scale but Spark's: seconds and bytes of the plain and the clean one."""
    return folder.once("main", lambda: _make(folder, workers, layouts=("plain", "clean", "duckdb")))


def make_clean(folder: Folder, workers: int) -> dict[str, Any]:
    """The clean tables alone, for a scale that only tallystick is measured on."""
    if folder.marker("main").exists():
        return json.loads(folder.marker("main").read_text(encoding="utf-8"))
    return folder.once("clean", lambda: _make(folder, workers, layouts=("clean",)))


def _make(folder: Folder, workers: int, *, layouts: tuple[str, ...]) -> dict[str, Any]:
    for name in ("warehouse", "plain", "duckdb"):
        shutil.rmtree(folder.path / name, ignore_errors=True)
    contract, warehouse = contracts()[EVENTS], folder.warehouse
    ensure_table(warehouse, contract)
    spent = {f"{layout}_{kind}": 0.0 for layout in layouts for kind in ("wall", "cpu")}
    sizes = dict.fromkeys(("plain_bytes", "clean_bytes", "clean_files"), 0)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        months = [pool.submit(_write_month, folder, month, layouts) for month in range(MONTHS)]
        for month, done in enumerate(months):
            told, files = done.result()
            for name in spent:
                spent[name] += told[name]
            with _timed(spent, "clean"):
                low, high = generate.month_bounds(month)
                where = Slice(f"bench/{month}", {"source": SOURCE}, "event_at", low, high)
                replace_files(warehouse, contract, files, where=where, run=Run(f"month {month}", "benchmark", ""))
            sizes["plain_bytes"] += told.get("plain_bytes", 0)
        with _timed(spent, "clean"):
            plan = plan_compaction(warehouse, contract, source=SOURCE, before=LOADED_ON + dt.timedelta(days=1))
        merged: list[DataFile] = []
        for told, files in pool.map(_merge, [folder] * len(plan.merges), plan.merges):
            merged += files
            for name, value in told.items():
                spent[name] += value
        with _timed(spent, "clean"):
            commit_layout(warehouse, plan, files=merged, run=Run("compaction", "benchmark", ""))
    stored = pin(warehouse, EVENTS).files
    sizes |= {"clean_bytes": sum(file.size for file in stored), "clean_files": len(stored)}
    _write_observations(folder)
    if "duckdb" in layouts:
        for fraction in FRACTIONS:
            pq.write_table(_observed_share(folder.scale, fraction), folder.share("duckdb", fraction) / "asked.parquet")
    shutil.rmtree(folder.path / "plain", ignore_errors=True)
    # Two workers wrote side by side: half of their seconds passed on the clock.
    spent |= {name: value / workers for name, value in spent.items() if name.endswith("_wall")}
    return spent | sizes


def _merge(folder: Folder, merge: Merge) -> tuple[dict[str, Any], list[DataFile]]:
    """One bucket's months as one file, as the job that compacts closed periods does it."""
    told: dict[str, Any] = {}
    with _timed(told, "clean"):
        files = write_merge(folder.warehouse, contracts()[EVENTS], merge)
    return told, files


def _write_month(folder: Folder, month: int, layouts: tuple[str, ...]) -> tuple[dict[str, Any], list[DataFile]]:
    pa.set_cpu_count(1)
    rows, numbers = generate.month_events(folder.scale, month)
    told: dict[str, Any] = {}
    files: list[DataFile] = []
    for layout in layouts:
        with _timed(told, layout):
            if layout == "plain":
                told["plain_bytes"] = _write_plain(folder, month, rows)
            elif layout == "clean":
                files = _write_clean(folder, month, rows, numbers)
            else:
                _write_for_duckdb(folder, month, rows, numbers)
    return told, files


class _timed:  # noqa: N801 - a context manager that reads like a word
    """Adds wall and CPU seconds of its block to ``<name>_wall`` and ``<name>_cpu``."""

    def __init__(self, told: dict[str, Any], name: str) -> None:
        self.told, self.name = told, name

    def __enter__(self) -> None:
        self.began = time.perf_counter(), time.process_time()

    def __exit__(self, *_: object) -> None:
        spent = (time.perf_counter() - self.began[0], time.process_time() - self.began[1])
        for kind, seconds in zip(("wall", "cpu"), spent, strict=True):
            key = f"{self.name}_{kind}"
            self.told[key] = self.told.get(key, 0.0) + seconds


def _write_plain(folder: Folder, month: int, rows: pa.Table) -> int:
    path = folder.path / "plain" / f"{generate.month_name(month)}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows, path, compression="zstd", use_dictionary=_text_names(rows))
    return path.stat().st_size


def _write_clean(folder: Folder, month: int, rows: pa.Table, numbers: generate.Ints) -> list[DataFile]:
    """Bucketed and sorted: one file a bucket, each row's place found by its customer's."""
    people = generate.customers(folder.scale)
    # Rows are in the order of time, so a stable sort by customer leaves each customer's in theirs.
    order = np.argsort(people.place[numbers], kind="stable")
    buckets = people.bucket[numbers][order]
    ends = np.searchsorted(buckets, np.arange(folder.scale.buckets + 1))
    placed = rows.take(pa.array(order))
    store = BucketStore(warehouse=folder.warehouse, contracts=contracts())
    return [
        store.write(EVENTS, partition(bucket, str(FIRST_DAY.year)), placed.slice(start, end - start))
        for bucket, (start, end) in enumerate(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
        if end > start
    ]


def partition(bucket: int, period: str) -> dict[str, str]:
    """The partition values of a clean file."""
    return {"source": SOURCE, "bucket": str(bucket), "period": period}


def _write_for_duckdb(folder: Folder, month: int, rows: pa.Table, numbers: generate.Ints) -> None:
    """One file a month, sorted by customer; the shares of the customers in folders of their own."""
    by_customer = rows.select(READ_COLUMNS).take(pa.array(np.argsort(numbers, kind="stable")))
    numbers = np.sort(numbers)
    for fraction in FRACTIONS:
        share = by_customer if fraction == 1 else by_customer.filter(pa.array(numbers % fraction == 0))
        path = folder.share("duckdb", fraction) / f"events_{generate.month_name(month)}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = _text_names(share)
        pq.write_table(share, path, compression="snappy", row_group_size=ROW_GROUP_ROWS, use_dictionary=texts)


def _text_names(rows: pa.Table) -> list[str]:
    return [field.name for field in rows.schema if pa.types.is_dictionary(field.type) or field.type == pa.string()]


def _observed_share(scale: Scale, fraction: int) -> pa.Table:
    asked = generate.observations(scale)
    rows = asked.table(scale)
    return rows if fraction == 1 else rows.filter(pa.array(asked.customer % fraction == 0))


def _write_observations(folder: Folder) -> None:
    """The observations as applications: one file a bucket."""
    scale, warehouse, contract = folder.scale, folder.warehouse, contracts()[OBSERVED]
    asked, people = generate.observations(scale), generate.customers(scale)
    order = np.lexsort((asked.as_of, people.place[asked.customer]))
    buckets = people.bucket[asked.customer][order]
    ends = np.searchsorted(buckets, np.arange(scale.buckets + 1))
    rows = _applications(asked.table(scale).take(pa.array(order)), first=0)
    ensure_table(warehouse, contract)
    files = [
        write_file(warehouse.table_path(OBSERVED), new_rel(key), rows.slice(start, end - start), key, contract)
        for bucket, (start, end) in enumerate(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True))
        if end > start
        for key in [partition(bucket, str(FIRST_DAY.year))]
    ]
    where = Slice.of_source(OBSERVED, SOURCE)
    replace_files(warehouse, contract, files, where=where, run=Run("observations", "benchmark", ""))


def _applications(asked: pa.Table, *, first: int) -> pa.Table:
    count = asked.num_rows
    numbers = pa.array(np.arange(first, first + count))
    return pa.table(
        {
            "customer_id": asked["customer_id"],
            "application_id": numbers.cast(pa.string()),
            "event_at": asked["as_of"],
            "known_on": asked["as_of_date"],
            "loaded_on": pa.array([LOADED_ON] * count),
            "is_retracted": pa.array([False] * count),
            "account_id": pa.nulls(count, pa.string()),
            "amount_minor": pa.array(np.full(count, 100_000)),
            "term_months": pa.array(np.full(count, 12, dtype=np.int32)),
            "instalment_minor": pa.nulls(count, pa.int64()),
            "purpose": pa.nulls(count, pa.string()),
            "currency": pa.array(["CNY"] * count),
        }
    )


def make_hot(folder: Folder, events: int) -> dict[str, Any]:
    """One more customer with ``events``, in files of his own that belong to no version: the bucket, and the files."""
    return folder.once(f"hot_{events}", lambda: {"files": list(_write_hot(folder, events))})


def _write_hot(folder: Folder, events: int) -> Iterator[dict[str, Any]]:
    scale = folder.scale
    number = scale.customers
    people = generate.customers(scale)
    store = BucketStore(warehouse=Warehouse(folder.path / f"hot_{events}"), contracts=contracts())
    bucket = int(people.bucket[number])
    for month in range(MONTHS):
        rows = generate.hot_events(scale, month, events=events)
        key = partition(bucket, str(FIRST_DAY.year))
        yield _described(EVENTS, store.write(EVENTS, key, rows))
    days = generate.observations(scale).day
    chosen = np.linspace(0, days.size - 1, HOT_OBSERVATIONS).astype(np.int64)
    asked = generate.observations(scale).table(scale).take(pa.array(np.sort(chosen)))
    names = pa.array([people.names[number].as_py()] * len(chosen))
    asked = asked.set_column(1, "customer_id", names).sort_by("as_of")
    rows = _applications(asked, first=scale.observations)
    yield _described(OBSERVED, store.write(OBSERVED, partition(bucket, str(FIRST_DAY.year)), rows))


def _described(table: str, file: DataFile) -> dict[str, Any]:
    names = ("table_path", "rel", "partition", "rows", "size")
    return {"table": table, **{name: getattr(file, name) for name in names}}


def hot_files(told: Mapping[str, Any], like: Mapping[str, Sequence[DataFile]]) -> dict[str, list[DataFile]]:
    """The huge customer's files as if they were pinned; their dates are taken from the other files of their period."""
    made: dict[str, list[DataFile]] = {EVENTS: [], OBSERVED: []}
    for file in told["files"]:
        period = file["partition"]["period"]
        bounds = next(other.bounds for other in like[file["table"]] if other.partition["period"] == period)
        told_of = {name: value for name, value in file.items() if name != "table"}
        made[file["table"]].append(DataFile(**told_of, bounds=bounds))
    return made
