"""Airflow tasks from the chain of jobs: each one a spark-submit of a file in ``jobs/``.

``pipeline`` has the order of the steps, ``dags/`` the schedules. This is the only module that imports Airflow.

Every date comes from the run: its partition key, which is the business date, or else the date it was triggered for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from airflow.sdk import Asset, TaskGroup, task

from tallystick.alarms import alarms, deadline
from tallystick.errors import DeclarationError
from tallystick.pipeline import (
    Dates,
    Place,
    Step,
    check_night,
    check_sources,
    list_maintenance_steps,
    list_night_steps,
    list_rule_steps,
    list_segment_steps,
    list_steps,
    list_watch_steps,
)
from tallystick.places import to_place
from tallystick.project import load_project
from tallystick.project.recipe_checks import check_recipe_on_source
from tallystick.project.rule_checks import list_groups
from tallystick.project.segment_checks import check_segmentation
from tallystick.project.watch_list_checks import check_watch_list
from tallystick.runs.arguments import render
from tallystick.runs.params import CompactEvents, template
from tallystick.submitting import JobOperator

if TYPE_CHECKING:
    from tallystick.spec.recipes import Recipe
    from tallystick.spec.watch_lists import WatchList

Declared = TypeVar("Declared")

PREPARE = ("ingest_source", "validate_tables", "compute_features", "build_labels")
SCORE = ("score_observations",)
TRAIN = ("audit_leakage", "train_model", "score_observations", "write_report")

# One slot: one writer at a time, across scheduled runs and backfills, which `max_active_runs` does not count together.
# Two writers of one slice do no harm, but one of them fails, and a night with red tasks hides real trouble.
WRITERS_POOL = "tallystick_writers"

BUSINESS_DATE = "{{ business_date(dag_run) }}"
FIRST_DATE = "{{ params.first or macros.ds_add(business_date(dag_run), -1) }}"
# An application may be delivered so late, or so many nights may fail, before somebody must name a first date.
LOOK_BACK_DAYS = 92
LOOK_BACK = f"{{{{ 0 if params.first else {LOOK_BACK_DAYS} }}}}"
# After a training everything is scored again, unless the run names dates.
EARLIEST_DATE = "{{ params.first or '1970-01-01' }}"
# The midnight that ended the month before.
MONTH_END = "{{ business_date(dag_run)[:8] }}01"
LATEST_DATE = "{{ params.last or '2200-01-01' }}"

# Task and try: a retried or cleared task is new work. The same id again would be taken for done.
RUN_ID = "{{ run_id }}/{{ ti.task_id }}/{{ ti.try_number }}"

DELIVERY_FOLDER = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """Where things are in one deployment; the same paths on every machine that runs a task or a Spark executor."""

    project: Path
    warehouse: Path
    sources: Mapping[str, Path]
    recipe: str
    zone: str
    properties: Path
    segmentation: str = ""
    returning: str = ""
    watch_list: str = ""
    rule_sets: tuple[str, ...] = ()
    connection: str = "spark_default"

    @property
    def place(self) -> Place:
        """Where the runs work."""
        return Place(project=self.project, warehouse=self.warehouse)


def read_deployment(project: Path, environment: Mapping[str, str] = os.environ) -> Deployment:
    """The deployment that the environment describes; DeclarationError names a variable that is missing or wrong.

    TALLYSTICK_WAREHOUSE, TALLYSTICK_SOURCES (``name=dir;name=dir``) and TALLYSTICK_RECIPE must be set.
    TALLYSTICK_SEGMENTATION names the segmentation that is assigned each month, TALLYSTICK_RETURNING the recipe that
    scores all customers each night, TALLYSTICK_WATCH_LIST the watch list of running loans, TALLYSTICK_RULES the sets
    (``applications;transfers``) whose rules are answered each night; without one of them, nothing of the kind is done.
    TALLYSTICK_ZONE is the zone in which a business date begins (default Asia/Shanghai), TALLYSTICK_SPARK_CONF the
    properties of spark-submit (default: the ones ``make setup`` writes).
    """
    zone = environment.get("TALLYSTICK_ZONE", "") or "Asia/Shanghai"
    properties = environment.get("TALLYSTICK_SPARK_CONF", "") or project / "conf" / "local" / "spark-defaults.conf"
    return Deployment(
        project=project,
        warehouse=to_place(_demand(environment, "TALLYSTICK_WAREHOUSE", "the folder of all tables")),
        sources=parse_sources(_demand(environment, "TALLYSTICK_SOURCES", "such as name=dir;name=dir")),
        recipe=_demand(environment, "TALLYSTICK_RECIPE", "a file's name in recipes/"),
        zone=zone,
        properties=Path(properties),
        segmentation=environment.get("TALLYSTICK_SEGMENTATION", "").strip(),
        returning=environment.get("TALLYSTICK_RETURNING", "").strip(),
        watch_list=environment.get("TALLYSTICK_WATCH_LIST", "").strip(),
        rule_sets=tuple(filter(None, map(str.strip, environment.get("TALLYSTICK_RULES", "").split(";")))),
    )


def parse_sources(text: str) -> dict[str, Path]:
    """``name=dir;name=dir`` as a mapping, in that order."""
    sources: dict[str, Path] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, found, directory = part.partition("=")
        if not found or not name.strip() or not directory.strip() or name.strip() in sources:
            raise DeclarationError(f"{part!r} is not name=dir", where="TALLYSTICK_SOURCES", fix="name=dir;name=dir")
        sources[name.strip()] = Path(directory.strip())
    return sources


def _demand(environment: Mapping[str, str], name: str, meaning: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise DeclarationError("the environment variable is not set", where=name, fix=meaning)
    return value


def load_recipe(deployment: Deployment) -> Recipe:
    """The recipe that the deployment runs.

    DeclarationError when it or a source is unknown, when it cannot serve all sources, and when it would miss something
    on one of them: then the DAG shows all of it as an import error, long before a night fails.
    """
    return _load_recipe(deployment, deployment.recipe, where="TALLYSTICK_RECIPE")


def load_returning(deployment: Deployment) -> Recipe:
    """The recipe that scores all customers each night; DeclarationError as ``load_recipe``, and when it scores none."""
    recipe = _load_recipe(deployment, deployment.returning, where="TALLYSTICK_RETURNING")
    check_night(recipe)
    return recipe


def load_watch_list(deployment: Deployment) -> tuple[WatchList, Recipe]:
    """The watch list of each night and its recipe; DeclarationError as ``load_recipe``, and when the list is wrong."""
    project, where = load_project(deployment.project), "TALLYSTICK_WATCH_LIST"
    declared = _find(deployment.watch_list, project.watch_lists, what="watch list", where=where)
    check_watch_list(project, declared)
    return declared, _load_recipe(deployment, declared.recipe, where=where)


def load_rule_groups(deployment: Deployment) -> dict[str, list[str]]:
    """The feature groups that the rules of each named set read; DeclarationError for an unknown set or a wrong rule."""
    project, where = load_project(deployment.project), "TALLYSTICK_RULES"
    for name in deployment.rule_sets:
        _find(name, project.observations, what="observation set", where=where)
    return {name: list_groups(project, name) for name in deployment.rule_sets}


def _load_recipe(deployment: Deployment, named: str, *, where: str) -> Recipe:
    project = load_project(deployment.project)
    recipe = _find(named, project.recipes, what="recipe", where=where)
    check_sources(recipe, deployment.sources)
    for name in deployment.sources:
        source = _find(name, project.sources, what="source", where="TALLYSTICK_SOURCES")
        if problems := check_recipe_on_source(project, recipe, source):
            what = f"recipe {recipe.name} cannot run on {name}: {'; '.join(map(str, problems))}"
            raise DeclarationError(what, fix=f"tally source check {name} --recipe {recipe.name}")
    return recipe


def _find(name: str, known: Mapping[str, Declared], *, what: str, where: str) -> Declared:
    if name not in known:
        raise DeclarationError(f"no {what} {name}", where=where, fix=f"one of {', '.join(sorted(known))}")
    return known[name]


def label_asset(deployment: Deployment, recipe: Recipe) -> Asset:
    """The table of the recipe's label, whose change starts the training; without a label nothing ever does."""
    label = recipe.label or deployment.recipe
    return Asset(name=f"label_{deployment.recipe}", uri=f"file://{deployment.warehouse}/label/{label}")


