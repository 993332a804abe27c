"""The computed cells of all observations, and the table they become.

What lives here: ``Results``. What must not: how a cell or a formula is computed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from tallystick.kernel.formulas import derive
from tallystick.kernel.plan import Formula, GroupPlan
from tallystick.kernel.vectors import Array, Bools, Ints


class Results:
    """A line for each slot of a plan, a place in it for each observation.

    Whole numbers and doubles lie in an array each; the slots of one reduction are neighbours there.
    """

    __slots__ = ("_arrays", "_is_double", "_lines", "_null", "_plan")

    def __init__(self, plan: GroupPlan, size: int) -> None:
        self._plan = plan
        self._is_double = [kind == "double" for kind in plan.slot_types]
        doubles = np.cumsum([0, *self._is_double]).tolist()
        self._lines = [doubles[n] if flag else n - doubles[n] for n, flag in enumerate(self._is_double)]
        count = len(self._is_double)
        self._arrays = (np.zeros((count - doubles[-1], size), dtype=np.int64), np.zeros((doubles[-1], size)))
        self._null = np.zeros((count, size), dtype=np.bool_)

    def put(self, slot: int, places: slice, *, values: Array, null: Bools | None) -> None:
        """Set the slots from ``slot`` on, one for each line of ``values``."""
        line, count = self._lines[slot], values.shape[0]
        self._arrays[self._is_double[slot]][line : line + count, places] = values
        if null is not None:
            self._null[slot : slot + count, places] = null

    def table(self, order: Ints, days: Ints) -> pa.Table:
        """The plan's columns. ``order[place]`` is the row that a place becomes; ``days`` are the rows' dates."""
        place = np.empty(order.size, dtype=np.int64)
        place[order] = np.arange(order.size)
        is_in_order = bool((np.diff(order) > 0).all())
        arrays = []
        for column, (values, null) in zip(self._plan.columns, self._columns(days[order]), strict=True):
            if not is_in_order:
                values, null = values[place], null[place]
            kind = pa.float64() if column.type == "double" else pa.int64()
            arrays.append(pa.array(values, kind, mask=null if null.any() else None))
        return pa.table(arrays, names=list(self._plan.names))

    def row(self, days: Ints) -> dict[str, int | float | None]:
        """The plan's columns of the only observation."""
        cells = tuple(array[:, 0].tolist() for array in self._arrays)
        nulls = self._null[:, 0].tolist()
        made: dict[str, int | float | None] = {}
        for name, formula in zip(self._plan.names, self._plan.formulas, strict=True):
            if formula.kind == "cell":
                slot = formula.slots[0]
                value = cells[self._is_double[slot]][self._lines[slot]]
                made[name] = None if nulls[slot] or value != value else value
            else:
                values, null = self._column(formula, days)
                made[name] = None if null[0] else values[0].item()
        return made

    def _columns(self, days: Ints) -> Iterator[tuple[Array, Bools]]:
        return (self._column(formula, days) for formula in self._plan.formulas)

    def _column(self, formula: Formula, days: Ints) -> tuple[Array, Bools]:
        cells = [self._cell(slot) for slot in formula.slots]
        values, null = cells[0] if formula.kind == "cell" else derive(formula.kind, cells, formula.windows, days)
        return values, null | np.isnan(values) if values.dtype == np.float64 else null

    def _cell(self, slot: int) -> tuple[Array, Bools]:
        return self._arrays[self._is_double[slot]][self._lines[slot]], self._null[slot]
