"""The leakage audit: does anything in the training set know more than its date allows?

The list of checks, and those that look at time. Each other kind has a file of its own (``audit_*``):

    truncation         features recomputed after physically removing every row not visible at as_of must be identical;
                       the removal shares no code with the kernel that it checks
    window_overlap     the label's window must not begin before as_of
    label_known_early  a label known on or before the day of as_of describes the past, not the future

The checks can only accuse: passing them does not prove that there is no leak.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.features.compute import GroupWork, compute_from
from tallystick.how_far import HowFar, parts_of, untold
from tallystick.observations import OBSERVATION_SCHEMA
from tallystick.spec.recipes import Recipe
from tallystick.training.audit_alone import check_missing, check_separation
from tallystick.training.audit_findings import AuditFinding
from tallystick.training.audit_joint import check_joint, name_siblings
from tallystick.training.audit_split import check_split
from tallystick.training.data import TrainingSet
from tallystick.training.split import find_test_start, split_rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Recomputed:
    """One feature table and how to compute it again.

    ``stored`` has the columns of an observation and the features. ``rows`` are the clean tables it is made of, by name,
    all versions, each with event_at and known_on; ``event_ids`` names the column that tells their events apart, where
    events have versions. ``compute`` takes the tables with the invisible rows removed and observations of different
    customers, and gives their features, one row each in that order, with columns named as stored. ``review_days`` are
    those of the set: rows known so many days after the date of as_of are visible.
    """

    name: str
    stored: pa.Table
    rows: Mapping[str, pa.Table]
    compute: Callable[[Mapping[str, pa.Table], pa.Table], pa.Table]
    event_ids: Mapping[str, str] = field(default_factory=dict)
    review_days: int = 0


def sample_observations(recipe: Recipe, data: TrainingSet) -> pa.Table:
    """The observations whose features are recomputed: drawn by the recipe's seed."""
    keys = pa.Table.from_pandas(data.keys[OBSERVATION_SCHEMA.names], preserve_index=False).cast(OBSERVATION_SCHEMA)
    return choose_sample(keys.group_by(keys.column_names).aggregate([]), recipe.audit.sample, seed=recipe.seed)


def recomputed_group(work: GroupWork, stored: pa.Table, *, rows: Mapping[str, pa.Table], zone: str) -> Recomputed:
    """A stored feature group and how the kernel computes it again from the given rows of its tables."""

    def compute(visible: Mapping[str, pa.Table], one: pa.Table) -> pa.Table:
        return compute_from(work, visible, one, zone=zone)

    # Of the stored columns those in force: a retired one is null or not, as it was at its time, and no model gets it.
    names = [*OBSERVATION_SCHEMA.names, *(name for name in work.names if name in stored.column_names)]
    ids = {other.table: other.event_id for part in work.parts for other in part.others}
    ids |= {part.plan.table: part.plan.event_id for part in work.parts}
    return Recomputed(
        name=work.plan.group, stored=stored.select(names), rows=rows, compute=compute, event_ids=ids,
        review_days=work.review_days,
    )  # fmt: skip


def audit_training_set(
    recipe: Recipe,
    data: TrainingSet,
    labels: pa.Table,
    groups: Sequence[Recomputed],
    *,
    zone: str,
    how_far: HowFar = untold,
) -> list[AuditFinding]:
    """Every check, by the recipe's thresholds; ``labels`` are the rows of its label table."""
    labelled = data.label.notna()
    features, label, limits = data.vectors[labelled], data.label[labelled], recipe.audit
    part = split_rows(data.keys, recipe, start=find_test_start(data.keys, recipe.split))
    joint, truncation = parts_of(how_far, [1, 1])
    told = check_joint(data, limit=limits.max_joint_auc, seed=recipe.seed, how_far=joint)
    told += check_separation(features, label, max_auc=limits.max_auc)
    told += check_missing(features, label, max_auc=limits.max_missing_auc)
    return [
        *check_truncation(groups, sample_observations(recipe, data), zone=zone, how_far=truncation),
        *check_windows(
            labels.select(["as_of", "window_from", "known_on", "label"]).to_pandas(),
            zone=zone,
            review_days=max((group.review_days for group in groups), default=0),
        ),
        *check_split(data.keys, part, labels, recipe=recipe, zone=zone),
        *told,
        *name_siblings(data, told),
    ]


def check_truncation(
    groups: Sequence[Recomputed], sample: pa.Table, *, zone: str, how_far: HowFar = untold
) -> list[AuditFinding]:
    """Recompute the sampled observations from nothing but what was visible, and name each feature that changes.

    ``sample`` has observation_id, customer_id and as_of. Values are compared exactly, null with null. The removal here
    is a plain filter of its own: it shares no code with the kernel whose work it checks.
    """
    changed: dict[str, int] = {}
    compared = 0
    for group, of_group in zip(
        groups, parts_of(how_far, [len(one.stored.column_names) for one in groups]), strict=True
    ):
        features = [name for name in group.stored.column_names if name not in OBSERVATION_SCHEMA.names]
        stored, done = _rows_of(group.stored, sample), 0
        for together in _together(sample.select(OBSERVATION_SCHEMA.names), group.rows):
            found = group.compute(_visible_to_each(group, together, zone=zone), together)
            for index in range(together.num_rows):
                expected = _stored_row(stored, together.slice(index, 1))
                for name in features:
                    if expected is None or expected[name].to_pylist() != found[name].slice(index, 1).to_pylist():
                        changed[name] = changed.get(name, 0) + 1
            compared += len(features) * together.num_rows
            done += together.num_rows
            of_group(done / sample.num_rows)
    detail = f"{sample.num_rows} observations, {len(groups)} feature tables, {compared} values recomputed"
    if not changed:
        return [AuditFinding(check="truncation", value=0.0, threshold=0.0, is_passed=True, detail=detail)]
    return [
        AuditFinding(check="truncation", feature=name, value=float(count), threshold=0.0, is_passed=False,
                detail=f"{count} of {sample.num_rows} observations change when later rows are removed")
        for name, count in sorted(changed.items())
    ]  # fmt: skip


