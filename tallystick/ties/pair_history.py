"""What went on between two customers up to a moment: how often, how much, and since when.

Kept apart from edges because it is looked up pair by pair, and tells one direction from the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from tallystick.ties.seen_rows import Codes, Floats, Ints

# Customers are numbered in 32 bits: one number for two of them.
_PLACE = np.int64(2**32)


@dataclass(frozen=True, slots=True, eq=False)
class PairHistory:
    """The rows of each pair of numbered customers and direction, in ascending order of both.

    ``times`` counts rows, ``total`` adds up their weights, ``first`` and ``last`` are the instants of the first and the
    last one. ``fan_out`` and ``fan_in`` count, for each customer, those on the other side.
    """

    keys: Ints
    times: Ints
    total: Floats
    first: Ints
    last: Ints
    fan_out: Codes
    fan_in: Codes

    @classmethod
    def of(cls, source: Codes, target: Codes, columns: tuple[Ints, Floats, Ints, Ints], *, count: int) -> PairHistory:
        """Pairs of ``count`` customers with times, total, first and last; those of several accounts become one."""
        keys = source * _PLACE + target
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: keys.size])
        adding = (np.add, np.add, np.minimum, np.maximum)
        made: list[npt.NDArray[Any]] = [
            how.reduceat(column[order], starts) if starts.size else column
            for how, column in zip(adding, columns, strict=True)
        ]
        sides = [np.bincount(side, minlength=count).astype(np.int32) for side in np.divmod(keys[starts], _PLACE)]
        return cls(keys[starts], *made, *sides)

    def places(self, source: Codes, target: Codes) -> Ints:
        """Where each pair stands; -1 where nothing went on. A customer of -1 is nobody."""
        keys = source * _PLACE + target
        if not self.keys.size:
            return np.full(keys.size, -1, dtype=np.int64)
        found = np.minimum(np.searchsorted(self.keys, keys), self.keys.size - 1)
        return np.where((self.keys[found] == keys) & (source >= 0) & (target >= 0), found, -1)
