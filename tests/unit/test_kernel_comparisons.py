"""Operations that compare a window with the one before, worked out by hand: edges, visibility, ties and nothing."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from typing import Any

import pytest

from tallystick.errors import DeclarationError
from tallystick.kernel import compute_group, prepare_group
from tallystick.spec.columns import group_columns
from tallystick.spec.describe import window_words
from tallystick.spec.features import Measure, Share
from tallystick.spec.meaning import column_fingerprints
from tallystick.spec.months import Months
from tests.lib.feature_cases import CONTRACTS, make_events, make_group, make_measure, make_observations, utc

AS_OF = utc(2026, 3, 15)
ALL = "kept new lost kept_share new_share jaccard similarity usual_share top_kept old_top_share"


def row(day: int, channel: str | None, hour: int = 12, **parts: Any) -> dict[str, Any]:
    return {"event_at": utc(2026, 3, day, hour), "channel": channel, **parts}


def computed(rows: Sequence[dict[str, Any]], as_of: dt.datetime = AS_OF, **parts: Any) -> dict[str, Any]:
    """What each operation gives of one customer, by its name."""
    measure = make_measure(**{"ops": ALL, "value": "channel", "windows": ("7d",), **parts})
    asked = make_observations(("bank:1", as_of))
    group = make_group(measure, windows=measure.windows)
    (found,) = compute_group(make_events(rows), asked, prepare_group(group, CONTRACTS), zone="UTC").to_pylist()
    return {name.removeprefix("txn_m_").rpartition("_")[0]: value for name, value in found.items()}


# Before: 4 x cash, 2 x card, 1 x slip. In the window: 1 x cash, 3 x card, 2 x new.
BEFORE = [row(day, "cash") for day in (1, 2, 3, 4)] + [row(2, "card"), row(3, "card"), row(4, "slip")]
NOW = [row(8, "cash"), *(row(day, "card") for day in (9, 10, 11)), row(12, "new"), row(13, "new"), row(13, None)]


def test_values_of_both_windows_are_counted_once_however_often_they_come() -> None:
    found = computed([*NOW, *BEFORE])
    assert (found["kept"], found["new"], found["lost"]) == (2, 1, 1)
    assert (found["kept_share"], found["new_share"], found["jaccard"]) == (2 / 3, 1 / 3, 2 / 4)
    assert found["similarity"] == pytest.approx((1 * 4 + 3 * 2) / math.sqrt((1 + 9 + 4) * (16 + 4 + 1)))
    # Of 7 rows and 3 values the average is 2.33 rows: only cash is usual, in 1 of 6 rows.
    assert found["usual_share"] == 1 / 6
    assert (found["top_kept"], found["old_top_share"]) == (0, 1 / 6)


def test_alike_windows_are_exactly_alike() -> None:
    alike = [*BEFORE, *({**one, "event_at": one["event_at"] + dt.timedelta(days=7)} for one in BEFORE)]
    found = computed([{**one, "transaction_id": f"t{number}"} for number, one in enumerate(alike)])
    assert (found["similarity"], found["jaccard"], found["top_kept"], found["old_top_share"]) == (1, 1, 1, 4 / 7)


def test_nothing_is_no_value_again_and_no_share() -> None:
    shares = {"kept_share", "new_share", "jaccard", "similarity", "usual_share", "top_kept", "old_top_share"}
    assert computed([]) == {"kept": 0, "new": 0, "lost": 0, **dict.fromkeys(shares)}
    only_now, only_before = computed(NOW), computed(BEFORE)
    assert {name for name, value in only_now.items() if value is None} == shares - {"new_share", "jaccard"}
    assert (only_now["new"], only_now["new_share"], only_now["jaccard"]) == (3, 1.0, 0.0)
    assert {name for name, value in only_before.items() if value is None} == shares - {"kept_share", "jaccard"}
    assert (only_before["lost"], only_before["kept_share"]) == (3, 0.0)


def test_a_row_at_an_edge_is_in_the_later_window_and_one_before_both_in_none() -> None:
    assert computed([row(8, "cash", 0), row(1, "cash", 0)])["kept"] == 1
    assert computed([row(8, "cash", 0), row(7, "cash", 23)])["kept"] == 1
    just_before = {**row(1, "cash"), "event_at": utc(2026, 3, 1) - dt.timedelta(microseconds=1)}
    assert computed([row(8, "cash", 0), just_before])["new"] == 1
    assert computed([row(15, "cash", 0), row(8, "card")])["new"] == 1


def test_a_longer_base_looks_further_back_and_all_at_everything() -> None:
    old = {**row(1, "cash"), "event_at": utc(2026, 2, 20)}
    oldest = {**row(1, "card"), "event_at": utc(2025, 2, 20)}
    rows = [row(9, "cash"), row(10, "card"), row(11, "none"), old, oldest]
    assert [computed(rows, ops="new", base=base)["new"] for base in ("", "21d", "all")] == [3, 2, 1]


def test_of_equally_frequent_values_the_one_seen_last_is_the_top() -> None:
    tie = [row(2, "cash"), row(3, "card"), row(9, "cash")]
    assert computed(tie)["top_kept"] == 0
    assert computed([row(2, "card"), row(3, "cash"), row(9, "cash")])["top_kept"] == 1
    # At one instant the sequence decides, then the identifier.
    same = [row(3, "card", sequence=2, transaction_id="a"), row(3, "cash", sequence=1, transaction_id="z")]
    assert computed([*same, row(9, "card")])["top_kept"] == 1


def test_late_corrected_and_retracted_rows_count_as_they_are_known() -> None:
    before = {"transaction_id": "b", **row(3, "cash")}
    corrected = {**before, "channel": "card", "known_on": dt.date(2026, 3, 12)}
    gone = {**before, "channel": "card", "known_on": dt.date(2026, 3, 14), "is_retracted": True}
    late = row(4, "slip", known_on=dt.date(2026, 3, 20))
    rows = [before, corrected, gone, late, row(9, "card")]
    days = (utc(2026, 3, 11), utc(2026, 3, 13), AS_OF)
    assert [computed(rows, day, ops="kept lost") for day in days] == [
        {"kept": 0, "lost": 1}, {"kept": 1, "lost": 0}, {"kept": 0, "lost": 0},
    ]  # fmt: skip
    assert computed([row(9, "slip"), late], utc(2026, 3, 14), ops="kept")["kept"] == 0


def test_months_are_compared_with_the_month_before() -> None:
    measure = make_measure("kept_share", value="channel", windows=("28d",))
    months = Months(name="again", value="m_kept_share", ops="last last_2", windows=("2m",))
    group = make_group(measure, derived=(months,))
    rows = [
        {"event_at": utc(2026, *at), "channel": channel}
        for at, channel in (((1, 31), "cash"), ((1, 2), "card"), ((2, 1), "cash"), ((2, 27), "new"), ((3, 1), "new"))
    ]
    asked = make_observations(("bank:1", utc(2026, 4, 1)))
    (found,) = compute_group(make_events(rows), asked, prepare_group(group, CONTRACTS), zone="UTC").to_pylist()
    assert [found["txn_again_months_last_2m"], found["txn_again_months_last_2_2m"]] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"windows": ("7d", "all")}, "window all has none"),
        ({"windows": ("7d",), "base": "2m"}, "base 2m and window 7d are of two units"),
        ({"windows": ("7d",), "base": "week"}, "is not understood"),
        ({"ops": "distinct", "base": "14d"}, "base is for operations that compare"),
        ({"ops": "kept mean", "value": ""}, "needs a value"),
        ({"each": "channel"}, "looks at no sums per each"),
    ],
)
def test_what_cannot_be_compared_is_refused(parts: dict[str, Any], told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        group_columns(make_group(make_measure(**{"ops": "kept", "value": "channel", **parts})))


def test_a_derived_feature_over_a_window_without_one_before_is_refused() -> None:
    kept, count = make_measure("kept", value="channel", windows=("7d",)), make_measure("count", name="n")
    with pytest.raises(DeclarationError, match="window all has none"):
        group_columns(make_group(kept, count, derived=(Share(name="part", a="n_count", b="m_kept", windows=("all",)),)))


def test_the_base_is_part_of_the_meaning_of_what_compares_and_of_nothing_else() -> None:
    def of(base: str) -> tuple[list[str], dict[str, str]]:
        measure: Measure = make_measure("kept distinct", value="channel", base=base)
        group = make_group(measure)
        columns = group_columns(group)
        return window_words(group, columns[0]), column_fingerprints(group, columns)

    (words, plain), (longer_words, longer) = of(""), of("21d")
    assert words[1] == "compared with the 7 days before: [as_of - 14d, as_of - 7d)"
    assert longer_words[1] == "compared with the 21 days before: [as_of - 28d, as_of - 7d)"
    assert [name for name in plain if plain[name] != longer[name]] == ["txn_m_kept_7d"]
