"""Write the report of a recipe on a source as one HTML file, and print its summary.

Takes a recipe and a source; reads the newest versions of all tables and the model in force.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tallystick.errors import ContractError, InputError, NotFound, hide_keys
from tallystick.model.registry import GATES_TAG, Registry
from tallystick.report import (
    ModelFacts,
    RunFacts,
    count_features,
    describe_run,
    has_rule_answers,
    list_questions,
    list_watch_questions,
    print_page,
    read_gates,
    read_model_files,
    render_page,
    rule_questions,
)
from tallystick.report.blocks import Link
from tallystick.runs.ablation_study import find_ablation
from tallystick.runs.context import RunContext
from tallystick.runs.graph_tables import show_ring
from tallystick.runs.progress import progress
from tallystick.spec.permissions import tell_protected
from tallystick.tables import pin_all, query
from tallystick.tables.store.disk import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from pyspark.sql import SparkSession

    from tallystick.report.blocks import Cell, Page
    from tallystick.report.questions import Question
    from tallystick.runs.params import WriteReport
    from tallystick.spec.recipes import Recipe
    from tallystick.spec.watch_lists import WatchList


def run(params: WriteReport, session: SparkSession | None = None) -> None:
    """Ask the tables, describe the run, write the page. Spark is not needed."""
    context = RunContext.open(params)
    page, path = save_page(context, context.recipe(params))
    print_page(page, sys.stdout)
    progress(f"      report: {path}")


def save_page(context: RunContext, recipe: Recipe) -> tuple[Page, Path]:
    """Write the report of the recipe on the context's source as it is now; the page and where it lies."""
    page = describe_run(_gather_facts(context, recipe))
    path = context.warehouse.home / "report" / f"{recipe.name}_{context.source.name}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, render_page(page))
    return page, path


def _gather_facts(context: RunContext, recipe: Recipe) -> RunFacts:
    """All that the report says."""
    project, registry = context.project, Registry(context.warehouse.home)
    groups = [project.feature_groups[name] for name in recipe.groups]
    answers, watch_list = _ask_tables(context, recipe, registry), _watch_list(context, recipe)
    # The reasons of a watch list are about credit, where confirmed fraud around a customer has no say.
    has_ring = watch_list is None and has_rule_answers(answers)
    return RunFacts(
        recipe=recipe,
        source=context.source.name,
        label=project.labels[recipe.label] if recipe.label else None,
        answers=answers,
        groups=count_features(groups, project.contracts, assumed=context.source.assumed_tables),
        places=_list_places(context, recipe, registry),
        commands=_list_commands(context, recipe, registry),
        model=_describe_model(registry, recipe, source=context.source.name) if recipe.label else None,
        refused=_tell_refused(registry, recipe, source=context.source.name) if recipe.label else "",
        ablation=find_ablation(registry, recipe, source=context.source.name) if recipe.label else None,
        watch_list=watch_list,
        rule_titles={name: rule.title for name, rule in project.rules.items()},
        request_features=len(recipe.request),
        protected=tell_protected(groups, project.contracts),
        ring=show_ring(context) if has_ring else None,
    )


def _watch_list(context: RunContext, recipe: Recipe) -> WatchList | None:
    """The list that the recipe's model ranks; None where it ranks none."""
    ranked = (one for one in context.project.watch_lists.values() if one.recipe == recipe.name)
    return next(ranked, None)


def _ask_tables(context: RunContext, recipe: Recipe, registry: Registry) -> dict[str, pa.Table]:
    """The answers to those of the report's questions whose tables exist."""
    asked = dict(list_questions(recipe, source=context.source.name))
    declared = _watch_list(context, recipe)
    if declared:
        models = registry.versions(recipe.name)
        learned = {one.label: day for one in models if (day := one.outcomes_known_by) is not None}
        asked |= list_watch_questions(declared, recipe, source=context.source.name, learned=learned)
    ruled = declared.observations if declared else recipe.observations
    asked |= rule_questions(ruled, source=context.source.name)
    exists = context.warehouse.exists
    answerable = {name: one for name, one in asked.items() if all(exists(table) for table in one.tables)}
    # One moment for the whole page: a load that is published meanwhile is in all of its tables or in none.
    pinned = pin_all(context.warehouse, sorted({table for one in answerable.values() for table in one.tables}))
    versions = {table: one.version for table, one in pinned.items()}
    return {name: _ask(context, one, versions) for name, one in answerable.items()}


def _ask(context: RunContext, question: Question, versions: Mapping[str, int]) -> pa.Table:
    try:
        return query(context.warehouse, question.sql, versions=versions)
    except InputError:
        # The SQL is the report's own, so what DuckDB misses in it is a column that an earlier version did not write.
        what = "it lacks columns that the report asks for, as an earlier version of this project wrote it"
        fix = "run the step that writes it again, or write the report with that version"
        raise ContractError(what, where=f"table {', '.join(question.tables)}", fix=fix) from None


def _checks_link(context: RunContext) -> Link:
    """The page of the data checks, from the folder of reports."""
    return Link(text="what each expectation found", href=f"../docs/validations/{context.source.name}.html")


def _list_places(context: RunContext, recipe: Recipe, registry: Registry) -> list[tuple[str, Cell]]:
    home = context.warehouse.root
    places: list[tuple[str, Cell]] = [("Tables", f"{home}/<layer>/<table>"), ("Data checks", _checks_link(context))]
    model = ("Model", f"models:/{recipe.name}@champion in {hide_keys(registry.tracking_uri)}")
    return [*places, model] if recipe.label else places


def _list_commands(context: RunContext, recipe: Recipe, registry: Registry) -> list[str]:
    home = context.warehouse.root
    commands = [f'tally sql "select * from feature.{recipe.groups[0]} limit 5" --warehouse {home}']
    if recipe.label is None:
        return commands
    return [
        *commands,
        f"MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false mlflow ui --backend-store-uri {hide_keys(registry.tracking_uri)}",
        f'tally sql "select * from {recipe.score_table} order by pd limit 5" --warehouse {home}',
    ]


def _describe_model(registry: Registry, recipe: Recipe, *, source: str) -> ModelFacts | None:
    """The facts of the champion that learned from the source, if there is one."""
    try:
        model = registry.find(recipe.name)
    except NotFound:
        return None
    if model.tags.get("source", source) != source:  # then this source has none
        return None
    with tempfile.TemporaryDirectory() as folder:
        tables, plots = read_model_files(registry.fetch_files(model, Path(folder)))
    metrics, params = registry.metrics(model)
    return ModelFacts(
        name=model.label, params=params, metrics=metrics, tables=tables, plots=plots, gates=read_gates(tables)
    )


def _tell_refused(registry: Registry, recipe: Recipe, *, source: str) -> str:
    """A sentence on the newest version where it failed its gates; empty where it did not or learned elsewhere."""
    newest = next((one for one in registry.versions(recipe.name) if one.tags.get("source", source) == source), None)
    verdict = newest.tags.get(GATES_TAG, "") if newest else ""
    if newest is None or newest.aliases or not verdict.startswith("failed"):
        return ""
    return f"The newest model, {newest.label}, {verdict}. It is not in force; its card has the numbers."
