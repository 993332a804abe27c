"""Ids last as long as a segment stays where it was, and are never given twice; names say what is spent more."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest

from tallystick.segments.identity import Before, keep_ids, read_before
from tallystick.segments.naming import name_segment
from tests.lib.spenders import PARTS, SEGMENTATION

OLD = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]])
BEFORE = Before(numbers=(1, 2, 5), names=("one", "two", "five"), centres=OLD, highest=7)


def numbers(centres: list[list[float]], *, keep_within: float = 0.5) -> list[int]:
    return [one.number for one in keep_ids(np.array(centres), BEFORE, keep_within=keep_within)]


def test_a_first_fit_counts_from_one() -> None:
    assert [one.number for one in keep_ids(OLD, Before(), keep_within=0.5)] == [1, 2, 3]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_ids_follow_the_centres_in_whatever_order_they_come(order: tuple[int, ...]) -> None:
    moved = OLD + np.array([[0.1, 0.1], [-0.2, 0.1], [0.3, -0.5]])
    kept = keep_ids(moved[list(order)], BEFORE, keep_within=0.5)
    assert [one.number for one in kept] == [(1, 2, 5)[place] for place in order]
    assert [one.name for one in kept] == [("one", "two", "five")[place] for place in order]


def test_a_segment_that_is_split_hands_its_id_to_one_half_and_the_other_is_new() -> None:
    assert numbers([[-0.2, 0.0], [0.3, 0.0], [1.0, 0.0], [0.0, 2.0]]) == [1, 8, 2, 5]


def test_two_segments_that_merge_half_way_are_a_new_one() -> None:
    # At exactly half the distance it is as near to the one as to the other.
    assert numbers([[0.5, 0.0], [0.0, 2.0]]) == [8, 5]


def test_a_centre_keeps_its_id_below_the_declared_part_of_the_way() -> None:
    assert numbers([[0.24, 0.0]], keep_within=0.25) == [1]
    assert numbers([[0.26, 0.0]], keep_within=0.25) == [8]


def test_an_id_that_is_gone_does_not_come_back() -> None:
    gone = replace(BEFORE, numbers=(1, 2), names=("one", "two"), centres=OLD[:2])
    assert [one.number for one in keep_ids(OLD, gone, keep_within=0.5)] == [1, 2, 8]


def test_as_many_ids_as_possible_are_kept_before_distances_count() -> None:
    # The nearest pair is the first old one with the second new one; taken alone it would leave an old one without.
    before = Before(numbers=(1, 2), names=("a", "b"), centres=np.array([[0.0], [1.0]]), highest=2)
    found = keep_ids(np.array([[-0.4], [0.1]]), before, keep_within=0.5)
    assert [one.number for one in found] == [3, 1]
    near = keep_ids(np.array([[0.45], [0.6]]), before, keep_within=0.5)
    assert [one.number for one in near] == [1, 2]


def test_segments_of_other_parts_hand_no_id_on_but_no_id_comes_twice() -> None:
    document = {
        "parts": list(PARTS),
        "transformation": "hellinger",
        "segments": [{"number": 4, "name": "food", "centre": [0.1, 0.2, 0.3, 0.4]}],
    }
    text = json.dumps(document).encode()
    before = read_before(text, SEGMENTATION, highest=6)
    assert (before.numbers, before.names, before.highest) == ((4,), ("food",), 6)
    for other in (
        replace(SEGMENTATION, transformation="none"),
        replace(SEGMENTATION, parts=dict(reversed(PARTS.items()))),
    ):
        assert read_before(text, other, highest=6) == Before(highest=6)
    assert [one.number for one in keep_ids(OLD, Before(highest=6), keep_within=0.5)] == [7, 8, 9]


AVERAGE = np.array([0.4, 0.3, 0.2, 0.1])
WORDS = ("food", "leisure", "travel", "bills")


@pytest.mark.parametrize(
    ("shares", "taken", "name"),
    [
        ((0.2, 0.6, 0.1, 0.1), (), "leisure"),
        ((0.2, 0.4, 0.3, 0.1), (), "travel and leisure"),
        ((0.1, 0.37, 0.3, 0.23), (), "bills and travel"),
        ((0.1, 0.37, 0.3, 0.23), ("bills and travel",), "bills, travel and leisure"),
        ((0.4, 0.3, 0.2, 0.1), (), "average"),
        ((0.4, 0.3, 0.2, 0.1), ("average",), "average 9"),
        ((0.2, 0.6, 0.1, 0.1), ("leisure",), "leisure 9"),
        # Travel is above the average, though not clearly: enough to tell two segments apart.
        ((0.2, 0.48, 0.22, 0.1), ("leisure",), "leisure and travel"),
        ((0.42, 0.29, 0.19, 0.1), ("average",), "food"),
    ],
)
def test_a_name_says_what_more_is_spent_on(shares: tuple[float, ...], taken: tuple[str, ...], name: str) -> None:
    assert name_segment(np.array(shares), AVERAGE, WORDS, taken=taken, number=9) == name


def test_what_nobody_spends_on_names_nothing_and_neither_does_what_is_negligible() -> None:
    average = np.array([0.99, 0.01, 0.0])
    assert name_segment(np.array([0.96, 0.04, 0.0]), average, ("a", "b", "c"), taken=(), number=1) == "average"
