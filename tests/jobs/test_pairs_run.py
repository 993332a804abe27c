"""The run that keeps events between customers: which rows a night adds or makes again, and what the audit finds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tallystick.runs import compute_features, compute_graph
from tallystick.runs.context import RunContext
from tallystick.runs.graph_needs import replay_pairs
from tallystick.runs.late_features import late_days
from tallystick.runs.params import ComputeFeatures, ComputeGraph
from tallystick.tables import Warehouse, read_arrow
from tallystick.training.audit_pairs import check_replayed_pairs
from tests.lib.adding import copy_declarations
from tests.lib.tied_bank import SOURCE, at, load, opened, row

TABLE = "graph.payments_pairs"
MONDAY = dt.date(2026, 3, 2)
FRIDAY = MONDAY + dt.timedelta(days=4)


def paid(who: str, whom: str, name: str, day: dt.date, amount: int = 100, **columns: Any) -> dict[str, Any]:
    """A transfer from one of the bank's customers to another one's account."""
    own = {"account_id": f"a{who}", "channel": "transfer", "category": "transfer", "direction": "out"}
    return row(who, name, day, **own, counterparty_id=f"a{whom}", amount_minor=amount, **columns)


def build(warehouse: Path, project: Path, **asked: Any) -> None:
    params = ComputeGraph(project=project, warehouse=warehouse, source=SOURCE, graphs=("payments_pairs",), **asked)
    compute_graph.run(params)


def stored(warehouse: Path) -> dict[tuple[str, dt.date], dict[str, Any]]:
    """The rows by event and the date from which they count."""
    rows = read_arrow(Warehouse(warehouse), TABLE).to_pylist()
    assert len({(one["transaction_id"], one["known_on"]) for one in rows}) == len(rows)
    return {(one["transaction_id"], one["known_on"]): one for one in rows}


def version(warehouse: Path) -> int:
    return Warehouse(warehouse).open(TABLE).version()


@pytest.fixture
def bank(tmp_path: Path, project_root: Path) -> Path:
    """The warehouse of the bank with transfers of February and March, loaded up to 7 March."""
    warehouse = tmp_path / "warehouse"
    rows = opened() | {
        "clean.accounts": [
            {**one, "account_id": one["_id"]} for one in opened()["clean.accounts"]
        ],
        "clean.transactions": [
            paid("c1", "c2", "t1", dt.date(2026, 2, 20), 500),
            paid("c2", "c1", "t2", dt.date(2026, 2, 25), 50),
            paid("c1", "c2", "t3", FRIDAY, 700),
            paid("c1", "c4", "t4", FRIDAY),
            paid("c1", "shop", "t5", FRIDAY),
        ],
    }  # fmt: skip
    load(warehouse, rows, name="a", project=project_root)
    return warehouse


def test_a_transfer_is_measured_on_the_monday_before_it(bank: Path, project_root: Path) -> None:
    build(bank, project_root)
    rows = stored(bank)
    assert {name for name, _ in rows} == {"t1", "t2", "t3", "t4"}
    again, first = rows["t3", FRIDAY + dt.timedelta(days=1)], rows["t4", FRIDAY + dt.timedelta(days=1)]
    names = ("measured_on", "other_customer_id", "times", "times_back", "total", "age", "known_tied", "any_common")
    assert [again[name] for name in names] == [MONDAY, "simbank:c2", 1, 1, 500.0, 10.0, 1, 0]
    # c3 is a friend of both: two steps, and nobody has paid c4 before.
    assert [first[name] for name in names] == [MONDAY, "simbank:c4", 0, 0, 0.0, None, 0, 1]
    assert (first["fan_in"], first["any_distance"], first["any_distance_cut"]) == (0, 2.0, 0)


def test_a_night_adds_its_own_rows_and_a_late_row_makes_those_after_it_again(bank: Path, project_root: Path) -> None:
    build(bank, project_root)
    before, number = stored(bank), version(bank)
    build(bank, project_root)
    assert (stored(bank), version(bank)) == (before, number)
    day = dt.date(2026, 3, 10)
    night = [paid("c1", "c4", "t6", day), paid("c3", "c4", "t7", dt.date(2026, 2, 26), known_on=day, loaded_on=day)]
    load(bank, {"clean.transactions": night}, name="b", project=project_root)
    build(bank, project_root)
    after = stored(bank)
    assert {key for key in after if key not in before} == {("t6", day + dt.timedelta(days=1)), ("t7", day)}
    assert {key: after[key] for key in before} == before
    # t7 became known on the tenth, so the Monday of the ninth did not know that c3 had paid c4.
    assert (after["t6", dt.date(2026, 3, 11)]["times"], after["t6", dt.date(2026, 3, 11)]["fan_in"]) == (1, 1)
    early = [paid("c3", "c4", "t8", dt.date(2026, 2, 26), loaded_on=dt.date(2026, 3, 12))]
    load(bank, {"clean.transactions": early}, name="c", project=project_root)
    build(bank, project_root)
    changed = {key for key, one in stored(bank).items() if one != after.get(key)}
    assert changed == {("t8", dt.date(2026, 2, 27)), ("t4", dt.date(2026, 3, 7)), ("t6", dt.date(2026, 3, 11))}
    grown = stored(bank)
    build(bank, project_root, first=dt.date(2025, 1, 1))
    assert stored(bank) == grown


def test_a_transfer_that_is_taken_back_or_goes_elsewhere_counts_no_more(bank: Path, project_root: Path) -> None:
    day, later = dt.date(2026, 3, 8), dt.date(2026, 3, 9)
    came = {"known_on": day, "loaded_on": day}
    load(bank, {"clean.transactions": [
        {**paid("c1", "c2", "t3", FRIDAY, 700, **came), "is_retracted": True},
        paid("c1", "shop", "t4", FRIDAY, **came),
        paid("c1", "c3", "t5", FRIDAY, known_on=later, loaded_on=later),
    ]}, name="b", project=project_root)  # fmt: skip
    build(bank, project_root)
    rows = stored(bank)
    assert [rows[name, day]["is_retracted"] for name in ("t3", "t4")] == [True, True]
    assert rows["t5", later]["other_customer_id"] == "simbank:c3"
    assert not rows["t5", later]["is_retracted"]


def test_another_declaration_makes_all_rows_again(tmp_path: Path, bank: Path) -> None:
    project = copy_declarations(tmp_path / "project")
    build(bank, project)
    number = version(bank)
    path = project / "ties" / "acquaintances.yaml"
    path.write_text(path.read_text().replace("'friend', ", ""), encoding="utf-8")
    build(bank, project)
    assert version(bank) == number + 1
    assert {one["any_common"] for one in stored(bank).values()} == {0}


def test_a_review_has_the_row_of_its_own_transfer_and_a_customer_those_of_a_month(
    bank: Path, project_root: Path
) -> None:
    asked: dict[str, Any] = {"project": project_root, "warehouse": bank, "source": SOURCE}
    saturday = FRIDAY + dt.timedelta(days=1)
    reviewed = [paid("c1", "c4", "t6", saturday, 200_000), paid("c1", "shop", "t7", saturday, 300_000)]
    load(bank, {"clean.transactions": reviewed}, name="b", project=project_root)
    for group, observed in (("counterparty", "transfers"), ("dealings", "daily")):
        days = {"first": dt.date(2026, 3, 8), "last": dt.date(2026, 3, 8)} if observed == "daily" else {}
        compute_features.run(ComputeFeatures(groups=(group,), observations=observed, **asked, **days), None)  # type: ignore[arg-type]  # few rows need no session
    reviews = {one["observation_id"]: one for one in read_arrow(Warehouse(bank), "feature.counterparty").to_pylist()}
    names = ("counterparty_pair_count_all", "counterparty_times_last_all", "counterparty_any_common_last_all")
    assert {key: [one[name] for name in names] for key, one in reviews.items()} == {
        "t6": [1, 0, 1], "t7": [0, None, None]
    }  # fmt: skip
    # On the Monday before t1 nobody had told of a transfer, so whether its payee was new is not known.
    months = {one["customer_id"]: one for one in read_arrow(Warehouse(bank), "feature.dealings").to_pylist()}
    names = ("dealings_sent_count_30d", "dealings_sent_unheard_count_30d", "dealings_mutual_share_30d")
    assert [months["simbank:c1"][name] for name in names] == [4, 2, 700 / 201_300]


def test_values_are_late_when_a_row_came_that_a_pair_has_not_seen_also_before_it_is_built(
    bank: Path, project_root: Path
) -> None:
    """As a rule reads it: on the eighth, dealings rest on pairs up to the seventh, and then one of the third comes."""
    asked: dict[str, Any] = {"project": project_root, "warehouse": bank, "source": SOURCE}
    days = {"first": dt.date(2026, 3, 7), "last": dt.date(2026, 3, 7)}
    compute_features.run(ComputeFeatures(groups=("dealings",), observations="daily", **asked, **days), None)  # type: ignore[arg-type]  # few rows need no session
    context = RunContext.open(ComputeGraph(**asked))
    reader = SimpleNamespace(groups=("dealings",), observations="daily")
    assert late_days(context, reader) == {}
    early = [paid("c3", "c4", "t8", dt.date(2026, 3, 3), loaded_on=dt.date(2026, 3, 8))]
    load(bank, {"clean.transactions": early}, name="b", project=project_root)
    assert late_days(context, reader) == {"dealings": [dt.date(2026, 3, 7)]}
    build(bank, project_root)
    assert late_days(context, reader) == {"dealings": [dt.date(2026, 3, 7)]}


def audited(warehouse: Path, project_root: Path, change: Callable[[pa.Table], pa.Table]) -> dict[str, float | None]:
    """What the audit finds, by column, in the stored rows as ``change`` made them."""
    context = RunContext.open(ComputeGraph(project=project_root, warehouse=warehouse, source=SOURCE))
    (pairs,) = replay_pairs(context, [context.project.feature_groups["dealings"]])
    sample = pa.table({"as_of": pa.array([at(dt.date(2026, 3, 20))], pa.timestamp("us", "UTC"))})
    planted = replace(pairs, stored=change(pairs.stored))
    found = check_replayed_pairs([planted], sample, zone="Asia/Shanghai", dates=9)
    assert all(one.is_passed == (one.value == 0) for one in found)  # no value is no zero
    return {one.feature: one.value for one in found}


def with_value(stored: pa.Table, event: str, name: str, value: Any) -> pa.Table:
    rows = [{**one, name: value} if one["transaction_id"] == event else one for one in stored.to_pylist()]
    return pa.Table.from_pylist(rows, schema=stored.schema)


def test_the_audit_finds_what_was_not_known_then_and_nothing_else(bank: Path, project_root: Path) -> None:
    build(bank, project_root)
    assert audited(bank, project_root, lambda stored: stored) == {"": 0.0}
    assert audited(bank, project_root, lambda stored: stored.slice(0, 0)) == {TABLE: None}
    # The transfer of Friday itself, seen on the Monday before.
    planted = audited(bank, project_root, lambda stored: with_value(stored, "t4", "times", 1))
    assert planted == {f"{TABLE}.times": 1.0}

    def without_one(stored: pa.Table) -> pa.Table:
        return stored.filter(pc.not_equal(stored["transaction_id"], "t3"))

    missing = audited(bank, project_root, without_one)
    assert set(missing.values()) == {1.0}
    assert len(missing) > 20
