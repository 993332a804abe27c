"""The vector of an application: its features as stored, joined, and what is computed from the request itself.

The one way from feature tables to a model's input, for training and scoring alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase

import numpy as np
import pyarrow as pa

from tallystick.errors import DeclarationError, ModelError
from tallystick.features.request import add_request_features
from tallystick.kernel.zones import zone_offsets
from tallystick.model.inputs import Feature
from tallystick.spec.bases import FeatureColumn
from tallystick.spec.columns import group_columns, group_retirements, retired_columns
from tallystick.spec.expressions import columns_used, parse_number
from tallystick.spec.features import FeatureGroup
from tallystick.spec.names import nearest_name
from tallystick.spec.observations import ObservationSet
from tallystick.spec.permissions import is_left_out, permission_faults
from tallystick.spec.recipes import Recipe, RequestFeature
from tallystick.spec.retirements import find_retirement, gone_text, tell_gone
from tallystick.spec.tables import Retirement, TableContract

# What a vector is keyed and placed by; every other column is a feature, a double.
KEYS = ("observation_id", "customer_id", "as_of", "source", "bucket", "period")

_JOIN = ("observation_id", "as_of")
_TRAIN_AGAIN = "train a model without them, or declare them as before until there is one"
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, kw_only=True, slots=True)
class VectorPlan:
    """Which columns a recipe's vectors have: those of its groups, then its request features.

    ``columns`` are the feature columns of each group, ``own_columns`` what request features read of the observation's
    own row, in the table of the ``observed`` set. What the recipe leaves out is in neither, so no request feature can
    read it. ``gone`` tells of features that were retired or renamed. Of those only ``retiring``,
    with the date from which they have no value, are in vectors of a model that needs them. ``left_out`` names what the
    recipe leaves out.
    """

    features: tuple[Feature, ...]
    columns: Mapping[str, tuple[str, ...]]
    request: tuple[RequestFeature, ...]
    own_columns: tuple[str, ...]
    observed: ObservationSet
    gone: tuple[Retirement, ...] = ()
    retiring: Mapping[str, date] = field(default_factory=dict)
    left_out: frozenset[str] = frozenset()


def plan_vectors(
    recipe: Recipe,
    groups: Mapping[str, FeatureGroup],
    contracts: Mapping[str, TableContract],
    *,
    observed: ObservationSet,
    assumed: Collection[str] = (),
    needed: Collection[str] = (),
) -> VectorPlan:
    """Check the recipe against its groups; DeclarationError for an unknown group, column or a wrong expression.

    Also where the recipe uses a feature that is not permitted for its use, or a protected one without a reason: no
    vector is made, for training or scoring, that a decision may not rest on.

    ``observed`` is the set that the recipe names; request features read the columns of its own table.

    A feature that was retired or renamed is reported as such where the recipe names it.

    ``assumed`` names the clean tables whose rows have no dates of their own at the source that is worked for.
    ``needed`` names what a model reads that was trained before: of retired features, those that still have values for
    dates before their retirement are in its vectors (``check_model_dates``), and in no others.
    """
    found: dict[str, list[FeatureColumn]] = {}
    for name in recipe.groups:
        if name not in groups:
            fix = nearest_name(name, groups)
            raise DeclarationError(f"unknown feature group {name}", where=f"recipe {recipe.name}", fix=fix)
        retiring = [column for column in retired_columns(groups[name], contracts) if column.name in needed]
        found[name] = [*group_columns(groups[name], contracts), *retiring]
    for fault in permission_faults(recipe, found, groups=groups, contracts=contracts, observed=observed):
        raise fault
    used = {name: [c for c in columns if not is_left_out(recipe, c.name)] for name, columns in found.items()}
    known = {column.name: column for columns in used.values() for column in columns}
    own = observed.own_columns(contracts)
    types = {**own, **{name: column.type for name, column in known.items()}}
    gone = tuple(one for name in recipe.groups for one in group_retirements(groups[name]))
    _check_named(recipe, [*known, *(feature.column for feature in recipe.request)], gone)
    reads = {feature.column: _columns_read(feature, types) for feature in recipe.request}
    undated = {name for name in used if groups[name].reads.intersection(assumed)}
    asked_for = {name for names in reads.values() for name in names}
    return VectorPlan(
        features=(
            *(_feature(c, groups[c.group].table, undated) for c in known.values()),
            *(_asked(feature, reads[feature.column], known, undated) for feature in recipe.request),
        ),
        columns={name: tuple(column.name for column in columns) for name, columns in used.items()},
        request=recipe.request,
        own_columns=tuple(name for name in own if name in asked_for),
        observed=observed,
        gone=gone,
        retiring={c.name: c.retired_on for c in known.values() if c.retired_on is not None},
        left_out=frozenset(c.name for columns in found.values() for c in columns if c.name not in known),
    )


def _feature(column: FeatureColumn, table: str, undated: Collection[str]) -> Feature:
    return Feature(
        name=column.name, reason=column.reason, sign=column.sign, assumed=column.group in undated, table=table,
        group=column.group, measure=column.measure,
    )  # fmt: skip


def _asked(
    feature: RequestFeature, reads: Iterable[str], known: Mapping[str, FeatureColumn], undated: Collection[str]
) -> Feature:
    is_undated = any(known[name].group in undated for name in reads if name in known)
    return Feature(
        name=feature.column, reason=feature.reason, sign=feature.sign, assumed=is_undated, group="request"
    )  # fmt: skip


def check_model_inputs(plan: VectorPlan, inputs: Iterable[str], *, model: str) -> None:
    """ModelError when the vectors lack what ``model`` reads: it names the model, and what happened to each feature."""
    made = {feature.name for feature in plan.features}
    lacking = [name for name in inputs if name not in made]
    if lacking:
        told = [
            f"{name} is left out by the recipe"
            if name in plan.left_out
            else tell_gone(name, plan.gone) or f"{name} is no feature of the recipe any more"
            for name in lacking
        ]
        raise ModelError(
            f"{model} reads features that are gone: {'; '.join(told)}",
            where="scoring",
            fix=_TRAIN_AGAIN,
        )


def check_model_dates(plan: VectorPlan, as_of: pa.ChunkedArray, *, zone: str, model: str) -> None:
    """ModelError when ``model`` reads a feature that was retired by the local date of any of these instants."""
    if not plan.retiring or not len(as_of):
        return
    newest = int(zone_offsets(zone).dates(as_of.cast(pa.int64()).to_numpy()).max())
    late = {name: day for name, day in plan.retiring.items() if (day - date(1970, 1, 1)).days <= newest}
    if late:
        told = "; ".join(gone_text(name, retired_on=day, replaced_by="") for name, day in late.items())
        raise ModelError(f"{model} reads features that are gone: {told}", where="scoring", fix=_TRAIN_AGAIN)


def assemble_vectors(plan: VectorPlan, observations: pa.Table, features: Mapping[str, pa.Table]) -> pa.Table:
    """One row per observation: KEYS, then ``plan.features`` as doubles, sorted by (source, observation_id, as_of).

    ``observations`` has KEYS and ``plan.own_columns`` (``training.observed``), ``features`` each group's rows by name.
    ModelError when a group has no row for an observation: its features are to be computed first, a vector is
    never filled up with nulls.
    """
    joined = observations.select([*KEYS, *plan.own_columns])
    for group, names in plan.columns.items():
        joined = _join(joined, features[group].select([*_JOIN, *names]), group)
    ordered = joined.sort_by([(name, "ascending") for name in ("source", "observation_id", "as_of")])
    complete = add_request_features(ordered, plan.request)
    columns = {name: complete[name] for name in KEYS}
    return pa.table(columns | {f.name: complete[f.name].cast(pa.float64()) for f in plan.features})


def _check_named(recipe: Recipe, known: Sequence[str], gone: Sequence[Retirement]) -> None:
    """DeclarationError where the recipe names features of which nothing is left but a retirement."""
    patterns = [(f"ablation {ablation.name}", pattern) for ablation in recipe.ablations for pattern in ablation.drop]
    for algorithm in recipe.algorithms:
        # A blend has no features of its own.
        patterns += [(f"algorithm {algorithm.name}", pattern) for pattern in getattr(algorithm, "features", ())]
    for feature in recipe.request:
        words = _WORD.findall(f"{feature.expression} {feature.per}")
        patterns += [(f"request feature {feature.name}", word) for word in words if find_retirement(word, gone)]
    for who, pattern in patterns:
        told = "" if any(fnmatchcase(name, pattern) for name in known) else tell_gone(pattern, gone)
        if told:
            raise DeclarationError(told, where=f"recipe {recipe.name}, {who}", fix="name other features")


def _columns_read(feature: RequestFeature, types: Mapping[str, str]) -> tuple[str, ...]:
    where = f"request feature {feature.name}"
    names: list[str] = []
    for text in (feature.expression, feature.per):
        if text:
            names.extend(columns_used(parse_number(text, types, where=where)))
    return tuple(dict.fromkeys(names))


def _join(left: pa.Table, right: pa.Table, group: str) -> pa.Table:
    # The keys alone are joined: with hundreds of columns beside them, a thousand rows would take a tenth of a second.
    asked, stored = _numbered(left, "_asked"), _numbered(right, "_stored")
    places = asked.join(stored, keys=list(_JOIN), join_type="left outer").sort_by("_asked")["_stored"]
    if places.null_count:
        what = f"{places.null_count} of {left.num_rows} observations have no row in feature.{group}"
        raise ModelError(what, fix="run compute_features for their dates first")
    if len(places) != left.num_rows:
        raise ModelError(f"feature.{group} has several rows for one observation", fix="read one observation set")
    found = right.drop_columns(list(_JOIN)).take(places)
    return pa.table([*left.columns, *found.columns], names=[*left.column_names, *found.column_names])


def _numbered(rows: pa.Table, name: str) -> pa.Table:
    return rows.select(list(_JOIN)).append_column(name, pa.array(np.arange(rows.num_rows)))
