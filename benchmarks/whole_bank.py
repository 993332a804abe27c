"""A large simulated bank from its files to what each dimension is worth: ``python -m benchmarks.whole_bank --help``.

Every stage is the job that Airflow would submit, in a process of its own. Apart from ``chain``, which measures the demo
of a small bank in one process. A stage that has ended is kept in ``stages.json`` of the folder and is not run again, so
a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from deltalake import DeltaTable

from benchmarks.banks import SOURCE, buckets_of, copy_project, delivery_folders, work_folder
from benchmarks.commands import run_command
from benchmarks.groups import ROOT
from benchmarks.report import machine_facts, print_facts, print_markdown, say

RECIPE, SEED, WEEK = "cash_loan", 2026, 7
DAILY = "daily"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One stage: ``job`` of ``jobs/`` with its arguments, and the tables whose rows it writes, as ``layer`` or
    ``layer.table``. ``observations`` is the set whose rows count in feature tables; empty for all rows.
    """

    title: str
    job: str
    arguments: tuple[str, ...] = ()
    writes: str = ""
    observations: str = ""


def main() -> None:
    """Run the stages that have not ended yet, and print the table of all."""
    args = _parser().parse_args()
    folder = work_folder(args.folder, f"whole-bank-{args.customers}")
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "stages.json"
    done: dict[str, dict[str, Any]] = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    project = folder / "project"
    if not done:
        copy_project(project, buckets=buckets_of(args.customers))
    for stage, command in list_commands(folder, project, customers=args.customers, days=args.days):
        if stage.title not in done:
            taken = run_command(command, log=folder / "logs" / f"{stage.title.replace(' ', '_')}.txt")
            done[stage.title] = {**asdict(taken), **count_written(folder, stage)}
            kept.write_text(json.dumps(done, indent=2), encoding="utf-8")
        say(f"{stage.title}: {' | '.join(cells(stage.title, done[stage.title])[1:])}")
    print_facts(machine_facts())
    print_markdown(
        ["stage", "wall s", "CPU s", "peak MB", "rows", "columns"], [cells(title, one) for title, one in done.items()]
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.whole_bank", description="Measure a large bank.")
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=365, help="days of history")
    parser.add_argument("--folder", type=Path, help="where the bank and its warehouse are")
    return parser


def list_commands(folder: Path, project: Path, *, customers: int, days: int) -> Iterator[tuple[Stage, list[str]]]:
    """Each stage with the command that runs it, in order; what comes later may read what earlier stages wrote."""
    bank = folder / "bank"
    size = ("--customers", str(customers), "--days", str(days), "--seed", str(SEED))
    simulate = [str(ROOT / ".venv/bin/tally"), "simulate", "--out", str(bank), *size]
    yield Stage(title="simulate", job=""), [*simulate, "--processes", str(os.cpu_count() or 1)]
    (delivery,) = delivery_folders(bank)
    for stage in list_stages(delivery):
        common = ["--project", str(project), "--warehouse", str(folder / "warehouse"), "--source", SOURCE]
        yield stage, [sys.executable, str(ROOT / "jobs" / f"{stage.job}.py"), *common, *stage.arguments]


def list_stages(delivery: Path) -> list[Stage]:
    """The stages after the files are there. The week of days ends with the date of the delivery."""
    last = date.fromisoformat(delivery.name)
    week = ("--from", str(last - timedelta(days=WEEK - 1)), "--to", str(last))
    recipe = ("--recipe", RECIPE)
    return [
        Stage(
            title="ingest",
            job="ingest_source",
            arguments=("--directory", str(delivery), "--load-date", delivery.name),
            writes="clean",
        ),
        Stage(title="gate", job="validate_tables", arguments=("--layer", "clean")),
        Stage(
            title="features of all applications",
            job="compute_features",
            arguments=recipe,
            writes="feature",
            observations="applications",
        ),
        Stage(
            title="features of a week of days",
            job="compute_features",
            arguments=(*recipe, "--observations", DAILY, *week),
            writes="feature",
            observations=DAILY,
        ),
        Stage(title="labels", job="build_labels", arguments=recipe, writes="label"),
        Stage(title="leakage audit", job="audit_leakage", arguments=recipe),
        Stage(title="train", job="train_model", arguments=recipe, writes=f"training.{RECIPE}"),
        Stage(title="ablate", job="ablate_dimensions", arguments=recipe),
        Stage(title="score", job="score_observations", arguments=recipe, writes="score"),
        Stage(title="report", job="write_report", arguments=recipe),
    ]


def count_written(folder: Path, stage: Stage) -> Mapping[str, int]:
    """Rows of the tables that a stage wrote: for features, the observations and the columns of all groups."""
    layer, _, name = stage.writes.partition(".")
    tables = sorted((folder / "warehouse" / layer).glob(name or "*")) if layer else []
    named = [DeltaTable(str(path)) for path in tables if not path.name.endswith("_rejected")]
    counts = [_count(table, stage.observations) for table in named]
    if not stage.observations:
        return {"rows": sum(counts), "columns": 0}
    values = sum(len(table.schema().fields) - 5 for table in named)
    return {"rows": max(counts), "columns": values}


def _count(table: DeltaTable, observations: str) -> int:
    rows = table.to_pyarrow_dataset()
    if not observations:
        return int(rows.count_rows())
    return int(rows.count_rows(filter=pc.field("observations") == observations))


def cells(title: str, one: Mapping[str, Any]) -> Sequence[str]:
    """One line of the table."""
    numbers = (f"{one['wall']:.0f}", f"{one['cpu']:.0f}", f"{one['peak_mb']:,.0f}")
    return title, *numbers, f"{one['rows']:,}" if one["rows"] else "", str(one["columns"] or "")


if __name__ == "__main__":
    main()
