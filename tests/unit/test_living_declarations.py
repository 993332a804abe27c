"""Declared changes of a group's life: which columns they touch, and that they touch no other."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest

from tallystick.errors import DeclarationError
from tallystick.features import GroupWork
from tallystick.spec.columns import group_columns, group_contract, group_retirements, retired_columns
from tallystick.spec.features import Change, FeatureGroup, Ratio, Share, ZScore
from tallystick.spec.meaning import column_fingerprint
from tallystick.spec.retirements import find_retirement, lift_retirements, tell_gone
from tallystick.spec.tables import Retirement
from tests.lib.feature_cases import CONTRACTS, make_group, make_measure

DAY = date(2026, 3, 1)
FILTERS = {"cash": "channel = 'cash'"}


def group(*, out: dict[str, Any] | None = None, share: dict[str, Any] | None = None, **parts: Any) -> FeatureGroup:
    """Two measures and one derived feature of each kind; ``change`` and the like are parts of theirs."""
    measure = make_measure("count sum", **{"name": "out", "value": "amount_minor", "filters": ("cash",),
                                           "unfiltered": True, "previous": True, **(out or {})})  # fmt: skip
    stem = f"{measure.name}_sum"
    derived = (
        Share(**{"name": "cash", "a": f"{measure.name}_cash_sum", "b": stem, **(share or {})}),
        Ratio(of=stem, window="7d", against="30d", **parts.pop("ratio", {})),
        Change(of=stem, windows=("7d",), **parts.pop("change", {})),
        ZScore(of="nights_count", windows=("7d",), k=3, **parts.pop("zscore", {})),
    )
    nights = make_measure("count", name="nights", where="is_night")
    return make_group(
        measure, nights, **{"windows": ("7d", "30d"), "filters": FILTERS, "derived": derived, **parts}
    )  # fmt: skip


def fingerprints(declared: FeatureGroup) -> dict[str, str]:
    return {c.name: column_fingerprint(declared, c) for c in (*group_columns(declared), *retired_columns(declared))}


def changed(**parts: Any) -> set[str]:
    before, after = fingerprints(group()), fingerprints(group(**parts))
    assert set(before) == set(after)
    return {name for name in before if before[name] != after[name]}


def test_a_raised_version_of_a_measure_changes_what_is_made_of_it_and_nothing_else() -> None:
    every = set(fingerprints(group()))
    assert changed(out={"version": 2}) == {name for name in every if "nights" not in name}
    assert "txn_cash_share_7d" in changed(out={"version": 2})


@pytest.mark.parametrize(
    ("parts", "names"),
    [
        ({"share": {"version": 2}}, {"txn_cash_share_7d", "txn_cash_share_30d"}),
        ({"ratio": {"version": 2}}, {"txn_out_sum_ratio_7d_30d"}),
        ({"change": {"version": 3}}, {"txn_out_sum_change_7d"}),
        ({"zscore": {"version": 2}}, {"txn_nights_count_zscore_7d"}),
    ],
)
def test_a_raised_version_of_a_derived_feature_changes_its_columns_alone(
    parts: dict[str, Any], names: set[str]
) -> None:
    assert changed(**parts) == names


def test_the_first_version_is_the_one_that_nobody_wrote_down() -> None:
    assert changed(out={"version": 1}, share={"version": 1}) == set()
    assert len(set(fingerprints(group()).values())) == len(fingerprints(group()))


@pytest.mark.parametrize(
    "parts",
    [
        {"out": {"retired_on": DAY}},
        {"share": {"retired_on": DAY}},
        {"retired": {"txn_nights_*": DAY, "txn_gone_sum_7d": DAY}},
        {"out": {"replaces": "spent"}, "share": {"replaces": "notes"}},
    ],
)
def test_retiring_and_renaming_make_no_column_stale(parts: dict[str, Any]) -> None:
    assert changed(**parts) == set()


def test_a_renamed_measure_has_the_fingerprints_that_it_had() -> None:
    before, after = group(), group(out={"name": "paid", "replaces": "out"})
    moved = {one.pattern: one.replaced_by for one in group_retirements(after)}
    old, new = fingerprints(before), fingerprints(after)
    assert {old[name] for name in moved} == {new[moved[name]] for name in moved}
    assert all(old[name] == new[made] for name, made in moved.items())


def test_a_rename_maps_every_column_of_the_old_name() -> None:
    moved = {one.pattern: one.replaced_by for one in group_retirements(group(out={"name": "paid", "replaces": "out"}))}
    gone = {c.name for c in group_columns(group())} - {c.name for c in group_columns(group(out={"name": "paid"}))}
    assert set(moved) == gone
    assert moved["txn_out_cash_sum_30d_prev"] == "txn_paid_cash_sum_30d_prev"
    assert moved["txn_out_sum_ratio_7d_30d"] == "txn_paid_sum_ratio_7d_30d"
    assert moved["txn_out_sum_change_7d"] == "txn_paid_sum_change_7d"
    shares = {
        one.pattern: one.replaced_by for one in group_retirements(group(share={"name": "notes", "replaces": "cash"}))
    }
    assert shares == {f"txn_cash_share_{w}": f"txn_notes_share_{w}" for w in ("7d", "30d")}


def test_a_renamed_filter_takes_the_columns_of_all_its_measures_along() -> None:
    old, new = {"cash": "channel = 'cash'"}, {"notes": "channel = 'cash'"}
    measures = [
        make_measure("count sum", name=name, value="amount_minor", filters=("cash",)) for name in ("out", "paid")
    ]

    def declared(filters: dict[str, str], **more: Any) -> FeatureGroup:
        named = tuple(replace(measure, filters=tuple(filters)) for measure in measures)
        ratio = Ratio(of=f"out_{next(iter(filters))}_sum", window="7d", against="30d")
        return make_group(*named, windows=("7d", "30d"), filters=filters, derived=(ratio,), **more)

    before = {c.name for c in group_columns(declared(old))}
    moved = {one.pattern: one.replaced_by for one in group_retirements(declared(new, renamed={"notes": "cash"}))}
    assert set(moved) == before
    assert moved["txn_paid_cash_sum_30d"] == "txn_paid_notes_sum_30d"
    assert moved["txn_out_cash_sum_ratio_7d_30d"] == "txn_out_notes_sum_ratio_7d_30d"
    assert group_retirements(declared(new)) == ()


def test_two_names_cannot_replace_one() -> None:
    filters = {"notes": "channel = 'cash'", "coins": "channel = 'coin'"}
    declared = make_group(
        make_measure("count", filters=tuple(filters)), filters=filters, renamed=dict.fromkeys(filters, "cash")
    )
    with pytest.raises(DeclarationError, match="txn_m_coins_count_7d and txn_m_notes_count_7d both replace txn_m_cash"):
        group_columns(declared)


def test_a_rename_of_a_filter_changes_no_meaning() -> None:
    before = fingerprints(group())
    stem = {"a": "out_notes_sum"}
    after = fingerprints(
        group(out={"filters": ("notes",)}, share=stem, filters={"notes": FILTERS["cash"]}, renamed={"notes": "cash"})
    )
    assert {name.replace("out_notes", "out_cash"): told for name, told in after.items()} == before


def test_measure_and_filter_may_be_renamed_in_one_step() -> None:
    measure = make_measure("count", name="paid", replaces="out", filters=("notes",))
    declared = make_group(measure, windows=("7d",), filters={"notes": "channel = 'cash'"}, renamed={"notes": "cash"})
    assert [(r.pattern, r.replaced_by) for r in group_retirements(declared)] == [
        ("txn_out_cash_count_7d", "txn_paid_notes_count_7d")
    ]


def test_a_retired_feature_is_no_feature_of_the_group_but_stays_in_its_table() -> None:
    declared = group(out={"retired_on": DAY})
    live, gone = [c.name for c in group_columns(declared)], [c.name for c in retired_columns(declared)]
    assert sorted([*live, *gone]) == sorted(c.name for c in group_columns(group()))
    assert {name for name in gone if "out" not in name} == set()
    # What is derived from it is a feature of its own, and goes on.
    assert {"txn_cash_share_7d", "txn_out_sum_ratio_7d_30d", "txn_out_sum_change_7d"} <= set(live)
    contract = group_contract(declared, CONTRACTS)
    assert [c.name for c in contract.file_columns][3:] == [*live, *gone]
    counts = {n for n in live if "nights_count" in n and "zs" not in n}
    assert {c.name for c in contract.columns if c.filled} == {"observation_id", *counts}
    assert not any(c.required for c in contract.file_columns[3:])


def test_a_pattern_retires_declared_columns_and_the_earlier_date_counts() -> None:
    declared = group(out={"retired_on": date(2026, 5, 1)}, retired={"txn_*_7d": DAY, "txn_out_count_30d": DAY})
    days = {c.name: c.retired_on for c in retired_columns(declared)}
    assert days["txn_out_sum_7d"] == days["txn_out_count_30d"] == days["txn_nights_count_7d"] == DAY
    assert days["txn_out_sum_30d"] == date(2026, 5, 1)
    assert "txn_nights_count_30d" not in days


def test_a_run_over_earlier_dates_computes_what_was_not_retired_then() -> None:
    declared = group(out={"retired_on": DAY}, retired={"txn_nights_*": date(2026, 2, 1)})
    assert retired_columns(lift_retirements(declared, after=None)) == ()
    assert {c.measure for c in retired_columns(lift_retirements(declared, after=date(2026, 2, 10)))} == {"nights"}
    assert lift_retirements(declared, after=DAY) == declared
    assert "txn_out_sum_7d" in GroupWork.of(declared, CONTRACTS, first=date(2026, 2, 28)).plan.names
    assert "txn_out_sum_7d" not in GroupWork.of(declared, CONTRACTS, first=DAY).plan.names
    assert "txn_out_sum_7d" not in GroupWork.of(declared, CONTRACTS).plan.names


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: make_measure("count", version=0), "version 0 is not a version"),
        (lambda: Share(name="x", a="a", b="b", version=-1), "version -1 is not a version"),
        (lambda: make_group(make_measure("count"), version=0), "version 0"),
        (lambda: make_measure("count", replaces="m"), "it replaces itself"),
        (lambda: make_measure("count", replaces="Old one"), "is not a name"),
        (lambda: make_measure("count", retired_on="2026-03-01"), "retired_on is a text"),
        (lambda: make_measure("count", retired_on=datetime(2026, 3, 1)), "is an instant"),  # noqa: DTZ001 - refused
        (
            lambda: make_group(make_measure("count"), retired={"txn_x": "soon"}),
            "retired is a dictionary that holds",
        ),
        (lambda: make_group(make_measure("count"), retired={"x_sum_7d": DAY}), "x_sum_7d is no feature of txn"),
        (lambda: make_group(make_measure("count"), filters=FILTERS, renamed={"cahs": "x"}), "unknown filter cahs"),
        (lambda: make_group(make_measure("count"), filters=FILTERS, renamed={"cash": "X y"}), "is not a name"),
        (
            lambda: make_group(make_measure("count"), filters=FILTERS, renamed={"cash": "cash"}),
            "was renamed and is dec",
        ),
    ],
)
def test_a_wrong_declaration_of_a_change_is_refused(make: Any, said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        make()


def test_a_feature_cannot_replace_one_that_is_declared() -> None:
    declared = make_group(make_measure("count", replaces="n"), make_measure("count", name="n"))
    with pytest.raises(DeclarationError, match="txn_m_count_7d replaces txn_n_count_7d, which is declared"):
        group_columns(declared)


def test_what_became_of_a_column_is_told_by_name_and_by_pattern() -> None:
    gone = (Retirement(pattern="txn_a_7d", replaced_by="txn_b_7d"), Retirement(pattern="txn_x_*", retired_on=DAY))
    assert tell_gone("txn_a_7d", gone) == (
        "txn_a_7d was renamed to txn_b_7d; read that (history before its backfill is absent)"
    )
    assert tell_gone("txn_x_9d", gone) == ("txn_x_9d was retired on 2026-03-01; rows from then on have no value of it")
    assert "txn_a_7d was renamed" in tell_gone("txn_a_*", gone)
    assert tell_gone("txn_b_7d", gone) == ""
    assert find_retirement("txn_a_7d", [*gone, Retirement(pattern="txn_*", retired_on=DAY)]) == gone[0]
