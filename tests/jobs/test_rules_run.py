"""Rules answered from stored features: for which days, on what was there then, and without losing other days' rows."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from tallystick.cli.one_answer import explain_answer
from tallystick.cli.rule_texts import WantedRules, list_rules
from tallystick.errors import DeclarationError, NotFound
from tallystick.project import load_project
from tallystick.runs import apply_rules, compact_events
from tallystick.runs.context import RunContext
from tallystick.runs.params import ApplyRules, CompactEvents
from tallystick.runs.rule_reports import dry_run
from tallystick.runs.rule_tables import read_arrivals
from tallystick.tables import Run, Slice, Warehouse, arrow_schema, pin, read_arrow, replace_arrow
from tests.lib import backfills as bank

RULES = """\
family: velocity
title: How often
observations: {observations}
owner: tests
rules:
  - {{id: VEL001, title: Much in a week, when: "{when}", severity: high, reason: Spending, status: live,
     since: {since}}}
  - {{id: VEL002, title: A large one, when: "spend_out_max_7d > 100", severity: low, internal: tests, status: shadow,
     since: 2026-03-01}}
  - {{id: VEL003, title: Gone, when: "spend_out_max_7d > 300", severity: low, reason: Spending, status: retired,
     since: 2026-03-01}}
"""
NIGHTS = [bank.HISTORY + timedelta(days=n) for n in range((bank.LAST - bank.HISTORY).days + 1)]


def store_loads(
    project: Path, warehouse: Path, loads: dict[str, list[date]], *, late: dict[date, str] | None = None
) -> None:
    """The loads of these tables, as ingest writes them down; ``late`` are the deliveries of some of them."""
    contract = load_project(project).contracts["monitor.loads"]
    counted = ("read", "accepted", "rejected", "duplicate", "excluded")
    rows = [
        {
            "loaded_on": day,
            "table_name": table,
            "raw_sha256": "0",
            "source": "village",
            "deliveries": (late or {}).get(day),
        }
        | {f"rows_{word}": 0 for word in counted}
        for table, days in loads.items()
        for day in days
    ]
    data = pa.Table.from_pylist(rows, schema=arrow_schema(contract.columns))
    where = Slice.of_source("monitor.loads", "village")
    replace_arrow(Warehouse(warehouse), contract, data, where=where, run=Run("loads", "test", "0"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The village with its nightly loads (none on 6 March) and the features of five days and of two applications."""
    root = tmp_path_factory.mktemp("rules")
    project, warehouse = bank.write_project(root / "project"), root / "warehouse"
    bank.store_bank(project, warehouse)
    asked = [(1, datetime(2026, 3, 4, 9, tzinfo=UTC)), (2, datetime(2026, 3, 6, 9, tzinfo=UTC))]
    bank.store_applications(project, warehouse, asked, loaded_on=bank.LAST)
    days = {"first": "2026-03-03", "last": "2026-03-07"}
    bank.compute(project, warehouse, groups=("spend",), **days)
    bank.compute(project, warehouse, groups=("spend",), observations="applications")
    store_loads(project, warehouse, {"transactions": [day for day in NIGHTS if day.day != 6]})
    return root


def declare(
    root: Path,
    *,
    observations: str = "daily",
    when: str = "spend_any_count_7d > 3",
    since: str = "2026-03-01",
) -> None:
    (root / "project" / "rules").mkdir(exist_ok=True)
    text = RULES.format(observations=observations, when=when, since=since)
    (root / "project" / "rules" / "velocity.yaml").write_text(text, encoding="utf-8")
    group = bank.SPEND.replace('owner="tests",', 'owner="tests",\n    permitted_use="fraud review",')
    (root / "project" / "features" / "spend.py").write_text(group, encoding="utf-8")


def apply(root: Path, observations: str = "daily", **asked: Any) -> None:
    told = {"observations": observations, "source": "village", **asked}
    apply_rules.run(bank.told(ApplyRules, root / "project", root / "warehouse", **told))


def stored(root: Path, table: str, observations: str = "daily") -> list[dict[str, Any]]:
    rows = read_arrow(Warehouse(root / "warehouse"), f"score.{table}").to_pylist()
    kept = [row for row in rows if row["observations"] == observations]
    return sorted(kept, key=lambda row: (row["observation_id"], row["as_of"], row.get("rule_id", "")))


