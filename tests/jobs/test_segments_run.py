"""Segments from stored transactions to a stored table: point in time, month by month, by the version in force."""

from __future__ import annotations

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pytest

from tallystick.errors import ModelError, NotFound
from tallystick.model.registry import Registry
from tallystick.project import load_project
from tallystick.runs import assign_segments, fit_segments, vacuum_tables
from tallystick.runs.params import AssignSegments, FitSegments, VacuumTables
from tallystick.tables import Warehouse, query, read_arrow
from tests.lib import backfills as bank
from tests.lib import house

SEGMENTATION = """\
from tallystick.spec.segments import Segmentation

PREFERENCES = Segmentation(
    name="preferences",
    title="Preferences",
    observations="customer_months",
    group="preferences",
    parts={
        "preferences_spent_food_sum_180d": "food",
        "preferences_spent_leisure_sum_180d": "leisure",
        "preferences_spent_bills_sum_180d": "bills",
    },
    activity="preferences_spent_count_180d",
    min_activity=5,
    segments=(3, 3),
    repeats=2,
)
"""
CATEGORIES = ("food", "entertainment", "utilities")
MARCH, APRIL, MAY = (date(2026, month, 1) for month in (3, 4, 5))
EACH = 24


def payment(number: int, customer: str, day: date, category: str, **more: Any) -> dict[str, Any]:
    return {
        "customer_id": f"village:{customer}", "transaction_id": f"t{number}", "account_id": f"a{customer}",
        "event_at": datetime(day.year, day.month, day.day, 10, tzinfo=UTC), "known_on": day + timedelta(days=1),
        "direction": "out", "amount_minor": 1000, "currency": "CZK", "category": category, **more,
    }  # fmt: skip


def history() -> list[dict[str, Any]]:
    """Three kinds of customers in February; in March those of the first kind turn to what the second buys.

    Beside them one who only earns, and one who pays twice.
    """
    rows, rng = [], np.random.default_rng(2)
    for kind, number in ((kind, number) for kind in range(3) for number in range(EACH)):
        for day in (date(2026, 2, 1) + timedelta(days=n) for n in range(58)):
            now = 1 if kind == 0 and day >= MARCH else kind
            category = CATEGORIES[now if rng.random() < 0.8 else int(rng.integers(3))]
            # So much more in March that half a year's shares follow it.
            amount = int(rng.integers(500, 1500)) * (20 if day >= MARCH else 1)
            rows.append(payment(len(rows), f"{kind}-{number:02d}", day, category, amount_minor=amount))
    rows.append(payment(len(rows), "earner", date(2026, 2, 3), "salary", direction="in"))
    rows += [payment(len(rows) + n, "seldom", date(2026, 2, 3), "food") for n in range(2)]
    return rows


def ask(kind: Any, root: Path, **asked: Any) -> Any:
    asked = {"segmentation": "preferences", "source": "village", **asked}
    return bank.told(kind, root / "project", root / "warehouse", **asked)


def fit(root: Path, **asked: Any) -> None:
    fit_segments.run(ask(FitSegments, root, **asked))


def assign(root: Path, **asked: Any) -> None:
    assign_segments.run(ask(AssignSegments, root, **asked))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The village, its features at three month ends, and segments of March."""
    root = tmp_path_factory.mktemp("segments")
    project = bank.write_project(root / "project")
    shutil.copy(house.ROOT / "features" / "preferences.py", project / "features" / "preferences.py")
    (project / "recipes" / "preferences.py").write_text(SEGMENTATION, encoding="utf-8")
    (project / "expectations" / "segment").mkdir()
    suite = "expectations/segment/preferences.yaml"
    shutil.copy(house.ROOT / suite, project / suite)
    bank.store_rows(project, root / "warehouse", "clean.transactions", history(), loaded_on=date(2026, 4, 1))
    bank.compute(
        project, root / "warehouse", groups=("preferences",), observations="customer_months", first=MARCH, last=APRIL
    )
    fit(root, as_of=MARCH)
    assign(root)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    shutil.copytree(made, tmp_path / "copy")
    return tmp_path / "copy"


def stored(root: Path, day: date) -> dict[str, Any]:
    """What is stored of each customer on a date: the segment's name, or the status where there is none."""
    rows = query(
        Warehouse(root / "warehouse"),
        "SELECT customer_id, coalesce(segment_name, status) AS told FROM segment.preferences"
        f" WHERE CAST(as_of AT TIME ZONE 'Europe/Prague' AS DATE) = DATE '{day}'",
    ).to_pylist()
    assert len({row["customer_id"] for row in rows}) == len(rows)
    return {row["customer_id"].removeprefix("village:"): row["told"] for row in rows}