def check_windows(labels: pd.DataFrame, *, zone: str, review_days: int = 0) -> list[AuditFinding]:
    """The labels' windows against the features', which end at as_of.

    ``labels`` has as_of (UTC), window_from and known_on; rows without a label are left out. Both checks count rows. A
    label of an observation that is decided on ``review_days`` later was known early if it was known by then.
    """
    used = labels[labels["label"].notna()]
    local = pd.to_datetime(used["as_of"], utc=True).dt.tz_convert(zone)
    days = local.dt.tz_localize(None).dt.normalize()
    overlapping = int((pd.to_datetime(used["window_from"]) < days).sum())
    early = int((pd.to_datetime(used["known_on"]) <= days + pd.Timedelta(days=review_days)).sum())
    return [
        _counted("window_overlap", overlapping, len(used), "label windows begin before the day of as_of"),
        _counted("label_known_early", early, len(used), "labels were known by the day of as_of"),
    ]


def choose_sample(observations: pa.Table, size: int, *, seed: int = 0) -> pa.Table:
    """``size`` observations (all, if there are fewer), drawn without regard to their order: same set, same sample."""
    ordered = observations.sort_by([(name, "ascending") for name in ("customer_id", "as_of", "observation_id")])
    if ordered.num_rows <= size:
        return ordered
    chosen = np.random.default_rng(seed).choice(ordered.num_rows, size=size, replace=False)
    return ordered.take(pa.array(np.sort(chosen)))


def _rows_of(table: pa.Table, sample: pa.Table) -> pa.Table:
    # Looked-up tables have no customer; they stay whole.
    if "customer_id" not in table.column_names:
        return table
    return table.filter(pc.is_in(table["customer_id"], value_set=pc.unique(sample["customer_id"])))


def _together(sample: pa.Table, rows: Mapping[str, pa.Table]) -> list[pa.Table]:
    """The observations in parts that can be computed at once: each customer's rows are cut off at one instant.

    One by one where a table belongs to nobody: its rows cannot be cut off for one customer and stay for another.
    """
    if any("customer_id" not in table.column_names for table in rows.values()):
        return [sample.slice(index, 1) for index in range(sample.num_rows)]
    rounds: list[list[int]] = []
    met: dict[str, int] = {}
    for index, customer in enumerate(sample["customer_id"].to_pylist()):
        met[customer] = met.get(customer, 0) + 1
        if met[customer] > len(rounds):
            rounds.append([])
        rounds[met[customer] - 1].append(index)
    return [sample.take(pa.array(chosen)) for chosen in rounds]


def _visible_to_each(group: Recomputed, observations: pa.Table, *, zone: str) -> dict[str, pa.Table]:
    """For each observation the rows of its own customer that it may see; all rows of tables that belong to nobody."""
    pieces: dict[str, list[pa.Table]] = {name: [] for name in group.rows}
    for index in range(observations.num_rows):
        one = observations.slice(index, 1)
        own = {name: _rows_of(table, one) for name, table in group.rows.items()}
        as_of: datetime = one["as_of"][0].as_py()
        decided = as_of.astimezone(ZoneInfo(zone)).date() + timedelta(days=group.review_days)
        for name, rows in _visible(own, one, group.event_ids, decided=decided).items():
            pieces[name].append(rows)
    return {name: pa.concat_tables(found) for name, found in pieces.items()}


def _visible(
    tables: Mapping[str, pa.Table], one: pa.Table, event_ids: Mapping[str, str], *, decided: date
) -> dict[str, pa.Table]:
    kept = {}
    for name, table in tables.items():
        # The version first, then its time: otherwise a version that was moved behind as_of would bring back the one
        # that it replaced.
        known = table.filter(pc.less_equal(table["known_on"], pa.scalar(decided)))
        if name in event_ids:
            known = _last_delivered(known, event_ids[name])
        if "event_at" in known.column_names:
            known = known.filter(pc.less(known["event_at"], one["as_of"][0]))
        kept[name] = known
    return kept


def _last_delivered(rows: pa.Table, event_id: str) -> pa.Table:
    """Of each event's versions the one delivered last, unless it takes the event back. Written here on purpose, and not
    taken from ``tallystick.visibility``: the check shares no code with what it checks.
    """
    ordered = rows.sort_by([("loaded_on", "ascending"), ("known_on", "ascending")])
    numbered = ordered.append_column("_place", pa.array(range(ordered.num_rows), pa.int64()))
    event = [name for name in ("source", "customer_id") if name in rows.column_names]
    last = ordered.take(numbered.group_by([*event, event_id]).aggregate([("_place", "max")])["_place_max"])
    if "is_retracted" in last.column_names:
        last = last.filter(pc.invert(last["is_retracted"]))
    return last


def _stored_row(stored: pa.Table, one: pa.Table) -> pa.Table | None:
    is_own = pc.equal(stored["observation_id"], one["observation_id"][0])
    found = stored.filter(pc.and_(is_own, pc.equal(stored["as_of"], one["as_of"][0])))
    return found if found.num_rows == 1 else None


def _counted(check: str, count: int, rows: int, what: str) -> AuditFinding:
    detail = f"{count} of {rows} {what}"
    return AuditFinding(check=check, value=float(count), threshold=0.0, is_passed=count == 0, detail=detail)