def score_asset(deployment: Deployment, recipe: Recipe) -> Asset:
    """The recipe's scores, for those who want to start on them."""
    folder = recipe.score_table.replace(".", "/")
    return Asset(name=f"score_{deployment.recipe}", uri=f"file://{deployment.warehouse}/{folder}")


def dag_macros(deployment: Deployment) -> dict[str, Any]:
    """What the templates of the tasks may call."""

    def business_date(dag_run: Any) -> str:
        """The run's partition key; a run without one (by hand, in a test) is for the date it was triggered for."""
        if dag_run.partition_key:
            return str(dag_run.partition_key)[:10]
        moment: datetime = dag_run.logical_date or dag_run.run_after
        return moment.astimezone(ZoneInfo(deployment.zone)).date().isoformat()

    return {"business_date": business_date}


def dag_settings(dag_id: str, *, owner: str, task_hours: float, run_hours: float) -> dict[str, Any]:
    """What the DAGs have in common: retries that wait longer each time, a time after which a task is ended and its slot
    of the pool is free again, who is told when a task has failed for good, and when a run counts as late.
    """
    return {
        "dag_id": dag_id,
        "catchup": False,
        "max_active_runs": 1,
        "deadline": deadline(dag_id, hours=run_hours),
        "default_args": {
            "owner": owner,
            "retries": 2,
            "retry_delay": timedelta(minutes=5),
            "retry_exponential_backoff": True,
            "max_retry_delay": timedelta(hours=1),
            "execution_timeout": timedelta(hours=task_hours),
            "on_failure_callback": alarms(),
        },
    }


