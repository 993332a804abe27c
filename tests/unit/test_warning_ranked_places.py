"""Who finds a place on the watch list and who keeps it, against the definition, and by hand."""

from __future__ import annotations

import random

import numpy as np
import pytest

from tallystick.warning.ranked_places import rank_of, take_places


def listed(rank: list[int], on: dict[int, int], **rule: int) -> list[int]:
    """The ranks of those on the list; ``on`` gives the days on it of those who were, by rank."""
    was_on = np.array([one in on for one in rank], dtype=bool)
    days = np.array([on.get(one, 0) for one in rank], dtype=np.int64)
    how = {"places": 3, "keeps": 6, "stay_days": 28, **rule}
    chosen, _ = take_places(np.array(rank, dtype=np.int64), was_on, days, **how)
    return sorted(np.array(rank)[chosen].tolist())


TEN = list(range(1, 11))


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        ({}, [1, 2, 3]),
        ({6: 40}, [1, 2, 6]),  # within twice the places: stays, and the third has none
        ({7: 40}, [1, 2, 3]),  # not within: leaves
        ({9: 27}, [1, 2, 9]),  # on it for less than 28 days: stays wherever it ranks
        ({9: 28}, [1, 2, 3]),
        ({4: 40, 5: 40, 6: 40}, [4, 5, 6]),
        ({4: 40, 5: 40, 6: 40, 2: 5}, [2, 4, 5]),  # four may stay: the best three do
        ({1: 40, 2: 40, 3: 40}, [1, 2, 3]),
    ],
)
def test_places_that_were_taken_by_hand(on: dict[int, int], expected: list[int]) -> None:
    assert listed(TEN, on) == expected


def test_fewer_loans_than_places_are_all_listed() -> None:
    assert listed([1, 2], {2: 99}) == [1, 2]
    assert listed([], {}) == []


def test_equal_risks_are_told_apart_by_their_names() -> None:
    ranks = rank_of(np.array([0.2, 0.5, 0.2, 0.2]), np.array(["c", "x", "a", "b"]))
    assert ranks.tolist() == [4, 1, 2, 3]


def test_places_agree_with_the_definition() -> None:
    draw = random.Random(3)
    moved = 0
    for _ in range(300):
        size, places = draw.randrange(1, 25), draw.randrange(1, 8)
        rank = draw.sample(range(1, size + 1), size)
        on = {one: draw.randrange(60) for one in rank if draw.random() < 0.3}
        keep, stay = draw.choice([1.0, 1.5, 3.0]), draw.choice([0, 14, 28])
        with_right = sorted(one for one, days in on.items() if days < stay or one <= keep * places)[:places]
        free = places - len(with_right)
        new = sorted(one for one in rank if one not in with_right and one <= places)[:free]
        expected = sorted([*with_right, *new])
        assert listed(rank, on, places=places, keeps=int(keep * places), stay_days=stay) == expected
        assert len(expected) == min(places, size)
        moved += expected != list(range(1, min(places, size) + 1))
    assert moved > 50
