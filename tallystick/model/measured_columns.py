"""What a selection asks of the columns of one set of rows, each measured once, however many selections ask.

Apart from ``selection``, which holds the rules: several algorithms and ablations look at the same rows by other rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from tallystick.model.evaluation import bin_codes, column_aucs, divergence, quantile_edges

# Vintages with fewer rows of either class say nothing about the stability of a feature.
LEAST_VINTAGE_CLASS = 8

# Keeps weight of evidence finite in a bin without rows of one class.
SMOOTHING = 0.5


class MeasuredColumns:
    """The columns of labelled rows. Every measure is an array with one value per column, in the frame's order.

    Nothing but these rows is looked at. A column that holds one value, or nothing but nulls, has an AUC of 0.5 and an
    information value of 0.
    """

    def __init__(self, vectors: pd.DataFrame, label: np.ndarray, vintage: np.ndarray) -> None:
        self._places = {str(name): place for place, name in enumerate(vectors.columns)}
        self._values = vectors.to_numpy(dtype=float)
        self._label = label
        self._vintage = vintage
        self._iv: dict[int, np.ndarray] = {}

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self._values)

    def places(self, names: Sequence[str]) -> np.ndarray:
        """Where these columns stand in each measure."""
        return np.array([self._places[name] for name in names], dtype=int)

    @cached_property
    def missing(self) -> np.ndarray:
        """The share of nulls."""
        shares: np.ndarray = self._is_null.mean(axis=0)
        return shares

    @cached_property
    def is_constant(self) -> np.ndarray:
        """Whether a column holds one value and no null."""
        constant: np.ndarray = (self._values == self._values[:1]).all(axis=0)
        return constant

    @cached_property
    def power(self) -> np.ndarray:
        """The AUC, nulls at the median."""
        found = np.full(self._values.shape[1], 0.5)
        found[self._varying] = column_aucs(self._label, self._filled())
        return found

    def iv(self, bins: int) -> np.ndarray:
        """The information value over quantile bins."""
        if bins not in self._iv:
            found = np.zeros(self._values.shape[1])
            found[self._varying] = [information_value(self._values[:, at], self._label, bins) for at in self._varying]
            self._iv[bins] = found
        return self._iv[bins]

    def are_unstable(self, gap: float) -> np.ndarray:
        """Whether a column separates by less than ``gap``, or the other way round, in a vintage with enough rows."""
        unstable = np.zeros(self._values.shape[1], dtype=bool)
        if gap > 0:
            direction = np.sign(self.power[self._varying] - 0.5)
            for areas in self._vintage_aucs:
                unstable[self._varying] |= direction * (areas - 0.5) < gap
        return unstable

    @cached_property
    def ranks(self) -> np.ndarray:
        """One line per column: its ranks with mean 0 and variance 1; a null stands at the mean.

        Lines of columns that do not vary are 0.
        """
        made = np.zeros(self._values.shape[::-1])
        if len(self._varying):
            made[self._varying] = _standard_ranks(self._values.T[self._varying])
        return made

    @cached_property
    def _is_null(self) -> np.ndarray:
        return np.isnan(self._values)

    @cached_property
    def _varying(self) -> np.ndarray:
        """The columns that are neither constant nor all null."""
        return np.flatnonzero(~self.is_constant & ~self._is_null.all(axis=0))

    @cached_property
    def _vintage_aucs(self) -> list[np.ndarray]:
        filled, found = self._filled(), []
        for vintage in np.unique(self._vintage):
            rows = self._vintage == vintage
            bad = self._label[rows].sum()
            if min(bad, rows.sum() - bad) >= LEAST_VINTAGE_CLASS:
                found.append(column_aucs(self._label[rows], filled[rows]))
        return found

    def _filled(self) -> np.ndarray:
        """The varying columns with nulls at their medians. Not kept: it is as large as the rows themselves."""
        values = self._values[:, self._varying]
        if not values.size:
            return values
        filled: np.ndarray = np.where(np.isnan(values), np.nanmedian(values, axis=0), values)
        return filled


def information_value(values: np.ndarray, label: np.ndarray, bins: int) -> float:
    """Information value over quantile bins, nulls as a bin of their own, counts smoothed."""
    codes = bin_codes(values, quantile_edges(values[~np.isnan(values)], bins))
    bad = np.bincount(codes, weights=label, minlength=codes.max() + 1)
    total = np.bincount(codes, minlength=codes.max() + 1)
    used = total > 0
    share_bad = (bad[used] + SMOOTHING) / (label.sum() + SMOOTHING * used.sum())
    share_good = (total[used] - bad[used] + SMOOTHING) / ((1 - label).sum() + SMOOTHING * used.sum())
    return divergence(share_bad, share_good)


def _standard_ranks(lines: np.ndarray) -> np.ndarray:
    is_null = np.isnan(lines)
    # Nulls behind all values change no value's rank, and all lines are ranked in one call.
    ranks: np.ndarray = rankdata(np.where(is_null, np.inf, lines), axis=1)
    ranks -= ((~is_null).sum(axis=1, keepdims=True) + 1) / 2
    ranks[is_null] = 0.0
    spread = ranks.std(axis=1, keepdims=True)
    np.divide(ranks, spread, out=ranks, where=spread > 0)
    return ranks
