"""The tasks of each DAG: the steps of ``pipeline`` as submitted jobs, one after the other."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import TaskGroup

from tallystick.orchestration.business_dates import (
    BUSINESS_DATE,
    EARLIEST_DATE,
    FIRST_DATE,
    LATEST_DATE,
    LOOK_BACK,
    MONTH_END,
    RUN_ID,
    RefuseWrongDate,
    run_date,
)
from tallystick.orchestration.delivery_sensor import DeliverySensor
from tallystick.orchestration.deployment import Deployment, check_deliveries
from tallystick.orchestration.named_declarations import load_recipe, load_segmentation
from tallystick.orchestration.step_tables import StepTables, tables_of
from tallystick.orchestration.table_assets import delivery_asset, label_asset, list_outlets
from tallystick.pipeline import (
    Dates,
    Step,
    list_maintenance_steps,
    list_night_steps,
    list_rule_steps,
    list_segment_steps,
    list_steps,
    list_watch_steps,
)
from tallystick.project import load_project
from tallystick.runs.arguments import render
from tallystick.runs.fields import Params, template
from tallystick.runs.params import BuildLabels, CompactEvents
from tallystick.submitting import JobOperator

if TYPE_CHECKING:
    from tallystick.spec.recipes import Recipe
    from tallystick.spec.watch_lists import WatchList

PREPARE = ("ingest_source", "validate_tables", "compute_features", "build_labels")
SCORE = ("score_observations",)
TRAIN = ("audit_leakage", "train_model", "score_observations", "write_report")

# One slot: one writer at a time, across all DAGs, scheduled runs and backfills.
# Two writers of one slice do no harm, but one of them fails, and a night with red tasks hides real trouble.
WRITERS_POOL = "tallystick_writers"


def add_daily_tasks(deployment: Deployment) -> None:
    """Inside a DAG: per source the delivery, ingest, validate, features, labels, score."""
    recipe, project = load_recipe(deployment), load_project(deployment.project)
    check_deliveries(deployment)
    checked = _refuse_wrong_date(deployment)
    for source, directory in deployment.sources.items():
        # A source that declares a load date is one delivery, whatever the night.
        is_dated = project.sources[source].load_date is None
        dates = Dates(
            load_date=template(BUSINESS_DATE) if is_dated else None,
            run_date=template(run_date(deployment.zone)) if is_dated else None,
            first=template(FIRST_DATE),
            last=template(BUSINESS_DATE),
            look_back=template(LOOK_BACK),
            cutoff=template(BUSINESS_DATE),
            known_by=template(BUSINESS_DATE),
        )
        steps = list_steps(recipe, {source: directory}, place=deployment.place, dates=dates)
        with TaskGroup(source):
            before = checked
            if is_dated:
                before = [_wait_for_delivery(deployment, source, directory)]
                _chain(checked, before)
            submit_steps(deployment, [step for step in steps if step.job in (*PREPARE, *SCORE)], after=before)


def add_training_tasks(deployment: Deployment, recipe: Recipe) -> None:
    """Inside a DAG: per source audit, train, score everything with the new champion, report."""
    before = _refuse_wrong_date(deployment)
    dates = Dates(first=template(EARLIEST_DATE), last=template(LATEST_DATE), known_by=template(BUSINESS_DATE))
    for source, directory in deployment.sources.items():
        steps = list_steps(recipe, {source: directory}, place=deployment.place, dates=dates)
        with TaskGroup(source):
            before = submit_steps(deployment, (step for step in steps if step.job in TRAIN), after=before)[-1:]


def add_night_tasks(deployment: Deployment, recipe: Recipe) -> None:
    """Inside a DAG: per source the features of the business date's customers, and the champion's scores of them."""
    checked = _refuse_wrong_date(deployment)
    dates = Dates(first=template(BUSINESS_DATE), last=template(BUSINESS_DATE))
    for source in deployment.sources:
        steps = list_night_steps(recipe, source, place=deployment.place, dates=dates)
        for name in recipe.also_scored:
            with TaskGroup(f"{source}_{name}"):
                own = [step for step in steps if getattr(step.params, "observations", "") == name]
                submit_steps(deployment, own, after=checked)


def add_monthly_training_tasks(deployment: Deployment, recipe: Recipe) -> None:
    """Inside a DAG: per source all that a model of the recipe needs and is, from stored events to its report."""
    checked = _refuse_wrong_date(deployment)
    today = template(BUSINESS_DATE)
    dates = Dates(last=today, cutoff=today, known_by=today)
    for source, directory in deployment.sources.items():
        steps = list_steps(recipe, {source: directory}, place=deployment.place, dates=dates)
        wanted = ("compute_features", "build_labels", *TRAIN)
        with TaskGroup(source):
            submit_steps(deployment, (step for step in steps if step.job in wanted), after=checked)


def add_watch_tasks(deployment: Deployment, declared: WatchList, recipe: Recipe) -> None:
    """Inside a DAG: per source the running loans of the business date: features, scores, rules, the watch list."""
    checked = _refuse_wrong_date(deployment)
    dates = Dates(first=template(BUSINESS_DATE), last=template(BUSINESS_DATE))
    for source in deployment.sources:
        steps = list_watch_steps(declared, recipe, source, place=deployment.place, dates=dates)
        with TaskGroup(source):
            submit_steps(deployment, steps, after=checked)


def add_rule_tasks(deployment: Deployment, groups: Mapping[str, Sequence[str]]) -> None:
    """Inside a DAG: per source and set the features that its rules read, then the rules.

    From the day before, whose events are decided on this night.
    """
    checked = _refuse_wrong_date(deployment)
    dates = Dates(first=template(FIRST_DATE), last=template(BUSINESS_DATE))
    for source in deployment.sources:
        for name, read in groups.items():
            steps = list_rule_steps(name, read, source, place=deployment.place, dates=dates)
            with TaskGroup(f"{source}_{name}"):
                submit_steps(deployment, steps, after=checked)


def add_maintenance_tasks(deployment: Deployment) -> None:
    """Inside a DAG: compact each source in turn, then vacuum all tables."""
    before = _refuse_wrong_date(deployment)
    for step in list_maintenance_steps(deployment.sources, place=deployment.place, as_of=template(BUSINESS_DATE)):
        if isinstance(step.params, CompactEvents):
            with TaskGroup(step.params.source):
                before = submit_steps(deployment, [step], after=before)
        else:
            before = submit_steps(deployment, [step], after=before)


def add_segment_tasks(deployment: Deployment) -> None:
    """Inside a DAG: features as of the end of the month before, a model where there is none, the customers' segments.

    DeclarationError as ``load_segmentation`` says.
    """
    declared = load_segmentation(deployment)
    checked = _refuse_wrong_date(deployment)
    dates = Dates(first=template(MONTH_END), last=template(MONTH_END))
    for source in deployment.sources:
        steps = list_segment_steps(declared, source, place=deployment.place, dates=dates)
        with TaskGroup(source):
            submit_steps(deployment, steps, after=checked)


def submit_steps(deployment: Deployment, steps: Iterable[Step], *, after: list[Any]) -> list[Any]:
    """One task a step, one after the other; returns the tasks. ``after`` are the tasks that come before the first."""
    tasks: list[Any] = []
    for step in steps:
        submitted = _submit(deployment, step)
        _chain(tasks[-1:] or after, [submitted])
        tasks.append(submitted)
    return tasks


def _submit(deployment: Deployment, step: Step) -> JobOperator:
    project = load_project(deployment.project)
    tables = tables_of(step.params, project)
    outlets = list_outlets(deployment, tables)
    if isinstance(step.params, BuildLabels):
        outlets.append(label_asset(deployment, project.recipes[step.params.recipe]))
    return JobOperator(
        task_id=step.job,
        name=f"tallystick {step.title}",
        application=str(deployment.project / "jobs" / f"{step.job}.py"),
        application_args=render(replace(step.params, run_id=RUN_ID)),
        conn_id=deployment.connection,
        deploy_mode="client",
        properties_file=str(deployment.properties),
        pool=WRITERS_POOL,
        outlets=outlets,
        doc_md=_describe(step, tables),
        lineage=partial(_tell_lineage, deployment, step.params),
    )


def _tell_lineage(deployment: Deployment, params: Params, with_columns: bool) -> Any:
    from tallystick.orchestration.lineage_events import describe_lineage  # its libraries take half a second to import

    return describe_lineage(deployment, params, with_columns=with_columns)


def _describe(step: Step, tables: StepTables) -> str:
    """What the task does, in the words of the run itself, and what it reads and writes."""
    told = [f"**{step.title}** (`jobs/{step.job}.py`)", _tell(step.job)]
    for word, names in (("Reads", tables.reads), ("Writes", tables.writes)):
        if names:
            told.append(f"{word}: {', '.join(f'`{name}`' for name in names)}.")
    if tables.writes_model:
        told.append(f"Registers a version of the model `{tables.writes_model}`.")
    return "\n\n".join([*told, "If it fails: docs/operate.md, by the exit code in the last line of its log."])


@cache
def _tell(job: str) -> str:
    """The docstring of the run's module, read as text: its imports are heavy."""
    path = Path(__file__).resolve().parents[1] / "runs" / f"{job}.py"
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def _refuse_wrong_date(deployment: Deployment) -> list[Any]:
    doc = "Fails at once where the run has no business date, or a mistyped one. Its result is the date."
    return [RefuseWrongDate(task_id="business_date", zone=deployment.zone, doc_md=doc)]


def _wait_for_delivery(deployment: Deployment, source: str, directory: Path) -> DeliverySensor:
    declared = load_project(deployment.project).sources[source]
    files = sorted(one.file for one in declared.files.values() if not one.optional)
    doc = f"Waits for the folder `{directory}/<business date>`, which a supplier moves in place whole, with"
    return DeliverySensor(
        task_id="wait_for_delivery",
        folder=f"{directory}/{BUSINESS_DATE}",
        files=files,
        outlets=[delivery_asset(source, directory)],
        doc_md=f"{doc} {', '.join(f'`{name}`' for name in files)}.",
    )


def _chain(before: list[Any], after: list[Any]) -> None:
    for left in before:
        for right in after:
            left >> right
