"""Readers of a column that was retired or renamed are told so, wherever they name it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from tallystick.cli import retired as listing
from tallystick.cli.explaining import show_feature
from tallystick.errors import ContractError, DeclarationError, InputError, ModelError, NotFound
from tallystick.project import load_project
from tallystick.project.checks import check_project
from tallystick.spec.algorithms import OrdinalScorecard
from tallystick.spec.columns import group_contract
from tallystick.spec.observations import Given, ObservationSet
from tallystick.spec.recipes import Ablation, RequestFeature
from tallystick.tables import Warehouse, ensure_table, query, read_arrow
from tallystick.training.vectors import VectorPlan, check_model_dates, check_model_inputs, plan_vectors
from tests.lib.feature_cases import CONTRACTS
from tests.lib.living import TABLE, living_group, midnight, paid, store_days
from tests.lib.project_folder import GROUP, write_project
from tests.lib.training_sets import make_recipe

RENAMED = "txn_out_sum_3d was renamed to txn_spent_sum_3d; read that (history before its backfill is absent)"
RETIRED = "txn_old_sum_3d was retired on 2026-03-06; rows from then on have no value of it"
GIVEN = ObservationSet(name="asked", key="application_id", population=Given())
FIRST = living_group(paid(), paid(name="old"))
NOW = living_group(paid(name="spent", replaces="out"), paid(name="old", retired_on=date(2026, 3, 6)))


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A table in which one measure was renamed and one retired."""
    home = Warehouse(tmp_path_factory.mktemp("living"))
    store_days(home, FIRST, 4, 5)
    store_days(home, NOW, 6)
    return home


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT {} FROM feature.txn",
        "SELECT sum(t.{}) FROM feature.txn AS t",
        "SELECT as_of FROM feature.txn WHERE {} > 0",
        "SELECT as_of FROM feature.txn ORDER BY {}",
        "SELECT max(as_of) FROM feature.txn GROUP BY {}",
        "SELECT as_of FROM feature.txn QUALIFY {} > 0",
        'SELECT x."{}" FROM (SELECT * FROM feature.txn) AS x',
        "WITH x AS (SELECT * FROM Feature.Txn) SELECT upper(source), {} FROM x",
    ],
)
def test_a_query_that_names_a_column_of_the_past_is_told_what_became_of_it(warehouse: Warehouse, sql: str) -> None:
    with pytest.raises(InputError) as caught:
        query(warehouse, sql.format("txn_out_sum_3d"))
    assert str(caught.value) == f"the SQL statement: {RENAMED}"
    with pytest.raises(InputError, match=RETIRED):
        query(warehouse, sql.format("TXN_OLD_SUM_3D"))


def test_a_star_holds_what_is_in_force(warehouse: Warehouse) -> None:
    names = query(warehouse, "SELECT * FROM feature.txn").column_names
    assert names == read_arrow(warehouse, TABLE).column_names
    assert [name for name in names if name.startswith("txn_")] == ["txn_spent_count_3d", "txn_spent_sum_3d"]
    with pytest.raises(InputError, match="nothing"):
        query(warehouse, "SELECT nothing FROM feature.txn")


def test_read_arrow_tells_it_and_an_earlier_version_still_has_the_column(warehouse: Warehouse) -> None:
    with pytest.raises(NotFound) as caught:
        read_arrow(warehouse, TABLE, columns=["as_of", "txn_out_sum_3d", "txn_old_sum_3d"])
    assert RENAMED in str(caught.value)
    assert RETIRED in str(caught.value)
    assert read_arrow(warehouse, TABLE, columns=["txn_out_sum_3d"], version=1).num_rows == 4


def test_a_column_renamed_twice_leads_to_the_name_in_force(tmp_path: Path) -> None:
    home = Warehouse(tmp_path)
    store_days(home, living_group(paid()), 4)
    store_days(home, living_group(paid(name="spent", replaces="out")), 5)
    ensure_table(home, group_contract(living_group(paid(name="payments", replaces="spent")), CONTRACTS))
    for old in ("out", "spent"):
        with pytest.raises(InputError, match=f"txn_{old}_sum_3d was renamed to txn_payments_sum_3d"):
            query(home, f"SELECT txn_{old}_sum_3d FROM {TABLE}")