def names_by_kind(found: dict[str, Any]) -> list[set[str]]:
    return [{name for customer, name in found.items() if customer[:2] == f"{kind}-"} for kind in range(3)]


def test_a_month_is_described_by_what_was_known_at_its_end(made: Path) -> None:
    march, april = stored(made, MARCH), stored(made, APRIL)
    assert names_by_kind(march) == [{"food"}, {"leisure"}, {"bills"}]
    assert names_by_kind(april) == [{"leisure"}, {"leisure"}, {"bills"}]
    assert (march["earner"], march["seldom"]) == ("no_spending", "little_activity")
    assert len(march) == len(april) == 3 * EACH + 2


def test_a_row_says_by_which_model_it_was_made_and_how_near_it_is(made: Path) -> None:
    rows = read_arrow(Warehouse(made / "warehouse"), "segment.preferences")
    assert set(rows["model_version"].to_pylist()) == {"preferences/1"}
    assert set(rows["fitted_on"].to_pylist()) == {MARCH}
    assert pc.all(pc.less_equal(rows["distance"], rows["second_distance"])).as_py()
    assert rows["segment_id"].null_count == rows["distance"].null_count == 4
    assert all(rows["run_id"].to_pylist())


def test_what_is_stored_meets_the_contract_and_the_expectations(made: Path) -> None:
    contract = load_project(made / "project").contracts["segment.preferences"]
    rows = read_arrow(Warehouse(made / "warehouse"), "segment.preferences")
    assert set(rows.column_names) == {column.name for column in contract.columns}
    keys = rows.select(list(contract.key)).to_pandas()
    assert not keys.duplicated().any()


def test_the_model_is_registered_like_any_other(made: Path) -> None:
    registry = Registry(made / "warehouse")
    version = registry.find("preferences", source="village")
    assert version.label == "preferences/1"
    assert version.aliases == ("champion",)
    metrics, params = registry.metrics(version)
    assert metrics["customers"] == 3 * EACH
    assert (metrics["customers_no_spending"], metrics["customers_little_activity"]) == (1, 1)
    assert params["fitted_on"] == "2026-03-01"
    assert registry.inputs(version) == (
        "preferences_spent_food_sum_180d",
        "preferences_spent_leisure_sum_180d",
        "preferences_spent_bills_sum_180d",
        "preferences_spent_count_180d",
    )
    files = registry.fetch_files(version, made / "fetched")
    assert {str(path.relative_to(files)) for path in files.rglob("*.*")} >= {
        "manifest.json", "segments.json", "plots/segments.png", "tables/segments.csv", "tables/numbers_tried.csv"
    }  # fmt: skip


def test_an_assignment_again_gives_the_same_rows_and_one_without_dates_only_what_lacks(root: Path) -> None:
    warehouse, name = Warehouse(root / "warehouse"), "segment.preferences"
    order = [("customer_id", "ascending"), ("as_of", "ascending")]
    before, version = read_arrow(warehouse, name).sort_by(order), warehouse.open(name).version()
    assign(root)
    assert warehouse.open(name).version() == version
    assign(root, first=MARCH, last=MARCH)
    after = read_arrow(warehouse, name).sort_by(order)
    assert after.drop_columns("run_id").select(before.drop_columns("run_id").column_names) == before.drop_columns(
        "run_id"
    )
    changed = set(after.filter(pc.invert(pc.is_in(after["run_id"], before["run_id"])))["as_of"].to_pylist())
    assert len(changed) == 1


def test_what_becomes_known_later_changes_no_month_before(root: Path) -> None:
    march, april = stored(root, MARCH), stored(root, APRIL)
    late = [
        payment(90_000 + n, f"2-{n:02d}", date(2026, 2, 20), "food", amount_minor=10**7, known_on=date(2026, 4, 20))
        for n in range(EACH)
    ]
    bank.store_rows(root / "project", root / "warehouse", "clean.transactions", late, loaded_on=date(2026, 5, 1))
    bank.compute(
        root / "project",
        root / "warehouse",
        groups=("preferences",),
        observations="customer_months",
        first=MARCH,
        last=MAY,
    )
    assign(root, first=MARCH, last=MAY)
    assert (stored(root, MARCH), stored(root, APRIL)) == (march, april)
    assert names_by_kind(stored(root, MAY))[2] == {"food"}


