"""Assets: the tables, models and deliveries that tasks wait for and write, each under the address where it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import Asset

from tallystick.orchestration.deployment import Deployment, table_address

if TYPE_CHECKING:
    from tallystick.orchestration.step_tables import StepTables
    from tallystick.spec.recipes import Recipe


def label_asset(deployment: Deployment, recipe: Recipe) -> Asset:
    """The recipe's own rows of the table of its label, whose change starts the training; other recipes may label other
    observations in the same table. Without a label nothing ever starts.
    """
    name = f"label.{recipe.label or recipe.name} of {recipe.observations}"
    return Asset(
        name=name, uri=f"{table_address(deployment, f'label.{recipe.label}')}/observations={recipe.observations}"
    )


def delivery_asset(source: str, directory: Path) -> Asset:
    """The folder of a source's deliveries."""
    return Asset(name=f"deliveries of {source}", uri=f"file://{directory.absolute()}")


def list_outlets(deployment: Deployment, tables: StepTables) -> list[Asset]:
    """What a step writes: its tables, and the model where it registers a version."""
    written = [Asset(name=name, uri=table_address(deployment, name)) for name in tables.writes]
    if tables.writes_model:
        written.append(Asset(name=f"model {tables.writes_model}", uri=f"models:/{tables.writes_model}"))
    return written
