"""A night's list: who is on it, why, since when, and why others have left."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from tallystick.project.contracts import load_contracts
from tallystick.spec.watch_lists import WatchList
from tallystick.warning import NightInputs, list_night
from tallystick.warning.arrears import NO_ARREARS
from tallystick.warning.listing import ARROW, EARLIER

DECLARED = WatchList(
    name="mine", recipe="mine", observations="nights", family="mine", capacity=0.2, act=0.5, stay_days=7
)  # of ten loans two find a place, one of them of level act; ranks up to four keep it
DAY = date(2026, 4, 1)
HIT = ("observation_id", "rule_id", "severity", "reason")
CONTRACT = load_contracts(Path(__file__).resolve().parents[2])["score.watchlist"].columns
FIRST = pa.table(
    {column.name: pa.array([], ARROW[column.type]) for column in CONTRACT if column.name in EARLIER}
).select(EARLIER)
TEN = {f"l{number}": 1 - number / 100 for number in range(1, 11)}


def night(
    risks: dict[str, float],
    *,
    day: date = DAY,
    late: dict[str, int] | None = None,
    repaid: tuple[str, ...] = (),
    hits: tuple[tuple[str, str, str, str | None], ...] = (),
    before: tuple[pa.Table, ...] = (),
) -> pa.Table:
    """The list of a night on which the model gave these risks; ``before`` are all lists before it."""
    scores = [
        {"observation_id": name, "customer_id": f"s:{name}", "bucket": 0, "period": "2026", "pd": risk,
         "model_version": "m/1", "reason_1": "Model", "reason_2": None, "reason_3": None}
        for name, risk in risks.items()
    ]  # fmt: skip
    arrears = [
        {"observation_id": name, "dpd": (late or {}).get(name, 0), "is_repaid": name in repaid}
        for name in {**risks, **(late or {})}
    ]
    columns = {name: [hit[place] for hit in hits] for place, name in enumerate(HIT)}
    found = NightInputs(
        day=day,
        scores=pa.Table.from_pylist(scores),
        arrears=pa.Table.from_pylist(arrears, schema=NO_ARREARS.schema),
        hits=pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}),
        clears={"R001": "One", "R002": "Two"},
        earlier=pa.concat_tables([FIRST.slice(0, 0), *(rows.select(EARLIER) for rows in before)]),
    )
    return list_night(DECLARED, found, columns=CONTRACT)


def told(rows: pa.Table, *names: str) -> dict[str, Any]:
    """The named columns by loan."""
    return {row["observation_id"]: tuple(row[name] for name in names) for row in rows.to_pylist()}


def test_the_riskiest_find_a_place_and_the_very_first_are_urgent() -> None:
    assert told(night(TEN), "level", "risk_rank", "listed_on") == {"l1": ("act", 1, DAY), "l2": ("watch", 2, DAY)}


def test_who_is_late_or_repaid_is_not_ranked() -> None:
    rows = night(TEN, late={"l1": 1}, repaid=("l2",))
    assert rows["observation_id"].to_pylist() == ["l3"]  # eight are ranked, of which a fifth is one place
    assert rows["ranked_loans"].to_pylist() == [8]


def test_who_left_says_why_on_the_night_it_left_and_no_more() -> None:
    first = night(TEN)
    then = DAY + timedelta(days=8)
    late = night(TEN, day=then, late={"l1": 3}, before=(first,))
    assert told(late, "level", "cause")["l1"] == ("off", "late")
    calmed = night({**TEN, "l1": 0.01}, day=then, before=(first,))
    assert told(calmed, "level", "cause", "listed_on")["l1"] == ("off", "calmed", DAY)
    ended = night({name: risk for name, risk in TEN.items() if name != "l1"}, day=then, before=(first,))
    assert told(ended, "level", "cause")["l1"] == ("off", "ended")
    assert told(ended, "pd", "model_version", "risk_rank")["l1"] == (None, None, None)
    after = night(TEN, day=then + timedelta(days=1), before=(first, late))
    assert told(after, "level", "listed_on", "first_seen_on")["l1"][1:] == (then + timedelta(days=1), DAY)


def test_a_loan_that_misses_its_last_instalment_leaves_as_late() -> None:
    """Its schedule is over, so it is not scored any more; that it is late is known all the same."""
    without = {name: risk for name, risk in TEN.items() if name != "l1"}
    rows = told(night(without, day=DAY + timedelta(days=1), late={"l1": 1}, before=(night(TEN),)), "cause", "pd")
    assert rows["l1"] == ("late", None)


def test_a_place_is_kept_for_the_declared_days_and_near_the_top() -> None:
    first = night(TEN)
    down = {**TEN, "l1": 0.01}  # the last of all
    assert "off" not in night(down, day=DAY + timedelta(days=6), before=(first,))["level"].to_pylist()
    assert told(night(down, day=DAY + timedelta(days=7), before=(first,)), "level")["l1"] == ("off",)
    near = {**TEN, "l1": 0.965}  # the third: twice the places are four
    kept = night(near, day=DAY + timedelta(days=30), before=(first,))
    assert told(kept, "level", "listed_on") == {"l1": ("watch", DAY), "l2": ("act", DAY)}


def test_a_riskier_one_takes_the_place_of_who_could_have_stayed() -> None:
    before = night(TEN)
    third = before.slice(0, 1).set_column(before.schema.get_field_index("observation_id"), "observation_id", [["l3"]])
    rows = night(TEN, day=DAY + timedelta(days=1), before=(before, third))
    assert told(rows, "level", "cause")["l3"] == ("off", "displaced")


def test_reasons_are_those_of_the_gravest_rules_and_then_the_models() -> None:
    hits = (
        ("l1", "R002", "critical", "Pay is late"), ("l1", "R001", "low", "Low balance"), ("l2", "R001", "high", None),
        ("l9", "R001", "high", "Not on the list"),
    )  # fmt: skip
    rows = told(night(TEN, hits=hits), "rules", "reason_1", "reason_2", "reason_3", "clears_when")
    assert rows["l1"][:4] == ("R002 R001", "Pay is late", "Low balance", "Model")
    assert rows["l2"][:4] == ("R001", "Model", None, None)
    until = DAY + timedelta(days=7)
    assert (
        rows["l1"][4] == f"No longer among the 4 riskiest of 10 loans, on {until} or later; at once if late or ended. "
        "Its signs clear when: Two; One"
    )


def test_places_are_a_share_of_the_number_that_is_written() -> None:
    """29 of a hundred are 29, though 0.29 * 100 is a little less in doubles."""
    for written in range(1, 100):
        declared = replace(DECLARED, capacity=written / 100, act=written / 100, keep_within=(100 + written) / 100)
        assert declared.places(100) == written
        assert declared.kept_places(100) == 100 + written
    assert replace(DECLARED, capacity=0.001).places(100) == 1
    assert (DECLARED.places(0), DECLARED.places(9), DECLARED.act_places(9)) == (0, 1, 0)


def test_no_loans_make_an_empty_list() -> None:
    assert night({"l1": 0.5}, late={"l1": 9}).num_rows == 0
