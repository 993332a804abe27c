"""The computed cells of all observations, and the table they become.

Kept apart from what fills them, since the reductions, the compiled loop and the formulas all write here.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from tallystick.kernel.formulas import derive
from tallystick.kernel.month_series import over_months
from tallystick.kernel.nullable import Array, Bools, Ints
from tallystick.kernel.plan import Formula, GroupPlan


class Results:
    """A line for each slot of a plan, a place in it for each observation.

    Whole numbers and doubles lie in an array each; the slots of one reduction are neighbours there.
    """

    __slots__ = ("_arrays", "_is_double", "_lines", "_null", "_plan")

    def __init__(self, plan: GroupPlan, size: int) -> None:
        self._plan = plan
        self._is_double = [kind == "double" for kind in plan.slot_types]
        doubles: list[int] = np.cumsum([0, *self._is_double]).tolist()
        self._lines = [doubles[n] if flag else n - doubles[n] for n, flag in enumerate(self._is_double)]
        count = len(self._is_double)
        self._arrays = (np.zeros((count - doubles[-1], size), dtype=np.int64), np.zeros((doubles[-1], size)))
        self._null = np.zeros((count, size), dtype=np.bool_)

    @property
    def arrays(self) -> tuple[Array, Array, Bools]:
        """Whole numbers and doubles by line, nulls by slot: for those who write many slots at once."""
        return *self._arrays, self._null

    def line(self, slot: int) -> int:
        """The line of a slot among the whole numbers or doubles."""
        return self._lines[slot]

    def put(self, slot: int, places: Ints, *, values: Array, null: Bools | None) -> None:
        """Set the slots from ``slot`` on at ``places``, one slot for each line of ``values``."""
        line, count = self._lines[slot], values.shape[0]
        # A run of places is written several times as fast as places in any order.
        first, last = (int(places[0]), int(places[-1])) if places.size else (0, -1)
        is_run = last - first + 1 == places.size and bool((np.diff(places) == 1).all())
        where: Ints | slice = slice(first, last + 1) if is_run else places
        self._arrays[self._is_double[slot]][line : line + count, where] = values
        if null is not None:
            self._null[slot : slot + count, where] = null

    def table(self, days: Ints) -> pa.Table:
        """The plan's columns; ``days`` are the dates of the observations.

        They are the results' own memory: nothing may be put afterwards.
        """
        missing = self._null.copy()
        missing[np.flatnonzero(self._is_double)] |= np.isnan(self._arrays[1])
        counts = np.count_nonzero(missing, axis=1).tolist()
        bits = np.packbits(~missing, axis=1, bitorder="little")
        arrays = []
        for column, formula in zip(self._plan.columns, self._plan.formulas, strict=True):
            kind = pa.float64() if column.type == "double" else pa.int64()
            slot = formula.slots[0]
            values = self._arrays[self._is_double[slot]][self._lines[slot]]
            if formula.kind == "cell" and self._is_double[slot] == (column.type == "double"):
                known = pa.py_buffer(bits[slot]) if counts[slot] else None
                arrays.append(pa.Array.from_buffers(kind, days.size, [known, pa.py_buffer(values)], counts[slot]))
            else:
                values, null = self._column(formula, days)
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

    def _column(self, formula: Formula, days: Ints) -> tuple[Array, Bools]:
        cells = [self._cell(slot) for slot in formula.slots]
        if formula.series is not None and formula.node is not None:
            values, null = over_months(formula.series, formula.node, cells)
        else:
            values, null = cells[0] if formula.kind == "cell" else derive(formula.kind, cells, formula.spans, days)
        return values, null | np.isnan(values) if values.dtype == np.float64 else null

    def _cell(self, slot: int) -> tuple[Array, Bools]:
        return self._arrays[self._is_double[slot]][self._lines[slot]], self._null[slot]