def test_a_column_that_is_only_deleted_is_refused_with_the_step_to_take(warehouse: Warehouse) -> None:
    with pytest.raises(ContractError) as caught:
        ensure_table(warehouse, group_contract(living_group(paid(name="spent", ops="sum")), CONTRACTS))
    assert str(caught.value) == (
        "table feature.txn: the stored table has features that are no longer declared: txn_spent_count_3d "
        "(in group txn say retired={'txn_spent_count_3d': date(...)}, the first business date without them, "
        "or replaces='...' in the measure that has their new name (one rename at a time: drop the one before))"
    )
    many = group_contract(living_group(paid(name="x", ops="sum")), CONTRACTS)
    with pytest.raises(ContractError, match="txn_spent_count_3d, txn_spent_sum_3d"):
        ensure_table(warehouse, many)


def planned(*, algorithms: tuple[Any, ...] = (), **parts: Any) -> VectorPlan:
    recipe = replace(
        make_recipe(), groups=("txn",), request=(), ablations=(), algorithms=algorithms or (OrdinalScorecard(),)
    )
    return plan_vectors(replace(recipe, **parts), {"txn": NOW}, CONTRACTS, observed=GIVEN)


def test_vectors_hold_what_is_in_force() -> None:
    assert [feature.name for feature in planned().features] == ["txn_spent_count_3d", "txn_spent_sum_3d"]
    assert planned().columns == {"txn": ("txn_spent_count_3d", "txn_spent_sum_3d")}


def names_feature(pattern: str) -> dict[str, Any]:
    return {"algorithms": (OrdinalScorecard(features=("txn_spent_*", pattern)),)}


def drops(pattern: str) -> dict[str, Any]:
    return {"ablations": (Ablation(name="less", title="Less", drop=(pattern,)),)}


def reads(pattern: str) -> dict[str, Any]:
    return {"request": (RequestFeature(name="x", expression="amount_minor", per=pattern, reason="a reason"),)}


