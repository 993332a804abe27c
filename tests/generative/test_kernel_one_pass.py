"""Counts, sums, means and extremes of whole numbers, made in one pass over the rows, are what the oracle says, and the
same bits as family by family.
"""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import ContractError
from tallystick.kernel import compute_group, fusion, prepare_group
from tallystick.kernel.results import Results
from tallystick.spec.features import FeatureGroup
from tests.lib.feature_cases import (
    CONTRACTS,
    SCHEMA,
    SOME_EXAMPLES,
    differences,
    event_tables,
    every_op_group,
    feature_groups,
    make_events,
    make_group,
    make_measure,
    make_observations,
    observation_tables,
    utc,
)
from tests.lib.oracle import compute_with_oracle
from tests.lib.random_rows import AS_OF, ZONE, random_rows, words_of

FUSED = "count sum mean min max std"
# More than a word has bits. Conditions over a text, a number, a flag, two columns, and on what is missing.
FILTERS = {f"above_{n}": f"small > {n - 30}" for n in range(60)} | {
    "cash": "channel = 'cash'",
    "not_cash": "channel <> 'cash'",
    "unknown": "channel IS NULL",
    "night": "is_night",
    "cash_night": "channel = 'cash' AND is_night",
    "cash_or_more": "channel = 'cash' OR amount_minor > 0",
}
VALUES = {"made": "small * 3 - amount_minor", "flag": "is_night", "rows": ""}


def wide_group() -> FeatureGroup:
    measures = [
        make_measure(FUSED if value else "count", name=name, value=value, filters=tuple(FILTERS), unfiltered=True)
        for name, value in VALUES.items()
    ]
    measures += [
        make_measure(FUSED if value else "count", name=f"{name}_by", value=value, by="channel", previous=True)
        for name, value in VALUES.items()
    ]
    by = {"channel": ("cash", "card", "never")}
    return make_group(*measures, filters=FILTERS, by=by, windows=("2d", "1m"))


def bank(rows: int = 300) -> pa.Table:
    words = words_of(every_op_group())
    return random_rows(CONTRACTS["clean.transactions"], words, rows=rows, seed=11).select(SCHEMA.names)


def test_more_families_than_bits_in_a_word_are_what_the_oracle_says() -> None:
    group, events = wide_group(), bank()
    asked = make_observations(*((who, at) for who in ("bank:1", "bank:2", "bank:9") for at in AS_OF))
    plan = prepare_group(group, CONTRACTS)
    blocks = fusion.fused_blocks(plan, Results(plan, 1))
    assert len(blocks) > 1
    found = compute_group(events, asked, plan, zone=ZONE)
    assert not differences(found, compute_with_oracle(events, asked, group, CONTRACTS, zone=ZONE))
    told = [name for name in found.column_names if len(set(found[name].to_pylist())) > 2]
    assert len(told) > 0.3 * found.num_columns


@pytest.mark.parametrize("zone", ["Europe/Prague", "America/Santiago"])
@SOME_EXAMPLES
@given(data=st.data())
def test_one_pass_and_family_by_family_give_the_same_bits(zone: str, data: st.DataObject) -> None:
    plan = prepare_group(data.draw(feature_groups()), CONTRACTS)
    events, asked = data.draw(event_tables(zone)), data.draw(observation_tables(zone))
    together = compute_group(events, asked, plan, zone=zone)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fusion, "_VISITS", -1)
        assert compute_group(events, asked, plan, zone=zone).equals(together)


def test_dense_observations_are_left_to_running_totals(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[set[int]] = []
    reduce = fusion.reduce_block
    monkeypatch.setattr(
        "tallystick.kernel.compute.reduce_block", lambda *args, **by: done.append(reduce(*args, **by)) or done[-1]
    )
    plan = prepare_group(make_group(make_measure("sum", value="amount_minor"), windows=("30d",)), CONTRACTS)
    rows = [{"event_at": utc(2024, 3, 1, 0, n), "amount_minor": n} for n in range(10)]
    often = make_observations(*(("bank:1", utc(2024, 3, 3, hour, minute)) for hour in range(2) for minute in range(30)))
    seldom = often.slice(0, 1)
    found = compute_group(make_events(rows), often, plan, zone="UTC")
    assert (
        set(found.column(0).to_pylist())
        == {45}
        == set(compute_group(make_events(rows), seldom, plan, zone="UTC")[0].to_pylist())
    )
    assert [bool(left) for left in done] == [True, False]


def test_what_leaves_int64_in_rows_of_no_family_is_no_error() -> None:
    rows = [{"event_at": utc(2024, 3, 1, 0, n), "amount_minor": n, "small": 1} for n in range(3)]
    rows.append({"event_at": utc(2024, 3, 1, 1), "amount_minor": 2**62, "small": 2})
    measure = make_measure("sum max", value="amount_minor * 4", filters=("one",))
    plan = prepare_group(make_group(measure, filters={"one": "small = 1"}), CONTRACTS)
    asked = make_observations(("bank:1", utc(2024, 3, 2)))
    assert list(compute_group(make_events(rows), asked, plan, zone="UTC").to_pylist()[0].values()) == [12, 8]
    both = prepare_group(make_group(measure, filters={"one": "small < 3"}), CONTRACTS)
    with pytest.raises(ContractError, match="leaves int64"):
        compute_group(make_events(rows), asked, both, zone="UTC")


def test_a_condition_on_a_text_that_differs_in_every_row_is_looked_up_row_by_row() -> None:
    rows = [
        {"event_at": utc(2024, 3, 1, 0, n), "amount_minor": n, "channel": f"c{n}" if n % 3 else None} for n in range(9)
    ]
    measure = make_measure("count sum", value="amount_minor", filters=("some", "none"))
    filters = {"some": "channel IN ('c1', 'c4')", "none": "channel IS NULL"}
    plan = prepare_group(make_group(measure, filters=filters), CONTRACTS)
    found = compute_group(make_events(rows), make_observations(("bank:1", utc(2024, 3, 2))), plan, zone="UTC")
    assert found.to_pylist()[0] == {
        "txn_m_some_count_7d": 2, "txn_m_some_sum_7d": 5, "txn_m_none_count_7d": 3, "txn_m_none_sum_7d": 9,
    }  # fmt: skip
