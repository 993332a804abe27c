"""Write the report of a recipe on a source as one HTML file, and print its summary.

Takes a recipe and a source; reads the newest versions of all tables and the model in force.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tallystick.errors import NotFound
from tallystick.project import load_project
from tallystick.report import (
    ModelFacts,
    RunFacts,
    count_features,
    describe_run,
    list_questions,
    print_page,
    read_model_files,
    render_page,
)
from tallystick.runs.progress import progress
from tallystick.tables import Warehouse, query

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from tallystick.runs.params import WriteReport


def run(params: WriteReport, session: SparkSession | None) -> None:
    """Ask the tables, describe the run, write the page. Spark is not needed."""
    project, warehouse = load_project(params.project), Warehouse(params.warehouse)
    recipe, source = project.recipes[params.recipe], project.sources[params.source]
    asked = list_questions(recipe, source=source.name)
    answers = {
        name: query(warehouse, question.sql)
        for name, question in asked.items()
        if all(warehouse.exists(table) for table in question.tables)
    }
    groups = [project.feature_groups[name] for name in recipe.groups]
    home, name = Path(warehouse.root), f"{recipe.name}_{source.name}"
    places, model = (
        [("Tables", f"{home}/<layer>/<table>"), ("Data checks", f"{home}/docs/validations/index.html")],
        None,
    )
    commands = [f'tally sql "select * from feature.{recipe.groups[0]} limit 5" --warehouse {home}']
    if recipe.label is not None:
        model, tracking = _read_model(home, recipe.name, source.name)
        places.append(("Model", f"models:/{recipe.name}@champion in {tracking}"))
        commands.append(f"MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false mlflow ui --backend-store-uri {tracking}")
        commands.append(f'tally sql "select * from {recipe.score_table} order by pd limit 5" --warehouse {home}')
    facts = RunFacts(
        recipe=recipe,
        source=source.name,
        label=project.labels[recipe.label] if recipe.label else None,
        answers=answers,
        groups=count_features(groups, project.contracts, assumed=source.assumed_tables),
        places=places,
        commands=commands,
        model=model,
        request_features=len(recipe.request),
    )
    page = describe_run(facts)
    path = home / "report" / f"{name}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render_page(page), encoding="utf-8")
    print_page(page, sys.stdout)
    progress(f"      report: {path}")


def _read_model(home: Path, name: str, source: str) -> tuple[ModelFacts | None, str]:
    """The facts of the champion that learned from the source, if there is one, and where the registry is."""
    from tallystick.model.registry import Registry

    registry = Registry(home)
    try:
        model = registry.find(name)
    except NotFound:
        return None, registry.tracking_uri
    if model.tags.get("source", source) != source:  # then this source has none
        return None, registry.tracking_uri
    with tempfile.TemporaryDirectory() as folder:
        tables, plots = read_model_files(registry.fetch_files(model, Path(folder)))
    metrics, params = registry.metrics(model)
    facts = ModelFacts(name=model.label, params=params, metrics=metrics, tables=tables, plots=plots)
    return facts, registry.tracking_uri
