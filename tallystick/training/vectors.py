"""The vector of an application: its features as stored, joined, and what is computed from the request itself.

What lives here: the one way from feature tables to a model's input, for training and scoring alike. What must not:
labels, storage, Spark.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import DeclarationError, ModelError
from tallystick.features.population import latest_versions
from tallystick.kernel.calendar import zone_offsets
from tallystick.kernel.expressions import Frame
from tallystick.kernel.vectors import vector_of
from tallystick.spec.columns import FeatureColumn, group_columns
from tallystick.spec.expressions import NUMERIC, Node, columns_used, parse_expression
from tallystick.spec.features import FeatureGroup
from tallystick.spec.recipes import REQUEST_COLUMNS, Recipe, RequestFeature
from tallystick.spec.tables import TableContract

# What a vector is keyed and placed by; every other column is a feature, a double.
KEYS = ("application_id", "customer_id", "as_of", "source", "bucket", "period")

_JOIN = ("customer_id", "as_of")


@dataclass(frozen=True, kw_only=True, slots=True)
class Feature:
    """One input of a model. ``sign`` +1 more risk, -1 less; ``assumed``: from rows without dates of their own."""

    name: str
    reason: str
    sign: int = 0
    assumed: bool = False
    pii: str = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorPlan:
    """Which columns a recipe's vectors have: those of its groups, then its request features.

    ``features`` leaves out what is not permitted for the recipe's use; request features may still read such columns
    only if they are in ``columns``, so none does.
    """

    features: tuple[Feature, ...]
    columns: Mapping[str, tuple[str, ...]]
    request: tuple[RequestFeature, ...]
    expressions: Mapping[str, tuple[Node, Node | None]]
    application_columns: tuple[str, ...]


def plan_vectors(
    recipe: Recipe, groups: Mapping[str, FeatureGroup], contracts: Mapping[str, TableContract]
) -> VectorPlan:
    """Check the recipe against its groups; DeclarationError for an unknown group, column or a wrong expression."""
    permitted: dict[str, list[FeatureColumn]] = {}
    for name in recipe.groups:
        if name not in groups:
            raise DeclarationError(f"unknown feature group {name}", where=f"recipe {recipe.name}", fix="see features/")
        found = group_columns(groups[name], contracts)
        permitted[name] = [column for column in found if column.permitted_use == recipe.permitted_use]
    known = {column.name: column for columns in permitted.values() for column in columns}
    types = {**REQUEST_COLUMNS, **{name: column.type for name, column in known.items()}}
    expressions = {feature.column: _parse(feature, types) for feature in recipe.request}
    allowed = tuple(f for f in recipe.request if f.permitted_use == recipe.permitted_use)
    used = {name for f in allowed for node in expressions[f.column] if node is not None for name in columns_used(node)}
    features = [
        Feature(name=c.name, reason=c.reason, sign=c.sign, assumed=c.assumed, pii=c.pii) for c in known.values()
    ]
    for feature in allowed:
        assumed = any(
            known[name].assumed
            for node in expressions[feature.column]
            if node
            for name in columns_used(node)
            if name in known
        )
        features.append(
            Feature(name=feature.column, reason=feature.reason, sign=feature.sign, assumed=assumed, pii=feature.pii)
        )
    return VectorPlan(
        features=tuple(features),
        columns={name: tuple(column.name for column in columns) for name, columns in permitted.items()},
        request=allowed,
        expressions={feature.column: expressions[feature.column] for feature in allowed},
        application_columns=tuple(name for name in REQUEST_COLUMNS if name in used),
    )


def assemble_vectors(plan: VectorPlan, applications: pa.Table, features: Mapping[str, pa.Table]) -> pa.Table:
    """One row per application: KEYS, then ``plan.features`` as doubles, sorted by (source, application_id).

    ``applications`` are the rows of clean.applications, all versions; the last known version of each counts.
    ``features`` holds each group's rows by name. ModelError when a group has no row for an application: its features
    are to be computed first, a vector is never filled up with nulls.
    """
    latest = latest_versions(applications, "application_id").rename_columns(
        ["as_of" if name == "event_at" else name for name in applications.column_names]
    )
    joined = latest.select([*KEYS, *plan.application_columns])
    for group, names in plan.columns.items():
        joined = _join(joined, features[group].select([*_JOIN, *names]), group)
    ordered = joined.sort_by([("source", "ascending"), ("application_id", "ascending")])
    made = {feature.column: _evaluate(ordered, *plan.expressions[feature.column]) for feature in plan.request}
    arrays = [ordered[name] for name in KEYS]
    for feature in plan.features:
        arrays.append(made[feature.name] if feature.name in made else ordered[feature.name].cast(pa.float64()))
    return pa.table(dict(zip([*KEYS, *(f.name for f in plan.features)], arrays, strict=True)))


def match_features(features: Iterable[Feature], patterns: Sequence[str]) -> tuple[Feature, ...]:
    """The features whose names match any of the ``patterns``, in their own order.

    DeclarationError for a pattern that matches nothing: a shortlist with a mistyped name is no shortlist.
    """
    from fnmatch import fnmatchcase

    listed = list(features)
    for pattern in patterns:
        if not any(fnmatchcase(feature.name, pattern) for feature in listed):
            raise DeclarationError(f"no feature is called {pattern}", where="features of an algorithm or ablation")
    return tuple(f for f in listed if any(fnmatchcase(f.name, pattern) for pattern in patterns))


def _parse(feature: RequestFeature, types: Mapping[str, str]) -> tuple[Node, Node | None]:
    where = f"request feature {feature.name}"
    node = parse_expression(feature.expression, types, where=where)
    per = parse_expression(feature.per, types, where=where) if feature.per else None
    for part in (node, per):
        if part is not None and part.type not in NUMERIC:
            raise DeclarationError(f"a request feature is a number, not {part.type}", where=where)
    return node, per


def _join(left: pa.Table, right: pa.Table, group: str) -> pa.Table:
    counted = right.append_column("_found", pa.array(np.ones(right.num_rows, dtype=np.int8)))
    joined = left.join(counted, keys=list(_JOIN), join_type="left outer")
    lacking = joined["_found"].null_count
    if lacking:
        what = f"{lacking} of {left.num_rows} applications have no row in feature.{group}"
        raise ModelError(what, fix="run compute_features for their dates first")
    if joined.num_rows != left.num_rows:
        raise ModelError(f"feature.{group} has several rows for one customer and as_of", fix="read one observation set")
    return joined.drop_columns(["_found"])


def _evaluate(rows: pa.Table, node: Node, per: Node | None) -> pa.Array:
    """``node / per`` in every row as doubles; null where a side is null or ``per`` is 0."""
    nodes = [part for part in (node, per) if part is not None]
    columns = {name: vector_of(rows[name], name) for part in nodes for name in columns_used(part)}
    # Expressions over numbers and texts have no local time in them; the zone only matters to parts of dates.
    frame = Frame(columns, rows.num_rows, zone_offsets("UTC"))
    values = np.ones(rows.num_rows)
    valid = np.ones(rows.num_rows, dtype=bool)
    for position, part in enumerate(nodes):
        vector = frame.evaluate(part).spread(rows.num_rows)
        if vector.valid is not None:
            valid &= vector.valid
        if position == 0:
            values = vector.values.astype(np.float64)
        else:
            valid &= vector.values != 0
            values = values / np.where(vector.values != 0, vector.values, 1)
    return pc.if_else(pa.array(valid), pa.array(values, pa.float64()), pa.scalar(None, pa.float64()))
