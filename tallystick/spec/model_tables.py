"""The contracts of the tables that models fill: the rows a model learned from, and the scores it gives.

Kept apart from ``recipes`` because whoever declares a recipe needs none of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from tallystick.spec.observations import ObservationSet
from tallystick.spec.policy import DECISIONS
from tallystick.spec.recipes import Recipe
from tallystick.spec.tables import Column, TableContract

# What the split makes of a labelled row; only the first two are used by the test.
TRAIN, TEST, LATE, OVERLAPPING = PARTS = ("train", "test", "late", "overlapping")


def training_contract(recipe: Recipe, features: Sequence[str], *, owner: str = "risk-engineering") -> TableContract:
    """The contract of ``training.<recipe>``: one row per labelled observation, with the vector the model learned from.

    ``part`` is ``train`` or ``test``; ``late`` where the label became known after the test began, ``overlapping`` where
    the label's window overlaps that of a test row of the same key. Only ``train`` rows taught the tested model; the
    model that is kept was fitted again on all. ``pd_out_of_fold`` is the pd by a model of the training part that had
    not seen the row (null elsewhere), ``pd_test`` that by the tested model (null in the training part).
    """
    keys = (
        Column(name="source", type="string", required=True, description="Name of the source, as in sources/."),
        Column(name="bucket", type="int32", required=True, description="Hash bucket of the customer."),
        Column(name="period", type="string", required=True, description="Year or month of as_of."),
        Column(name="observations", type="string", required=True, description="Name of the observation set."),
        Column(name="observation_id", type="string", required=True, description="The set's key.", pii="pseudonymous"),
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
        grain="one row per labelled observation",
        owner=owner,
        columns=(
            *keys,
            *(Column(name=name, type="double", description="Feature.", pii="personal") for name in features),
        ),
        key=("source", "observations", "observation_id", "as_of"),
        partition_by=("source", "bucket", "period"),
        sort_by=("customer_id", "as_of", "observation_id"),
        entity="customer_id",
        event_at="as_of",
        derived_from=("feature.*", f"label.{recipe.label}", "clean.*"),
    )


def score_contract(observed: ObservationSet, *, owner: str = "risk-engineering") -> TableContract:
    """The contract of ``score.<set>``: one row per recipe and observation of the set.

    A recipe without a policy gives pd, score and reasons; then limit, currency and decision are null.
    """
    reasons = ("Strongest reason, in words a customer may be told.", "Second reason; null when there is none.",
               "Third reason; null when there is none.")  # fmt: skip
    columns = (
        Column(name="observation_id", type="string", required=True, pii="pseudonymous",
               description=f"What was observed: {observed.key}."),
        Column(name="customer_id", type="string", required=True, pii="pseudonymous",
               description="Customer, as '<source>:<id>'."),
        Column(name="as_of", type="timestamp", required=True,
               description="The moment the score is made for; nothing known later was used."),
        Column(name="pd", type="double", required=True, pii="personal",
               description="Calibrated probability of being bad, 0 to 1."),
        Column(name="score", type="double", required=True, pii="personal",
               description="Score from 0 to 100, higher is better, one decimal."),
        Column(name="limit_minor", type="int64", pii="personal",
               description="Limit in minor units of currency; 0 when declined, null without a policy."),
        Column(name="currency", type="string", description="Currency of the limit, ISO 4217; null without a policy."),
        Column(name="decision", type="string", pii="personal", values=(*DECISIONS, "decline"),
               description="What the policy says; null without one."),
        *(Column(name=f"reason_{place}", type="string", pii="personal", description=text)
          for place, text in enumerate(reasons, start=1)),
        Column(name="is_in_training", type="boolean", required=True,
               description="True when the model saw this row in training: its performance must not be stated on it."),
        Column(name="model_version", type="string", required=True,
               description="Registered name and version of the model, as '<name>/<version>'."),
        Column(name="recipe", type="string", required=True,
               description="The recipe whose model gave the score: an observation may be scored by several."),
        Column(name="source", type="string", required=True, description="Name of the source, as in sources/."),
        Column(name="bucket", type="int32", required=True, description="Hash bucket of the customer."),
        Column(name="period", type="string", required=True, description="Year or month of as_of."),
    )  # fmt: skip
    return TableContract(
        name=f"score.{observed.name}",
        description=f"The pd, score, decision, limit and reasons of every observation of {observed.name}.",
        grain="one row per recipe and observation",
        owner=owner,
        columns=columns,
        key=("recipe", "source", "observation_id", "as_of"),
        partition_by=("recipe", "source", "bucket", "period"),
        sort_by=("customer_id", "as_of", "observation_id"),
        entity="customer_id",
        event_at="as_of",
        derived_from=(*observed.tables, "feature.*", "training.*"),
    )
