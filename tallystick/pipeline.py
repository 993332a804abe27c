"""The chain of jobs that one recipe needs, and how ``tally run`` walks it in one process with one Spark session.

What lives here: which job follows which, with which arguments. What must not: anything a job does, Airflow, Spark code.
The DAGs submit the same files with the same arguments.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from tallystick.entrypoint import parse_arguments, progress
from tallystick.errors import NotFound

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.spec.recipes import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One job of the chain. ``title`` is for people, ``job`` the file's stem in ``jobs/``."""

    title: str
    job: str
    arguments: tuple[str, ...]


def list_steps(
    recipe: Recipe,
    sources: Mapping[str, Path],
    *,
    load_date: date | None = None,
    first: date | None = None,
    last: date | None = None,
    cutoff: date | None = None,
) -> list[Step]:
    """The jobs from files to scores, in order, for each source in turn.

    ``load_date`` stamps a delivery whose folder does not name its date. ``first`` and ``last`` (both inclusive) bound
    the business dates of the observations; ``cutoff`` is the last date whose outcomes a label may use. A recipe
    without a label ends after its features.
    """
    steps = []
    for name, directory in sources.items():
        loaded = ("--load-date", load_date.isoformat()) if load_date else ()
        steps.append(
            Step(title=f"ingest {name}", job="ingest_source", arguments=("--source", f"{name}={directory}", *loaded))
        )
        steps.append(
            Step(title=f"validate {name}", job="validate_tables", arguments=("--layer", "clean", "--source", name))
        )
        steps.extend(_model_steps(recipe, name, first=first, last=last, cutoff=cutoff))
    return steps


def list_maintenance_steps(sources: Iterable[str], *, as_of: date) -> list[Step]:
    """The jobs that keep the tables in order: compaction of each source's old loads, then one vacuum for all tables."""
    steps = [
        Step(title=f"compact {name}", job="compact_events", arguments=("--source", name, "--as-of", as_of.isoformat()))
        for name in sources
    ]
    return [*steps, Step(title="vacuum", job="vacuum_tables", arguments=())]


def run_steps(
    steps: Iterable[Step],
    *,
    project: Path,
    warehouse: Path,
    session: Callable[[], SparkSession],
    run_id: str,
) -> dict[str, float]:
    """Run the steps in this process; returns seconds per title. The first error ends the chain.

    ``session`` is called once, before the first step. ``run_id`` names the whole chain: each step commits under
    ``<run_id>/<title>``, so the same id again repeats nothing.
    """
    seconds: dict[str, float] = {}
    chosen = list(steps)
    spark = session()
    for number, step in enumerate(chosen, start=1):
        progress(f"[{number}/{len(chosen)}] {step.title}")
        started = time.monotonic()
        module = load_job(project, step.job)
        common = ["--project", str(project), "--warehouse", str(warehouse), "--run-id", f"{run_id}/{step.title}"]
        module.run(spark, parse_arguments(module.add_arguments, [*common, *step.arguments], doc=module.__doc__))
        seconds[step.title] = time.monotonic() - started
        progress(f"      {seconds[step.title]:.1f} s")
    return seconds


def load_job(project: Path, name: str) -> ModuleType:
    """The job file ``jobs/<name>.py`` of the project as a module; NotFound when there is none."""
    path = project / "jobs" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"tallystick_jobs_{name}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise NotFound(f"there is no job {name}", where=str(path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _model_steps(
    recipe: Recipe, source: str, *, first: date | None, last: date | None, cutoff: date | None
) -> list[Step]:
    common = ("--recipe", recipe.name, "--source", source)
    until = ("--cutoff", cutoff.isoformat()) if cutoff else ()
    days = (*(("--from", first.isoformat()) if first else ()), *(("--to", last.isoformat()) if last else ()))
    features = Step(title=f"features of {source}", job="compute_features", arguments=(*common, *days))
    report = Step(title="report", job="write_report", arguments=common)
    if recipe.label is None:
        return [features, report]
    return [
        features,
        Step(title=f"labels of {source}", job="build_labels", arguments=(*common, *until)),
        Step(title=f"leakage audit of {source}", job="audit_leakage", arguments=common),
        Step(title=f"train {recipe.name}", job="train_model", arguments=common),
        Step(title=f"score {source}", job="score_applications", arguments=(*common, *days)),
        report,
    ]
