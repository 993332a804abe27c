"""The report's section of a watch list: what it says of lists of several lengths, of leads, and of nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from tallystick.report.blocks import Facts, Figure, Note, Section, Table
from tallystick.report.watch_section import describe_watch_list, list_watch_questions
from tallystick.spec.recipes import Recipe
from tallystick.spec.watch_lists import WatchList

FIRST, NIGHT = date(2025, 1, 1), datetime(2025, 3, 1, tzinfo=UTC)
RECIPE = Recipe(name="mine", title="Mine", groups=("spend",), observations="months")

# The second version learned from outcomes that were known fifty days after the first list.
LEARNED = {"mine/1": FIRST, "mine/2": FIRST + timedelta(days=50)}
DECLARED = WatchList(name="mine", recipe="mine", observations="nights", family="signs", title="Loans to call")


def test_capacity_tells_capture_precision_and_what_a_perfect_ranking_would_do() -> None:
    rows = [
        {"share": 0.05, "bad": 40, "ranked": 1000, "listed": 50, "caught": 20},
        {"share": 0.01, "bad": 40, "ranked": 1000, "listed": 10, "caught": 8},
    ]
    section = describe_watch_list(DECLARED, {"watch_capacities": pa.Table.from_pylist(rows)}, titles={})
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert section.title == "Loans to call"
    assert list(table.rows) == [("5.0%", 0.5, 0.4, 30.0, 1.0), ("1.0%", 0.2, 0.8, 2.0, 0.25)]
    assert [block.png[:4] for block in section.blocks if isinstance(block, Figure)] == [b"\x89PNG"]
    assert {"Capacity", "Capture", "Precision", "False alarms"} == words_of(section)


def words_of(section: Section) -> set[str]:
    return {name for block in section.blocks if isinstance(block, Facts) for name, _ in block.rows}


def test_every_column_of_the_newest_lists_has_its_word() -> None:
    counted = dict.fromkeys(("act", "watch", "entered", "late", "ended", "calmed", "displaced", "ranked"), 1)
    answers = {"watch_nights": pa.Table.from_pylist([{"list_date": FIRST, **counted}])}
    section = describe_watch_list(DECLARED, answers, titles={})
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert words_of(section) == set(table.headers) - {"Date"}


def test_leads_are_those_of_loans_that_became_late() -> None:
    answers = {"watch_leads": pa.table({"days": [0, 10, 40, 100]})}
    section = describe_watch_list(DECLARED, answers, titles={})
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert {row[0]: row[1] for row in table.rows} == {
        1: 0.75,
        7: 0.75,
        14: 0.5,
        30: 0.5,
        60: 0.25,
        90: 0.25,
        120: 0.0,
        180: 0.0,
    }
    (note,) = [block for block in section.blocks if isinstance(block, Note)]
    assert note.text.startswith("4 loans that were on the list have become late: half of them")


def test_without_lists_and_without_bad_loans_there_is_nothing_to_tell() -> None:
    rows = [{"share": 0.05, "bad": 0, "ranked": 10, "listed": 1, "caught": 0}]
    assert not describe_watch_list(DECLARED, {"watch_capacities": pa.Table.from_pylist(rows)}, titles={}).blocks
    assert not describe_watch_list(DECLARED, {}, titles={}).blocks


def test_other_rankings_stand_beside_the_model_and_groups_beside_the_curve() -> None:
    rows = [{"share": 0.05, "bad": 40, "ranked": 1000, "listed": 50, "caught": 20}]
    ruled = [{**rows[0], "caught": 10, "answered": 1000}]
    answers = {
        "watch_capacities": pa.Table.from_pylist(rows),
        "watch_by_rules": pa.Table.from_pylist(ruled),
        "watch_by_baseline": pa.Table.from_pylist([{**rows[0], "caught": 5}]),
        "watch_leads": pa.table({"days": [10]}),
        "watch_groups": pa.Table.from_pylist(
            [
                {"kind": "all", "name": "", "loans": 4, "late": 1},
                {"kind": "level", "name": "act", "loans": 2, "late": 1},
                {"kind": "sign", "name": "SIG001", "loans": 2, "late": 0},
                {"kind": "sign", "name": "none", "loans": 1, "late": 1},
            ]
        ),
    }
    section = describe_watch_list(replace(DECLARED, baseline="balance"), answers, titles={"SIG001": "Pay is late"})
    _, beside, _, groups = [block for block in section.blocks if isinstance(block, Table)]
    assert beside.headers[1:4] == ("Capture, model", "Capture, rules alone", "Capture, balance alone")
    assert list(beside.rows) == [("5.0%", 0.5, 0.25, 0.125, 0.4, 0.2, 0.1)]
    assert list(groups.rows) == [
        ("All", 4, 0.25),
        ("Level act", 2, 0.5),
        ("SIG001 Pay is late", 2, 0),
        ("No sign", 1, 1),
    ]
    half = {**answers, "watch_by_rules": pa.Table.from_pylist([{**ruled[0], "answered": 500}])}
    section = describe_watch_list(DECLARED, half, titles={})
    assert any(isinstance(block, Note) and "answered for 500 of the loans" in block.text for block in section.blocks)


def ask(question: str, declared: WatchList, **tables: Any) -> list[dict[str, object]]:
    asked = list_watch_questions(declared, RECIPE, source="village", learned=LEARNED)[question]
    with duckdb.connect() as found:
        for name, rows in tables.items():
            layer, table = name.split("__")
            data = pa.Table.from_pylist(rows)
            found.execute(f"CREATE SCHEMA IF NOT EXISTS {layer}; CREATE TABLE {layer}.{table} AS FROM data")
            del data
        return found.sql(asked.sql).to_arrow_table().to_pylist()


def test_rules_alone_rank_by_severity_then_by_the_baseline_and_say_what_was_answered() -> None:
    """Ten loans at one month end, two places at a fifth: a and b have a critical sign, c the least of the feature."""
    learned = [
        {"source": "village", "part": "test", "observation_id": name, "as_of": NIGHT, "label": int(name in "bc"),
         "pd_test": 0.1, "least": None if name == "a" else float(ord(name))}
        for name in "abcdefghij"
    ]  # fmt: skip
    ours = {"source": "village", "observations": "nights", "as_of": NIGHT}
    flag = {**ours, "family": "signs", "status": "live", "severity": "critical", "rule_id": "SIG001"}
    flags = [
        {**flag, "observation_id": "j", "severity": "low"},
        {**flag, "observation_id": "b"},
        {**flag, "observation_id": "b"},  # answered again on another date: one sign
        {**flag, "observation_id": "c", "severity": "medium"},
        {**flag, "observation_id": "c", "severity": "high", "rule_id": "SIG002"},
        {**flag, "observation_id": "d", "status": "shadow"},
        {**flag, "observation_id": "e", "family": "others"},
        {**flag, "observation_id": "f", "source": "town"},
        {**flag, "observation_id": "g", "as_of": NIGHT + timedelta(days=1)},
    ]
    decisions = [{**ours, "observation_id": name} for name in "abcdefghi" for _ in range(2)]
    tables = {"training__mine": learned, "score__fraud_flags": flags, "score__fraud_decisions": decisions}
    declared = replace(DECLARED, baseline="least")
    ruled = {row["share"]: row for row in ask("watch_by_rules", declared, **tables)}
    assert {share: (row["listed"], row["caught"]) for share, row in ruled.items() if share in (0.1, 0.2, 0.3)} == {
        0.1: (1, 1), 0.2: (2, 2), 0.3: (3, 2)}  # fmt: skip
    assert {(row["answered"], row["ranked"], row["bad"]) for row in ruled.values()} == {(9, 10, 2)}
    alone = {row["share"]: row["caught"] for row in ask("watch_by_baseline", declared, **tables)}
    assert (alone[0.1], alone[0.2], alone[0.3]) == (1, 2, 2)  # b, c, d; the null of a stands last
    equal = {row["share"]: row["caught"] for row in ask("watch_capacities", declared, **tables)}
    assert (equal[0.1], equal[0.2], equal[0.3]) == (0, 1, 2)  # a, b, c: by their names


def test_groups_are_of_loans_that_were_followed_long_enough() -> None:
    def line(
        loan: str, day: int, level: str, *, rules: str | None = None, cause: str | None = None
    ) -> dict[str, object]:
        date_ = FIRST + timedelta(days=day)
        return {"source": "village", "recipe": "mine", "observation_id": loan, "list_date": date_, "level": level,
                "rules": rules, "cause": cause, "first_seen_on": FIRST, "model_version": "mine/1"}  # fmt: skip

    lines = [
        line("a", 0, "act", rules="SIG001 SIG002"),
        line("a", 90, "off", cause="late"),  # the last day that counts
        line("b", 0, "watch", rules="SIG001"),
        line("b", 91, "off", cause="late"),  # one day later
        line("c", 10, "watch"),
        line("c", 11, "act", rules="SIG002"),  # its first night had no sign
        line("c", 20, "off", cause="late"),
        line("d", 11, "act", rules="SIG001"),  # 89 days before the newest list: not followed long enough
        line("d", 12, "off", cause="late"),
        line("e", 100, "watch", rules="SIG001"),
    ]
    found = [tuple(row.values()) for row in ask("watch_groups", DECLARED, score__watchlist=lines)]
    assert found == [
        ("all", "", 3, 2), ("level", "watch", 2, 1), ("level", "act", 1, 1),
        ("sign", "SIG001", 2, 1), ("sign", "SIG002", 1, 1), ("sign", "none", 1, 1),
    ]  # fmt: skip


def test_loans_that_a_model_listed_in_hindsight_are_not_followed() -> None:
    def line(loan: str, day: int, version: str | None, *, cause: str | None = None) -> dict[str, object]:
        return {"source": "village", "recipe": "mine", "observation_id": loan, "list_date": FIRST + timedelta(days=day),
                "level": "off" if cause else "act", "rules": None, "cause": cause, "first_seen_on": FIRST,
                "model_version": version}  # fmt: skip

    lines = [
        line("a", 0, "mine/1"),  # the date itself: all that it learned was known then
        line("a", 10, None, cause="late"),  # who leaves is ranked by no model
        line("b", 49, "mine/2"),
        line("b", 60, None, cause="late"),
        line("c", 50, "mine/2"),
        line("c", 71, None, cause="late"),
        line("d", 60, "mine/1"),
        line("d", 61, "mine/0"),  # nobody said what this version learned
        line("d", 72, None, cause="late"),
    ]
    assert [row["days"] for row in ask("watch_leads", DECLARED, score__watchlist=lines)] == [10, 71]
    told = ask("watch_hindsight", DECLARED, score__watchlist=lines)
    assert told == [{"nights": 2, "first": FIRST + timedelta(days=49), "last": FIRST + timedelta(days=61)}]
    section = describe_watch_list(DECLARED, {"watch_hindsight": pa.Table.from_pylist(told)}, titles={})
    (note,) = [block for block in section.blocks if isinstance(block, Note)]
    assert note.text.startswith("2 lists from 2025-02-19 to 2025-03-03: the model had learned from outcomes of later")
    assert not describe_watch_list(
        DECLARED, {"watch_hindsight": pa.table({"nights": [0], "first": [None], "last": [None]})}, titles={}
    ).blocks
