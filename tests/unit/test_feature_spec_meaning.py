"""The fingerprint of a feature follows its own meaning and nothing else of its group."""

from __future__ import annotations

from typing import Any

import pytest

from tallystick.spec.columns import group_columns
from tallystick.spec.features import Change, FeatureGroup, Share
from tallystick.spec.meaning import column_fingerprint
from tests.lib.feature_cases import make_group, make_measure


def declare(**parts: Any) -> FeatureGroup:
    measure = make_measure(
        **{"ops": "sum count", "value": "amount_minor", "where": "amount_minor > 0", "filters": ("cash",),
           "unfiltered": True, **parts.pop("measure", {})}
    )  # fmt: skip
    kind = make_measure("count", name="kind", by="channel")
    return make_group(
        measure,
        kind,
        **{"filters": {"cash": "channel = 'cash'"}, "by": {"channel": ("card", "cash")},
           "derived": (Change(of="m_sum"), Share(name="cash", a="m_cash_sum", b="m_sum")), **parts},
    )  # fmt: skip


def fingerprints(group: FeatureGroup) -> dict[str, str]:
    return {column.name: column_fingerprint(group, column) for column in group_columns(group)}


def changed(**parts: Any) -> set[str]:
    """The features whose fingerprint a change of the declaration changes."""
    before, after = fingerprints(declare()), fingerprints(declare(**parts))
    return {name for name in before if after.get(name) != before[name]}


def test_every_feature_of_a_group_has_its_own() -> None:
    found = fingerprints(declare())
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize(
    "parts",
    [
        {"owner": "somebody else", "description": "words", "path": "features/x.py:3"},
        {"measure": {"reason": "other words", "sign": 1, "description": "more words"}},
        {"measure": {"where": "amount_minor>0"}},
        {"measure": {"where": "(amount_minor > 0)"}},
        {"filters": {"cash": "channel='cash'", "unused": "is_night"}},
        {"windows": ("7d", "30d")},
        {"by": {"channel": ("cash", "card")}},
    ],
)
def test_words_blanks_and_neighbours_change_nothing(parts: dict[str, Any]) -> None:
    assert changed(**parts) == set()


def test_a_changed_filter_makes_exactly_its_features_stale() -> None:
    assert changed(filters={"cash": "channel = 'Cash'"}) == {
        "txn_m_cash_sum_7d",
        "txn_m_cash_count_7d",
        "txn_cash_share_7d",
    }


def test_a_changed_value_leaves_counts_alone() -> None:
    assert changed(measure={"value": "amount_minor * 2"}) == {
        "txn_m_sum_7d",
        "txn_m_cash_sum_7d",
        "txn_m_sum_change_7d",
        "txn_cash_share_7d",
    }


def test_a_further_declared_value_changes_other_only() -> None:
    assert changed(by={"channel": ("card", "cash", "mobile")}) == {"txn_kind_other_count_7d"}


def test_a_raised_version_or_another_table_makes_all_stale() -> None:
    every = set(fingerprints(declare()))
    assert changed(version=2) == every
    assert changed(where="is_night") == every
