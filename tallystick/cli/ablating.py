"""``tally ablate``: from arguments to the run that measures dimensions, and its table.

Kept apart from ``running`` because this command reads a finished training set: it starts no chain and no Spark.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.cli.printing import print_table
from tallystick.cli.running import open_project
from tallystick.entrypoint import perform
from tallystick.errors import NotFound
from tallystick.places import local_home
from tallystick.runs.params import AblateDimensions
from tallystick.spec.names import nearest_name


def ablate_recipe(
    recipe: str, source: str, *, algorithm: str, warehouse: Path, project: Path | None, whole: bool
) -> pa.Table:
    """Measure the dimensions of a recipe and return the table: ``whole`` for programs, else as a person reads it.

    Without a ``source`` that of the champion; NotFound where there is none either.
    """
    from tallystick.model.registry import Registry
    from tallystick.runs.ablation_study import find_ablation, list_ablation

    declared, home = open_project(project), warehouse.resolve()
    if recipe not in declared.recipes:
        raise NotFound(f"there is no recipe {recipe}", fix=nearest_name(recipe, declared.recipes))
    registry = Registry(local_home(home))
    chosen = source or registry.find(recipe).tags["source"]
    perform(AblateDimensions(project=declared.root, warehouse=home, recipe=recipe, source=chosen, algorithm=algorithm))
    facts = find_ablation(registry, declared.recipes[recipe], source=chosen)
    return list_ablation(facts, whole=whole)


def print_dimensions(found: pa.Table) -> None:
    """Print the table for a person: one table for each kind of rows, under a line that says which."""
    for measured in found["measured on"].unique().to_pylist():
        own = found.filter(pc.equal(found["measured on"], measured))
        print(f"\n{measured}: {own['bad / rows'][0]} bad")
        print_table(own.drop_columns(["measured on", "bad / rows"]))