def add_daily_tasks(deployment: Deployment) -> None:
    """Inside a DAG: per source ingest, validate, features, labels, score; then the assets."""
    recipe = load_recipe(deployment)
    prepared: list[Any] = []
    for source, directory in deployment.sources.items():
        dated = is_delivered_by_date(directory)
        steps = list_steps(
            recipe,
            {source: directory},
            place=deployment.place,
            dates=Dates(
                load_date=template(BUSINESS_DATE) if dated else None,
                first=template(FIRST_DATE),
                last=template(BUSINESS_DATE),
                look_back=template(LOOK_BACK),
                cutoff=template(BUSINESS_DATE),
            ),
        )
        with TaskGroup(source):
            waited = [_wait_for_delivery(str(directory), BUSINESS_DATE)] if dated else []
            ready = submit_steps(deployment, [step for step in steps if step.job in PREPARE], after=waited)[-1]
            for scored in submit_steps(deployment, [step for step in steps if step.job in SCORE], after=[ready]):
                scored.add_outlets([score_asset(deployment, recipe)])
        prepared.append(ready)
    if recipe.label is not None:
        # Announced once all sources have their labels, and before the scores: on a first date those wait for a model.
        _chain(prepared, [_announce("labels_ready", label_asset(deployment, recipe))])


def add_training_tasks(deployment: Deployment, recipe: Recipe) -> None:
    """Inside a DAG: per source audit, train, score everything with the new champion, report."""
    before: list[Any] = []
    for source, directory in deployment.sources.items():
        dates = Dates(first=template(EARLIEST_DATE), last=template(LATEST_DATE))
        steps = list_steps(recipe, {source: directory}, place=deployment.place, dates=dates)
        with TaskGroup(source):
            before = submit_steps(deployment, (step for step in steps if step.job in TRAIN), after=before)[-1:]


def add_night_tasks(deployment: Deployment, recipe: Recipe) -> None:
    """Inside a DAG: per source the features of the business date's customers, and the champion's scores of them."""
    dates = Dates(first=template(BUSINESS_DATE), last=template(BUSINESS_DATE))
    for source in deployment.sources:
        steps = list_night_steps(recipe, source, place=deployment.place, dates=dates)
        for name in recipe.also_scored:
            with TaskGroup(f"{source}_{name}"):
                own = [step for step in steps if getattr(step.params, "observations", "") == name]
                submit_steps(deployment, own, after=[])


def add_monthly_training_tasks(deployment: Deployment, recipe: Recipe) -> None:
    """Inside a DAG: per source all that a model of the recipe needs and is, from stored events to its report."""
    dates = Dates(last=template(BUSINESS_DATE), cutoff=template(BUSINESS_DATE))
    for source, directory in deployment.sources.items():
        steps = list_steps(recipe, {source: directory}, place=deployment.place, dates=dates)
        wanted = ("compute_features", "build_labels", *TRAIN)
        with TaskGroup(source):
            submit_steps(deployment, (step for step in steps if step.job in wanted), after=[])


