"""The contracts of the tables that models fill: the rows a model learned from, and the scores it gives.

Kept apart from ``recipes`` because whoever declares a recipe needs none of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.spec.recipes import Recipe
from tallystick.spec.tables import Column, TableContract

# What the split makes of a labelled row; only the first two are used by the test.
TRAIN, TEST, LATE, OVERLAPPING = PARTS = ("train", "test", "late", "overlapping")


def training_contract(recipe: Recipe, features: Sequence[str], *, owner: str = "risk-engineering") -> TableContract:
    """The contract of ``training.<recipe>``: one row per labelled application, with the vector the model learned from.

    ``part`` is ``train`` or ``test``; ``late`` where the label became known after the test began, ``overlapping`` where
    the label's window overlaps that of a test row of the same key. Only ``train`` rows taught the tested model; the
    model that is kept was fitted again on all. ``pd_out_of_fold`` is the pd by a model of the training part that had
    not seen the row (null elsewhere), ``pd_test`` that by the tested model (null in the training part).
    """
    keys = (
        Column(name="source", type="string", required=True, description="Name of the source, as in sources/."),
        Column(name="bucket", type="int32", required=True, description="Hash bucket of the customer."),
        Column(name="period", type="string", required=True, description="Year or month of as_of."),
        Column(name="application_id", type="string", required=True, description="The application.", pii="pseudonymous"),
        Column(name="customer_id", type="string", required=True, description="The customer.", pii="pseudonymous"),
        Column(name="as_of", type="timestamp", required=True, description="The instant of the observation, UTC."),
        Column(name="label", type="int32", required=True, description="1 bad, 0 good.", pii="personal"),
        Column(name="part", type="string", required=True, values=PARTS, description="Part of the split."),
        Column(
            name="pd_out_of_fold", type="double", description="Pd by a model that had not seen the row.", pii="personal"
        ),
        Column(name="pd_test", type="double", description="Pd by the tested model.", pii="personal"),
    )
    return TableContract(
        name=recipe.training_table,
        description=f"What the model {recipe.name} learned from",
        grain="one row per labelled application",
        owner=owner,
        columns=(
            *keys,
            *(Column(name=name, type="double", description="Feature.", pii="personal") for name in features),
        ),
        key=("source", "application_id"),
        partition_by=("source", "bucket", "period"),
        sort_by=("customer_id", "as_of", "application_id"),
        entity="customer_id",
        event_at="as_of",
        derived_from=("feature.*", f"label.{recipe.label}", "clean.applications"),
    )
