"""The kernel gives the same bits whatever the order of rows, the split of customers and the rows nobody may see."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.kernel import compute_group, compute_vector, prepare_group
from tests.lib.drawn_groups import feature_groups
from tests.lib.drawn_rows import SOME_EXAMPLES, event_tables, observation_tables
from tests.lib.feature_cases import CONTRACTS


@pytest.mark.parametrize("zone", ["Europe/Prague", "Asia/Shanghai"])
@SOME_EXAMPLES
@given(data=st.data())
def test_order_and_split_change_no_bit(zone: str, data: st.DataObject) -> None:
    plan = prepare_group(data.draw(feature_groups()), CONTRACTS)
    events, observations = data.draw(event_tables(zone)), data.draw(observation_tables(zone))
    whole = compute_group(events, observations, plan, zone=zone)

    shuffled = events.take(pa.array(data.draw(st.permutations(range(events.num_rows))), pa.int64()))
    assert compute_group(shuffled, observations, plan, zone=zone).equals(whole)
    assert compute_group(events, observations, plan, zone=zone, rows_per_piece=1).equals(whole)

    cut = data.draw(st.integers(0, observations.num_rows))
    parts = [observations.slice(0, cut), observations.slice(cut)]
    assert pa.concat_tables(compute_group(events, part, plan, zone=zone) for part in parts).equals(whole)

    for row, asked in enumerate(observations.to_pylist()):
        own = events.filter(pc.equal(events.column("customer_id"), asked["customer_id"]))
        vector = compute_vector(own, asked["as_of"], plan, zone=zone)
        assert list(vector.items()) == list(whole.slice(row, 1).to_pylist()[0].items())


@pytest.mark.parametrize("zone", ["America/New_York"])
@SOME_EXAMPLES
@given(data=st.data())
def test_rows_that_are_not_visible_change_no_bit(zone: str, data: st.DataObject) -> None:
    plan = prepare_group(data.draw(feature_groups()), CONTRACTS)
    events, observations = data.draw(event_tables(zone)), data.draw(observation_tables(zone))
    whole = compute_group(events, observations, plan, zone=zone)
    for row, asked in enumerate(observations.to_pylist()):
        day: dt.date = asked["as_of"].astimezone(ZoneInfo(zone)).date()
        learned = events.filter(pc.less_equal(events.column("known_on"), pa.scalar(day, pa.date32())))
        alone = compute_group(learned, observations.slice(row, 1), plan, zone=zone)
        assert alone.equals(whole.slice(row, 1))
