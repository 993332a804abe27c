"""A tiny lender for tests of scoring: a feature group, a recipe, applications and their features, all made up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from tallystick.spec.algorithms import OrdinalScorecard
from tallystick.spec.features import FeatureGroup, Measure
from tallystick.spec.observations import ObservationSet, Rows
from tallystick.spec.recipes import Band, Policy, Recipe, RequestFeature
from tallystick.spec.tables import TableContract
from tallystick.training.observed import gather_observations
from tallystick.training.vectors import VectorPlan, plan_vectors

APPLICATIONS = ObservationSet(name="applications", key="application_id", population=Rows(table="clean.applications"))

SPENDING = FeatureGroup(
    name="txn",
    table="clean.transactions",
    owner="risk",
    windows=("30d",),
    measures=(
        Measure(name="out", value="amount_minor", where="direction = 'out'", ops="sum count", reason="Spending"),
        Measure(name="in", value="amount_minor", where="direction = 'in'", ops="mean", reason="Income"),
    ),
)

RECIPE = Recipe(
    name="small_loan",
    title="Small loan",
    groups=("txn",),
    observations="applications",
    label="default",
    request=(
        RequestFeature(name="amount", expression="amount_minor", reason="Amount of the loan"),
        RequestFeature(
            name="burden", expression="instalment_minor", per="txn_in_mean_30d", reason="Size of the instalment"
        ),
    ),
    algorithms=(OrdinalScorecard(),),
    policy=Policy(
        currency="CNY",
        limit_min_minor=50_000,
        limit_max_minor=30_000_000,
        bands=(
            Band(pd_below=0.1, decision="approve", limit_minor=3_000_000),
            Band(pd_below=0.3, decision="refer", limit_minor=500_000),
        ),
    ),
)

FEATURES = ("txn_out_sum_30d", "txn_out_count_30d", "txn_in_mean_30d", "request_amount", "request_burden")


def vector_plan(contracts: Mapping[str, TableContract]) -> VectorPlan:
    """The columns of the recipe's vectors."""
    return plan_vectors(RECIPE, {"txn": SPENDING}, contracts, observed=APPLICATIONS)


def applications(count: int, *, buckets: int = 2) -> dict[int, pa.Table]:
    """Per bucket the stored rows of clean.applications, a fifth of them corrected later by a second version."""
    made: dict[int, list[dict[str, object]]] = {bucket: [] for bucket in range(buckets)}
    for number in range(count):
        applied = datetime(2025, 11, 1, 15, 30, tzinfo=UTC) + timedelta(days=3 * number)
        row = {
            "application_id": f"a{number}", "customer_id": f"s:c{number}", "event_at": applied,
            "known_on": applied.date() + timedelta(days=1), "loaded_on": applied.date() + timedelta(days=1),
            "is_retracted": False,
            "amount_minor": 100_000 + 1_000 * number, "term_months": 12, "instalment_minor": 9_000, "purpose": None,
        }  # fmt: skip
        made[number % buckets].append(row)
        if number % 5 == 0:
            later = {"known_on": date(2026, 12, 1), "loaded_on": date(2026, 12, 1), "amount_minor": 777_000}
            made[number % buckets].append({**row, **later})
    schema = pa.schema(
        [("application_id", pa.string()), ("customer_id", pa.string()), ("event_at", pa.timestamp("us", tz="UTC")),
         ("known_on", pa.date32()), ("loaded_on", pa.date32()), ("is_retracted", pa.bool_()),
         ("amount_minor", pa.int64()), ("term_months", pa.int32()), ("instalment_minor", pa.int64()),
         ("purpose", pa.string())]
    )  # fmt: skip
    return {bucket: pa.Table.from_pylist(rows, schema=schema) for bucket, rows in made.items()}


def features_of(stored: pa.Table) -> pa.Table:
    """Rows of feature.txn for these applications, one per observation, with a null in every seventh mean."""
    keys = ["customer_id", "event_at", "application_id"]
    observed = stored.group_by(keys).aggregate([]).sort_by("customer_id")
    rng = np.random.default_rng(2)
    rows = observed.num_rows
    means = [None if n % 7 == 0 else float(v) for n, v in enumerate(rng.uniform(5_000, 90_000, rows))]
    return pa.table(
        {
            "observation_id": observed["application_id"],
            "customer_id": observed["customer_id"],
            "as_of": observed["event_at"],
            "txn_out_sum_30d": pa.array(rng.integers(0, 500_000, rows), pa.int64()),
            "txn_out_count_30d": pa.array(rng.integers(0, 90, rows), pa.int64()),
            "txn_in_mean_30d": pa.array(means, pa.float64()),
        }
    )


class Bank:
    """The lender as a source, as far as planning and observing look at it."""

    name = "s"
    zone = "Asia/Shanghai"
    layout = type("Layout", (), {"period": "year", "buckets": 2})
    tables: ClassVar[dict[str, Any]] = {}


def placed(stored: pa.Table) -> pa.Table:
    """These rows as they are read back: with the partition that they were stored in."""
    count = stored.num_rows
    place = {"source": ["s"] * count, "bucket": pa.array([0] * count, pa.int32()), "period": ["2026"] * count}
    for name, values in place.items():
        stored = stored.append_column(name, pa.array(values) if isinstance(values, list) else values)
    return stored


def observations(stored: pa.Table, contracts: Mapping[str, TableContract]) -> pa.Table:
    """The observations of ``placed`` applications, with the columns that the recipe's requests read."""
    tables = {"clean.applications": stored, "feature.txn": placed(features_of(stored))}
    return gather_observations(vector_plan(contracts), tables, contracts, source=Bank())  # type: ignore[arg-type]


def model() -> dict[str, object]:
    """A hand-written ``model.json`` over these features."""
    return {
        "format": 1, "name": "small_loan", "features": list(FEATURES),
        "reasons": {"txn_out_sum_30d": "Spending", "txn_out_count_30d": "Spending", "txn_in_mean_30d": "Income",
                    "request_amount": "Amount of the loan", "request_burden": "Size of the instalment"},
        "members": [{"kind": "scorecard", "weight": 1.0, "intercept": -1.5, "variables": [
            {"feature": "txn_out_sum_30d", "coefficient": 1.0, "edges": [200_000.0], "woe": [-0.4, 0.6],
             "woe_missing": 0.0, "average": 0.1},
            {"feature": "txn_in_mean_30d", "coefficient": 1.0, "edges": [30_000.0], "woe": [0.7, -0.7],
             "woe_missing": 0.9, "average": 0.0},
            {"feature": "request_burden", "coefficient": 1.0, "edges": [0.2], "woe": [-0.3, 0.3],
             "woe_missing": 0.2, "average": 0.0},
            {"feature": "request_amount", "coefficient": 0.5, "edges": [500_000.0], "woe": [0.0, 1.0],
             "woe_missing": 0.0, "average": 0.0}]}],
        "calibration": {"intercept": 0.0, "slope": 1.0}, "scale": {"offset": 33.0, "factor": 11.5},
        "policy": {"currency": "CNY", "bands": [
            {"pd_below": 0.1, "decision": "approve", "limit_minor": 3_000_000},
            {"pd_below": 0.3, "decision": "refer", "limit_minor": 500_000}]},
    }  # fmt: skip
