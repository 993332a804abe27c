"""What the commands that change something do: run a recipe, simulate a bank, replay rejects.

Kept apart from ``showing`` because these commands need Spark or write files.
"""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from tallystick.cli.warehouse_option import existing_warehouse
from tallystick.ending import end_at_interrupt
from tallystick.entrypoint import perform
from tallystick.errors import DeclarationError, InputError, NotFound
from tallystick.pipeline import Dates, Place, Step, check_night, list_night_steps, list_steps, run_steps
from tallystick.project import Project, find_project, load_project
from tallystick.runs.params import IngestSource
from tallystick.runs.progress import progress, working
from tallystick.spec.names import nearest_name

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.simulation import Wanted
    from tallystick.spec.recipes import Recipe

# What the demo runs. Both names are declared in the project, not in the machinery.
DEMO_RECIPE = "cash_loan"
DEMO_SOURCE = "simbank"

# Enough loans whose first ninety days are over to learn from, and few enough rows for a coffee break.
DEMO_MONTHS = 18


def open_project(project: Path | None) -> Project:
    """The project at ``project``, or the one found upwards from the working directory."""
    return load_project(project.resolve() if project else find_project())


def run_recipe(
    recipe: str, sources: list[str], *, warehouse: Path, project: Path | None, dates: Dates, run_id: str
) -> None:
    """Run the chain of ``recipe`` on the sources (``NAME=DIR`` each) and print the summary.

    What the recipe would miss on a source is told before a byte is read or Spark is started.
    """
    declared, home = open_project(project), warehouse.resolve()
    chain = _plan_chain(declared, recipe, sources, home=home, dates=dates)
    with spark_session(declared.root) as session:
        _run_chain(declared, chain, home=home, session=session, run_id=run_id or uuid.uuid4().hex)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Chain:
    """The steps of a recipe on its sources."""

    recipe: Recipe
    sources: tuple[str, ...]
    steps: list[Step]


def _plan_chain(declared: Project, recipe: str, sources: list[str], *, home: Path, dates: Dates) -> _Chain:
    if recipe not in declared.recipes:
        raise NotFound(f"there is no recipe {recipe}", fix=nearest_name(recipe, declared.recipes))
    chosen = declared.recipes[recipe]
    folders = parse_sources(sources, declared)
    for name in folders:
        _refuse_what_is_missing(declared, chosen, name)
    place, night = Place(project=declared.root, warehouse=home), Dates(first=dates.last, last=dates.last)
    nights = [step for name in folders for step in list_night_steps(chosen, name, place=place, dates=night)]
    steps = [*list_steps(chosen, folders, place=place, dates=dates), *nights]
    return _Chain(recipe=chosen, sources=tuple(folders), steps=steps)


def _run_chain(declared: Project, chain: _Chain, *, home: Path, session: SessionMaker, run_id: str) -> None:
    started = time.monotonic()
    run_steps(chain.steps, session=session, run_id=run_id)
    from tallystick.cli.summary import print_summary

    seconds, lists = time.monotonic() - started, declared.watch_lists.values()
    print_summary(home, chain.recipe, seconds=seconds, source=chain.sources[0], watch_lists=lists)


def run_night(recipe: str, source: str, *, day: date | None, warehouse: Path, project: Path | None) -> None:
    """Compute and score all sets that the recipe scores beside its own, on one date or that of the last load."""
    home, declared = existing_warehouse(warehouse), open_project(project)
    if recipe not in declared.recipes:
        raise NotFound(f"there is no recipe {recipe}", fix=nearest_name(recipe, declared.recipes))
    chosen, place = declared.recipes[recipe], Place(project=declared.root, warehouse=home)
    check_night(chosen)
    steps = list_night_steps(chosen, source, place=place, dates=Dates(first=day, last=day))
    with spark_session(declared.root) as session:
        run_steps(steps, session=session, run_id=uuid.uuid4().hex)


