"""One customer's features at one instant, in plain Python: the same numbers as in the training set and the snapshot.

For people, who name a group and have rows. The kernel computes.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import ContractError, InputError
from tallystick.features.compute import GroupWork, compute_from, see_rows
from tallystick.features.typed_rows import Rows, typed_rows
from tallystick.kernel import GroupPlan
from tallystick.kernel import compute_vector as compute_by_plan
from tallystick.observations import OBSERVATION_SCHEMA
from tallystick.project import Project, find_project, load_project
from tallystick.spec.calendar import business_instant
from tallystick.spec.features import FeatureGroup
from tallystick.spec.tables import TableContract


def compute_vector(
    events: Rows,
    as_of: dt.datetime | dt.date,
    features: str | FeatureGroup | GroupWork | GroupPlan,
    *,
    zone: str = "",
    customer_id: str | None = None,
    lookups: Mapping[str, Rows] | None = None,
) -> dict[str, int | float | None]:
    """The features of one customer at ``as_of``, by name, equal to what the feature job stores for the same rows.

    ``events`` are the customer's rows of the group's table, all versions of them: an Arrow table or dictionaries, in
    any order; no rows give 0 from counts and sums and null from the rest. Both are held to the contract
    (``features.typed_rows``): a value that would become another, an unknown column and a row without id, customer,
    ``event_at`` or ``known_on`` are refused. ``features`` is a group's name in the project found upwards from
    the working directory (read once a process), a declared group, its work (``GroupWork.of``, with the ``review_days``
    of observations that are reviewed later), or a plan of ``prepare_group``, which is fastest for many calls and takes
    columns as they are. ``as_of`` is an instant with its offset, or a date, which means its local
    midnight. ``zone`` is the business zone; without it that of the source before the colon in the customer's id.
    ``customer_id`` is needed only where there are rows of others, or none. A group with ``per`` takes the rows of one
    observation, such as one loan. ``lookups`` holds the rows of each other table that the group reads, by its name:
    those it looks columns up in, those whose rows stand
    among its own, and those of the groups beside it.
    """
    if isinstance(features, GroupPlan):
        if not isinstance(events, pa.Table):
            raise ContractError("a plan takes an Arrow table", fix="pa.Table, or name the group instead")
        return compute_by_plan(events, _instant(as_of, zone), features, zone=_named(zone), customer_id=customer_id)
    project = _project(find_project())
    work = features if isinstance(features, GroupWork) else _work(project, features)
    contract = project.contracts[work.plan.table]
    given = {**(lookups or {}), contract.name: events}
    lacking = sorted(work.tables.difference(given))
    if lacking:
        raise ContractError(f"the group also reads {', '.join(lacking)}", fix="lookups={'layer.table': rows}")
    rows = _typed(work, given, project.contracts)
    _check_one_owner(rows[contract.name], work)
    customer = customer_id or _first(rows[contract.name], work.plan.entity)
    zone = zone or _zone_of(project, customer)
    if not work.combined:
        joined = see_rows(work, rows[contract.name], dimensions=rows, zone=zone)
        return compute_by_plan(joined, _instant(as_of, zone), work.plan, zone=zone, customer_id=customer_id)
    own_key = _first(rows[contract.name], work.per) if work.per else customer
    asked = pa.Table.from_pylist(
        [{"observation_id": own_key, "customer_id": customer, "as_of": _instant(as_of, zone)}], OBSERVATION_SCHEMA
    )
    made = compute_from(work, rows, asked, zone=zone)
    return {name: made[name][0].as_py() for name in work.names}


def _typed(work: GroupWork, given: Mapping[str, Rows], contracts: Mapping[str, TableContract]) -> dict[str, pa.Table]:
    """The given rows of every table that the group reads, each held to its contract."""
    filled = {other.table: other.dated_by for part in work.parts for other in part.others}
    for own in (contracts[part.plan.table] for part in work.parts):
        filled[own.name] = (own.entity, own.event_id, own.event_at, own.known_on)
    return {name: typed_rows(given[name], contracts[name], filled=times) for name, times in filled.items()}


@lru_cache(maxsize=4)
def _project(root: Path) -> Project:
    return load_project(root)


@lru_cache(maxsize=64)
def _work(project: Project, features: str | FeatureGroup) -> GroupWork:
    from tallystick.features.planning import find_declared

    group = find_declared("feature group", features, project.feature_groups) if isinstance(features, str) else features
    return GroupWork.of(group, project.contracts)


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
