"""One customer's features at one instant, in plain Python: the same numbers as in the training set and the snapshot.

For people, who name a group and have rows. The kernel computes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import ContractError, InputError
from tallystick.features.compute import GroupWork, attach_lookups
from tallystick.kernel import GroupPlan
from tallystick.kernel import compute_vector as compute_by_plan
from tallystick.project import Project, find_project, load_project
from tallystick.spec.calendar import business_instant
from tallystick.spec.features import FeatureGroup
from tallystick.spec.tables import TableContract

_ARROW = {
    "string": pa.string(), "int32": pa.int32(), "int64": pa.int64(), "double": pa.float64(), "boolean": pa.bool_(),
    "date": pa.date32(), "timestamp": pa.timestamp("us", "UTC"),
}  # fmt: skip

Rows: TypeAlias = pa.Table | Sequence[Mapping[str, Any]]


def compute_vector(
    events: Rows,
    as_of: dt.datetime | dt.date,
    features: str | FeatureGroup | GroupPlan,
    *,
    zone: str = "",
    customer_id: str | None = None,
    lookups: Mapping[str, Rows] | None = None,
) -> dict[str, int | float | None]:
    """The features of one customer at ``as_of``, by name, equal to what the feature job stores for the same rows.

    ``events`` are the customer's rows of the group's table, all versions of them: an Arrow table or dictionaries, in
    any order; no rows give 0 from counts and sums and null from the rest. A column of another type than the contract's
    is cast where no value changes by it, else refused. ``features`` is a group's name in the project found upwards from
    the working directory (read once a process), a declared group, or a plan of ``prepare_group``, which is fastest for
    many calls and takes columns as they are. ``as_of`` is an instant with its offset, or a date, which means its local
    midnight. ``zone`` is the business zone; without it that of the source before the colon in the customer's id.
    ``customer_id`` is needed only where there are rows of others, or none. A group with ``per`` takes the rows of one
    observation, such as one loan. ``lookups`` holds the rows of each table
    that the group looks columns up in, by its name.
    """
    if isinstance(features, GroupPlan):
        if not isinstance(events, pa.Table):
            raise ContractError("a plan takes an Arrow table", fix="pa.Table, or name the group instead")
        return compute_by_plan(events, _instant(as_of, zone), features, zone=_named(zone), customer_id=customer_id)
    project = _project(find_project())
    work, contract = _work(project, features)
    rows = _table(events, contract)
    given = lookups or {}
    lacking = [lookup.table for lookup in work.lookups if lookup.table not in given]
    if lacking:
        raise ContractError(f"the group looks columns up in {', '.join(lacking)}", fix="lookups={'layer.table': rows}")
    dimensions = {name: _table(found, project.contracts[name]) for name, found in given.items()}
    _check_one_owner(rows, work)
    joined = attach_lookups(rows, work.lookups, dimensions, event_id=work.plan.event_id)
    zone = zone or _zone_of(project, customer_id or _first(rows, work.plan.entity))
    return compute_by_plan(joined, _instant(as_of, zone), work.plan, zone=zone, customer_id=customer_id)


@lru_cache(maxsize=4)
def _project(root: Path) -> Project:
    return load_project(root)


@lru_cache(maxsize=64)
def _work(project: Project, features: str | FeatureGroup) -> tuple[GroupWork, TableContract]:
    from tallystick.features.planning import find_declared

    group = find_declared("feature group", features, project.feature_groups) if isinstance(features, str) else features
    return GroupWork.of(group, project.contracts), project.contracts[group.table]


def _table(rows: Rows, contract: TableContract) -> pa.Table:
    schema = pa.schema([(column.name, _ARROW[column.type]) for column in contract.columns])
    where = f"rows of {contract.name}"
    if isinstance(rows, pa.Table):
        return _typed(rows, schema, where)
    try:
        return pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        # Arrow's message may quote a value.
        what = "a value has not the type that the contract says"
        raise ContractError(what, where=where, fix="see docs/data-model.md") from None


def _typed(rows: pa.Table, schema: pa.Schema, where: str) -> pa.Table:
    """Columns of the contract's types where not one value changes by it: pandas keeps whole numbers with nulls as
    floats. Texts stay in whatever form they come, codes among them.
    """
    for place, field in enumerate(rows.schema):
        number = schema.get_field_index(field.name)
        wanted = field.type if number < 0 else schema.field(number).type
        if wanted in (field.type, pa.string()):
            continue
        try:
            rows = rows.set_column(place, field.name, _cast(rows.column(place), wanted))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            what = f"column {field.name} is {field.type}, the contract says {wanted}, and not every value fits"
            raise ContractError(what, where=where, fix="see docs/data-model.md") from None
    return rows


def _cast(given: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray:
    """The values as that type; ArrowInvalid where one would be another. Codes are read as what they stand for."""
    if pa.types.is_dictionary(given.type):
        given = given.cast(given.type.value_type)
    typed = given.cast(wanted)
    # Arrow itself refuses a number or text that does not fit. But it takes 2.5 for true and a number for an instant,
    # and cuts the time of day off an instant.
    if pa.types.is_null(given.type) or pa.types.is_string(given.type) or pa.types.is_large_string(given.type):
        return typed
    is_cut = pa.types.is_date(wanted) and pa.types.is_timestamp(given.type) and typed.cast(given.type) != given
    if is_cut or _kind(given.type) != _kind(wanted):
        raise pa.ArrowInvalid("another value than was given")
    return typed


def _kind(of: pa.DataType) -> str:
    """What a value of the type stands for: a number, a point in time, or what the type says."""
    if pa.types.is_integer(of) or pa.types.is_floating(of) or pa.types.is_decimal(of):
        return "number"
    return "time" if pa.types.is_timestamp(of) or pa.types.is_date(of) else str(of)


def _check_one_owner(rows: pa.Table, work: GroupWork) -> None:
    """A group that counts rows per loan gets those of one loan; the caller knows which one is meant."""
    if work.per and len(pc.unique(rows.column(work.per))) > 1:
        what = f"the group counts rows per {work.per}, and these are of several"
        raise ContractError(what, where=f"rows of {work.plan.table}", fix=f"give the rows of one {work.per}")


def _first(rows: pa.Table, entity: str) -> str:
    return str(rows.column(entity)[0].as_py()) if rows.num_rows else ""


def _zone_of(project: Project, customer_id: str) -> str:
    source = customer_id.partition(":")[0]
    return project.sources[source].zone if source in project.sources else _named("")


def _named(zone: str) -> str:
    if not zone:
        raise InputError("the business zone is not known", fix="zone='Asia/Shanghai', or customer_id='<source>:...'")
    return zone


def _instant(as_of: dt.datetime | dt.date, zone: str) -> dt.datetime:
    if not isinstance(as_of, dt.datetime):
        return business_instant(dt.datetime.combine(as_of, dt.time()), _named(zone))
    if as_of.tzinfo is None:
        raise InputError("as_of has no offset", fix="a datetime with tzinfo, or a date for its local midnight")
    return as_of
