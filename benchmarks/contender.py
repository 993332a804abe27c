"""One contender in a process of its own: set up, say so, work, say what it took.

``running`` starts ``python -m benchmarks.contender SPEC``: a process of its own, so that no contender warms up another.
"""

from __future__ import annotations

import datetime as dt
import json
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import ours, spark_side
from benchmarks.groups import EVENTS, GROUPS, ROOT, contracts
from benchmarks.layouts import Folder
from benchmarks.measure import Meter
from benchmarks.scale import OFFSET_HOURS, SNAPSHOT_DAY, ZONE, Scale
from benchmarks.sql import select_sql

VECTOR_EVENTS, VECTOR_CALLS = 2_000, 200
WARM_FRACTION = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """What one process does. ``fraction`` is the share of customers, ``repeats`` how often the work is done (the
    median counts). ``buckets`` and ``hot`` are those of ``ours.Job``.
    """

    contender: str
    root: str
    scale: dict[str, int]
    out: str
    style: str = ""
    width: int = 45
    work: str = "training"
    fraction: int = 1
    cores: int = 2
    repeats: int = 1
    buckets: int | None = None
    hot: int = 0

    @property
    def folder(self) -> Folder:
        """Where the data is."""
        return Folder(Path(self.root), Scale(**self.scale))


def main(path: str) -> None:
    """Do what the JSON file at ``path`` says, and write ``ready`` and ``done.json`` beside it."""
    spec = Spec(**json.loads(Path(path).read_text(encoding="utf-8")))
    out = Path(spec.out)
    began = time.perf_counter()
    with _PREPARED[spec.contender](spec) as work:
        set_up = time.perf_counter() - began
        (out / "ready").touch()
        takes = []
        for _ in range(spec.repeats):
            with Meter() as meter:
                told = work()
            takes.append(meter.measured())
        takes.sort(key=lambda taken: taken.wall)
        done = {"set_up": set_up, "walls": [taken.wall for taken in takes], **asdict(takes[len(takes) // 2]), **told}
        part = out / "done.part"
        part.write_text(json.dumps(done), encoding="utf-8")
        part.replace(out / "done.json")


Work = Callable[[], dict[str, Any]]


@contextmanager
def _ours(spec: Spec) -> Iterator[Work]:
    from tallystick.tables import open_session

    extra = (("spark.sql.warehouse.dir", f"{spec.out}/spark-warehouse"),)
    session = open_session("benchmark", cores=spec.cores, extra_conf=extra, project=ROOT)
    hot = json.loads(spec.folder.marker(f"hot_{spec.hot}").read_text(encoding="utf-8")) if spec.hot else None
    job = ours.Job(folder=spec.folder, width=spec.width, work=spec.work, buckets=spec.buckets, hot=hot)
    _read_once([path for task in job.tasks()[0] for paths in task.files.values() for path in paths])
    ours.warm(session, job, Path(spec.out) / "warm")
    yield lambda: {"paths": ours.run(session, job, Path(spec.out) / "warehouse")}
    session.stop()


@contextmanager
def _spark(spec: Spec) -> Iterator[Work]:
    session = spark_side.open_contender(spec.cores, Path(spec.out))
    # The wide naive query takes minutes even on little: there the narrow one warms the session up.
    warm_width = 45 if spec.style == "naive" or spec.fraction == WARM_FRACTION else spec.width
    for fraction, width in ((WARM_FRACTION, warm_width), (spec.fraction, spec.width)):
        made = spark_side.make_buckets(session, spec.folder, fraction)
        spark_side.show_tables(session, spec.folder, fraction, buckets=made["buckets"])
        if fraction == WARM_FRACTION:
            warm_up = session.sql(select_sql("spark", spec.style, width=width, work=spec.work))
            warm_up.write.mode("overwrite").parquet(f"{spec.out}/warm")
            session.catalog.clearCache()
    _read_once([str(path) for path in spec.folder.share("spark", spec.fraction).glob("*.parquet")])
    query, target = select_sql("spark", spec.style, width=spec.width, work=spec.work), Path(spec.out) / "answer"

    def work() -> dict[str, Any]:
        session.sql(query).write.mode("overwrite").parquet(str(target))
        return {"paths": [str(path) for path in sorted(target.glob("*.parquet"))]}

    yield work
    session.stop()


@contextmanager
def _duckdb(spec: Spec) -> Iterator[Work]:
    import duckdb

    files, target = spec.folder.share("duckdb", spec.fraction), Path(spec.out) / "answer.parquet"
    _read_once([str(path) for path in files.glob("*.parquet")])
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = {spec.cores}; SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
        connection.execute(f"SET temp_directory = '{spec.out}/spill'")
        connection.execute(f"CREATE VIEW events AS FROM read_parquet('{files}/events_*.parquet')")
        connection.execute(f"CREATE VIEW asked AS FROM read_parquet('{files}/asked.parquet')")
        query = select_sql("duckdb", spec.style, width=spec.width, work=spec.work)

        def work() -> dict[str, Any]:
            connection.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet)")
            return {"paths": [str(target)]}

        yield work


@contextmanager
def _vector(spec: Spec) -> Iterator[Work]:
    """One customer's features from ``compute_vector``, many times: the median in milliseconds."""
    import pyarrow as pa

    from benchmarks.generate import hot_events
    from tallystick.kernel import compute_vector, prepare_group, required_columns

    plan = prepare_group(GROUPS[spec.width], contracts())
    scale = Scale.of(VECTOR_EVENTS)
    rows = pa.concat_tables(hot_events(scale, month, events=VECTOR_EVENTS) for month in range(12))
    schema = pa.schema(
        [(field.name, pa.string() if pa.types.is_dictionary(field.type) else field.type) for field in rows.schema]
    )
    events = rows.cast(schema).select(list(required_columns(plan))).combine_chunks()
    as_of = dt.datetime.combine(SNAPSHOT_DAY, dt.time(), dt.UTC) - dt.timedelta(hours=OFFSET_HOURS)
    compute_vector(events, as_of, plan, zone=ZONE)

    def work() -> dict[str, Any]:
        takes = []
        for _ in range(VECTOR_CALLS):
            began = time.perf_counter()
            compute_vector(events, as_of, plan, zone=ZONE)
            takes.append(1000 * (time.perf_counter() - began))
        return {"median_ms": statistics.median(takes), "events": events.num_rows, "table": EVENTS}

    yield work


_PREPARED: dict[str, Callable[[Spec], Any]] = {"ours": _ours, "spark": _spark, "duckdb": _duckdb, "vector": _vector}


def _read_once(paths: list[str]) -> None:
    """Bring files into memory: no contender is to wait for the disk."""
    for path in paths:
        with Path(path).open("rb") as file, Path("/dev/null").open("wb") as nothing:
            shutil.copyfileobj(file, nothing, 1 << 20)


if __name__ == "__main__":
    main(sys.argv[1])