def test_a_refit_comes_into_force_and_stored_months_stay_as_their_version_said(root: Path) -> None:
    before = Registry(root / "warehouse").find("preferences")
    fit(root, as_of=MARCH)
    champion = Registry(root / "warehouse").find("preferences")
    assert (before.version, champion.version) == (1, 2)
    metrics, _ = Registry(root / "warehouse").metrics(champion)
    assert (metrics["ids_kept"], metrics["ids_new"]) == (3, 0)
    assign(root, first=APRIL, last=APRIL)
    rows = query(
        Warehouse(root / "warehouse"),
        "SELECT CAST(as_of AT TIME ZONE 'Europe/Prague' AS DATE) AS day, min(model_version) AS low,"
        " max(model_version) AS high FROM segment.preferences GROUP BY 1 ORDER BY 1",
    ).to_pylist()
    assert [(row["day"], row["low"], row["high"]) for row in rows] == [
        (MARCH, "preferences/1", "preferences/1"),
        (APRIL, "preferences/2", "preferences/2"),
    ]
    fit(root, first_only=True)
    assert len(Registry(root / "warehouse").versions("preferences")) == 2


def test_a_version_that_fails_its_gates_never_comes_into_force(root: Path, tmp_path: Path) -> None:
    path = root / "project" / "recipes" / "preferences.py"
    path.write_text(SEGMENTATION.replace("segments=(3, 3)", "segments=(3, 3), min_share=0.33"), encoding="utf-8")
    # In April the first kind buys what the second does: three segments are one too many.
    with pytest.raises(ModelError, match="gates failed: .*smallest segment"):
        fit(root, as_of=APRIL)
    registry = Registry(root / "warehouse")
    assert registry.find("preferences").version == 1
    assert len(registry.versions("preferences")) == 2
    # Its ids are spent all the same. And where nothing is in force yet, a first model is tried again each time.
    assert registry.metrics(registry.versions("preferences")[0])[0]["highest_number"] >= 3
    shutil.copytree(root, tmp_path / "untrained", ignore=shutil.ignore_patterns("mlflow"))
    for tried in (1, 2):
        with pytest.raises(ModelError, match="gates failed"):
            fit(tmp_path / "untrained", as_of=APRIL, first_only=True)
        assert len(Registry(tmp_path / "untrained" / "warehouse").versions("preferences")) == tried


def test_vacuum_reads_the_manifests_of_segments_too(root: Path) -> None:
    vacuum_tables.run(bank.told(VacuumTables, root / "project", root / "warehouse", dry_run=True), None)


def test_a_month_after_the_last_load_has_no_segments(root: Path) -> None:
    bank.compute(
        root / "project", root / "warehouse", groups=("preferences",), observations="customer_months",
        first=MAY, last=MAY,
    )  # fmt: skip
    stored_months = read_arrow(Warehouse(root / "warehouse"), "feature.preferences", columns=["as_of"])["as_of"]
    assert pc.max(stored_months).as_py().date() >= date(2026, 4, 30)
    with pytest.raises(NotFound, match="customer_months on 2026-05-01 .load the source"):
        fit(root, as_of=MAY)
    with pytest.raises(NotFound, match="customer_months on 2026-05-01 .load the source"):
        assign(root, first=MAY, last=MAY)
    assign(root)
    held = read_arrow(Warehouse(root / "warehouse"), "segment.preferences", columns=["as_of"])["as_of"]
    assert pc.max(held).as_py().date() < date(2026, 4, 30)


def test_what_is_missing_is_told_in_a_sentence(root: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no segmentation preference"):
        fit(root, segmentation="preference")
    told = r"feature\.preferences has no rows of observations customer_months on 2026-03-15"
    with pytest.raises(NotFound, match=told):
        fit(root, as_of=date(2026, 3, 15))
    with pytest.raises(NotFound, match=told):
        assign(root, first=date(2026, 3, 15), last=date(2026, 3, 20))
    # Elsewhere, since MLflow holds a database open that it has read once.
    shutil.copytree(root, tmp_path / "untrained", ignore=shutil.ignore_patterns("mlflow"))
    with pytest.raises(NotFound, match="model preferences has no version called champion"):
        assign(tmp_path / "untrained")
    shutil.rmtree(tmp_path / "untrained" / "warehouse" / "feature")
    with pytest.raises(NotFound, match=r"feature\.preferences"):
        fit(tmp_path / "untrained")