@pytest.mark.parametrize(("name", "told"), [("txn_out_sum_3d", RENAMED), ("txn_old_sum_3d", RETIRED)])
@pytest.mark.parametrize("parts", [names_feature, drops, reads])
def test_a_recipe_that_names_a_column_of_the_past_is_told(parts: Any, name: str, told: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        planned(**parts(name))
    assert told in str(caught.value)


def test_a_pattern_of_which_something_is_left_is_right() -> None:
    assert planned(**names_feature("txn_*_sum_3d")).features
    with pytest.raises(DeclarationError, match="txn_out_count_3d was renamed"):
        planned(**names_feature("txn_out_*"))


def test_a_model_that_reads_columns_of_the_past_is_named_with_them() -> None:
    check_model_inputs(planned(), ["txn_spent_sum_3d"], model="loan/3")
    with pytest.raises(ModelError) as caught:
        check_model_inputs(planned(), ["txn_out_sum_3d", "txn_old_sum_3d", "txn_spent_sum_3d", "other"], model="loan/3")
    assert str(caught.value) == (
        f"scoring: loan/3 reads features that are gone: {RENAMED}; {RETIRED}; other is no feature of the recipe "
        "any more (train a model without them, or declare them as before until there is one)"
    )


def test_a_model_goes_on_until_the_date_of_the_retirement() -> None:
    recipe = replace(make_recipe(), groups=("txn",), request=(), ablations=(), algorithms=(OrdinalScorecard(),))
    inputs = ("txn_old_sum_3d", "txn_spent_sum_3d")
    plan = plan_vectors(recipe, {"txn": NOW}, CONTRACTS, observed=GIVEN, needed=inputs)
    assert plan.retiring == {"txn_old_sum_3d": date(2026, 3, 6)}
    assert plan.columns == {"txn": ("txn_spent_count_3d", "txn_spent_sum_3d", "txn_old_sum_3d")}
    check_model_inputs(plan, inputs, model="loan/3")
    before = pa.chunked_array([pa.array([midnight(5).replace(hour=15)], pa.timestamp("us", "UTC"))])
    check_model_dates(plan, before, zone="Asia/Shanghai", model="loan/3")
    check_model_dates(plan, before.slice(1), zone="Asia/Shanghai", model="loan/3")
    later = pa.chunked_array([pa.array([midnight(5), midnight(5).replace(hour=16)], pa.timestamp("us", "UTC"))])
    check_model_dates(plan, later, zone="UTC", model="loan/3")
    with pytest.raises(ModelError, match=f"loan/3 reads features that are gone: {RETIRED}"):
        check_model_dates(plan, later, zone="Asia/Shanghai", model="loan/3")
    check_model_dates(planned(), later, zone="Asia/Shanghai", model="loan/4")


RETIRED_VISITS = GROUP.replace('ops="count"', 'ops="count", version=2, retired_on=date(2026, 3, 6)').replace(
    "from tallystick", "from datetime import date\n\nfrom tallystick", 1
)
RECIPE = """\
from tallystick.project import load_project
from tallystick.project.checks import check_project
from tallystick.spec.observations import Given, ObservationSet
from tallystick.spec.recipes import Ablation, Recipe, RequestFeature

VISITS = Recipe(
    name="visits", title="Visits", groups=("visit",), observations="visits",
    request=(RequestFeature(name="size", expression="HOUR(event_at)", per="visit_any_count_30d", reason="Size"),),
    ablations=(Ablation(name="less", title="Less", drop=("visit_any_*",)),),
)
"""


def test_the_check_of_a_project_says_what_became_of_a_feature(tmp_path: Path) -> None:
    root = write_project(tmp_path, group=RETIRED_VISITS)
    (root / "recipes" / "visits.py").write_text(RECIPE, encoding="utf-8")
    found = [str(problem) for problem in check_project(load_project(root))]
    told = "visit_any_count_30d was retired on 2026-03-06"
    assert ["request feature size" in problem and told in problem for problem in found] == [True, False]
    assert "names visit_any_*, which is no feature of visits" in found[1]
    assert told in found[1]


def test_the_passport_of_a_renamed_feature_leads_to_the_new_one(tmp_path: Path) -> None:
    renamed = GROUP.replace('ops="count"', 'ops="count", replaces="some"')
    with pytest.raises(NotFound, match="visit_some_count_30d was renamed to visit_any_count_30d"):
        show_feature("visit_some_count_30d", write_project(tmp_path, group=renamed))


class Models:
    """A registry of two versions: the champion reads a renamed feature, an older one a retired one too."""

    def __init__(self, _: Path) -> None: ...

    def models(self) -> list[str]:
        return ["loan"]

    def versions(self, name: str) -> list[Any]:
        return [
            SimpleNamespace(label=f"{name}/2", aliases=("champion",)),
            SimpleNamespace(label=f"{name}/1", aliases=()),
        ]

    def inputs(self, version: Any) -> tuple[str, ...]:
        return ("txn_out_sum_3d", "txn_old_sum_3d")[: 1 if version.aliases else 2]


def test_the_list_of_retired_features_names_the_models_that_read_them(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = replace(NOW, retired={"txn_never_*": date(2026, 4, 1), "txn_old_*": date(2026, 4, 1)})
    monkeypatch.setattr(listing, "open_project", lambda _: SimpleNamespace(feature_groups={"txn": group}))
    monkeypatch.setattr("tallystick.model.registry.Registry", Models)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "a server")
    rows = {row.pop("feature"): row for row in listing.list_retired(warehouse.root, None).to_pylist()}
    both = {"table": TABLE, "retired_on": None, "is_stored": True}
    assert rows == {
        "txn_out_count_3d": {**both, "replaced_by": "txn_spent_count_3d", "models": "none"},
        "txn_out_sum_3d": {**both, "replaced_by": "txn_spent_sum_3d", "models": "loan/2 (champion), loan/1"},
        "txn_old_count_3d": {**both, "replaced_by": None, "retired_on": "2026-03-06", "models": "none"},
        "txn_old_sum_3d": {**both, "replaced_by": None, "retired_on": "2026-03-06", "models": "loan/1"},
        "txn_never_*": {**both, "replaced_by": None, "retired_on": "2026-04-01", "is_stored": False, "models": "none"},
    }
    # What only the stored table knows is listed too, and a table that is not there yet is no error.
    monkeypatch.setattr(
        listing, "open_project", lambda _: SimpleNamespace(feature_groups={"txn": living_group(paid(name="spent"))})
    )
    told = listing.list_retired(warehouse.root, None)["feature"].to_pylist()
    assert sorted(told) == ["txn_old_count_3d", "txn_old_sum_3d", "txn_out_count_3d", "txn_out_sum_3d"]
    (warehouse.root / "empty" / "raw").mkdir(parents=True)
    assert listing.list_retired(warehouse.root / "empty", None).num_rows == 0
