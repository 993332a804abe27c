"""The report's section of a watch list: what it says of lists of several lengths, of leads, and of nothing."""

from __future__ import annotations

import pyarrow as pa

from tallystick.report.blocks import Figure, Note, Table
from tallystick.report.watch_section import describe_watch_list
from tallystick.spec.watch_lists import WatchList

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


def test_leads_are_those_of_loans_that_became_late() -> None:
    answers = {"watch_leads": pa.table({"days": [0, 10, 40, 100]})}
    section = describe_watch_list(DECLARED, answers, titles={})
    (table,) = [block for block in section.blocks if isinstance(block, Table)]
    assert dict(table.rows) == {1: 0.75, 7: 0.75, 14: 0.5, 30: 0.5, 60: 0.25, 90: 0.25, 120: 0.0, 180: 0.0}
    (note,) = [block for block in section.blocks if isinstance(block, Note)]
    assert note.text.startswith("4 loans that were on the list have become late: half of them")


def test_without_lists_and_without_bad_loans_there_is_nothing_to_tell() -> None:
    rows = [{"share": 0.05, "bad": 0, "ranked": 10, "listed": 1, "caught": 0}]
    assert not describe_watch_list(DECLARED, {"watch_capacities": pa.Table.from_pylist(rows)}, titles={}).blocks
    assert not describe_watch_list(DECLARED, {}, titles={}).blocks
