"""How much better one ranking is than another on the same rows, with an interval: the paired bootstrap of the AUC.

Apart from ``evaluation``, which measures one ranking at a time: here all rankings are measured on the same resamples,
so that what they share cancels in their difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

# Resamples of an interval: its ends then differ by about a tenth of its width between two seeds.
ROUNDS = 1000

# Weights that a batch of resamples holds at once: 32 MB.
_BATCH_NUMBERS = 4_000_000

_INTERVAL = (2.5, 97.5)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RankedRows:
    """The rows that rankings are compared on, in one order.

    ``label`` is 1 for bad. ``customer`` may stand several times and is drawn as a whole. ``fold`` numbers the rows that
    one fit ranked: scores are compared inside a fold only, since two fits have no scale in common.
    """

    label: np.ndarray
    customer: np.ndarray
    fold: np.ndarray

    def take(self, rows: np.ndarray) -> RankedRows:
        """The rows of a mask."""
        return RankedRows(label=self.label[rows], customer=self.customer[rows], fold=self.fold[rows])


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Areas:
    """The AUC of each ranking, on the rows as they are and on each resample (NaN where that lacks a class)."""

    found: Mapping[str, float]
    resampled: Mapping[str, np.ndarray]

    def interval(self, name: str) -> tuple[float, float]:
        """The 95 % interval of one AUC."""
        return _percentiles(self.resampled[name])

    def gain(self, better: str, worse: str) -> tuple[float, float, float]:
        """The AUC of ``better`` less that of ``worse``, and the 95 % interval of the difference."""
        low, high = _percentiles(self.resampled[better] - self.resampled[worse])
        return self.found[better] - self.found[worse], low, high


def measure_rankings(scores: Mapping[str, np.ndarray], rows: RankedRows, *, seed: int, rounds: int = ROUNDS) -> Areas:
    """The AUC of each of the ``scores`` (higher is riskier), all on the same resamples of the customers.

    The AUC of several folds is the share of pairs of a bad and a good row of one fold that stand in the right order,
    ties counting half. Customers with a bad row and those without are drawn apart, so that every resample has about as
    many bad rows as there are. NaN without both classes.
    """
    orders = {name: _orders(rows, values) for name, values in scores.items()}
    once = np.ones((1, len(rows.label)))
    found = {name: float(_areas(ranked, once)[0]) for name, ranked in orders.items()}
    batches: dict[str, list[np.ndarray]] = {name: [] for name in scores}
    for weights in _resamples(rows, seed=seed, rounds=rounds):
        for name, ranked in orders.items():
            batches[name].append(_areas(ranked, weights))
    return Areas(found=found, resampled={name: np.concatenate(parts) for name, parts in batches.items()})


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Order:
    """The rows of a fold from the lowest score up: where each of equal scores begins, and which rows are bad."""

    places: np.ndarray
    starts: np.ndarray
    is_bad: np.ndarray


def _orders(rows: RankedRows, scores: np.ndarray) -> list[_Order]:
    return [_order(np.flatnonzero(rows.fold == number), rows.label, scores) for number in np.unique(rows.fold)]


def _order(places: np.ndarray, label: np.ndarray, scores: np.ndarray) -> _Order:
    ordered = places[np.argsort(scores[places], kind="stable")]
    ranked = scores[ordered]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    return _Order(places=ordered, starts=starts, is_bad=label[ordered] == 1)


def _areas(ranked: list[_Order], weights: np.ndarray) -> np.ndarray:
    """The AUC under each line of weights: how often each row counts."""
    wins, pairs = np.zeros(len(weights)), np.zeros(len(weights))
    for one in ranked:
        own = weights[:, one.places]
        bad = np.add.reduceat(own * one.is_bad, one.starts, axis=1)
        good = np.add.reduceat(own * ~one.is_bad, one.starts, axis=1)
        below = np.cumsum(good, axis=1) - good / 2
        wins += np.einsum("ij,ij->i", bad, below)
        pairs += bad.sum(axis=1) * good.sum(axis=1)
    areas: np.ndarray = np.divide(wins, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)
    return areas


def _resamples(rows: RankedRows, *, seed: int, rounds: int) -> Iterator[np.ndarray]:
    """Batches of lines of weights, one line per resample: how often the row's customer was drawn."""
    names, customer = np.unique(rows.customer, return_inverse=True)
    is_bad = np.bincount(customer, weights=rows.label, minlength=len(names)) > 0
    rng = np.random.default_rng(seed)
    size = max(1, _BATCH_NUMBERS // max(len(rows.label), 1))
    for start in range(0, rounds, size):
        count = min(size, rounds - start)
        drawn = np.zeros((count, len(names)))
        for stratum in (np.flatnonzero(is_bad), np.flatnonzero(~is_bad)):
            if len(stratum):
                drawn[:, stratum] = rng.multinomial(len(stratum), np.full(len(stratum), 1 / len(stratum)), size=count)
        yield drawn[:, customer]


def _percentiles(values: np.ndarray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    low, high = np.percentile(known, _INTERVAL) if len(known) else (np.nan, np.nan)
    return float(low), float(high)