def add_watch_tasks(deployment: Deployment, declared: WatchList, recipe: Recipe) -> None:
    """Inside a DAG: per source the running loans of the business date: features, scores, rules, the watch list."""
    dates = Dates(first=template(BUSINESS_DATE), last=template(BUSINESS_DATE))
    for source in deployment.sources:
        with TaskGroup(source):
            submit_steps(
                deployment, list_watch_steps(declared, recipe, source, place=deployment.place, dates=dates), after=[]
            )


def add_rule_tasks(deployment: Deployment, groups: Mapping[str, Sequence[str]]) -> None:
    """Inside a DAG: per source and set the features that its rules read, then the rules.

    From the day before, whose events are decided on this night.
    """
    dates = Dates(first=template(FIRST_DATE), last=template(BUSINESS_DATE))
    for source in deployment.sources:
        for name, read in groups.items():
            with TaskGroup(f"{source}_{name}"):
                submit_steps(
                    deployment, list_rule_steps(name, read, source, place=deployment.place, dates=dates), after=[]
                )


def add_maintenance_tasks(deployment: Deployment) -> None:
    """Inside a DAG: compact each source in turn, then vacuum all tables."""
    before: list[Any] = []
    for step in list_maintenance_steps(deployment.sources, place=deployment.place, as_of=template(BUSINESS_DATE)):
        if isinstance(step.params, CompactEvents):
            with TaskGroup(step.params.source):
                before = submit_steps(deployment, [step], after=before)
        else:
            before = submit_steps(deployment, [step], after=before)


def add_segment_tasks(deployment: Deployment) -> None:
    """Inside a DAG: features as of the end of the month before, a model where there is none, the customers' segments.

    DeclarationError when the segmentation is unknown or wrong, and when several sources would share its model.
    """
    project = load_project(deployment.project)
    where = "TALLYSTICK_SEGMENTATION"
    declared = _find(deployment.segmentation, project.segmentations, what="segmentation", where=where)
    check_segmentation(project, declared)
    if len(deployment.sources) > 1:
        what = f"segmentation {declared.name} has one model, but {len(deployment.sources)} sources are named"
        raise DeclarationError(what, where="TALLYSTICK_SOURCES", fix="declare a segmentation for each source")
    dates = Dates(first=template(MONTH_END), last=template(MONTH_END))
    for source in deployment.sources:
        with TaskGroup(source):
            submit_steps(
                deployment, list_segment_steps(declared, source, place=deployment.place, dates=dates), after=[]
            )


def submit_steps(deployment: Deployment, steps: Iterable[Step], *, after: list[Any]) -> list[Any]:
    """One task a step, one after the other; returns the tasks. ``after`` are the tasks that come before the first."""
    tasks: list[Any] = []
    for step in steps:
        submitted = _submit(deployment, step)
        _chain(tasks[-1:] or after, [submitted])
        tasks.append(submitted)
    return tasks


def is_delivered_by_date(directory: Path) -> bool:
    """Whether a source's folder holds deliveries in folders named by date, rather than one delivery's files."""
    return directory.is_dir() and any(DELIVERY_FOLDER.fullmatch(path.name) for path in directory.iterdir())


def _submit(deployment: Deployment, step: Step) -> JobOperator:
    return JobOperator(
        task_id=step.job,
        name=f"tallystick {step.title}",
        application=str(deployment.project / "jobs" / f"{step.job}.py"),
        application_args=render(replace(step.params, run_id=RUN_ID)),
        conn_id=deployment.connection,
        deploy_mode="client",
        properties_file=str(deployment.properties),
        pool=WRITERS_POOL,
        doc_md=f"`jobs/{step.job}.py`: {step.title}",
    )


@task.sensor(task_id="wait_for_delivery", poke_interval=60, timeout=12 * 3600, mode="reschedule")
def _wait_for_delivery(directory: str, business_date: str) -> bool:
    """A supplier moves a whole folder in place, so a folder that exists is complete."""
    return (Path(directory) / business_date).is_dir()


def _announce(task_id: str, asset: Asset) -> Any:
    @task(task_id=task_id, outlets=[asset])
    def announce() -> None:
        """Nothing to do: that this task ended is the news."""

    return announce()


def _chain(before: list[Any], after: list[Any]) -> None:
    for left in before:
        for right in after:
            left >> right
