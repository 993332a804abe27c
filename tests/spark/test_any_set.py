"""From features to scores with sets that know no application: a book of loans, nodes, a cross-section."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pytest

from tallystick.entrypoint import perform
from tallystick.model.registry import Registry
from tallystick.runs.params import AuditLeakage, BuildLabels, ScoreObservations, TrainModel, WriteReport
from tallystick.tables import Warehouse, read_arrow
from tests.lib import backfills as bank

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOADED = date(2026, 6, 1)
CUSTOMERS, TERM = 110, 10

FEATURES = """\
from tallystick.spec.features import FeatureGroup, Measure

PAID = FeatureGroup(
    name="paid", table="clean.repayments", owner="tests", windows=("31d", "92d"), per="loan_id",
    measures=(Measure(name="any", value="amount_minor", ops="count sum", reason="Repayments", sign=-1),),
)
SPEND = FeatureGroup(
    name="spend", table="clean.transactions", owner="tests", windows=("31d", "92d"),
    measures=(Measure(name="any", value="amount_minor", ops="count mean", reason="Spending"),),
)
"""
SETS = """\
from datetime import date

from tallystick.spec.observations import MonthEnds, Nodes, ObservationSet

BOOK = ObservationSet(
    name="loan_months", key="loan_id", population=MonthEnds(table="clean.loans", where="mob BETWEEN 1 AND 9")
)
NODES = ObservationSet(
    name="nodes", key="customer_id",
    population=Nodes(tables=("clean.accounts",), dates=tuple(date(2025, month, 1) for month in range(4, 11))),
)
SECTION = ObservationSet(
    name="section", key="customer_id", population=Nodes(tables=("clean.accounts",), dates=(date(2025, 7, 1),))
)
"""
RECIPES = """\
from datetime import date

from tallystick.spec.algorithms import OrdinalScorecard, Selection
from tallystick.spec.labels import DelinquencyLabel, EventLabel
from tallystick.spec.recipes import Audit, Band, Gates, Policy, Recipe, RequestFeature, Split

LATE = DelinquencyLabel(name="dpd90_6m", dpd=90, window="6m", anchor="as_of")
BOUGHT = EventLabel(name="bought", table="clean.transactions", where="category = 'furniture'", window="92d")
ALL = Selection(min_iv=0.0, max_missing=1.0, max_correlation=1.0, drop_against_sign=False)
LOOSE = {
    "algorithms": (OrdinalScorecard(selection=ALL),),
    "audit": Audit(max_auc=1.0, max_joint_auc=1.0, max_missing_auc=1.0),
    "gates": Gates(min_auc=0.5, calibration_slope=(0.0, 100.0), max_psi=50.0, min_bad=1),
}
WATCH = Recipe(
    name="watch", title="Watch", groups=("paid",), observations="loan_months", label="dpd90_6m",
    request=(RequestFeature(name="amount", expression="amount_minor", reason="Amount"),),
    policy=Policy(currency="CZK", limit_min_minor=100, limit_max_minor=200,
                  bands=(Band(pd_below=0.5, decision="approve", limit_minor=200),)),
    split=Split(test_from=date(2025, 12, 1), folds=2, repeats=1), **LOOSE,
)
NEXT = Recipe(
    name="next_purchase", title="Next purchase", groups=("spend",), observations="nodes", label="bought",
    split=Split(test_from=date(2025, 9, 1), folds=2, repeats=1), **LOOSE,
)
SECTION = Recipe(
    name="buyers", title="Buyers", groups=("spend",), observations="section", label="bought",
    split=Split(method="random_by_customer", test_share=0.4, folds=2, repeats=1), **LOOSE,
)
"""


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 10, tzinfo=UTC)


def event(customer: int, day: date, **columns: Any) -> dict[str, Any]:
    """A row known on the next day."""
    known = {"known_on": day + timedelta(days=1), "currency": "CZK"}
    return {"customer_id": f"village:{customer}", "event_at": at(day), **known, **columns}


def simulate() -> dict[str, list[dict[str, Any]]]:
    """Every customer has an account and one loan, every third one a second; who is in trouble pays ever less."""
    rng, rows = np.random.default_rng(7), {"accounts": [], "loans": [], "repayments": [], "transactions": []}
    for customer in range(CUSTOMERS):
        rows["accounts"].append(event(customer, date(2024, 6, 1), account_id=f"a{customer}"))
        risk = rng.normal()
        for number in range(2 if customer % 3 == 0 else 1):
            name, granted = f"l{customer}_{number}", date(2025, 1, 5) + timedelta(days=int(rng.integers(0, 200)))
            first_due = granted + timedelta(days=30)
            rows["loans"].append(
                event(customer, granted, loan_id=name, application_id=f"p{name}", amount_minor=1000, term_months=TERM,
                      instalment_minor=100, first_due_date=first_due)
            )  # fmt: skip
            is_paying = True
            for month in range(TERM):
                # Some stop for good, some skip a month and go on: nothing gives the outcome away.
                is_paying = is_paying and rng.random() > 0.05 + 0.1 * (risk > 0.8)
                day = first_due + timedelta(days=30 * month)
                if is_paying and rng.random() > 0.1 and day < LOADED - timedelta(days=2):
                    rows["repayments"].append(
                        event(customer, day, repayment_id=f"r{name}_{month}", loan_id=name, amount_minor=100)
                    )
        for month in range(18):
            day = date(2024, 12, 1) + timedelta(days=30 * month + int(rng.integers(0, 25)))
            category = "furniture" if rng.random() < 0.04 + 0.25 * (risk < 0) else "food"
            rows["transactions"].append(
                event(customer, day, transaction_id=f"t{customer}_{month}", account_id=f"a{customer}", direction="out",
                      category=category, amount_minor=int(rng.integers(1, 500) + 200 * (risk < 0)))
            )  # fmt: skip
    return rows


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank with declarations, one load of history, and the features of every set."""
    home = tmp_path_factory.mktemp("any_set")
    project = bank.write_project(home / "project", spend=FEATURES)
    (project / "observations" / "sets.py").write_text(SETS, encoding="utf-8")
    (project / "recipes" / "all.py").write_text(RECIPES, encoding="utf-8")
    for table, rows in simulate().items():
        bank.store_rows(project, home / "warehouse", f"clean.{table}", rows, loaded_on=LOADED)
    for observations, group in (("loan_months", "paid"), ("nodes", "spend"), ("section", "spend")):
        bank.compute(project, home / "warehouse", observations=observations, groups=(group,))
    return home


