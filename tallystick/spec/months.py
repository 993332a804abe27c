"""Operations over whole calendar months: a value or condition for each month, and what is made of these.

Kept apart from ``features`` because a month is no window: windows reach back from ``as_of``, a calendar month begins
and ends at local midnights, whenever it is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tallystick.errors import DeclarationError
from tallystick.spec.field_types import check_types
from tallystick.spec.names import check_name, nearest_name
from tallystick.spec.part_checks import check_distinct, check_sign, check_version, split_names
from tallystick.spec.parts import declaring
from tallystick.spec.windows import parse_window

LONGEST_SERIES = 120


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthRule:
    """One row of the table of operations over months: of a condition or a number, and what it gives."""

    of_condition: bool
    gives: str
    words: str


MONTH_OPS: Mapping[str, MonthRule] = {
    "count": MonthRule(of_condition=True, gives="int64", words="number of months for which it is true"),
    "longest_streak": MonthRule(of_condition=True, gives="int64", words="most months in a row for which it is true"),
    "current_streak": MonthRule(
        of_condition=True, gives="int64", words="months in a row for which it is true, up to the last whole month"
    ),
    "mean": MonthRule(of_condition=False, gives="double", words="mean over the months"),
    "std": MonthRule(of_condition=False, gives="double", words="sample standard deviation over the months"),
    "min": MonthRule(of_condition=False, gives="double", words="smallest value of a month"),
    "max": MonthRule(of_condition=False, gives="double", words="largest value of a month"),
    "last": MonthRule(of_condition=False, gives="double", words="value of the last whole month"),
    "last_k": MonthRule(of_condition=False, gives="double", words="value of the k-th last whole month"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Months:
    """``value`` for each of the last whole calendar months, and ``ops`` over them.

    ``value`` is SQL over stems such as ``paid_sum``, computed over the month's own rows: a condition (``due_sum > 0 AND
    paid_sum < due_sum``) or a number (``paid_sum / due_sum``). A month without rows has what its stems give of
    nothing: 0 for counts and sums, null for statistics. ``LAG(paid_sum)`` is that of the month before,
    ``LAST_VALUE(balance_last IGNORE NULLS)`` the last one that is not null, of the month or one before in the window.

    A month begins and ends at local midnights of the business zone. The month that contains ``as_of`` is not over and
    not looked at. ``windows`` are months: ``("12m",)`` are the last twelve whole ones.

    Of a condition: count, longest_streak and current_streak, in months; null counts as not true. Of a number: mean,
    std, min, max, over the months that have one (null without any, std without two); last, last_2 and so on, the value
    of that month. Columns are called ``<group>_<name>_months_<op>_<window>``.
    """

    name: str
    value: str
    ops: str | tuple[str, ...]
    windows: tuple[str, ...]
    description: str = ""
    reason: str = ""
    sign: int = 0
    version: int = 1
    replaces: str = ""
    retired_on: date | None = None

    def __post_init__(self) -> None:
        with declaring("months", self.name):
            self._check()

    def _check(self) -> None:
        where = f"months {self.name}"
        check_types(self, where=where)
        check_name("months", self.name)
        check_sign(where, self.sign)
        check_distinct(where, "window", self.windows)
        check_version(where, self.version)
        if self.replaces:
            check_name("replaced", self.replaces, where=where)
        object.__setattr__(self, "ops", split_names(self.ops))
        check_distinct(where, "operation", self.ops)
        if not self.ops or not self.windows:
            raise DeclarationError("months need ops and windows", where=where, fix="ops='longest_streak'")
        for op in self.ops:
            month_rule(op, where=where)
        for window in self.windows:
            span = parse_window(window)
            if span.unit != "month" or span.count > LONGEST_SERIES:
                fix = f"1m to {LONGEST_SERIES}m"
                raise DeclarationError(f"window {window} is no number of months", where=where, fix=fix, texts=(window,))
            for op in self.ops:
                if month_back(op) > span.count:
                    what = f"{op} is before the first of {span.count} months"
                    raise DeclarationError(what, where=where, fix="a longer window", texts=(op,))


def month_rule(op: str, *, where: str = "") -> MonthRule:
    """What an operation over months is: a name of the table, or ``last_2``; DeclarationError for anything else."""
    name = "last_k" if month_back(op) > 1 else op
    if name not in MONTH_OPS or op == "last_k":
        fix = nearest_name(op, [*(known for known in MONTH_OPS if known != "last_k"), "last_2"])
        raise DeclarationError(f"operation {op!r} is unknown over months", where=where, fix=fix, texts=(op,))
    return MONTH_OPS[name]


def month_back(op: str) -> int:
    """k of ``last_k``; 0 for anything else."""
    head, _, number = op.partition("_")
    return int(number) if head == "last" and number.isdecimal() and number[0] != "0" and len(number) < 4 else 0
