"""Looked-up columns are what the oracle says: the other table is corrected, late, dated ahead, or of two sources."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.features import GroupWork, compute_local
from tallystick.spec.features import Lookup
from tests.lib.drawn_rows import MANY_EXAMPLES, SOME_EXAMPLES, ZONES, event_tables, instants, observation_tables
from tests.lib.feature_cases import CONTRACTS, differences, make_group, make_measure
from tests.lib.lookup_cases import CODES, FACTS, SCHEMA
from tests.lib.oracle import compute_with_oracle

GROUP = make_group(
    make_measure("sum count max last first", name="fee", value="fee_minor"),
    make_measure("count", name="cheap", where="brand = 'red' OR fee_minor < 0"),
    make_measure("distinct entropy", name="brands", value="brand", windows=("30d",)),
    windows=("7d", "all"),
    lookups=(Lookup(table=FACTS.name, on="channel", columns=("fee_minor", "brand")),),
)


@st.composite
def fee_tables(draw: st.DrawFn, zone: str, *, by_fact: bool) -> pa.Table:
    """Some rows of the other table, among them late, corrected, retracted and future ones."""
    rows: dict[Any, dict[str, Any]] = {}
    for number in range(draw(st.integers(0, 9))):
        at = draw(instants(zone, latest=30))
        known = at.date() + dt.timedelta(days=draw(st.sampled_from([-20, 0, 1, 1, 3, 40])))
        loaded = known + dt.timedelta(days=draw(st.sampled_from([0, 0, -9, 9])))
        channel = draw(st.sampled_from(["cash", "card", "card", "mobile", None]))
        source = draw(st.sampled_from(["bank", "bank", "other"]))
        fact = f"f{draw(st.integers(0, 4))}"
        if by_fact:  # mostly a fact keeps its channel; a correction may move it, or take its channel away
            usual = {"f0": "cash", "f1": "card", "f2": "card", "f3": None}.get(fact, channel)
            channel = draw(st.sampled_from([usual, usual, usual, channel]))
        row = {
            "fact_id": fact, "channel": channel, "event_at": at, "known_on": known, "loaded_on": loaded,
            "is_retracted": draw(st.sampled_from([False, False, False, True])),
            "fee_minor": draw(st.sampled_from([None, 1, -2, 3 * number])),
            "brand": draw(st.sampled_from([None, "red", "blue"])),
            "source": source,
        }  # fmt: skip
        rows[fact if by_fact else channel, source, known, loaded] = row
    return pa.Table.from_pylist(draw(st.permutations(list(rows.values()))), schema=SCHEMA)


def check_agreement(zone: str, data: st.DataObject) -> None:
    """Draw both tables and observations; the oracle looks up row by row what the stage lays out as spans."""
    by_fact = data.draw(st.booleans())
    contracts = {**CONTRACTS, FACTS.name: FACTS if by_fact else CODES}
    events, fees = data.draw(event_tables(zone)), data.draw(fee_tables(zone, by_fact=by_fact))
    asked = data.draw(observation_tables(zone))
    if data.draw(st.booleans()):  # as they are stored: the source is the folder
        fees = fees.filter(pa.compute.equal(fees["source"], "bank")).drop_columns(["source"])
    review = data.draw(st.sampled_from([0, 0, 1, 2]))
    work = GroupWork.of(GROUP, contracts, review_days=review)
    found = compute_local(work, events, asked, dimensions={FACTS.name: fees}, zone=zone)
    expected = compute_with_oracle(
        events, asked, GROUP, contracts, zone=zone, dimensions={FACTS.name: fees}, review_days=review
    )
    assert not differences(found.select(list(expected)), expected)


@pytest.mark.parametrize("zone", sorted(ZONES))
@SOME_EXAMPLES
@given(data=st.data())
def test_lookups_agree_with_the_oracle(zone: str, data: st.DataObject) -> None:
    check_agreement(zone, data)


@pytest.mark.soak
@pytest.mark.parametrize("zone", sorted(ZONES))
@MANY_EXAMPLES
@given(data=st.data())
def test_lookups_agree_with_the_oracle_in_many_examples(zone: str, data: st.DataObject) -> None:
    check_agreement(zone, data)