def _refuse_what_is_missing(project: Project, recipe: Recipe, source: str) -> None:
    from tallystick.project.recipe_checks import check_recipe_on_source

    problems = check_recipe_on_source(project, recipe, project.sources[source])
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        what = f"recipe {recipe.name} cannot run on {source}: {len(problems)} problem(s), listed above"
        raise DeclarationError(what, fix=f"tally source check {source} --recipe {recipe.name}")


def run_demo(directory: Path, *, customers: int, seed: int, project: Path | None) -> None:
    """Simulate a bank into ``directory``/bank and run the main job on it into ``directory``/warehouse."""
    declared, bank, home = open_project(project), directory / "bank", (directory / "warehouse").resolve()
    with spark_session(declared.root) as session:
        progress(f"simulating a bank of {customers} customers (seed {seed}): its files are in {bank}")
        # Java starts on the other core meanwhile: either takes some seconds.
        with ThreadPoolExecutor(max_workers=1) as beside:
            simulated = beside.submit(run_simulation, bank, customers=customers, seed=seed, months=DEMO_MONTHS)
            session()
        simulated.result()
        chain = _plan_chain(declared, DEMO_RECIPE, [f"{DEMO_SOURCE}={bank}"], home=home, dates=Dates())
        _run_chain(declared, chain, home=home, session=session, run_id=f"demo-{customers}-{seed}")


def run_simulation(out: Path, *, processes: int | None = None, **wanted: Unpack[Wanted]) -> None:
    """Write a simulated bank's deliveries below ``out``, in as many processes as there are cores unless said."""
    from tallystick.simulation import simulate

    customers = wanted.get("customers", 2_000)
    with working(f"simulating {customers:,} customers") as how_far:
        simulate(out, processes=processes or len(os.sched_getaffinity(0)), how_far=how_far, **wanted)


def replay_loads(source: str, first: date, *, warehouse: Path, project: Path | None) -> None:
    """Map the landed loads of a source again from their copies: that of ``first`` and every later one."""
    home, declared = existing_warehouse(warehouse), open_project(project)
    if source not in declared.sources:
        raise NotFound(f"there is no source {source}", where="sources/", fix=nearest_name(source, declared.sources))
    params = IngestSource(project=declared.root, warehouse=home, source=source, replay_from=first)
    with spark_session(declared.root) as session:
        perform(params, session())


def parse_sources(texts: list[str], project: Project) -> dict[str, Path]:
    """The folder of each source, from ``NAME=DIR`` texts; DeclarationError where one is named twice."""
    folders: dict[str, Path] = {}
    for text in texts:
        name, folder = parse_source(text, project)
        if name in folders:
            fix = "name each source once, with the folder that holds all of its deliveries"
            raise DeclarationError(f"--source {name} is named twice", fix=fix)
        folders[name] = folder
    return folders


def parse_source(text: str, project: Project) -> tuple[str, Path]:
    """``NAME=DIR`` as a declared source's name and an existing folder."""
    name, separator, directory = text.partition("=")
    if not separator or not directory:
        raise DeclarationError(f"--source {text} is not NAME=DIR", fix="e.g. --source mybank=/data/mybank")
    if name not in project.sources:
        raise NotFound(f"there is no source {name}", where="sources/", fix=nearest_name(name, project.sources))
    folder = Path(directory).expanduser()
    if not folder.is_dir():
        raise InputError("the source directory does not exist", where=str(folder), fix="give the folder of the files")
    return name, folder.resolve()


@contextmanager
def spark_session(project: Path) -> Iterator[SessionMaker]:
    """A maker of the one session of this process; the session is stopped at the end if it was ever made."""
    maker = SessionMaker(project)
    try:
        yield maker
    finally:
        maker.stop()


class SessionMaker:
    """Starts Spark when it is first called, so that wrong arguments fail before a JVM starts."""

    def __init__(self, project: Path) -> None:
        self._project = project
        self._session: SparkSession | None = None

    def __call__(self) -> SparkSession:
        """The session."""
        if self._session is None:
            from tallystick.tables import open_session, own_processes

            self._session = open_session("tally", project=self._project)
            end_at_interrupt(own_processes)
        return self._session

    def stop(self) -> None:
        """Stop the session if there is one."""
        if self._session is not None:
            self._session.stop()
