"""The run that builds graphs: what a snapshot may know of neighbours, and which snapshots a run builds again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tallystick.errors import DeclarationError
from tallystick.project import load_project
from tallystick.runs import compute_features, compute_graph
from tallystick.runs.context import RunContext
from tallystick.runs.graph_needs import replay_graphs
from tallystick.runs.graph_tables import GraphBuild
from tallystick.runs.late_features import late_days
from tallystick.runs.params import ComputeFeatures, ComputeGraph
from tallystick.tables import Warehouse, read_arrow
from tallystick.ties.graph_snapshots import GraphRows
from tallystick.training.audit_graph import check_graphs
from tests.lib.adding import copy_declarations
from tests.lib.answered import told_loads
from tests.lib.tied_bank import SOURCE, at, load, opened, row


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What reads these groups of these observations."""

    groups: tuple[str, ...]
    observations: str


APRIL, MAY, JUNE = dt.date(2026, 4, 1), dt.date(2026, 5, 1), dt.date(2026, 6, 1)


def build(warehouse: Path, project: Path, **asked: Any) -> None:
    compute_graph.run(ComputeGraph(project=project, warehouse=warehouse, source=SOURCE, **asked))


def snapshots(warehouse: Path, *columns: str) -> dict[tuple[str, dt.date], Any]:
    """The columns of each customer and snapshot."""
    rows = read_arrow(Warehouse(warehouse), "graph.people").to_pylist()
    return {
        (one["customer_id"].partition(":")[2], one["known_on"]): tuple(one[name] for name in columns) for one in rows
    }


def version(warehouse: Path) -> int:
    return Warehouse(warehouse).open("graph.people").version()


@pytest.fixture
def bank(tmp_path: Path, project_root: Path) -> Path:
    """The warehouse of the bank, loaded up to 1 May."""
    warehouse = tmp_path / "warehouse"
    load(
        warehouse, opened() | {"clean.orders": [row("c4", "o4", dt.date(2026, 4, 30))]}, name="a", project=project_root
    )
    return warehouse


def test_an_outcome_counts_once_it_is_settled_and_known(bank: Path, project_root: Path) -> None:
    build(bank, project_root)
    told = snapshots(bank, "known_bad_mean", "any_bad_count", "any_fraud_sum", "any_fraud_sum_two", "known_neighbours")
    assert {day for _, day in told} == {dt.date(2026, month, 1) for month in range(1, 6)}
    # c2 is past the thirty days by 9 February, but its ninety days end on 10 April; the report is of 15 March.
    assert [told["c1", day] for day in (dt.date(2026, 3, 1), APRIL, MAY)] == [
        (None, 0, None, None, 2), (None, 0, 0.0, 1.0, 2), (0.5, 2, 0.0, 1.0, 2)
    ]  # fmt: skip
    assert told["c4", dt.date(2026, 2, 1)] == (None, 0, None, None, 0)  # nobody told of fraud yet
    assert told["c4", MAY] == (0.0, 1, 0.0, 0.0, 1)


def test_nothing_is_built_twice(bank: Path, project_root: Path) -> None:
    build(bank, project_root)
    before = snapshots(bank, "known_bad_mean", "talk_pagerank"), version(bank)
    build(bank, project_root)
    assert (snapshots(bank, "known_bad_mean", "talk_pagerank"), version(bank)) == before
    build(bank, project_root, first=dt.date(2026, 1, 1))
    assert snapshots(bank, "known_bad_mean", "talk_pagerank") == before[0]


def test_a_load_reaches_back_as_far_as_its_rows_were_known(bank: Path, project_root: Path) -> None:
    build(bank, project_root)
    before = snapshots(bank, "known_neighbours")
    tie = {"other_customer_id": "simbank:c4", "kind": "friend"}
    late = [row("c2", "r9", dt.date(2026, 2, 3), known_on=dt.date(2026, 3, 20), loaded_on=JUNE, **tie)]
    load(bank, {"clean.relationships": late}, name="b", project=project_root)
    build(bank, project_root)
    after = snapshots(bank, "known_neighbours")
    ties = {"c2": (APRIL, MAY, JUNE), "c4": (APRIL, MAY, JUNE), "c1": (JUNE,), "c3": (JUNE,)}
    changed = {key for key in after if after[key] != before.get(key)}
    assert changed == {(who, day) for who, days in ties.items() for day in days}


def test_another_declaration_builds_all_again(tmp_path: Path, bank: Path) -> None:
    project = copy_declarations(tmp_path / "project")
    build(bank, project)
    before = snapshots(bank, "known_neighbours")
    path = project / "ties" / "acquaintances.yaml"
    path.write_text(path.read_text().replace("'friend', ", ""), encoding="utf-8")
    build(bank, project, first=MAY)
    after = snapshots(bank, "known_neighbours")
    assert before.keys() == after.keys()
    assert set(after.values()) == {(0,)} != set(before.values())


