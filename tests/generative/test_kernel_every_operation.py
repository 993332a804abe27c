"""Each operation over each kind of window, filter and category, and each derived kind: exact, and the same bits in any
layout.

One group that has everything, and the assertion that it has.
"""

from __future__ import annotations

import random
from typing import Any

import hypothesis
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.errors import ContractError
from tallystick.kernel import compute_group, prepare_group
from tallystick.spec.bases import group_bases
from tallystick.spec.columns import group_columns
from tallystick.spec.features import Change, FeatureGroup, Ratio, Share, ZScore
from tallystick.spec.months import MONTH_OPS, Months
from tallystick.spec.ops import OP_RULES, SHIFT_OPS
from tests.lib.drawn_groups import feature_groups
from tests.lib.drawn_rows import SOME_EXAMPLES, ZONES, event_tables, observation_tables
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

FORMULAS = {"cell", "share", "ratio", "change", "zscore", "months", "distance", "gyration"}


def random_bank(*, rows: int = 160, seed: int = 5) -> pa.Table:
    return random_rows(CONTRACTS["clean.transactions"], words_of(every_op_group()), rows=rows, seed=seed).select(
        SCHEMA.names
    )


def asked_of_all() -> pa.Table:
    """On and off midnight, of customers with and without rows, one pair twice, before the first row, after the last."""
    times = (*AS_OF, utc(2010, 1, 1), utc(2031, 7, 1, 12))
    pairs = [(who, at) for who in ("bank:1", "bank:2", "bank:3") for at in times]
    return make_observations(*pairs, pairs[0])


def kinds_of(group: FeatureGroup) -> set[tuple[str, str, str]]:
    """Operation, kind of window and kind of family of every aggregate that stands alone."""
    bases = group_bases(group)
    found = set()
    for column in group_columns(group, CONTRACTS):
        base = bases[column.cells[0].stem]
        family = "filter" if base.filter else "by" if base.value else "all"
        window = column.cells[0].span.unit + ("_prev" if column.previous else "")
        if column.formula == "cell":
            found.add((base.op.name, window, family))
    return found


def test_the_group_has_every_operation_over_every_kind_of_window_and_family() -> None:
    kinds = kinds_of(every_op_group())
    wanted = {
        (op, window, family)
        for op in OP_RULES
        for window in ("day", "day_prev", "month", "month_prev", "all")
        for family in ("all", "filter", "by")
        if (op != "age_days" or family == "all") and not (window == "all" and OP_RULES[op].compares)
        if (op not in SHIFT_OPS or window != "all" or family == "all")
    }
    assert sorted(wanted - kinds) == []
    columns = group_columns(every_op_group(), CONTRACTS)
    assert {column.formula for column in columns} == FORMULAS
    over_months = {"last_k" if c.op == "last_2" else c.op for c in columns if c.formula == "months"}
    assert over_months == set(MONTH_OPS)


@pytest.mark.parametrize(
    "zone", [ZONE, *(pytest.param(zone, marks=pytest.mark.soak) for zone in ZONES if zone != ZONE)]
)
def test_every_operation_is_what_the_oracle_says(zone: str) -> None:
    group, events, asked = every_op_group(), random_bank(), asked_of_all()
    found = compute_group(events, asked, prepare_group(group, CONTRACTS), zone=zone)
    expected = compute_with_oracle(events, asked, group, CONTRACTS, zone=zone)
    assert not differences(found, expected)
    # Not a bank on which most answers are null or 0: then nothing would be compared.
    told = [name for name in found.column_names if len(set(found[name].to_pylist())) > 2]
    assert len(told) > 0.7 * found.num_columns


def test_layout_and_pieces_change_no_bit() -> None:
    plan, events, asked = prepare_group(every_op_group(), CONTRACTS), random_bank(rows=400), asked_of_all()
    whole = compute_group(events, asked, plan, zone=ZONE)
    source = random.Random(3)
    for size in (1, 64):
        order = list(range(events.num_rows))
        source.shuffle(order)
        cuts = sorted(source.sample(range(1, events.num_rows), 5))
        pieces = [order[low:high] for low, high in zip([0, *cuts], [*cuts, len(order)], strict=True)]
        files = pa.concat_tables(events.take(pa.array(piece, pa.int64())) for piece in pieces)
        assert files.column("amount_minor").num_chunks > 1
        coded = files.set_column(
            files.schema.get_field_index("channel"), "channel", files.column("channel").dictionary_encode()
        )
        for laid in (files, coded):
            assert compute_group(laid, asked, plan, zone=ZONE, rows_per_piece=size).equals(whole)
    backwards = asked.take(pa.array(range(asked.num_rows - 1, -1, -1), pa.int64()))
    again = compute_group(events, backwards, plan, zone=ZONE)
    assert again.take(pa.array(range(asked.num_rows - 1, -1, -1), pa.int64())).equals(whole)


