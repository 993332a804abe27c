"""Names of segments: what more of the money goes to than with all customers, in the declared words."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

# A part names a segment where its share is so many times that of all customers, and not negligible.
CLEARLY_MORE = 1.2
LEAST_SHARE = 0.05

# A name has so many words. Where another segment has them, further parts above the average follow.
USUAL_WORDS = 2

# Of a segment that spends as all customers do.
NOTHING_MORE = "average"


def name_segment(
    shares: np.ndarray, population: np.ndarray, words: Sequence[str], *, taken: Collection[str], number: int
) -> str:
    """The name of a segment with these mean shares; ``taken`` are names of others, ``number`` is that of its id.

    The words stand in falling order of the segment's share divided by that of all customers.

    >>> shares, population = np.array([0.5, 0.3, 0.2]), np.array([0.3, 0.2, 0.5])
    >>> name_segment(shares, population, ("food", "travel", "bills"), taken=(), number=1)
    'food and travel'
    """
    ratios = np.divide(shares, population, out=np.ones_like(shares), where=population > 0)
    order = [int(place) for place in np.argsort(-ratios, kind="stable")]
    more = [place for place in order if ratios[place] > 1 and shares[place] >= LEAST_SHARE]
    usual = min(USUAL_WORDS, sum(ratios[place] >= CLEARLY_MORE for place in more))
    for count in range(usual, len(more) + 1):
        name = _joined([words[place] for place in more[:count]]) or NOTHING_MORE
        if name not in taken:
            return name
    return f"{_joined([words[place] for place in more[:usual]]) or NOTHING_MORE} {number}"


def _joined(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
