"""A ring of customers as a reader is shown it: numbers and ties, and no ids.

Kept apart from the search for one, so that a report can draw it without what a graph is measured with.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

# Two customers are no ring, and a picture of more than these cannot be read.
FEWEST, MOST = 3, 40


@dataclass(frozen=True, kw_only=True, slots=True)
class RingTie:
    """A tie between two members, by their numbers: from ``source`` to ``target``, or both ways."""

    kind: str
    source: int
    target: int
    is_mutual: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Ring:
    """The members of a component on ``day``, numbered from 1, those with confirmed fraud first: no ids are in it.

    ``kind`` says in words what ties them all together; ``ties`` are of every kind between them, their kinds in words.
    """

    day: date
    kind: str
    members: int
    flagged: int
    ties: tuple[RingTie, ...]
