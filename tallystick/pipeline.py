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
from tallystick.errors import DeclarationError, NotFound

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.spec.recipes import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One job of the chain. ``title`` is for people, ``job`` the file's stem in ``jobs/``."""

    title: str
    job: str
    arguments: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dates:
    """The dates of a run, each optional: no date is ever taken from the clock.

    ``load_date`` stamps a delivery whose folder does not name its date. ``first`` and ``last`` (both inclusive) bound
    the business dates of the observations; features and scores begin up to ``look_back`` days before ``first`` where an
    application has no row yet. ``cutoff`` is the last date whose outcomes a label may use.
    """

    load_date: date | None = None
    first: date | None = None
    last: date | None = None
    look_back: int | None = None
    cutoff: date | None = None

    def arguments(self, *names: str) -> tuple[str, ...]:
        """The options of these of them, as a job's command line has them; none for what is not given."""
        found = ((OPTIONS[name], getattr(self, name)) for name in names)
        told = ((option, value if isinstance(value, int) else value.isoformat()) for option, value in found if value)
        return tuple(str(text) for pair in told for text in pair)


# How the jobs call them.
OPTIONS = {
    "load_date": "--load-date",
    "first": "--from",
    "last": "--to",
    "look_back": "--look-back",
    "cutoff": "--cutoff",
}


def list_steps(recipe: Recipe, sources: Mapping[str, Path], *, dates: Dates | None = None) -> list[Step]:
    """The jobs from files to scores, in order, for each source in turn.

    A recipe without a label ends after its features. DeclarationError as ``check_sources`` says.
    """
    check_sources(recipe, sources)
    given = dates or Dates()
    steps = []
    for name, directory in sources.items():
        loaded = given.arguments("load_date")
        steps.append(
            Step(title=f"ingest {name}", job="ingest_source", arguments=("--source", f"{name}={directory}", *loaded))
        )
        steps.append(
            Step(title=f"validate {name}", job="validate_tables", arguments=("--layer", "clean", "--source", name))
        )
        steps.extend(_model_steps(recipe, name, given))
    return steps


def check_sources(recipe: Recipe, sources: Iterable[str]) -> None:
    """Refuse a recipe with a label for several sources: each training would take the champion of the other away."""
    named = sorted(sources)
    if recipe.label is not None and len(named) > 1:
        what = f"recipe {recipe.name} trains one model, but {len(named)} sources are named: {', '.join(named)}"
        raise DeclarationError(what, where="sources", fix="declare a recipe for each source, and run each with its own")


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


def _model_steps(recipe: Recipe, source: str, dates: Dates) -> list[Step]:
    common = ("--recipe", recipe.name, "--source", source)
    days = dates.arguments("first", "last", "look_back")
    features = Step(title=f"features of {source}", job="compute_features", arguments=(*common, *days))
    report = Step(title="report", job="write_report", arguments=common)
    if recipe.label is None:
        return [features, report]
    until = dates.arguments("cutoff")
    return [
        features,
        Step(title=f"labels of {source}", job="build_labels", arguments=(*common, *until)),
        Step(title=f"leakage audit of {source}", job="audit_leakage", arguments=common),
        Step(title=f"train {recipe.name}", job="train_model", arguments=common),
        Step(title=f"score {source}", job="score_applications", arguments=(*common, *days)),
        report,
    ]
