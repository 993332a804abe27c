"""How far some work is: what a stage calls as it goes, and how the parts of the work add up.

Apart from ``runs.progress``, which prints it: a stage is given a function to call and knows no more. All of it is
arithmetic on shares, from 0 (nothing is done) to 1 (all is).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

# A share, or a function that is asked for it while the work goes on: what runs elsewhere does not call back.
Share = float | Callable[[], float]
HowFar = Callable[[Share], None]


def untold(share: Share) -> None:
    """The function to call where nobody wants to know."""


def parts_of(how_far: HowFar, sizes: Sequence[float]) -> list[HowFar]:
    """For each part of the work a function of its own, whose shares count by the part's size.

    Parts without a size (0) count as 1; where no size is known, all count alike.
    """
    weights = [max(size, 1) for size in sizes] if any(sizes) else [1] * len(sizes)
    total, before, parts = sum(weights), 0.0, []
    for weight in weights:
        parts.append(_part(how_far, first=before / total, width=weight / total))
        before += weight
    return parts


def _part(how_far: HowFar, *, first: float, width: float) -> HowFar:
    def tell(share: Share) -> None:
        how_far((lambda: first + width * share()) if callable(share) else first + width * share)

    return tell
