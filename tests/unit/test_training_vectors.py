"""Vectors: features and requests joined by customer and instant, labels and segments beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pandas as pd
import pyarrow as pa
import pytest

from tallystick.errors import DeclarationError, ModelError
from tallystick.spec.features import FeatureGroup, Measure
from tallystick.spec.recipes import Recipe, RequestFeature
from tallystick.spec.tables import Column, TableContract
from tallystick.training.data import build_training_set
from tallystick.training.vectors import VectorPlan, assemble_vectors, plan_vectors
from tests.lib.training_sets import make_recipe

CONTRACTS = {
    "clean.transactions": TableContract(
        name="clean.transactions",
        description="",
        grain="one row per movement",
        owner="data",
        columns=(
            Column(name="transaction_id", type="string", required=True),
            Column(name="customer_id", type="string", required=True),
            Column(name="event_at", type="timestamp", required=True),
            Column(name="known_on", type="date", required=True),
            Column(name="is_retracted", type="boolean", required=True),
            Column(name="amount_minor", type="int64"),
        ),
        key=("transaction_id", "known_on"),
        entity="customer_id",
        event_id="transaction_id",
        event_at="event_at",
        known_on="known_on",
    )
}
GROUP = FeatureGroup(
    name="txn",
    table="clean.transactions",
    owner="risk",
    windows=("30d",),
    measures=(Measure(name="out", value="amount_minor", ops="sum", reason="Spending", sign=1),),
)
MARKETING = replace(GROUP, name="ads", permitted_use="marketing")
RATIO = RequestFeature(
    name="instalment_to_spending", expression="instalment_minor", per="txn_out_sum_30d", reason="Instalment"
)


def recipe(*request: RequestFeature, groups: tuple[str, ...] = ("txn",)) -> Recipe:
    return replace(make_recipe(), groups=groups, request=request)


def planned(*request: RequestFeature, groups: tuple[str, ...] = ("txn",)) -> VectorPlan:
    return plan_vectors(recipe(*request, groups=groups), {"txn": GROUP, "ads": MARKETING}, CONTRACTS)


def at(day: int) -> datetime:
    return datetime(2024, 3, day, 16, tzinfo=UTC)


def applications(count: int = 3) -> pa.Table:
    """Application n of customer n, at 16:00 UTC on March n + 1: midnight of the next day in China."""
    return pa.table(
        {
            "application_id": [f"a{n}" for n in range(count)],
            "customer_id": [f"bank:{n}" for n in range(count)],
            "event_at": pa.array([at(n % 28 + 1) for n in range(count)], pa.timestamp("us", tz="UTC")),
            "known_on": [date(2024, 3, 1)] * count,
            "loaded_on": [date(2024, 3, 1)] * count,
            "is_retracted": [False] * count,
            "source": ["bank"] * count,
            "bucket": pa.array([0] * count, pa.int32()),
            "period": ["2024"] * count,
            "amount_minor": [100_000 * (n + 1) for n in range(count)],
            "term_months": pa.array([12] * count, pa.int32()),
            "instalment_minor": [None if n == 2 else 9_000 for n in range(count)],
            "purpose": pa.array([None] * count, pa.string()),
        }
    )


def delivered(rows: pa.Table, day: date) -> pa.Table:
    """The same rows as versions that were delivered and known on that day."""
    for name in ("known_on", "loaded_on"):
        rows = rows.set_column(rows.column_names.index(name), name, pa.array([day] * rows.num_rows))
    return rows


def spending(values: list[int]) -> pa.Table:
    count = len(values)
    keys = applications(count).select(["application_id", "event_at"])
    keys = keys.rename_columns(["observation_id", "as_of"])
    return keys.append_column("txn_out_sum_30d", pa.array(values, pa.int64()))


def test_a_vector_has_the_groups_features_and_then_the_requests() -> None:
    rows = assemble_vectors(planned(RATIO), applications(), {"txn": spending([18_000, 0, 5])}, zone="Asia/Shanghai")
    assert rows["txn_out_sum_30d"].to_pylist() == [18_000.0, 0.0, 5.0]
    # Half; null where the divisor is 0; null where the instalment is.
    assert rows["request_instalment_to_spending"].to_pylist() == [0.5, None, None]
    assert rows["application_id"].to_pylist() == ["a0", "a1", "a2"]


def test_the_version_that_was_decided_on_counts_and_no_later_correction() -> None:
    first = applications(1)
    later = delivered(first, date(2024, 3, 5))
    later = later.set_column(first.column_names.index("amount_minor"), "amount_minor", pa.array([7]))
    amount = RequestFeature(name="amount", expression="amount_minor", reason="Amount")
    rows = assemble_vectors(
        planned(amount), pa.concat_tables([later, first]), {"txn": spending([1])}, zone="Asia/Shanghai"
    )
    assert rows["request_amount"].to_pylist() == [100_000.0]
    # Corrected by the load of the very day of the decision, the first version being a day older: seen.
    timely = delivered(later, date(2024, 3, 2))
    rows = assemble_vectors(
        planned(amount), pa.concat_tables([timely, first]), {"txn": spending([1])}, zone="Asia/Shanghai"
    )
    assert rows["request_amount"].to_pylist() == [7.0]


def test_an_application_without_features_is_an_error_and_no_row_of_nulls() -> None:
    with pytest.raises(ModelError, match=r"1 of 3 applications have no row in feature\.txn"):
        assemble_vectors(planned(), applications(), {"txn": spending([1, 2])}, zone="Asia/Shanghai")


def test_two_feature_rows_for_one_observation_are_an_error() -> None:
    twice = pa.concat_tables([spending([1]), spending([1])])
    with pytest.raises(ModelError, match="several rows"):
        assemble_vectors(planned(), applications(1), {"txn": twice}, zone="Asia/Shanghai")


def test_what_is_not_permitted_for_the_use_is_no_feature_and_no_request_can_read_it() -> None:
    assert [f.name for f in planned(groups=("txn", "ads")).features] == ["txn_out_sum_30d"]
    sly = RequestFeature(name="sly", expression="ads_out_sum_30d", reason="Sly")
    with pytest.raises(DeclarationError, match="unknown column ads_out_sum_30d"):
        planned(sly, groups=("txn", "ads"))


def test_a_request_that_is_no_number_and_an_unknown_group_are_refused() -> None:
    text = RequestFeature(name="purpose", expression="purpose", reason="Purpose")
    with pytest.raises(DeclarationError, match="is a number, not string"):
        planned(text)
    with pytest.raises(DeclarationError, match="unknown feature group tnx"):
        planned(groups=("tnx",))


def labels(values: list[int | None], *, status: str = "mature") -> pa.Table:
    count = len(values)
    return pa.table(
        {
            "source": ["bank"] * count,
            "application_id": [f"a{n}" for n in range(count)],
            "label": pa.array(values, pa.int32()),
            "known_on": [date(2024, 7, 1)] * count,
            "window_from": [date(2024, 4, 1)] * count,
            "window_to": [date(2024, 6, 30)] * count,
            "status": [status if value is not None else "immature" for value in values],
        }
    )


def customers(count: int) -> pa.Table:
    return pa.table(
        {
            "customer_fact_id": [f"c{n}" for n in range(count)],
            "customer_id": [f"bank:{n}" for n in range(count)],
            "event_at": pa.array([datetime(2020, 1, 1, tzinfo=UTC)] * count, pa.timestamp("us", tz="UTC")),
            "known_on": [date(2020, 1, 1)] * count,
            "loaded_on": [date(2020, 1, 1)] * count,
            "is_retracted": [False] * count,
            "gender": ["female" if n % 2 else None for n in range(count)],
            "birth_date": [date(1990, 3, 1)] * count,
        }
    )


def tables(values: list[int | None]) -> dict[str, pa.Table]:
    count = len(values)
    return {
        "clean.applications": applications(count),
        "clean.customers": customers(count),
        "feature.txn": spending(list(range(count))),
        "label.outcome": labels(values),
        "label.outcome_strict": labels([None] * count),
    }


def test_a_training_set_has_local_days_labels_that_are_mature_and_segments() -> None:
    values: list[int | None] = [n % 2 for n in range(24)] + [None]
    data = build_training_set(recipe(), planned(), tables(values), zone="Asia/Shanghai")
    assert data.keys["day"].min().date() == date(2024, 3, 2)
    assert data.label.notna().sum() == 24
    assert data.keys["label:strict"].isna().all()
    assert data.keys["known_on:strict"].isna().all()
    assert set(data.keys.loc[data.label.notna(), "known_on"]) == {pd.Timestamp("2024-07-01")}
    assert data.keys.loc[data.label.isna(), "known_on"].isna().all()
    assert set(data.segments["gender"]) == {"female", "unknown"}
    assert set(data.segments["age_band"]) == {"26-35"}
    assert set(data.vintage) == {"2024Q1"}


def test_too_few_bad_rows_are_said_in_one_sentence() -> None:
    with pytest.raises(ModelError, match="only 3 labelled rows are bad, at least 10 are needed"):
        build_training_set(recipe(), planned(), tables([1, 1, 1] + [0] * 22), zone="Asia/Shanghai")
