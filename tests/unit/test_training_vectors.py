"""Vectors: features and requests joined by customer and instant, labels and segments beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tallystick.errors import DeclarationError, ModelError
from tallystick.spec.features import FeatureGroup, Measure
from tallystick.spec.observations import Customers, MonthEnds, ObservationSet, Rows
from tallystick.spec.recipes import Recipe, RequestFeature
from tallystick.spec.tables import Column, TableContract
from tallystick.training.data import TrainingSet, build_training_set
from tallystick.training.observed import gather_observations, own_tables
from tallystick.training.vectors import VectorPlan, assemble_vectors, plan_vectors
from tests.lib.training_sets import make_recipe

ZONE = ZoneInfo("Asia/Shanghai")
_INSTANT = pa.timestamp("us", tz="UTC")

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
    ),
    "clean.applications": TableContract(
        name="clean.applications",
        description="",
        grain="one row per application",
        owner="data",
        columns=(
            Column(name="application_id", type="string", required=True),
            Column(name="customer_id", type="string", required=True),
            Column(name="event_at", type="timestamp", required=True),
            Column(name="known_on", type="date", required=True),
            Column(name="is_retracted", type="boolean", required=True),
            Column(name="amount_minor", type="int64"),
            Column(name="instalment_minor", type="int64"),
            Column(name="purpose", type="string"),
        ),
        key=("application_id", "known_on"),
        entity="customer_id",
        event_id="application_id",
        event_at="event_at",
        known_on="known_on",
    ),
}
APPLICATIONS = ObservationSet(name="applications", key="application_id", population=Rows(table="clean.applications"))
BOOK = ObservationSet(
    name="book", key="application_id", population=MonthEnds(table="clean.applications", where="amount_minor > 0")
)
DAILY = ObservationSet(name="daily", key="customer_id", population=Customers(tables=("clean.transactions",)))
AMOUNT = RequestFeature(name="amount", expression="amount_minor", reason="Amount")
GROUP = FeatureGroup(
    name="txn",
    table="clean.transactions",
    owner="risk",
    windows=("30d",),
    measures=(Measure(name="out", value="amount_minor", ops="sum", reason="Spending", sign=1),),
)
RATIO = RequestFeature(
    name="instalment_to_spending", expression="instalment_minor", per="txn_out_sum_30d", reason="Instalment"
)


def recipe(*request: RequestFeature, groups: tuple[str, ...] = ("txn",)) -> Recipe:
    return replace(make_recipe(), groups=groups, request=request)


def planned(
    *request: RequestFeature, groups: tuple[str, ...] = ("txn",), observed: ObservationSet = APPLICATIONS
) -> VectorPlan:
    return plan_vectors(recipe(*request, groups=groups), {"txn": GROUP}, CONTRACTS, observed=observed)


class Bank:
    """A source, as far as its observations look at it."""

    name = "bank"
    zone = "Asia/Shanghai"
    layout = type("Layout", (), {"period": "year", "buckets": 1})


def gathered(plan: VectorPlan, applications: pa.Table, features: pa.Table) -> pa.Table:
    tables = {"clean.applications": applications, "feature.txn": features}
    return gather_observations(plan, tables, CONTRACTS, source=Bank())  # type: ignore[arg-type]


def assembled(plan: VectorPlan, applications: pa.Table, features: pa.Table) -> pa.Table:
    return assemble_vectors(plan, gathered(plan, applications, features), {"txn": features})


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
    """Rows of feature.txn for these applications, with where they are stored."""
    keys = applications(len(values)).select(["application_id", "customer_id", "event_at", "source", "bucket", "period"])
    keys = keys.rename_columns(["observation_id", "customer_id", "as_of", "source", "bucket", "period"])
    return keys.append_column("txn_out_sum_30d", pa.array(values, pa.int64()))


def test_a_vector_has_the_groups_features_and_then_the_requests() -> None:
    rows = assembled(planned(RATIO), applications(), spending([18_000, 0, 5]))
    assert rows["txn_out_sum_30d"].to_pylist() == [18_000.0, 0.0, 5.0]
    # Half; null where the divisor is 0; null where the instalment is.
    assert rows["request_instalment_to_spending"].to_pylist() == [0.5, None, None]
    assert rows["observation_id"].to_pylist() == ["a0", "a1", "a2"]
    assert set(rows["period"].to_pylist()) == {"2024"}


def test_the_version_that_was_decided_on_counts_and_no_later_correction() -> None:
    first = applications(1)
    later = delivered(first, date(2024, 3, 5))
    later = later.set_column(first.column_names.index("amount_minor"), "amount_minor", pa.array([7]))
    rows = assembled(planned(AMOUNT), pa.concat_tables([later, first]), spending([1]))
    assert rows["request_amount"].to_pylist() == [100_000.0]
    # Corrected by the load of the very day of the decision, the first version being a day older: seen.
    timely = delivered(later, date(2024, 3, 2))
    rows = assembled(planned(AMOUNT), pa.concat_tables([timely, first]), spending([1]))
    assert rows["request_amount"].to_pylist() == [7.0]


def at_month_ends(months: list[int]) -> pa.Table:
    """Features of application 0 at the local midnights that begin these months of 2024."""
    instants = pa.array([datetime(2024, month, 1, tzinfo=ZONE).astimezone(UTC) for month in months], _INSTANT)
    rows = pa.concat_tables([spending([10])] * len(months))
    return rows.set_column(2, "as_of", instants)


def test_the_book_has_a_vector_a_month_end_with_what_was_known_by_then() -> None:
    first = applications(1)
    later = delivered(first, date(2024, 5, 7))
    later = later.set_column(first.column_names.index("amount_minor"), "amount_minor", pa.array([7]))
    plan = planned(AMOUNT, observed=BOOK)
    rows = assembled(plan, pa.concat_tables([later, first]), at_month_ends([4, 5, 6]))
    assert rows["request_amount"].to_pylist() == [100_000.0, 100_000.0, 7.0]
    assert rows["observation_id"].to_pylist() == ["a0"] * 3
    # What the features were computed for is observed, not all that could be.
    assert assembled(plan, first, at_month_ends([5])).num_rows == 1


def test_a_stored_month_end_that_the_book_does_not_have_any_more_is_an_error() -> None:
    gone = applications(1)
    gone = gone.set_column(gone.column_names.index("is_retracted"), "is_retracted", pa.array([True]))
    with pytest.raises(ModelError, match=r"1 observations of book are not in clean\.applications any more"):
        assembled(planned(AMOUNT, observed=BOOK), gone, at_month_ends([4]))


def test_customers_are_observed_as_their_features_are_and_no_application_is_read() -> None:
    features = spending([1, 2])
    rows = assembled(planned(observed=DAILY), pa.table({}), features)
    assert rows["txn_out_sum_30d"].to_pylist() == [1.0, 2.0]
    assert own_tables(planned(observed=DAILY), exists=lambda _: True) == ["clean.customers"]
    assert own_tables(planned(), exists=lambda _: False) == ["clean.applications"]
    with pytest.raises(DeclarationError, match="unknown column amount_minor"):
        planned(AMOUNT, observed=DAILY)


def test_an_application_without_features_is_an_error_and_no_row_of_nulls() -> None:
    with pytest.raises(ModelError, match=r"1 of 3 observations have no row in feature\.txn"):
        assembled(planned(), applications(), spending([1, 2]))


def test_two_feature_rows_for_one_observation_are_an_error() -> None:
    twice = pa.concat_tables([spending([1]), spending([1])])
    with pytest.raises(ModelError, match="several rows"):
        assembled(planned(), applications(1), twice)


def test_a_request_that_is_no_number_and_an_unknown_group_are_refused() -> None:
    text = RequestFeature(name="purpose", expression="purpose", reason="Purpose")
    with pytest.raises(DeclarationError, match="is string, not a number"):
        planned(text)
    with pytest.raises(DeclarationError, match="unknown feature group tnx"):
        planned(groups=("tnx",))


def labels(values: list[int | None], *, status: str = "mature") -> pa.Table:
    count = len(values)
    return pa.table(
        {
            "source": ["bank"] * count,
            "observation_id": [f"a{n}" for n in range(count)],
            "as_of": applications(count)["event_at"],
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


def trained_on(values: list[int | None], **tables: pa.Table) -> TrainingSet:
    count = len(values)
    rows = {
        "clean.applications": applications(count),
        "feature.txn": spending(list(range(count))),
        "label.outcome": labels(values),
        "label.outcome_strict": labels([None] * count),
        **tables,
    }
    observations = gathered(planned(), rows["clean.applications"], rows["feature.txn"])
    return build_training_set(recipe(), planned(), rows, observations=observations, zone="Asia/Shanghai")


def test_a_training_set_has_local_days_labels_that_are_mature_and_segments() -> None:
    values: list[int | None] = [n % 2 for n in range(24)] + [None]
    data = trained_on(values, **{"clean.customers": customers(len(values))})
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
        trained_on([1, 1, 1] + [0] * 22)


def test_a_source_without_customers_has_no_segments() -> None:
    assert trained_on([n % 2 for n in range(24)]).segments.columns.empty


def test_a_label_belongs_to_its_own_as_of() -> None:
    values: list[int | None] = [n % 2 for n in range(25)]
    moved = labels(values)
    moved = moved.set_column(2, "as_of", pc.add(moved["as_of"], pa.scalar(1, pa.duration("us"))))
    with pytest.raises(ModelError, match="only 0 labelled rows are bad"):
        trained_on(values, **{"label.outcome": moved})
    with pytest.raises(ModelError, match="two rows for one observation"):
        trained_on(values, **{"label.outcome": pa.concat_tables([labels(values), labels(values)])})
