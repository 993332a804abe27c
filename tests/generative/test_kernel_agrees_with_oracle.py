"""The kernel and the oracle say the same of random banks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.kernel import compute_group, prepare_group
from tests.lib.drawn_groups import feature_groups
from tests.lib.drawn_rows import MANY_EXAMPLES, SOME_EXAMPLES, ZONES, event_tables, observation_tables
from tests.lib.feature_cases import CONTRACTS, differences
from tests.lib.oracle import compute_with_oracle


@pytest.mark.parametrize("zone", sorted(ZONES))
@SOME_EXAMPLES
@given(data=st.data())
def test_kernel_agrees_with_the_oracle(zone: str, data: st.DataObject) -> None:
    check_agreement(zone, data)


@pytest.mark.soak
@pytest.mark.parametrize("zone", sorted(ZONES))
@MANY_EXAMPLES
@given(data=st.data())
def test_kernel_agrees_with_the_oracle_in_many_examples(zone: str, data: st.DataObject) -> None:
    check_agreement(zone, data)


def check_agreement(zone: str, data: st.DataObject) -> None:
    """Draw a bank, a group and observations; both engines must give the same."""
    group = data.draw(feature_groups())
    events = data.draw(event_tables(zone))
    observations = data.draw(observation_tables(zone))
    found = compute_group(events, observations, prepare_group(group, CONTRACTS), zone=zone)
    expected = compute_with_oracle(events, observations, group, CONTRACTS, zone=zone)
    assert not differences(found, expected)
