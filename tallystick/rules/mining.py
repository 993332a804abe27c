"""Proposes rules: a beam search over conditions on features, and what is left of it on later observations.

Apart from the back-test because here many conditions are tried, so that some look good by chance: what was found on
the earlier observations is tested on the later ones, and corrected for the number of tests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import false_discovery_control, hypergeom

from tallystick.kernel.nullable import Bools, Ints

# Part of the observations, the earlier ones, on which conditions are searched for.
SEARCHED = 0.6
# Where a number may be cut: towards the ends, for fraud is rare.
HIGH_CUTS, LOW_CUTS = (0.8, 0.9, 0.95, 0.98, 0.99, 0.995), (0.2, 0.1, 0.05, 0.02, 0.01)
WIDTH, DEPTH = 30, 3
LEAST_HITS, LEAST_FRAUDS = 5, 2
MOST_FALSE, MOST_ALIKE = 0.05, 0.7

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """A column compared with a number; where the column is null it does not hold."""

    column: str
    op: str
    value: float

    @property
    def text(self) -> str:
        """As it stands in a rule."""
        value = f"{self.value:.0f}" if self.value.is_integer() else f"{self.value:.6g}"
        return f"{self.column} {self.op} {value}"

    def holds(self, values: Mapping[str, Doubles]) -> Bools:
        """Where it holds."""
        column = values[self.column]
        return column >= self.value if self.op == ">=" else column <= self.value


@dataclass(frozen=True, kw_only=True, slots=True)
class MinedRule:
    """A proposal, with its hits and frauds in the search and on later observations. ``chance`` is the expected share of
    false discoveries among proposals that are at least as good (Benjamini and Hochberg), on later observations.
    """

    conditions: tuple[Condition, ...]
    hits: int
    frauds: int
    later_hits: int
    later_frauds: int
    chance: float

    @property
    def when(self) -> str:
        """The condition of the rule."""
        return " AND ".join(one.text for one in self.conditions)


def mine_rules(
    values: Mapping[str, Doubles], fraud: Bools, days: Ints, *, known: Sequence[Bools] = ()
) -> list[MinedRule]:
    """Proposals that hold on later observations, the surest first.

    ``values`` are numbers by column, NaN where null; ``known`` are the hits of rules that are there: what hits nearly
    the same is not proposed. The search sees the earlier observations only, and days are not cut in two.
    """
    if not fraud.size:
        return []
    border = np.quantile(days, SEARCHED)
    early, late = days <= border, days > border
    found = _search({name: column[early] for name, column in values.items()}, fraud[early])
    if not found or not late.any():
        return []
    hits = [_hits(conditions, values) for conditions in found]
    size, frauds = int(late.sum()), int(fraud[late].sum())
    counts = [(int((one & late).sum()), int((one & late & fraud).sum())) for one in hits]
    by_luck = np.array([hypergeom.sf(right - 1, size, frauds, asked) for asked, right in counts])
    chances = false_discovery_control(np.clip(by_luck, 0.0, 1.0))
    made, taken = [], list(known)
    for place in np.lexsort((np.arange(len(found)), by_luck)):
        if chances[place] > MOST_FALSE or any(_alike(hits[place], other) > MOST_ALIKE for other in taken):
            continue
        taken.append(hits[place])
        made.append(
            MinedRule(
                conditions=found[place],
                hits=int((hits[place] & early).sum()),
                frauds=int((hits[place] & early & fraud).sum()),
                later_hits=counts[place][0],
                later_frauds=counts[place][1],
                chance=float(chances[place]),
            )
        )
    return made


def _search(values: Mapping[str, Doubles], fraud: Bools) -> list[tuple[Condition, ...]]:
    """The conditions of every step of the beam, each set of hits once: the shortest that gives it."""
    base = fraud.mean()
    if not 0 < base < 1:
        return []
    singles = [(one, one.holds(values)) for name in sorted(values) for one in _cuts(name, values[name])]
    beam: list[tuple[tuple[Condition, ...], Bools]] = [((), np.ones(fraud.size, dtype=bool))]
    seen: dict[bytes, tuple[Condition, ...]] = {}
    for _ in range(DEPTH):
        scored = []
        for conditions, hits in beam:
            used = {one.column for one in conditions}
            for one, holds in singles:
                both = hits & holds
                score = _surprise(both, fraud, base)
                if one.column in used or score is None or (key := np.packbits(both).tobytes()) in seen:
                    continue
                seen[key] = (*conditions, one)
                scored.append((score, (*conditions, one), both))
        scored.sort(key=lambda found: -found[0])
        beam = [(conditions, hits) for _, conditions, hits in scored[:WIDTH]]
        if not beam:
            break
        kept = {conditions for conditions, _ in beam}
        seen = {key: told for key, told in seen.items() if len(told) < len(beam[0][0]) or told in kept}
    return list(seen.values())


def _cuts(name: str, column: Doubles) -> Iterator[Condition]:
    there = column[~np.isnan(column)]
    if there.size:
        for op, cuts in ((">=", HIGH_CUTS), ("<=", LOW_CUTS)):
            for value in np.unique(np.quantile(there, cuts, method="higher" if op == ">=" else "lower")):
                # As it will be written, so that what is tested is what is proposed.
                yield Condition(column=name, op=op, value=float(f"{value:.6g}"))


def _surprise(hits: Bools, fraud: Bools, base: float) -> float | None:
    """By how many standard deviations there is more fraud among the hits than among all; None for too few of them."""
    asked = int(hits.sum())
    right = int((hits & fraud).sum()) if asked >= LEAST_HITS else 0
    if right < LEAST_FRAUDS:
        return None
    return float((right - asked * base) / np.sqrt(asked * base * (1 - base)))


def _hits(conditions: Sequence[Condition], values: Mapping[str, Doubles]) -> Bools:
    made: Bools = np.logical_and.reduce([one.holds(values) for one in conditions])
    return made


def _alike(one: Bools, other: Bools) -> float:
    either = int((one | other).sum())
    return int((one & other).sum()) / either if either else 0.0
