"""Counts, sums, means and extremes of whole numbers, made in one pass over the rows, are what the oracle says, and the
same bits as family by family.
"""

from __future__ import annotations

import math
import random

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tallystick.errors import ContractError
from tallystick.kernel import compute_group, fusion, prepare_group
from tallystick.kernel.cells import Results
from tallystick.spec.features import FeatureGroup
from tests.lib.drawn_groups import feature_groups
from tests.lib.drawn_rows import SOME_EXAMPLES, event_tables, observation_tables
from tests.lib.every_op import every_op_group
from tests.lib.feature_cases import (
    CONTRACTS,
    SCHEMA,
    differences,
    make_events,
    make_group,
    make_measure,
    make_observations,
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
        patch.setattr(fusion, "_is_cheap", lambda *_: False)
        assert compute_group(events, asked, plan, zone=zone).equals(together)


def test_dense_observations_are_left_to_running_totals(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[set[int]] = []
    reduce = fusion.reduce_block
    monkeypatch.setattr(
        "tallystick.kernel.aggregate.reduce_block", lambda *args, **by: done.append(reduce(*args, **by)) or done[-1]
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


@pytest.mark.parametrize("texts", [3, 300, 70_000])
def test_codes_of_any_width_give_the_same_bits(texts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    source = random.Random(texts)
    size = 3 * texts + 50
    words = [source.choice([None, f"c{source.randrange(texts)}"]) for _ in range(size)] + [
        f"c{n}" for n in range(texts)
    ]
    rows = [
        {"event_at": utc(2024, 3, 1, 0, n % 60, n // 60 % 60), "amount_minor": n, "channel": word}
        for n, word in enumerate(words)
    ]
    filters = {"some": "channel IN ('c0', 'c2')", "not_one": "channel <> 'c1'", "none": "channel IS NULL"}
    measures = (
        make_measure(FUSED, value="amount_minor", filters=tuple(filters)),
        make_measure("count sum", name="by", value="amount_minor", by="channel"),
    )
    group = make_group(*measures, filters=filters, by={"channel": ("c1", "c2")})
    plan, events = prepare_group(group, CONTRACTS), make_events(rows)
    asked = make_observations(("bank:1", utc(2024, 3, 2)), ("bank:1", utc(2024, 3, 1, 0, 30)))
    together = compute_group(events, asked, plan, zone="UTC")
    monkeypatch.setattr(fusion, "_is_cheap", lambda *_: False)
    assert compute_group(events, asked, plan, zone="UTC").equals(together)
    assert together.column("txn_m_none_count_7d").to_pylist()[0] == sum(word is None for word in words)


def test_a_flag_that_is_null_throughout_needs_no_type() -> None:
    rows = make_events([{"event_at": utc(2024, 3, 1, 0, n), "amount_minor": n} for n in range(3)])
    place = rows.schema.get_field_index("is_night")
    events = rows.set_column(place, "is_night", pa.nulls(3))
    filters = {"night": "is_night", "day": "NOT is_night", "unknown": "is_night IS NULL"}
    measure = make_measure("count sum", value="amount_minor", filters=tuple(filters))
    plan = prepare_group(make_group(measure, filters=filters), CONTRACTS)
    found = compute_group(events, make_observations(("bank:1", utc(2024, 3, 2))), plan, zone="UTC")
    assert list(found.to_pylist()[0].values()) == [0, 0, 0, 0, 3, 3]


def test_a_condition_that_leaves_int64_in_rows_that_nobody_sees_is_no_error() -> None:
    # The second row becomes known late: for the observation there is none, in the table there is.
    rows = [
        {"event_at": utc(2024, 3, 1, 0, 1), "amount_minor": 5, "small": 1},
        {"event_at": utc(2024, 3, 1, 0, 2), "amount_minor": 6, "small": 4, "known_on": utc(2024, 3, 20).date()},
        {"event_at": utc(2024, 3, 1, 0, 3), "amount_minor": 7, "small": 1},
    ]
    measure = make_measure("count sum", value="amount_minor", filters=("many",))
    plan = prepare_group(make_group(measure, filters={"many": "small * 4611686018427387904 > 0"}), CONTRACTS)
    asked = make_observations(("bank:1", utc(2024, 3, 3)))
    assert list(compute_group(make_events(rows), asked, plan, zone="UTC").to_pylist()[0].values()) == [2, 12]


@pytest.mark.parametrize("largest", [3_037_000_499, 3_037_000_500])
def test_deviations_are_exact_where_a_square_just_fits_and_where_it_does_not(largest: int) -> None:
    amounts = [largest, largest - 7, -largest]
    rows = [{"event_at": utc(2024, 3, 1, 0, n), "amount_minor": amount} for n, amount in enumerate(amounts)]
    plan = prepare_group(make_group(make_measure("std sum", value="amount_minor")), CONTRACTS)
    found = compute_group(make_events(rows), make_observations(("bank:1", utc(2024, 3, 2))), plan, zone="UTC")
    expected = math.sqrt((3 * sum(a * a for a in amounts) - sum(amounts) ** 2) / 6)
    told = found.to_pylist()[0]
    assert told["txn_m_sum_7d"] == sum(amounts)
    assert math.isclose(told["txn_m_std_7d"], expected, rel_tol=1e-15)
