"""Whether a table had arrived by the date of a decision, and how old it was: what makes a rule ``held``.

Apart from the answers because it looks at loads alone, and at no row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tallystick.kernel.nullable import Ints

THERE, MISSING, STALE = 0, 1, 2

Codes = npt.NDArray[np.int8]


@dataclass(frozen=True, kw_only=True, slots=True)
class TableArrivals:
    """The loads of one table of one source, as days since 1970-01-01: ``loads`` in order, at least one, and for each
    the newest of ``nights`` that was known with it: a night that came late makes a table no fresher.

    ``begins`` is the first date on which any of its rows was known. The first load brings history; it counts as if it
    had come night by night since then, for so the source says that its rows became known.
    """

    begins: int
    loads: tuple[int, ...]
    nights: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrivals:
    """The arrivals of a source's clean tables, by ``layer.table``. A table that is not named never arrived."""

    tables: Mapping[str, TableArrivals] = field(default_factory=dict)

    def lacking(self, table: str, days: Ints, *, max_age: int) -> Codes:
        """For decisions on these dates: THERE, MISSING where no load had come by then, or STALE where the newest
        night of those that had was more than ``max_age`` days before.
        """
        found = self.tables.get(table)
        if found is None:
            return np.full(days.size, MISSING, dtype=np.int8)
        loads = np.asarray(found.loads, dtype=np.int64)
        newest = np.searchsorted(loads, days, side="right") - 1
        is_history = (newest < 0) & (days >= found.begins)
        age = days - np.asarray(found.nights, dtype=np.int64)[np.maximum(newest, 0)]
        made = np.where(age > max_age, STALE, THERE)
        return np.where(newest >= 0, made, np.where(is_history, THERE, MISSING)).astype(np.int8)