def test_every_day_is_answered_from_what_was_there_on_it(made: Path) -> None:
    declare(made)
    apply(made)
    expected = bank.spent(
        [*bank.history(), *(row for day in NIGHTS[1:] for row in bank.daily(day))],
        [date(2026, 3, day) for day in range(3, 8)],
    )
    decisions = {(row["observation_id"], row["decided_on"]): row for row in stored(made, "fraud_decisions")}
    assert set(decisions) == set(expected)
    flags = {(row["observation_id"], row["decided_on"], row["rule_id"]): row for row in stored(made, "fraud_flags")}
    hit = set()
    for (customer, day), (count, _, _, _, largest) in expected.items():
        told = json.loads(decisions[customer, day]["held_rules"] or "{}")
        if day.day == 6:  # its load never came
            assert told == {"VEL001": "stale clean.transactions", "VEL002": "stale clean.transactions"}
            continue
        assert told == ({"VEL002": "unknown spend_out_max_7d"} if largest is None else {})
        hit |= {(customer, day, "VEL001")} if count > 3 else set()
        hit |= {(customer, day, "VEL002")} if largest is not None and largest > 100 else set()
    assert set(flags) == hit
    assert {key[2] for key in hit} == {"VEL001", "VEL002"}
    assert all(row["as_of"].astimezone(ZoneInfo(bank.ZONE)).hour == 0 for row in flags.values())


def test_an_answer_is_explained_as_it_was_decided(made: Path) -> None:
    declare(made)
    apply(made)
    project, warehouse = made / "project", made / "warehouse"

    def told(rule: str, customer: str, day: int) -> dict[str, object]:
        return explain_answer(rule, customer, project, warehouse=warehouse, day=date(2026, 3, day))

    hit = next(row for row in stored(made, "fraud_flags") if row["rule_id"] == "VEL001")
    found = told("VEL001", hit["observation_id"], hit["decided_on"].day)
    assert (found["answer"], found["decided on"]) == ("hit", hit["decided_on"])
    assert found["values"] == [f"{key} = {value}" for key, value in json.loads(hit["hit_values"]).items()]
    shadow = next(row for row in stored(made, "fraud_flags") if row["rule_id"] == "VEL002")
    found = told("VEL002", shadow["observation_id"], shadow["decided_on"].day)
    assert found["answer"] == "hit (shadow: counts for nothing)"
    # Customer 5 has no row at all: the count is 0, the largest one unknown. The load of 6 March never came.
    clear = told("VEL001", "village:5", 7)
    assert (clear["answer"], clear["values"]) == ("clear", ["spend_any_count_7d = 0"])
    unknown = told("VEL002", "village:5", 7)
    assert unknown["answer"] == "held: unknown spend_out_max_7d"
    assert unknown["values"] == ["spend_out_max_7d = null"]
    assert told("VEL001", "village:5", 6)["answer"] == "held: stale clean.transactions"
    assert told("VEL003", "village:5", 7)["answer"] == "not answered: the rule is retired since 2026-03-01"
    newest = explain_answer("VEL001", "village:5", project, warehouse=warehouse)
    assert newest["decided on"] == date(2026, 3, 7)
    assert "note" not in newest
    for customer, day in (("village:5", 30), ("village:'", 7)):
        with pytest.raises(NotFound, match="nothing was decided about that observation of daily on") as refused:
            told("VEL001", customer, day)
        assert customer not in str(refused.value)
    with pytest.raises(NotFound, match="there is no warehouse here"):
        explain_answer("VEL001", "village:5", project, warehouse=made / "none")
    (made / "loaded" / "raw").mkdir(parents=True, exist_ok=True)
    with pytest.raises(NotFound, match="no rule was answered yet"):
        explain_answer("VEL001", "village:5", project, warehouse=made / "loaded")


