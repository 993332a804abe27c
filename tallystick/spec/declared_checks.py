"""What the parts of a feature group check as they are made, when no table is known yet.

Kept apart from ``features``, which says what the parts are, and from ``checks``, which holds them against their tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tallystick.errors import DeclarationError
from tallystick.spec.names import OTHER, check_name, nearest_name, value_name
from tallystick.spec.ops import EACH_OPS, OP_RULES, SHIFT_OPS, TOP_OPS
from tallystick.spec.part_checks import check_distinct, check_sign, check_texts, check_version
from tallystick.spec.parts import declaring
from tallystick.spec.uses import PII_CLASSES, split_uses
from tallystick.spec.windows import parse_window

if TYPE_CHECKING:
    from tallystick.spec.features import FeatureGroup, Measure


def check_measure(measure: Measure) -> None:
    """Refuse a measure whose name, words, windows or operations do not fit together."""
    where = f"measure {measure.name}"
    check_name("measure", measure.name)
    check_texts(where, reason=measure.reason)
    check_sign(where, measure.sign)
    check_windows(where, measure.windows)
    check_life(where, measure.version, name=measure.name, replaces=measure.replaces)
    if not measure.ops:
        raise DeclarationError("no operation is named", where=where, fix="ops='count sum'")
    check_distinct(where, "operation", measure.ops)
    for op in measure.parsed_ops:
        if op.rule.takes != "none" and not measure.value:
            raise DeclarationError(f"{op.token} needs a value", where=where, fix="value='amount_minor'")
        if measure.each and op.name not in EACH_OPS:
            raise DeclarationError(f"{op.token} looks at no sums per each", where=where, fix=", ".join(EACH_OPS))
        if measure.top and op.name not in TOP_OPS:
            what = f"{op.token} does not look at the rows of the most frequent value alone"
            raise DeclarationError(what, where=where, fix=", ".join(TOP_OPS))
    if measure.top and measure.each:
        raise DeclarationError("top and each exclude each other", where=where, fix="declare two measures")
    if measure.base:
        parse_window(measure.base)
        if not any(op.rule.compares for op in measure.parsed_ops):
            fix = f"one of {', '.join(name for name, rule in OP_RULES.items() if rule.compares)}"
            raise DeclarationError("base is for operations that compare with it", where=where, fix=fix)
    if measure.weekdays:
        if any(op.name not in SHIFT_OPS for op in measure.parsed_ops):
            fix = f"{', '.join(SHIFT_OPS)}; for others where='ISODOW(event_at) < 6'"
            raise DeclarationError("weekdays are for the series of a shift", where=where, fix=fix)
        if not set(measure.weekdays) <= set(range(1, 8)) or len(set(measure.weekdays)) < len(measure.weekdays):
            raise DeclarationError("weekdays are distinct numbers from 1 to 7", where=where, fix="(1, 2, 3, 4, 5)")
    if measure.by and (measure.filters or measure.unfiltered):
        raise DeclarationError("by and filters exclude each other", where=where, fix="declare two measures")


def check_parts(group: FeatureGroup) -> None:
    """Refuse a group whose own parts do not fit together."""
    where = group.where_text
    check_name("group", group.name, where=where)
    check_texts(where, owner=group.owner)
    check_windows(where, group.windows)
    if not group.windows or not group.measures:
        raise DeclarationError("a group needs windows and measures", where=where)
    for uses in (group.permitted_use, *(m.permitted_use for m in group.measures if m.permitted_use)):
        split_uses(uses, where=where)
    named = [*(measure.pii for measure in group.measures), *(one.pii for one in group.combined)]
    for pii in (group.pii, *(pii for pii in named if pii)):
        if pii not in PII_CLASSES:
            raise DeclarationError(
                f"unknown PII class {pii}", where=where, fix=nearest_name(pii, PII_CLASSES), texts=(pii,)
            )
    for name in group.filters:
        check_name("filter", name, where=where)
    check_version(where, group.version)
    for name in group.retired:
        if not name.startswith(f"{group.name}_"):
            raise DeclarationError(f"retired {name} is no feature of {group.name}", where=where, fix="its full name")
    for name, old in group.renamed.items():
        check_name("replaced", old, where=f"{where}, renamed {name}")
        if name not in group.filters:
            raise _unknown("filter", name, group.filters, where=where)
        if old in group.filters:
            raise DeclarationError(f"filter {old} was renamed and is declared", where=where, fix="remove one")
    for category, values in group.by.items():
        _check_values(f"{where}, by {category}", values)
    _check_beside(group)
    for measure in group.measures:
        with declaring("measure", measure.name):
            _check_references(group, measure)


def _check_beside(group: FeatureGroup) -> None:
    check_distinct(group.where_text, "group", [group.name, *(other.name for other in group.beside)])
    for other in group.beside:
        if other.beside or other.combined or other.per != group.per:
            what = f"group {other.name} beside it has combined features of its own, or another per"
            raise DeclarationError(what, where=group.where_text, fix="name the groups that it is made of")
    if group.beside and not group.combined:
        raise DeclarationError("nothing reads the groups beside it", where=group.where_text, fix="combined=(...)")


def _check_references(group: FeatureGroup, measure: Measure) -> None:
    where = f"{group.where_text}, measure {measure.name}"
    check_distinct(where, "filter", measure.filters)
    for name in measure.filters:
        if name not in group.filters:
            raise _unknown("filter", name, group.filters, where=where)
    if measure.by and measure.by not in group.by:
        raise _unknown("category", measure.by, group.by, where=where)


def _unknown(kind: str, name: str, known: Iterable[str], *, where: str) -> DeclarationError:
    return DeclarationError(f"unknown {kind} {name}", where=where, fix=nearest_name(name, known), texts=(name,))


def check_windows(where: str, windows: Iterable[str]) -> None:
    """Refuse a text that is no window, and a window that stands twice."""
    for window in windows:
        parse_window(window)
    check_distinct(where, "window", windows)


def check_bounded(where: str, windows: Iterable[str]) -> None:
    """Refuse the window that has no far edge."""
    if any(parse_window(window).is_all for window in windows):
        raise DeclarationError("window all has no window before it", where=where, fix="use days or months")


def check_life(where: str, version: int, *, name: str = "", replaces: str = "") -> None:
    """Refuse a version below 1, and an old name (``replaces``) that is none or is the one of today."""
    check_version(where, version)
    if replaces:
        check_name("replaced", replaces, where=where)
        if replaces == name:
            raise DeclarationError("it replaces itself", where=where, fix="replaces='the name it had before'")


def _check_values(where: str, values: tuple[str, ...]) -> None:
    names = [value_name(value) for value in values]
    check_distinct(where, "value", names)
    if not names or OTHER in names or "" in names:
        fix = "other is made for all values that are not declared"
        raise DeclarationError("declared values must be distinct words, without other", where=where, fix=fix)
