"""What one feature means in words: its windows, what it is made from, what nothing gives.

Kept apart from ``feature_sql`` because a sentence may leave out what the SQL must say.
"""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.spec.among import ROW_OF
from tallystick.spec.bases import Base, Cell, FeatureColumn, group_bases
from tallystick.spec.checks import readable_columns
from tallystick.spec.columns import features_read
from tallystick.spec.combined_columns import COMBINED
from tallystick.spec.feature_sql import base_columns
from tallystick.spec.features import LEAST_ZSCORE_WINDOWS, FeatureGroup
from tallystick.spec.tables import TableContract
from tallystick.spec.windows import distance_text

_NO_SHIFT = "where there are too few days, or where no day parts them into two levels"


def null_rule(group: FeatureGroup, column: FeatureColumn) -> str:
    """What the feature is where there is nothing to compute it from, and why."""
    if column.series is not None:
        if column.series.rule.of_condition:
            return "0 where no month is one, never null: a month without rows has what its parts give of nothing"
        return "null where no month has a value, for a spread where fewer than two have, for a month where it has none"
    if column.formula != "cell":
        return {
            COMBINED: "null where its expression is null",
            "share": "null where the part below is null or 0: nothing is no share of nothing",
            "ratio": "null where the rate below is null or 0: there is nothing to compare with",
            "change": "null where the window before is null or 0: there is nothing to compare with",
            "distance": "null where one of the places is not known",
            "gyration": "null without rows that have a place: nothing is nowhere",
            "zscore": f"null where fewer than {LEAST_ZSCORE_WINDOWS} windows before have a value, or all are equal",
        }[column.formula]
    base = group_bases(group)[column.cells[0].stem]
    special = {
        "std": "null for fewer than two values: one value has no spread",
        "std_pop": "null without values: nothing has no spread, and one value has none either, which is 0",
        "mean_gap": "null for fewer than two rows: one row has no gap",
        "max_gap": "null for fewer than two rows: one row has no gap",
        "last_k": f"null for fewer than {base.op.k} rows, or where that row has no value",
        "first": "null without rows, or where that row has no value",
        "last": "null without rows, or where that row has no value",
        "shift_days": f"null {_NO_SHIFT}",
        "shift_size": f"null where the mean of the days before is 0, and {_NO_SHIFT}",
        "shift_share": f"null {_NO_SHIFT}",
        "slope": "0 without rows: days without rows count as 0, so there is no trend",
        "days_since_first": "null without rows: what never happened has no date",
        "days_since_last": "null without rows: what never happened has no date",
    }
    if base.op.name in special:
        return special[base.op.name]
    if column.empty == "0":
        return "0 without rows: a count or sum of nothing is known to be 0"
    return "null without values: nothing has no such statistic, and 0 would be a claim"


def source_columns(group: FeatureGroup, column: FeatureColumn, contracts: Mapping[str, TableContract]) -> list[str]:
    """``layer.table.column`` of everything the feature's value is made from, looked-up tables included."""
    if column.formula == COMBINED:
        return [f"{owner.feature_table}.{one.name}" for owner, one in features_read(group, column, contracts)]
    bases, types = group_bases(group), readable_columns(group, contracts)
    read = {name: None for cell in column.cells for name in base_columns(group, bases[cell.stem], types)}
    looked_up = {name: lookup for lookup in group.lookups for name in lookup.columns}
    read.pop(ROW_OF, None)
    found = [
        f"{looked_up[name].table}.{name} (by {looked_up[name].on})" if name in looked_up else f"{group.table}.{name}"
        for name in read
    ]
    beside = [f"{one.table} (its rows, seen by LAG)" for one in group.among]
    return [*(found or [f"{group.table} (its rows alone)"]), *beside]


def window_words(group: FeatureGroup, column: FeatureColumn) -> list[str]:
    """Each window of the feature in words, such as ``the last 30 days: [as_of - 30d, as_of)``."""
    if column.series is not None:
        before = f", and {column.series.more} before them for LAG" if column.series.more else ""
        return [f"the last {column.series.months} whole calendar months before that of as_of{before}"]
    if column.formula == COMBINED:
        return ["those of the features that it is made of"]
    bases, told = group_bases(group), dict[str, None]()
    for cell in column.cells:
        window = cell.span
        if window.is_all:
            told["the whole history: from the first visible event to before as_of"] = None
            continue
        low, high = distance_text(window.unit, cell.far), distance_text(window.unit, cell.near)
        until = f"as_of - {high}" if high else "as_of"
        if cell.after:
            told[f"the {window.length} before: [as_of - {low}, {until})"] = None
            continue
        before = "" if not cell.lag else ", before that" if cell.lag == 1 else f", {cell.lag} times before"
        told[f"{window.words}{before}: [as_of - {low}, {until})"] = None
        base = bases[cell.stem]
        if base.op.rule.compares:
            told[_compared_words(base, cell)] = None
    return list(told)


def _compared_words(base: Base, cell: Cell) -> str:
    before, until = base.before(cell), distance_text(cell.span.unit, cell.far)
    if before.is_all:
        return f"compared with everything before: from the first visible event to before as_of - {until}"
    low = distance_text(cell.span.unit, cell.far + before.count)
    return f"compared with the {before.length} before: [as_of - {low}, as_of - {until})"
