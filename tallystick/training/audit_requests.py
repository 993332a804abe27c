"""The leakage audit of requests: does what was asked for depend on anything that came after the decision?

The removal here is a plain filter of its own: it shares no code with the choice of versions (``observations``) that it
checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.spec.tables import TableContract
from tallystick.training.audit_findings import AuditFinding
from tallystick.training.data import TrainingSet
from tallystick.training.observed import attach_own_columns, draw_observations
from tallystick.training.vectors import KEYS, VectorPlan, assemble_vectors


def check_requests(
    data: TrainingSet, plan: VectorPlan, tables: Mapping[str, pa.Table],
    *, contracts: Mapping[str, TableContract], sample: pa.Table, zone: str,
) -> list[AuditFinding]:  # fmt: skip
    """Recompute the sampled rows' request features after removing every version that the decision cannot have seen.

    ``tables`` holds the set's own table, all versions, and ``feature.<group>``; ``sample`` observation_id and as_of. Of
    each object the versions with ``known_on`` after the date of the decision are removed, the local date of as_of
    or the review after it. Of an event the first one
    stays and the first that names this as_of: without them there would be nothing to observe. Values are compared
    exactly, null with null. Nothing is checked where the recipe has no request features.
    """
    names = [feature.column for feature in plan.request]
    if not names:
        return []
    plan = _narrow(plan)
    wanted = data.keys.merge(sample.select(["observation_id", "as_of"]).to_pandas(), on=["observation_id", "as_of"])
    changed = dict.fromkeys(names, 0)
    own = _own_rows(plan, tables, wanted)
    keyed = data.keys[["observation_id", "as_of"]].join(data.vectors[names]).set_index(["observation_id", "as_of"])
    stored = keyed.to_dict("index")
    for row in wanted.itertuples():
        found = _recompute(plan, own, contracts, row, zone=zone)
        for name in names:
            before, again = stored[row.observation_id, row.as_of][name], found.get(name, "gone")
            if not (before == again or (pd.isna(before) and pd.isna(again))):
                changed[name] += 1
    detail = f"{len(wanted)} observations, {len(names)} request features recomputed"
    if not any(changed.values()):
        return [AuditFinding(check="request_truncation", value=0.0, threshold=0.0, is_passed=True, detail=detail)]
    return [
        AuditFinding(check="request_truncation", feature=name, value=float(count), threshold=0.0, is_passed=False,
                detail=f"{count} of {len(wanted)} observations change when later versions are removed")
        for name, count in sorted(changed.items()) if count
    ]  # fmt: skip


def _narrow(plan: VectorPlan) -> VectorPlan:
    """The plan of the request features alone.

    A recipe has hundreds of features and requests read a few of them: joining the others for every sampled row took a
    third of the audit's time. A column whose name stands anywhere in the SQL of a request is kept, so none is missed.
    """
    text = " ".join(f"{feature.expression} {feature.per}" for feature in plan.request)
    read = {group: tuple(name for name in names if name in text) for group, names in plan.columns.items()}
    made = {feature.column for feature in plan.request}
    return replace(
        plan,
        columns={group: names for group, names in read.items() if names},
        features=tuple(feature for feature in plan.features if feature.name in made),
    )


def _own_rows(plan: VectorPlan, tables: Mapping[str, pa.Table], wanted: pd.DataFrame) -> dict[str, pd.DataFrame]:
    customers = set(wanted["customer_id"])
    keyed = ("observation_id", "customer_id", "as_of")
    frames = {
        f"feature.{group}": tables[f"feature.{group}"].select([*keyed, *names]).to_pandas()
        for group, names in plan.columns.items()
    }
    if plan.own_columns:
        frames[plan.observed.table] = tables[plan.observed.table].to_pandas()
    return {name: frame[frame["customer_id"].isin(customers)] for name, frame in frames.items()}


def _recompute(
    plan: VectorPlan, own: Mapping[str, pd.DataFrame], contracts: Mapping[str, TableContract], row: Any, *, zone: str
) -> dict[str, float | None]:
    features = {}
    for group in plan.columns:
        stored = own[f"feature.{group}"]
        is_own = (stored["observation_id"] == row.observation_id) & (stored["as_of"] == row.as_of)
        features[group] = _table(stored[is_own])
    observation = pa.table({name: [getattr(row, name)] for name in KEYS})
    as_of = observation.column_names.index("as_of")
    observation = observation.set_column(as_of, "as_of", observation["as_of"].cast(pa.timestamp("us", tz="UTC")))
    if plan.own_columns:
        drawn = _draw_visible(plan, own[plan.observed.table], contracts, row, zone=zone)
        if not drawn.num_rows:
            return {}
        observation = attach_own_columns(observation, drawn, plan)
    return dict(assemble_vectors(plan, observation, features).to_pylist()[0])


def _draw_visible(
    plan: VectorPlan, versions: pd.DataFrame, contracts: Mapping[str, TableContract], row: Any, *, zone: str
) -> pa.Table:
    today: date = row.as_of.tz_convert(ZoneInfo(zone)).date()
    versions = versions[versions[plan.observed.key] == row.observation_id]
    is_kept = versions["known_on"] <= today + timedelta(days=plan.observed.review_days)
    if plan.observed.by_event:
        if plan.observed.at_midnight:
            says_so = versions["event_at"].dt.tz_convert(ZoneInfo(zone)).dt.date == today
        else:
            says_so = versions["event_at"] + pd.Timedelta(plan.observed.microseconds_after, "us") == row.as_of
        first, first_of_it = versions["known_on"].min(), versions.loc[says_so, "known_on"].min()
        is_kept |= (versions["known_on"] == first) | (says_so & (versions["known_on"] == first_of_it))
    drawn = draw_observations(plan, _table(pd.DataFrame(versions[is_kept])), contracts, zone=zone, last=today)
    return drawn.filter(pc.equal(drawn["as_of"], pa.scalar(row.as_of, drawn["as_of"].type)))


def _table(rows: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(rows, preserve_index=False)
