"""The first load beside plain Spark and DuckDB: ``python -m benchmarks.ingest --help``.

Simulates banks, runs the job that Airflow runs (``jobs/ingest_source.py``, from the start of its process to its end)
and the two programs beside it on the same files, one after the other, and compares what they hold. ``plain_spark`` and
``plain_duckdb`` say what those do, and what they leave out.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from benchmarks.bank_files import FILES
from benchmarks.banks import SOURCE, buckets_of, copy_project, delivery_folders, make_bank, work_folder
from benchmarks.commands import Taken, run_command
from benchmarks.groups import ROOT
from benchmarks.load_agreement import all_differences
from benchmarks.report import Judgement, machine_facts, print_facts, print_judgements, print_markdown, say

CUSTOMERS = (5_000, 25_000)
OURS, SPARK, WHOLE_JIT, DUCKDB = "tallystick", "plain Spark", "plain Spark, whole JIT", "DuckDB"
CONTENDERS = (OURS, SPARK, WHOLE_JIT, DUCKDB)
# What the load may take of plain Spark's CPU seconds at each size, and how it may grow between the two.
MOST_OF_SPARK = {5_000: 1.0, 25_000: 0.7}
MOST_GROWTH, FLAT_MEMORY = 5.2, 1.25


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """What the loads of one bank took, by contender and in the order of the turns."""

    customers: int
    lines: int
    buckets: int
    rows: Mapping[str, int]
    taken: Mapping[str, Sequence[Taken]]
    differences: Mapping[str, Sequence[str]]

    def cpu(self, contender: str) -> float:
        """The median CPU seconds."""
        return statistics.median(taken.cpu for taken in self.taken[contender])

    def peak(self, contender: str) -> float:
        """The median peak of memory in MB."""
        return statistics.median(taken.peak_mb for taken in self.taken[contender])

    def wall(self, contender: str) -> float:
        """The median wall seconds."""
        return statistics.median(taken.wall for taken in self.taken[contender])


def main() -> None:
    """Run all loads and print the tables; exit 1 when the rows differ."""
    args = _parser().parse_args()
    folder = work_folder(args.folder, "ingest")
    contenders = [name for name in CONTENDERS if name == OURS or name not in args.without]
    loads = [load_bank(folder, customers, contenders, args) for customers in args.customers]
    facts, judgements = machine_facts(), judge(loads)
    print_facts(facts)
    print_markdown(_HEADINGS, [cells for load in loads for cells in _cells(load)])
    print_judgements(judgements)
    if args.json:
        told = {"machine": facts, "loads": [asdict(load) for load in loads]}
        args.json.write_text(json.dumps(told | {"judged": [asdict(one) for one in judgements]}, indent=2), "utf-8")
    wrong = [line for load in loads for found in load.differences.values() for line in found]
    sys.stderr.write("".join(f"{line}\n" for line in wrong))
    if wrong:
        sys.exit(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description="Measure the first load.")
    parser.add_argument("--customers", type=int, nargs="+", default=list(CUSTOMERS), help="sizes of the banks")
    parser.add_argument("--times", type=int, default=1, help="turns of all contenders; the median counts")
    parser.add_argument("--without", action="append", default=[], choices=CONTENDERS[1:], help="leave out; repeatable")
    parser.add_argument("--folder", type=Path, help="where the banks are kept and found again")
    parser.add_argument("--json", type=Path, help="write everything that was measured to this file")
    return parser


def load_bank(folder: Path, customers: int, contenders: Sequence[str], args: argparse.Namespace) -> Load:
    """Load one bank with each contender in turn, and compare the rows of the last turn."""
    say(f"bank of {customers:,} customers in {folder} (made where it is not there)")
    bank, buckets = make_bank(folder, customers=customers), buckets_of(customers)
    project = copy_project(folder / f"project_{buckets}", buckets=buckets)
    delivery = delivery_folders(bank)[0]
    taken: dict[str, list[Taken]] = {name: [] for name in contenders}
    for turn in range(args.times):
        for name in contenders:
            out = _out(folder, name)
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
            command = _command(name, project=project, bank=bank, delivery=delivery, out=out, buckets=buckets)
            one = run_command(command, log=folder / "out" / f"{name}.log")
            taken[name].append(one)
            say(f"{name}, turn {turn + 1}: {one.cpu:.1f} CPU s, {one.wall:.1f} s, {one.peak_mb:.0f} MB")
    outs = {name: _out(folder, name) for name in contenders}
    differences = {name: all_differences(outs[OURS], outs[name]) for name in contenders if name != OURS}
    rows = {name: _count_rows(name, out) for name, out in outs.items()}
    shutil.rmtree(folder / "out")
    lines = json.loads((bank / "simulation.json").read_text(encoding="utf-8"))["rows"]
    return Load(
        customers=customers,
        lines=sum(lines.values()),
        buckets=buckets,
        rows=rows,
        taken=taken,
        differences=differences,
    )


def ingest_command(
    *, project: Path, warehouse: Path, directory: Path, load_date: str = "", home: Path = ROOT, source: str = SOURCE
) -> list[str | Path]:
    """The ingest job of the checkout at ``home`` as a command, with the parameters that Airflow gives it."""
    python = sys.executable if home == ROOT else str(home / ".venv" / "bin" / "python")
    dated: list[str | Path] = ["--load-date", load_date] if load_date else []
    told: list[str | Path] = ["--source", source, "--directory", directory, *dated]
    if not (home / "tallystick" / "runs" / "params.py").exists():
        # Before runs had parameters of their own, a source was named with its folder.
        told = ["--source", f"{source}={directory}", *dated]
    return [python, home / "jobs" / "ingest_source.py", "--project", project, "--warehouse", warehouse, *told]


def graph_command(graph: str, *, project: Path, warehouse: Path) -> list[str | Path]:
    """The job that builds all snapshots of a graph of the simulated bank, as a command."""
    told: list[str | Path] = ["--project", project, "--warehouse", warehouse, "--source", SOURCE, "--graph", graph]
    return [sys.executable, ROOT / "jobs" / "compute_graph.py", *told]


def _command(name: str, *, project: Path, bank: Path, delivery: Path, out: Path, buckets: int) -> list[str | Path]:
    if name == OURS:
        return ingest_command(project=project, warehouse=out, directory=bank)
    if name in (SPARK, WHOLE_JIT):
        jit = ["--whole-jit"] if name == WHOLE_JIT else []
        return [sys.executable, "-m", "benchmarks.plain_spark", delivery, out, "--buckets", str(buckets), *jit]
    return [sys.executable, "-m", "benchmarks.plain_duckdb", delivery, out]


def _out(folder: Path, name: str) -> Path:
    return folder / "out" / name.lower().replace(", ", "_").replace(" ", "_")


def _count_rows(name: str, out: Path) -> int:
    import pyarrow.parquet as pq

    if name == DUCKDB:
        return sum(pq.read_metadata(out / f"{file.name}.parquet").num_rows for file in FILES)
    tables = [out / "clean" / file.table if name == OURS else out / file.name for file in FILES]
    return sum(int(DeltaTable(table).count()) for table in tables)


def judge(loads: Sequence[Load]) -> list[Judgement]:
    """What is required of the loads: the share of plain Spark's CPU seconds, growth, memory."""
    judged = []
    for load in loads:
        for name in load.taken:
            if name != OURS:
                limit = MOST_OF_SPARK.get(load.customers) if name == SPARK else None
                what = f"{load.lines / 1e6:.2f} M lines: CPU of {OURS} over {name}"
                judged.append(Judgement(what=what, ratio=load.cpu(OURS) / load.cpu(name), limit=limit))
    if len(loads) > 1:
        first, last = min(loads, key=lambda load: load.lines), max(loads, key=lambda load: load.lines)
        grown = f"{first.lines / 1e6:.2f} to {last.lines / 1e6:.2f} M lines ({last.lines / first.lines:.2f} times)"
        for name in first.taken:
            limit = MOST_GROWTH if name == OURS else None
            judged.append(
                Judgement(what=f"{grown}: CPU of {name}", ratio=last.cpu(name) / first.cpu(name), limit=limit)
            )
            limit = FLAT_MEMORY if name == OURS else None
            ratio = last.peak(name) / first.peak(name)
            judged.append(Judgement(what=f"{grown}: peak memory of {name}", ratio=ratio, limit=limit))
    return judged


_HEADINGS = ("what", "buckets", "CPU s", "wall s", "peak MB", "rows", "rows agree")


def _cells(load: Load) -> list[tuple[Any, ...]]:
    lines = []
    for name in load.taken:
        agrees = "" if name == OURS else "no" if load.differences[name] else "yes"
        buckets = "" if name == DUCKDB else str(load.buckets)
        numbers = (f"{load.cpu(name):.1f}", f"{load.wall(name):.1f}", f"{load.peak(name):.0f}", f"{load.rows[name]:,}")
        lines.append((f"{load.lines:,} lines: {name}", buckets, *numbers, agrees))
    return lines


if __name__ == "__main__":
    main()
