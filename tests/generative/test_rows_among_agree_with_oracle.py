"""Time between the rows of two tables is what the oracle says: either table late, corrected, retracted, or tied."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.features import GroupWork, compute_local
from tallystick.spec.among import Among
from tests.lib.drawn_rows import MANY_EXAMPLES, SOME_EXAMPLES, ZONES, event_tables, observation_tables
from tests.lib.feature_cases import CONTRACTS, TRANSACTIONS, differences, make_group, make_measure
from tests.lib.oracle import compute_with_oracle

CALLS = replace(TRANSACTIONS, name="clean.calls")
WAITED = "EPOCH(event_at) - EPOCH(LAG(event_at))"
GROUP = make_group(
    make_measure("count mean min max", name="answer", value=WAITED, where="LAG(row_of) = 'calls'"),
    # Card payments since the last call that no cash payment followed.
    make_measure(
        "count sum",
        name="card",
        value="amount_minor",
        where="channel = 'card' AND LAST_VALUE(CASE WHEN row_of = 'calls' OR channel = 'cash' THEN row_of END"
        " IGNORE NULLS) = 'calls'",
    ),
    make_measure("count sum last distinct", name="own", value="amount_minor"),
    make_measure("mean", name="rate", value="rate", windows=("30d",)),
    windows=("7d", "all"),
    among=(Among(table=CALLS.name, where="amount_minor >= 0 OR is_night"),),
)


def check_agreement(zone: str, data: st.DataObject) -> None:
    """Draw both tables and observations; the oracle takes the rows in force of each and orders them as defined."""
    contracts = {**CONTRACTS, CALLS.name: CALLS}
    events, calls, asked = (data.draw(made(zone)) for made in (event_tables, event_tables, observation_tables))
    review = data.draw(st.sampled_from([0, 0, 1]))
    work = GroupWork.of(GROUP, contracts, review_days=review)
    found = compute_local(work, events, asked, dimensions={CALLS.name: calls}, zone=zone)
    expected = compute_with_oracle(
        events, asked, GROUP, contracts, zone=zone, dimensions={CALLS.name: calls}, review_days=review
    )
    assert not differences(found.select(list(expected)), expected)


# What zones do to windows is drawn elsewhere; here only which rows stand where matters.
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Prague", "Pacific/Apia"])
@SOME_EXAMPLES
@given(data=st.data())
def test_rows_among_agree_with_the_oracle(zone: str, data: st.DataObject) -> None:
    check_agreement(zone, data)


@pytest.mark.soak
@pytest.mark.parametrize("zone", sorted(ZONES))
@MANY_EXAMPLES
@given(data=st.data())
def test_rows_among_agree_with_the_oracle_in_many_examples(zone: str, data: st.DataObject) -> None:
    check_agreement(zone, data)
