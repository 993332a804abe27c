"""The meaning of one feature, apart from the group it stands in and the words around it.

By its fingerprint a stored column is known to be stale when its own definition changes, and only then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import sqlglot
from sqlglot import exp

from tallystick.spec.bases import Base, FeatureColumn, group_bases
from tallystick.spec.code_versions import raised_features
from tallystick.spec.columns import features_read
from tallystick.spec.combined_columns import COMBINED, combined_of
from tallystick.spec.features import FeatureGroup
from tallystick.spec.fingerprint import fingerprint
from tallystick.spec.names import OTHER, value_name


def column_fingerprint(group: FeatureGroup, column: FeatureColumn) -> str:
    """``column_fingerprints`` of one column."""
    return column_fingerprints(group, [column])[column.name]


def column_fingerprints(group: FeatureGroup, columns: Iterable[FeatureColumn]) -> dict[str, str]:
    """By column of the group, 16 hex digits that stand for what the column is computed from.

    Its table, times, conditions, value, operation, windows and looked-up tables count, and the versions of its group,
    its measures, itself and of the code that computes it (``code_versions``); names, words, owner, other features of
    the group and their order do not, nor what it replaces or when it is retired. Spellings of SQL that differ in blanks
    or letter case are equal.
    """
    bases = group_bases(group)
    return {
        column.name: _combined(group, column) if column.formula == COMBINED else _fingerprint(group, bases, column)
        for column in columns
    }


def _combined(group: FeatureGroup, column: FeatureColumn) -> str:
    """Of a combined feature: what the features that it reads mean, and its expression over them."""
    read = features_read(group, column)
    names = {one.name: f"a{number}" for number, (_, one) in enumerate(read)}
    meant: dict[str, Any] = {
        "combined": _renamed(combined_of(group, column).value, names),
        "of": [column_fingerprint(owner, one) for owner, one in read],
        "version": group.version,
    }
    if column.version != 1:
        meant["own_version"] = column.version
    if code := raised_features(COMBINED):
        meant["code"] = code
    return fingerprint(meant)


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """An expression with other names, spelt in one way."""
    value = sqlglot.parse_one(text, dialect="duckdb").unnest()
    for node in list(value.find_all(exp.Column)):
        node.this.set("this", names[node.name])
    return value.sql(dialect="duckdb", comments=False)


def _fingerprint(group: FeatureGroup, bases: Mapping[str, Base], column: FeatureColumn) -> str:
    cells = [
        {"window": cell.window, "lag": cell.lag, "aggregate": _aggregate(group, bases[cell.stem])}
        | ({"after": cell.after} if cell.after else {})
        for cell in column.cells
    ]
    meant: dict[str, Any] = {"table": group.table, "entity": group.entity, "event_at": group.event_at, "cells": cells,
                             "formula": column.formula, "version": group.version}  # fmt: skip
    if column.series is not None:
        # Aggregates stand under what they are, not under their names, in the order in which the value names them.
        names = {stem: f"a{number}" for number, stem in enumerate(column.series.stems)}
        meant["series"] = {"value": _renamed(column.series.value, names), "op": column.series.op}
    if group.per:
        meant["per"] = group.per
    if group.among:
        meant["among"] = sorted((one.table, canonical_sql(one.where) if one.where else "") for one in group.among)
    if group.basis:
        meant["basis"] = group.basis
    # Version 1 says nothing: features that never had another one keep the fingerprint they are stored with.
    if column.version != 1:
        meant["own_version"] = column.version
    if code := raised_features(column.formula):
        meant["code"] = code
    return fingerprint(meant)


def _aggregate(group: FeatureGroup, base: Base) -> Mapping[str, Any]:
    measure = base.measure
    value = measure.value if base.op.rule.takes != "none" else ""
    filter_sql = group.filters[base.filter] if base.filter else ""
    conditions = sorted({canonical_sql(text) for text in (group.where, measure.where, filter_sql) if text})
    read = {name for text in (value, *conditions) if text for name in columns_read(text)}
    made: dict[str, Any] = {
        "op": base.op.token,
        "value": canonical_sql(value) if value else "",
        "conditions": conditions,
    }
    if measure.version != 1:
        made["version"] = measure.version
    if code := raised_features(base.op.name):
        made["code"] = code
    if measure.base and base.op.rule.compares:
        made["base"] = measure.base
    if measure.weekdays:
        made["weekdays"] = sorted(measure.weekdays)
    if measure.each:
        made["each"] = canonical_sql(measure.each)
        read |= columns_read(measure.each)
    if measure.top:
        made["top"] = canonical_sql(measure.top)
        read |= columns_read(measure.top)
    if measure.by:
        read.add(measure.by)
        declared = sorted(group.by[measure.by])
        chosen = declared if base.value == OTHER else [v for v in declared if value_name(v) == base.value]
        made["by"] = {"category": measure.by, "values": chosen, "is_other": base.value == OTHER}
    used = [(lookup.table, lookup.on, sorted(read.intersection(lookup.columns))) for lookup in group.lookups]
    made["lookups"] = sorted(lookup for lookup in used if lookup[2])
    return made


# A group's columns share a few expressions, and a chain of runs asks for the same ones again.
@lru_cache(maxsize=4096)
def canonical_sql(text: str) -> str:
    """One spelling for SQL texts that differ in blanks, brackets around all, or the case of keywords."""
    return sqlglot.parse_one(text, dialect="duckdb").unnest().sql(dialect="duckdb", comments=False)


@lru_cache(maxsize=4096)
def columns_read(text: str) -> frozenset[str]:
    """The columns that an expression or a condition names."""
    return frozenset(column.name for column in sqlglot.parse_one(text, dialect="duckdb").find_all(exp.Column))