def test_another_frequency_leaves_no_old_snapshot_behind(tmp_path: Path, bank: Path) -> None:
    project = copy_declarations(tmp_path / "project")
    path = project / "features" / "chains.py"
    monthly = path.read_text()
    path.write_text(monthly.replace('every="month"', 'every="week"'), encoding="utf-8")
    build(bank, project)
    assert dt.date(2025, 12, 8) in {day for _, day in snapshots(bank)}
    path.write_text(monthly, encoding="utf-8")
    build(bank, project)
    assert {day for _, day in snapshots(bank)} == {dt.date(2026, month, 1) for month in range(1, 6)}


def test_what_is_stored_does_not_depend_on_when_a_table_began(tmp_path: Path, bank: Path, project_root: Path) -> None:
    again, rows = tmp_path / "again", opened()
    late = {name: rows.pop(name) for name in ("clean.accounts", "clean.fraud_reports")}
    late["clean.accounts"] = [
        {**one, "known_on": dt.date(2026, 2, 20), "loaded_on": dt.date(2026, 4, 2)} for one in late["clean.accounts"]
    ]
    load(again, rows, name="a", project=project_root)
    build(again, project_root)
    assert dt.date(2026, 1, 1) in {day for _, day in snapshots(again)}
    load(again, late | {"clean.orders": [row("c4", "o4", MAY)]}, name="b", project=project_root)
    build(again, project_root)
    grown = snapshots(again, "money_neighbours", "any_fraud_sum", "any_bad_count", "known_neighbours")
    build(again, project_root, first=dt.date(2025, 1, 1))
    assert snapshots(again, "money_neighbours", "any_fraud_sum", "any_bad_count", "known_neighbours") == grown
    assert min(day for _, day in grown) == dt.date(2026, 3, 1)


@pytest.mark.parametrize(("told", "newest"), [(None, JUNE), ("2026-05-20:1", MAY)])
def test_a_snapshot_is_due_when_its_night_has_come_whatever_it_brought(
    bank: Path, project_root: Path, told: str | None, newest: dt.date
) -> None:
    """The load of 1 June brings no row of the graph's tables: it is that night, or one of May that came late."""
    declared = load_project(project_root)
    told_loads(Warehouse(bank), declared, simbank=[MAY, JUNE], deliveries={JUNE: told} if told else {})
    context = RunContext.open(ComputeGraph(project=project_root, warehouse=bank, source=SOURCE))
    assert GraphBuild.open(context, declared.graphs["people"]).list_due()[-1] == newest


def test_features_are_late_once_a_row_beneath_their_graph_has_come(bank: Path, project_root: Path) -> None:
    """Before anybody builds the graph again: c2, a friend of c1, turns out a fraud, known on the day of the values."""
    asked = [row("c1", f"p{day}", day, event_at=at(day, 0), known_on=day, loaded_on=day) for day in (APRIL, MAY)]
    load(bank, {"clean.applications": asked}, name="b", project=project_root)
    compute_features.run(
        ComputeFeatures(
            project=project_root, warehouse=bank, source=SOURCE, groups=("chains",), observations="applications"
        ),
        None,
    )
    context = RunContext.open(ComputeGraph(project=project_root, warehouse=bank, source=SOURCE))
    reader = Reader(groups=("chains",), observations="applications")
    assert late_days(context, reader) == {}
    told = row("c2", "w2", dt.date(2026, 4, 30), known_on=MAY, loaded_on=MAY, role="perpetrator", kind="ring")
    load(bank, {"clean.fraud_reports": [told]}, name="c", project=project_root)
    assert late_days(context, reader) == {"chains": [MAY]}
    build(bank, project_root)
    assert late_days(context, reader) == {"chains": [MAY]}


def test_a_snapshot_without_customers_is_not_built_again(tmp_path: Path, project_root: Path) -> None:
    # Known before it happened, as a booked account may be: a snapshot is due, and nobody is a customer yet.
    warehouse, opening = tmp_path / "warehouse", dt.date(2026, 2, 10)
    early = {name: [row("c1", "e1", opening, known_on=dt.date(2026, 1, 1), loaded_on=opening)] for name in
             ("clean.accounts", "clean.applications", "clean.customers")}  # fmt: skip
    load(warehouse, early, name="a", project=project_root)
    build(warehouse, project_root)
    before = version(warehouse)
    build(warehouse, project_root)
    assert version(warehouse) == before


def test_an_observation_has_the_last_snapshot_at_or_before_it(bank: Path, project_root: Path) -> None:
    midnight = at(MAY, 0)
    asked = {"p8": midnight - dt.timedelta(microseconds=1), "p9": midnight, "p7": at(dt.date(2025, 12, 15))}
    applied = [
        row("c1", name, when.date(), event_at=when, known_on=when.date(), loaded_on=MAY) for name, when in asked.items()
    ]
    load(bank, {"clean.applications": applied}, name="c", project=project_root)
    params = ComputeFeatures(
        project=project_root, warehouse=bank, source=SOURCE, groups=("chains",), observations="applications"
    )
    compute_features.run(params, None)  # type: ignore[arg-type]  # few rows need no session
    rows = read_arrow(Warehouse(bank), "feature.chains").to_pylist()
    found = {one["observation_id"]: one["chains_any_bad_count_last_all"] for one in rows}
    assert {name: found[name] for name in asked} == {"p8": 0, "p9": 2, "p7": None}


