"""What anti-fraud rules cost: ``python -m benchmarks.rules``. CPU seconds to answer many rules from stored features.

Apart from the engine's benchmark because no event is read: rules are answered on the observations that it computes
features for, 300,751 of 200,000 customers in 64 buckets. Features are made up and lie in Parquet files; a task reads
them, answers, and writes its flags and decisions, as in ``apply_rules``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tallystick.buckets import BucketTask
from tallystick.observations import ObservationSpec
from tallystick.rules.gathering import RuleColumns
from tallystick.rules.rule_stage import DECISIONS, FLAGS, RuleWork, apply_buckets
from tallystick.rules.table_arrivals import Arrivals, TableArrivals
from tallystick.spec.expressions import columns_used, parse_condition
from tallystick.spec.observations import Nodes, ObservationSet
from tallystick.spec.rule_plans import PlannedRule
from tallystick.spec.rules import SEVERITIES, Rule

OBSERVATIONS, BUCKETS = 300_751, 64
GROUPS, COLUMNS_EACH = 8, 40
# What benchmarks.features measured for the same observations over 40 M events (docs/performance.md), CPU seconds.
FEATURE_PASS = 15.1
MOST = 3.0
_NULL_SHARE, _DAY = 0.05, 20_500


def main() -> None:
    """Print CPU seconds for each number of rules; exit code 1 where the last costs more than MOST feature passes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rules", description="Measure what rules cost.")
    parser.add_argument("--rules", type=int, nargs="+", default=[1, 30, 120], help="numbers of rules")
    parser.add_argument("--observations", type=int, default=OBSERVATIONS, help="(default %(default)s)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        storage = Files(folder=Path(folder))
        tasks = _write_features(storage, args.observations)
        for number in args.rules:
            work, began = _work(number), time.process_time()
            written = apply_buckets(None, tasks, work, storage=storage)
            seconds = time.process_time() - began
            hits = sum(storage.rows(path) for path in written[FLAGS])
            decisions = sum(storage.rows(path) for path in written[DECISIONS])
            passes = seconds / FEATURE_PASS * OBSERVATIONS / args.observations
            told = f"{number:4} rules on {decisions} observations: {seconds:6.2f} CPU s, {hits} hits"
            sys.stdout.write(f"{told}, {passes:.2f} of a feature pass\n")
    sys.exit(passes > MOST)


@dataclass(frozen=True, slots=True)
class Files:
    """Tables as Parquet files in a folder; ``read`` and ``write`` are what a task is handed."""

    folder: Path

    def read(
        self, table: str, paths: Sequence[str], columns: Sequence[str], *, coded: Collection[str] = ()
    ) -> pa.Table:
        """These columns of the files."""
        return pa.concat_tables([pq.read_table(path, columns=list(columns)) for path in paths])

    def write(self, table: str, partition: Mapping[str, str], rows: pa.Table) -> str:
        """One more file; returns its path."""
        path = self.folder / f"{table}-{partition['bucket']}-{time.monotonic_ns()}.parquet"
        pq.write_table(rows, path, compression="zstd")
        return str(path)

    def rows(self, path: str) -> int:
        """The number of rows of a file."""
        return int(pq.read_metadata(path).num_rows)


def _write_features(storage: Files, observations: int) -> list[BucketTask]:
    """Counts, sums and statistics of made-up customers, a file for each bucket and group."""
    rng, tasks = np.random.default_rng(11), []
    for bucket, size in enumerate(np.bincount(np.arange(observations) % BUCKETS)):
        ids = pa.array([f"bank:{bucket:02d}{number:06d}" for number in range(size)])
        instants = pa.array(np.full(size, _DAY * 86_400_000_000), pa.int64()).cast(pa.timestamp("us", "UTC"))
        keys = {"observation_id": ids, "customer_id": ids, "as_of": instants}
        files = {}
        for group in range(GROUPS):
            columns = {f"g{group}_c{n}": _column(rng, n, int(size)) for n in range(COLUMNS_EACH)}
            path = storage.write(f"feature.g{group}", {"bucket": str(bucket)}, pa.table(keys | columns))
            files[f"feature.g{group}"] = (path,)
        tasks.append(BucketTask(source="bank", bucket=bucket, zone="Asia/Shanghai", period="year", files=files))
    return tasks


def _column(rng: np.random.Generator, number: int, size: int) -> pa.Array:
    if number % 2:
        return pa.array(rng.poisson(3, size), pa.int64())
    return pa.array(rng.lognormal(0, 1, size), pa.float64(), mask=rng.random(size) < _NULL_SHARE)


def _work(number: int) -> RuleWork:
    """Rules of three comparisons each, over columns of two groups; about one observation in a hundred is hit."""
    rng = np.random.default_rng(7)
    types = {f"g{g}_c{n}": "int64" if n % 2 else "double" for g in range(GROUPS) for n in range(COLUMNS_EACH)}
    names, rules = list(types), []
    for place in range(number):
        one, two, three = (names[at] for at in rng.choice(len(names), 3, replace=False))
        when = f"{one} >= 7 AND ({two} > 4 OR COALESCE({three}, 0) > 5)"
        told = Rule(
            id=f"BEN{place:03d}", family=f"family_{place % 10}", title=when, observations="customers", when=when,
            severity=SEVERITIES[place % 4], owner="benchmarks", status="live", since=date(2026, 1, 1), reason="told",
        )  # fmt: skip
        node = parse_condition(when, types)
        rules.append(PlannedRule(rule=told, node=node, columns=columns_used(node), tables=("clean.transactions",)))
    read = sorted({name for rule in rules for name in rule.columns})
    groups = {f"g{g}": tuple(name for name in read if name.startswith(f"g{g}_")) for g in range(GROUPS)}
    population = Nodes(tables=("clean.transactions",), dates=(date(2026, 2, 16),))
    observed = ObservationSet(name="customers", key="customer_id", population=population)
    return RuleWork(
        rules=tuple(rules),
        observed=ObservationSpec(declared=observed, tables={}),
        columns=RuleColumns(groups={name: columns for name, columns in groups.items() if columns}),
        arrivals=Arrivals(
            tables={
                "clean.transactions": TableArrivals(
                    begins=0, loads=tuple(range(_DAY - 9, _DAY + 9)), nights=tuple(range(_DAY - 9, _DAY + 9))
                )
            }
        ),
        zone="Asia/Shanghai",
    )


if __name__ == "__main__":
    main()
