"""The aggregates of a group before they have a window, with one, and as the column that is made of them.

Kept apart from ``columns``, which says which columns a group has: SQL, words and the kernel need the parts alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType

from tallystick.errors import DeclarationError
from tallystick.spec import names
from tallystick.spec.features import FeatureGroup, Measure
from tallystick.spec.ops import Op
from tallystick.spec.parts import declaring
from tallystick.spec.series import Series
from tallystick.spec.windows import CALENDAR_MONTH, MONTH, Window, parse_window

# Derived features whose declaration has a name of its own.
NAMED_FORMULAS = ("share", "months", "distance", "gyration")


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """One aggregate without its window: an op of a measure for one filter or one value of its category."""

    measure: Measure
    op: Op
    filter: str = ""
    value: str = ""
    old_filter: str = ""

    @property
    def stem(self) -> str:
        """The name that derived features refer to."""
        return names.stem_name(self.measure.name, self.op.token, filter_name=self.filter, value=self.value)

    def before(self, cell: Cell) -> Window:
        """The window before that of ``cell``, for an operation that compares the two; it ends where that one begins.

        DeclarationError where the cell's window has none, or one of another unit: then it has no beginning.
        """
        own = cell.span
        base = parse_window(self.measure.base) if self.measure.base else own
        where = f"measure {self.measure.name}"
        if own.is_all:
            what = f"{self.op.token} compares with the window before, and window all has none"
            raise DeclarationError(what, where=where, fix="windows=('28d',)")
        unit = "month" if own.unit == "calendar" else own.unit
        if base.unit not in (unit, "all", own.unit):
            what = f"base {base.text} and window {own.text} are of two units"
            raise DeclarationError(
                what, where=where, fix="hours with hours, days with days, months with months, or base='all'"
            )
        return base

    @property
    def old_stem(self) -> str:
        """The stem before the measure, its filter or both were renamed; empty where nothing was."""
        if not (self.measure.replaces or self.old_filter):
            return ""
        old = self.measure.replaces or self.measure.name
        return names.stem_name(old, self.op.token, filter_name=self.old_filter or self.filter, value=self.value)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One aggregate over one window. ``lag`` 1 is the window before, ``[as_of - 2w, as_of - w)``, and so on.

    Window ``month`` is the last whole calendar month, with ``lag`` 1 the one before. It ends the window ``after``
    earlier: with ``21d`` at ``as_of - 21d``.
    """

    stem: str
    window: str
    lag: int = 0
    after: str = ""

    @property
    def span(self) -> Window:
        """The window as a value."""
        return CALENDAR_MONTH if self.window == MONTH else parse_window(self.window)

    @property
    def near(self) -> int:
        """How many of its unit before as_of it ends; 0 where it ends at as_of."""
        return self.span.count * self.lag + (parse_window(self.after).count if self.after else 0)

    @property
    def far(self) -> int:
        """How many of its unit before as_of it begins; 0 for all history."""
        return self.near + self.span.count


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureColumn:
    """One feature: its name, type and passport.

    ``type`` is ``int64`` or ``double``, and empty where a column was made without contracts and its type depends on
    them. ``formula`` is ``cell``, ``share``, ``ratio``, ``change``, ``zscore``, ``distance``, ``gyration``, ``months``
    (then with a ``series``) over ``cells`` in order, or ``combined``. ``empty`` is what a customer without rows gets,
    ``0`` or ``null``. ``replaces`` is the column's name before its measure or filter was renamed. From business date
    ``retired_on`` on it is not computed.
    """

    name: str
    type: str
    group: str
    measure: str
    op: str
    window: str
    filter: str
    value: str
    previous: bool
    formula: str
    cells: tuple[Cell, ...]
    description: str
    reason: str
    sign: int
    pii: str
    owner: str
    permitted_use: str
    empty: str
    version: int = 1
    replaces: str = ""
    retired_on: date | None = None
    series: Series | None = None


@lru_cache(maxsize=256)
def group_bases(group: FeatureGroup) -> Mapping[str, Base]:
    """Every aggregate of the group by its stem, in declared order; made once, since each of its columns asks for it."""
    bases: dict[str, Base] = {}
    for measure in group.measures:
        for filter_name, value in _families(group, measure):
            for op in measure.parsed_ops:
                old_filter = group.renamed.get(filter_name, "")
                base = Base(measure=measure, op=op, filter=filter_name, value=value, old_filter=old_filter)
                if base.stem in bases:
                    where = f"{group.where_text}, measure {measure.name}"
                    with declaring("measure", measure.name, is_last=True):
                        raise DeclarationError(f"two measures make {base.stem}", where=where, fix="rename one")
                bases[base.stem] = base
    return MappingProxyType(bases)


def _families(group: FeatureGroup, measure: Measure) -> Iterator[tuple[str, str]]:
    if measure.by:
        for value in group.by[measure.by]:
            yield "", names.value_name(value)
        yield "", names.OTHER
        return
    for filter_name in measure.filter_names:
        yield filter_name, ""