@pytest.mark.parametrize("zone", ["Europe/Prague", "Asia/Shanghai"])
@SOME_EXAMPLES
@given(data=st.data())
def test_rows_of_one_version_need_no_look_for_versions(zone: str, data: st.DataObject) -> None:
    plan = prepare_group(data.draw(feature_groups()), CONTRACTS)
    rows = data.draw(event_tables(zone)).to_pylist()
    events = pa.Table.from_pylist(list({row["transaction_id"]: row for row in rows}.values()), schema=SCHEMA)
    observations = data.draw(observation_tables(zone))
    expected = compute_group(events, observations, plan, zone=zone)
    assert compute_group(events, observations, plan, zone=zone, has_versions=False).equals(expected)


@SOME_EXAMPLES
@given(amounts=st.lists(st.integers(-(2**62), 2**62 - 1), min_size=1, max_size=6))
def test_a_sum_is_exact_or_refused_however_huge(amounts: list[int]) -> None:
    rows = [{"event_at": utc(2024, 3, 1, 0, n), "amount_minor": amount} for n, amount in enumerate(amounts)]
    plan = prepare_group(make_group(make_measure("sum max min", value="amount_minor")), CONTRACTS)
    asked = make_observations(("bank:1", utc(2024, 3, 2)))
    total = sum(amounts)
    if -(2**63) <= total < 2**63:
        found = compute_group(make_events(rows), asked, plan, zone="UTC").to_pylist()[0]
        assert list(found.values()) == [total, max(amounts), min(amounts)]
    else:
        with pytest.raises(ContractError, match="leaves int64"):
            compute_group(make_events(rows), asked, plan, zone="UTC")


def test_the_random_groups_and_banks_draw_everything() -> None:
    seen: set[Any] = set()
    wanted = {*OP_RULES, "day", "day_prev", "month", "month_prev", "all", "filter", "by", "LAG(", " / ",
              Share, Ratio, Change, ZScore, Months}  # fmt: skip
    traits = {"tie", "null", "negative", "corrected", "retracted", "late", "out of order", "other", "empty customer",
              "repeated", "off midnight", "at midnight", "before the first", "after the last"}  # fmt: skip

    @settings(max_examples=50, deadline=None, database=None, phases=[hypothesis.Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(feature_groups(), event_tables("Europe/Prague"), observation_tables("Europe/Prague"))
    def draw(group: FeatureGroup, events: pa.Table, asked: pa.Table) -> None:
        for op, window, family in kinds_of(group):
            seen.update((op, window, family))
        seen.update(type(derived) for derived in group.derived)
        texts = [f"{measure.value} {measure.where}" for measure in group.measures]
        seen.update(mark for mark in ("LAG(", " / ") if any(mark in text for text in texts))
        seen.update(traits_of(events, asked))

    # What is drawn also depends on the modules that are loaded: Hypothesis takes constants from them. So many examples
    # that everything comes up whatever they are, and no more once everything has.
    for number in range(8):
        if not wanted | traits <= seen:
            hypothesis.seed(number)(draw)()
    assert sorted(map(str, (wanted | traits) - seen)) == []


def traits_of(events: pa.Table, asked: pa.Table) -> set[str]:
    """What a drawn bank and its observations have of what makes features hard."""
    rows, pairs = events.to_pylist(), [(row["customer_id"], row["as_of"]) for row in asked.to_pylist()]
    times = [row["event_at"] for row in rows]
    customers = {row["customer_id"] for row in rows}
    midnights = {(at.hour, at.minute, at.second, at.microsecond) in ((22, 0, 0, 0), (23, 0, 0, 0)) for _, at in pairs}
    has = {
        "tie": len({(row["customer_id"], row["event_at"]) for row in rows}) < len(rows),
        "null": any(row["amount_minor"] is None for row in rows),
        "negative": any((row["amount_minor"] or 0) < 0 for row in rows),
        "corrected": len({row["transaction_id"] for row in rows}) < len(rows),
        "retracted": any(row["is_retracted"] for row in rows),
        "late": any((row["known_on"] - row["event_at"].date()).days > 7 for row in rows),
        "out of order": any(
            one["transaction_id"] == two["transaction_id"]
            and one["loaded_on"] < two["loaded_on"]
            and one["known_on"] > two["known_on"]
            for one in rows
            for two in rows
        ),
        "other": any(row["channel"] not in (None, "cash", "card", "strange one") for row in rows),
        "empty customer": bool(rows) and any(who not in customers for who, _ in pairs),
        "repeated": len(set(pairs)) < len(pairs),
        "off midnight": False in midnights,
        "at midnight": True in midnights,
        "before the first": bool(rows) and any(at < min(times) for _, at in pairs),
        "after the last": bool(rows) and any(at > max(times) for _, at in pairs),
    }
    return {name for name, holds in has.items() if holds}