def run_recipe(root: Path, recipe: str, spark: SparkSession) -> None:
    """Labels, audit, training, scores and report of one recipe."""
    sessions: dict[type[Any], Any] = {BuildLabels: spark, ScoreObservations: bank.LocalSession()}
    for params in (BuildLabels, AuditLeakage, TrainModel, ScoreObservations, WriteReport):
        asked = bank.told(params, root / "project", root / "warehouse", recipe=recipe, source="village")
        perform(asked, sessions.get(params))


def read(root: Path, table: str, **where: str) -> pd.DataFrame:
    rows = read_arrow(Warehouse(root / "warehouse"), table)
    for column, value in where.items():
        rows = rows.filter(pc.equal(rows[column], value))
    return rows.to_pandas()


def keys(rows: pd.DataFrame) -> set[tuple[str, Any]]:
    found = list(zip(rows["observation_id"], rows["as_of"], strict=True))
    assert len(set(found)) == len(found)
    return set(found)


@pytest.fixture(scope="module")
def book(root: Path, spark: SparkSession) -> Path:
    run_recipe(root, "watch", spark)
    return root


def test_a_running_loan_is_scored_every_month_end(book: Path) -> None:
    scores = read(book, "score.loan_months")
    assert keys(scores) == keys(read(book, "feature.paid", observations="loan_months"))
    midnights = scores["as_of"].dt.tz_convert(ZoneInfo(bank.ZONE))
    assert set(midnights.dt.day) == {1}
    assert set(midnights.dt.hour) == {0}
    # Granted on the fifth of January or later, each loan is seen at nine month ends.
    assert set(scores.groupby("observation_id").size()) == {9}


def test_windows_of_loans_that_exist_already_do_not_overlap_their_features(book: Path) -> None:
    found = read(book, "monitor.leakage", recipe="watch").set_index("check_name")
    assert found["is_passed"].all(), found[~found["is_passed"]]
    assert found.loc["window_overlap", "value"] == 0.0
    used = int(found.loc["window_overlap", "detail"].split()[2])
    assert used == read(book, "label.dpd90_6m")["label"].notna().sum() > 300


def test_a_loan_teaches_only_months_whose_labels_were_known_when_the_test_began(book: Path) -> None:
    rows = read(book, "training.watch")
    labels = read(book, "label.dpd90_6m").set_index(["observation_id", "as_of"])
    start = date(2025, 12, 1)
    for row in rows.itertuples():
        label = labels.loc[(row.observation_id, row.as_of)]
        day = row.as_of.tz_convert(bank.ZONE).date()
        expected = "test" if day >= start else "late" if label["known_on"] > start else "train"
        assert row.part == expected
    assert set(rows["part"]) == {"train", "test", "late"}


def test_two_loans_of_one_customer_at_one_as_of_are_two_rows(book: Path) -> None:
    scores = read(book, "score.loan_months")
    both = scores[scores.duplicated(["customer_id", "as_of"], keep=False)]
    assert len(both) > 100
    differing = both.groupby(["customer_id", "as_of"])["pd"].nunique()
    assert (differing == 2).any()
    assert set(scores["decision"]) <= {"approve", "decline"}
    assert scores["limit_minor"].notna().all()


def test_nodes_are_scored_without_an_amount_a_term_or_a_policy(root: Path, spark: SparkSession) -> None:
    run_recipe(root, "next_purchase", spark)
    scores = read(root, "score.nodes")
    assert keys(scores) == keys(read(root, "feature.spend", observations="nodes"))
    assert len(scores) == 7 * CUSTOMERS
    assert (scores["observation_id"] == scores["customer_id"]).all()
    assert scores[["limit_minor", "currency", "decision"]].isna().all(axis=None)
    assert scores[["pd", "score", "reason_1"]].notna().all(axis=None)
    report = (root / "warehouse" / "report" / "next_purchase_village.html").read_text(encoding="utf-8")
    assert "Mean pd" in report
    assert "Decision" not in report


def test_a_cross_section_is_trained_with_a_random_split_that_everything_names(root: Path, spark: SparkSession) -> None:
    run_recipe(root, "buyers", spark)
    assert read(root, "score.section")["as_of"].nunique() == 1
    rows = read(root, "training.buyers")
    assert set(rows["part"]) == {"train", "test"}
    registry = Registry(root / "warehouse")
    version = registry.find("buyers")
    metrics, params = registry.metrics(version)
    assert params["split"] == "random_by_customer"
    assert "auc_held_out" in metrics
    assert not [name for name in metrics if "out_of_time" in name]
    card = registry.fetch_files(version, root / "files") / "model_card.html"
    report = root / "warehouse" / "report" / "buyers_village.html"
    for page in (card, report):
        assert "the split is random by customer" in page.read_text(encoding="utf-8")