def test_no_rule_is_answered_from_features_that_have_not_seen_a_row_of_their_day(made: Path, tmp_path: Path) -> None:
    root = tmp_path / "late"
    shutil.copytree(made, root)
    project, warehouse = root / "project", root / "warehouse"
    declare(root)
    at = datetime(2026, 3, 4, 12, tzinfo=UTC)
    came = [bank.Transaction(0, 900_000 + n, at, date(2026, 3, 5), 250) for n in range(4)]
    bank.store(project, warehouse, came, loaded_on=bank.LAST + timedelta(days=1))
    apply(root)
    for row in stored(root, "fraud_decisions"):
        told = json.loads(row["held_rules"] or "{}")
        held = {"VEL001": "not_computed spend", "VEL002": "not_computed spend"}
        # On 6 March the load of the night never came, which is said only of what has seen all that did.
        assert (told == held) == (row["decided_on"] >= date(2026, 3, 5)), row["decided_on"]
    assert {row["decided_on"].day for row in stored(root, "fraud_flags")} <= {3, 4}
    bank.compute(project, warehouse, groups=("spend",), first="2026-03-05", last="2026-03-07")
    apply(root)
    rows = [*bank.history(), *(row for day in NIGHTS[1:] for row in bank.daily(day)), *came]
    expected = bank.spent(rows, [date(2026, 3, day) for day in (3, 4, 5, 7)])
    flags = {
        (row["observation_id"], row["decided_on"]) for row in stored(root, "fraud_flags") if row["rule_id"] == "VEL002"
    }
    assert flags == {key for key, (_, _, _, _, largest) in expected.items() if largest is not None and largest > 100}
    assert {("village:0", date(2026, 3, 5)), ("village:0", date(2026, 3, 7))} <= flags


@pytest.mark.parametrize("is_compacted", [False, True])
def test_history_of_a_later_load_had_not_come_before_the_first(tmp_path: Path, is_compacted: bool) -> None:
    """A load of 9 March brings a row known since 5 February, before all of the first load."""
    project, warehouse = bank.write_project(tmp_path / "project"), tmp_path / "warehouse"
    first, second = date(2026, 3, 1), date(2026, 3, 9)
    for loaded_on, known_on in ((first, date(2026, 2, 20)), (second, date(2026, 2, 5))):
        at = datetime(known_on.year, known_on.month, known_on.day, tzinfo=UTC) - timedelta(days=1)
        rows = [bank.Transaction(0, loaded_on.day, at, known_on, 250)]
        bank.store(project, warehouse, rows, loaded_on=loaded_on)
    late = {second: "2026-03-01.2:1 2026-03-08:1"}  # the night of the load date has not come
    store_loads(project, warehouse, {"transactions": [first, second]}, late=late)
    if is_compacted:
        compact_events.run(bank.told(CompactEvents, project, warehouse, source="village", as_of=date(2029, 1, 1)))
        assert len(pin(Warehouse(warehouse), "clean.transactions").files) == 1
    context = RunContext.open(bank.told(ApplyRules, project, warehouse, source="village", observations="daily"))
    found = read_arrivals(context, ["clean.transactions"]).tables["clean.transactions"]
    days = [(day - date(1970, 1, 1)).days for day in (date(2026, 2, 20), first, second)]
    assert (found.begins, found.loads) == (days[0], tuple(days[1:]))
    assert found.nights == (days[1], days[2] - 1)


def test_a_run_replaces_its_own_days_and_no_other(made: Path) -> None:
    declare(made)
    apply(made)
    before = stored(made, "fraud_flags")
    declare(made, when="spend_any_count_7d > 100")
    apply(made, first="2026-03-04", last="2026-03-04")
    after = stored(made, "fraud_flags")
    kept = [row for row in before if row["decided_on"] != date(2026, 3, 4) or row["rule_id"] == "VEL002"]
    assert after == kept
    assert len(after) < len(before)
    assert len(stored(made, "fraud_decisions")) == 5 * bank.CUSTOMERS