def test_without_rows_there_is_no_graph(tmp_path: Path, project_root: Path) -> None:
    build(tmp_path, project_root)
    assert not Warehouse(tmp_path).exists("graph.people")


def audited(warehouse: Path, project_root: Path, change: Callable[[pa.Table, GraphRows], pa.Table]) -> dict[str, float]:
    """What the audit finds, by measure, in the stored snapshots as ``change`` made them."""
    params = ComputeGraph(project=project_root, warehouse=warehouse, source=SOURCE)
    context = RunContext.open(params)
    (graph,) = replay_graphs(context, [context.project.feature_groups["chains"]])
    rows = GraphBuild.open(context, context.project.graphs["people"]).prepare(graph.pieces)
    sample = pa.table({"as_of": pa.array([at(APRIL), at(MAY, 0), at(dt.date(2026, 3, 20))], pa.timestamp("us", "UTC"))})
    planted = replace(graph, stored=change(graph.stored, rows))
    found = check_graphs([planted], sample, zone="Asia/Shanghai", snapshots=9)
    assert all(one.is_passed == (one.value == 0) for one in found)  # no value is no zero
    return {one.feature: one.value or 0.0 for one in found}


def snapshots_of(rows: GraphRows, days: Iterable[dt.date], columns: Sequence[str]) -> pa.Table:
    made = [(day, rows.snapshot(day)) for day in days]
    dated = [one.append_column("known_on", pa.repeat(pa.scalar(day, pa.date32()), one.num_rows)) for day, one in made]
    return pa.concat_tables([one.select(columns) for one in dated])


def test_the_audit_finds_no_difference_in_what_was_built(bank: Path, project_root: Path) -> None:
    build(bank, project_root)
    assert audited(bank, project_root, lambda stored, _: stored) == {"": 0.0}


def test_the_audit_fails_where_it_compared_no_snapshot(bank: Path, project_root: Path) -> None:
    build(bank, project_root)
    assert audited(bank, project_root, lambda stored, _: stored.slice(0, 0)) == {"graph.people": 0.0}


def test_the_audit_finds_a_label_of_the_future(bank: Path, project_root: Path) -> None:
    build(bank, project_root)

    def of_the_future(stored: pa.Table, rows: GraphRows) -> pa.Table:
        assert rows.outcomes is not None
        last = rows.outcomes(MAY)
        days = [dt.date(2026, 3, 1), APRIL, MAY]
        return snapshots_of(replace(rows, outcomes=lambda _: last), days, stored.column_names)

    found = audited(bank, project_root, of_the_future)
    # c1 has friends with a loan, and so has c4 from March on; in May the outcomes are settled and rightly known.
    assert found["graph.people.known_bad_mean"] == found["graph.people.any_bad_count"] == 4.0
    assert all("_bad_" in name for name in found)


def test_the_audit_finds_the_label_of_a_neighbour_from_the_test_period(bank: Path, project_root: Path) -> None:
    build(bank, project_root)

    def with_one_label(stored: pa.Table, _: GraphRows) -> pa.Table:
        rows = stored.to_pylist()
        for one in rows:
            if (one["customer_id"], one["known_on"]) == ("simbank:c1", APRIL):
                assert one["known_bad_mean"] is None
                one["known_bad_mean"] = 1.0  # c2 turned out bad, which was settled later in April
        return pa.Table.from_pylist(rows, schema=stored.schema)

    assert audited(bank, project_root, with_one_label) == {"graph.people.known_bad_mean": 1.0}


def test_a_graph_of_a_tie_that_is_not_declared_is_refused_with_its_name(bank: Path, tmp_path: Path) -> None:
    project = copy_declarations(tmp_path / "project")
    (project / "ties" / "devices.yaml").unlink()
    with pytest.raises(DeclarationError, match="unknown tie devices"):
        build(bank, project)


def test_a_kind_whose_owners_the_source_does_not_tell_is_null(tmp_path: Path, project_root: Path) -> None:
    warehouse = tmp_path / "warehouse"
    rows = opened()
    del rows["clean.accounts"]
    payment = row("c1", "t1", dt.date(2026, 2, 2), counterparty_id="ac2", direction="out", amount_minor=100)
    load(warehouse, rows | {"clean.transactions": [payment]}, name="a", project=project_root)
    build(warehouse, project_root)
    told = snapshots(warehouse, "money_neighbours", "known_neighbours")
    assert {values[0] for values in told.values()} == {None}
    assert told["c1", dt.date(2026, 2, 1)][1] == 2
