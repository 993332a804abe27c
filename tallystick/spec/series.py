"""The months that one column over calendar months is made of, and the check that its value fits the group.

Kept apart from the declaration because a value is SQL over the aggregates of a whole group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tallystick.errors import DeclarationError
from tallystick.spec.expressions import NUMERIC, Call, Constant, Node, columns_used, lags_of, parse_expression
from tallystick.spec.months import MonthRule, Months, month_back, month_rule
from tallystick.spec.windows import parse_window


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """The months of one column: an expression over ``stems`` for ``months`` months, and for ``more`` before them that
    its LAG looks at.
    """

    value: str
    stems: tuple[str, ...]
    window: str
    op: str
    months: int
    more: int

    @property
    def length(self) -> int:
        """How many months are needed of each stem."""
        return self.months + self.more

    @property
    def back(self) -> int:
        """Which month ``last`` or ``last_k`` is: 1 for the last whole one."""
        return max(month_back(self.op), 1)

    @property
    def rule(self) -> MonthRule:
        """What the operation is."""
        return month_rule(self.op)

    def node(self, types: Mapping[str, str]) -> Node:
        """The expression over stems of these types."""
        return parse_expression(self.value, types, has_lag=True)


def _is_of_months(lag: Call) -> bool:
    """Months have no columns to part them by, and what is looked back from looks back itself no more."""
    return len(lag.args) == 2 if lag.op == "lag" else len(lag.args) == 1 and not lags_of(lag.args[0])


def series_of(months: Months, types: Mapping[str, str], *, where: str) -> tuple[Series, ...]:
    """What each column is made of, window by window and op by op.

    ``types`` are those of the group's stems. DeclarationError where the value does not fit them, or the ops the value.
    """
    where = f"{where}, months {months.name}"
    node = parse_expression(months.value, types, where=where, has_lag=True)
    stems, lags = columns_used(node), lags_of(node)
    if not stems or not all(map(_is_of_months, lags)):
        what = f"{months.value!r} is no value of a month"
        raise DeclarationError(what, where=where, fix="paid_sum < due_sum, LAG(paid_sum)", texts=(months.value,))
    for op in months.ops:
        is_condition = node.type == "boolean"
        if node.type not in ("boolean", *NUMERIC) or month_rule(op).of_condition != is_condition:
            what = f"{op} over months of {node.type} {months.value!r} cannot be computed"
            fix = "count, longest_streak, current_streak of a condition; the others of a number"
            raise DeclarationError(what, where=where, fix=fix, texts=(months.value,))
    more = max((int(str(rows.value)) for lag in lags if isinstance(rows := lag.args[-1], Constant)), default=0)
    return tuple(
        Series(value=months.value, stems=stems, window=text, op=op, months=parse_window(text).count, more=more)
        for text in months.windows
        for op in months.ops
    )