def test_a_rule_counts_from_its_date_on_and_can_be_tried_on_all(made: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project, warehouse = made / "project", made / "warehouse"
    declare(made)
    apply(made)
    before = stored(made, "fraud_flags")
    declare(made, since="2026-03-05")
    apply(made)
    # Daily customers are observed at the midnight that begins a date: that of 5 March is the first that counts.
    kept = [row for row in before if row["rule_id"] == "VEL002" or row["decided_on"] >= date(2026, 3, 5)]
    assert stored(made, "fraud_flags") == kept
    assert len(kept) < len(before)
    asked = {(row["decided_on"].day, row["live_rules"], row["shadow_rules"]) for row in stored(made, "fraud_decisions")}
    assert asked == {(day, int(day >= 5), 1) for day in range(3, 8)}
    told = {
        day: explain_answer("VEL001", "village:5", project, warehouse=warehouse, day=date(2026, 3, day))
        for day in (4, 5)
    }
    assert told[4]["answer"] == "not answered: the rule was not in force before 2026-03-05"
    assert (told[5]["answer"], "note" in told[4]) == ("clear", False)
    # A trial asks what the rule would have said.
    params = bank.told(ApplyRules, project, warehouse, source="village", observations="daily")
    tried = {row["rule"]: row["hits"] for row in dry_run(params).table.to_pylist()}
    assert tried["VEL001"] == sum(row["rule_id"] == "VEL001" for row in before)
    capsys.readouterr()
    declare(made, since="2026-03-08")
    apply(made, first="2026-03-03", last="2026-03-07")
    assert {row["rule_id"] for row in stored(made, "fraud_flags")} == {"VEL002"}
    assert capsys.readouterr().err.rstrip().endswith("of 1 rules (1 not in force then) on 30 observations")


def test_a_rule_that_was_never_answered_is_told_from_one_without_a_hit(made: Path) -> None:
    project, home = made / "project", Warehouse(made / "warehouse")

    def listed() -> dict[str, int | None]:
        table = list_rules(WantedRules(), project, home=home).table
        return dict(zip(table["rule"].to_pylist(), table["hits"].to_pylist(), strict=True))

    declare(made, when="spend_any_count_7d > 1000")
    apply(made)
    # Other tests have answered a VEL001 about applications, which is another rule.
    large = sum(row["rule_id"] == "VEL002" for row in stored(made, "fraud_flags"))
    assert listed() == {"VEL001": 0, "VEL002": large, "VEL003": None}
    declare(made, when="spend_any_count_7d > 1000", since="2026-03-07")
    assert listed()["VEL001"] == 0
    declare(made, when="spend_any_count_7d > 1000", since="2026-03-08")
    assert listed()["VEL001"] is None
    (note,) = list_rules(WantedRules(), project, home=home).notes
    assert note.startswith("2 rules of daily were answered about 2026-03-07, and 1 of those declared now were in force")
    assert list_rules(WantedRules(), project).table["hits"].to_pylist() == [None] * 3


def test_a_rule_about_events_begins_at_the_midnight_of_its_date(made: Path, tmp_path: Path) -> None:
    root = tmp_path / "events"
    shutil.copytree(made, root)
    midnight = datetime(2026, 3, 5, tzinfo=ZoneInfo(bank.ZONE)).astimezone(UTC)
    asked = [(3, midnight - timedelta(microseconds=1)), (4, midnight), (5, midnight + timedelta(days=1))]
    bank.store_applications(root / "project", root / "warehouse", asked, loaded_on=bank.LAST)
    bank.compute(root / "project", root / "warehouse", groups=("spend",), observations="applications")
    declare(root, observations="applications", when="term_months = 12", since="2026-03-05")
    apply(root, "applications")
    flags = stored(root, "fraud_flags", "applications")
    assert [row["observation_id"] for row in flags if row["rule_id"] == "VEL001"] == ["p4", "p5"]
    decided = {row["observation_id"]: row["live_rules"] for row in stored(root, "fraud_decisions", "applications")}
    assert decided == {"p3": 0, "p4": 1, "p5": 1}


def test_an_event_is_answered_with_its_own_columns(made: Path) -> None:
    declare(made, observations="applications", when="term_months = 12 AND spend_any_count_all > 3")
    apply(made, "applications")
    (first, second) = stored(made, "fraud_decisions", "applications")
    assert (first["observation_id"], first["live_hits"], first["held_rules"]) == ("p1", 1, None)
    # The event itself is there, whatever is known of the loads of its table; transactions were not on that day.
    assert second["decided_on"] == date(2026, 3, 6)
    assert json.loads(second["held_rules"])["VEL001"] == "stale clean.transactions"


def test_what_cannot_be_answered_is_told(made: Path) -> None:
    declare(made)
    with pytest.raises(NotFound, match="observations book have no rules|there is no observation set book"):
        apply(made, "book")
    declare(made, when="spend_any_cont_7d > 3")
    with pytest.raises(DeclarationError, match="did you mean spend_any_count_7d"):
        apply(made)
