"""The leakage audit: does anything in the training set know more than its date allows?

What lives here: the checks, as functions from frames to findings, in pandas and Arrow. What must not: Spark, storage,
the decision what a recipe tolerates.

    truncation         features recomputed after physically removing every row not visible at as_of must be identical;
                       the removal shares no code with the kernel that it checks
    window_overlap     the label's window must not begin before as_of
    label_known_early  a label known on or before the day of as_of describes the past, not the future
    separation         a feature that alone separates good from bad almost perfectly
    missing_pattern    a feature whose gaps, or whose most frequent value, track the label

The checks can only accuse: passing them does not prove that there is no leak.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import LeakageFound
from tallystick.features.compute import GroupWork, compute_local
from tallystick.model.evaluation import column_aucs
from tallystick.observations import OBSERVATION_SCHEMA
from tallystick.spec.recipes import Recipe
from tallystick.training.data import TrainingSet

# Below this many rows of either class, a perfect separation is no surprise and says nothing.
LEAST_PER_CLASS = 10

# A value must make up this share of the rows before its presence is looked at as a pattern of its own.
LEAST_MODE_SHARE = 0.05

# The strongest features are recorded even when they pass, so that a reader sees how near the threshold they are.
SHOWN_WHEN_PASSED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What one check says of one feature, or of the whole set when ``feature`` is empty."""

    check: str
    feature: str = ""
    value: float | None = None
    threshold: float | None = None
    is_passed: bool
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recomputed:
    """One feature table and how to compute it again.

    ``stored`` has the columns of an observation and the features. ``rows`` are the clean tables it is made of, by name,
    all versions, each with event_at and known_on. ``compute`` takes the tables with the invisible rows removed and one
    observation and gives that observation's features, with columns named as stored.
    """

    name: str
    stored: pa.Table
    rows: Mapping[str, pa.Table]
    compute: Callable[[Mapping[str, pa.Table], pa.Table], pa.Table]


def sample_observations(recipe: Recipe, data: TrainingSet) -> pa.Table:
    """The observations whose features are recomputed: drawn by the recipe's seed."""
    named = data.keys.rename(columns={"application_id": "observation_id"})[OBSERVATION_SCHEMA.names]
    keys = pa.Table.from_pandas(named, preserve_index=False).cast(OBSERVATION_SCHEMA)
    return choose_sample(keys.group_by(keys.column_names).aggregate([]), recipe.audit.sample, seed=recipe.seed)


def recomputed_group(
    work: GroupWork, stored: pa.Table, *, events: pa.Table, dimensions: Mapping[str, pa.Table], zone: str
) -> Recomputed:
    """A stored feature group and how the kernel computes it again from given rows."""

    def compute(rows: Mapping[str, pa.Table], one: pa.Table) -> pa.Table:
        looked_up = {name: rows[name] for name in dimensions}
        return compute_local(work, rows[work.plan.table], one, dimensions=looked_up, zone=zone)

    # Of the stored columns those in force: a retired one is null or not, as it was at its time, and no model gets it.
    names = [*OBSERVATION_SCHEMA.names, *(name for name in work.plan.names if name in stored.column_names)]
    rows = {**dimensions, work.plan.table: events}
    return Recomputed(name=work.plan.group, stored=stored.select(names), rows=rows, compute=compute)


def audit_training_set(
    recipe: Recipe, data: TrainingSet, labels: pa.Table, groups: Sequence[Recomputed], *, zone: str
) -> list[Finding]:
    """Every check, by the recipe's thresholds; ``labels`` are the rows of its label table."""
    labelled = data.label.notna()
    features, label = data.vectors[labelled], data.label[labelled]
    return [
        *check_truncation(groups, sample_observations(recipe, data), zone=zone),
        *check_windows(labels.select(["as_of", "window_from", "known_on", "label"]).to_pandas(), zone=zone),
        *check_separation(features, label, max_auc=recipe.audit.max_auc),
        *check_missing(features, label, max_auc=recipe.audit.max_missing_auc),
    ]


def check_truncation(groups: Sequence[Recomputed], sample: pa.Table, *, zone: str) -> list[Finding]:
    """Recompute the sampled observations from nothing but what was visible, and name each feature that changes.

    ``sample`` has observation_id, customer_id and as_of. Values are compared exactly, null with null. The removal here
    is a plain filter of its own: it shares no code with the kernel whose work it checks.
    """
    changed: dict[str, int] = {}
    compared = 0
    for group in groups:
        features = [name for name in group.stored.column_names if name not in OBSERVATION_SCHEMA.names]
        own = {name: _rows_of(table, sample) for name, table in group.rows.items()}
        stored = _rows_of(group.stored, sample)
        for index in range(sample.num_rows):
            one = sample.slice(index, 1).select(OBSERVATION_SCHEMA.names)
            expected = _stored_row(stored, one)
            found = group.compute(_visible(own, one, zone=zone), one)
            compared += len(features)
            for name in features:
                if expected is None or expected[name].to_pylist() != found[name].to_pylist():
                    changed[name] = changed.get(name, 0) + 1
    detail = f"{sample.num_rows} observations, {len(groups)} feature tables, {compared} values recomputed"
    if not changed:
        return [Finding(check="truncation", value=0.0, threshold=0.0, is_passed=True, detail=detail)]
    return [
        Finding(check="truncation", feature=name, value=float(count), threshold=0.0, is_passed=False,
                detail=f"{count} of {sample.num_rows} observations change when later rows are removed")
        for name, count in sorted(changed.items())
    ]  # fmt: skip


def check_windows(labels: pd.DataFrame, *, zone: str) -> list[Finding]:
    """The labels' windows against the features', which end at as_of.

    ``labels`` has as_of (UTC), window_from and known_on; rows without a label are left out. Both checks count rows.
    """
    used = labels[labels["label"].notna()]
    local = pd.to_datetime(used["as_of"], utc=True).dt.tz_convert(zone)
    days = local.dt.tz_localize(None).dt.normalize()
    overlapping = int((pd.to_datetime(used["window_from"]) < days).sum())
    early = int((pd.to_datetime(used["known_on"]) <= days).sum())
    return [
        _counted("window_overlap", overlapping, len(used), "label windows begin before the day of as_of"),
        _counted("label_known_early", early, len(used), "labels were known by the day of as_of"),
    ]


def check_separation(features: pd.DataFrame, label: pd.Series, *, max_auc: float) -> list[Finding]:
    """Name the features whose AUC alone, in either direction, is above ``max_auc``; nulls are left out."""
    enough = _of_both_classes(label, features.notna().to_numpy())
    areas = _oriented(column_aucs(label.to_numpy(dtype=float), features.to_numpy(dtype=float)))
    values = _told(features, areas, enough)
    return _judged("separation", values, max_auc, "AUC of this feature alone, rows without a value left out")


def check_missing(features: pd.DataFrame, label: pd.Series, *, max_auc: float) -> list[Finding]:
    """Name the features where being null, or being the most frequent value, separates the classes above ``max_auc``."""
    bad, is_null = label.to_numpy(dtype=float), features.isna()
    areas = _oriented(column_aucs(bad, is_null.to_numpy(dtype=float)))
    is_mode = np.column_stack([_most_frequent(features[name]) for name in features])
    areas = np.fmax(areas, _oriented(column_aucs(bad, is_mode.astype(float))))
    enough = _of_both_classes(label, np.ones(features.shape, dtype=bool))
    values = _told(features, areas, enough)
    return _judged("missing_pattern", values, max_auc, "AUC of being null, or of being the most frequent value")


def check_audited(
    findings: Sequence[Mapping[str, object]], audited: Mapping[str, int], inputs: Mapping[str, int], *, recipe: str
) -> None:
    """LeakageFound unless the last audit of the recipe passed, on the very versions that are to be trained on.

    ``findings`` are rows of monitor.leakage, ``audited`` the versions of the tables that the audit read, ``inputs``
    those of the training set.
    """
    own = [row for row in findings if row["recipe"] == recipe]
    failed = sorted({str(row["check_name"]) for row in own if not row["is_passed"]})
    stale = sorted(name for name, version in inputs.items() if audited.get(name) != version)
    fix = "run audit_leakage on these tables first"
    if failed:
        raise LeakageFound(
            f"the last audit failed: {', '.join(failed)}", where=f"recipe {recipe}", fix="see monitor.leakage"
        )
    if not own or stale:
        what = f"not audited at their present versions: {', '.join(stale)}" if own else "no audit was recorded"
        raise LeakageFound(what, where=f"recipe {recipe}", fix=fix)


def stop_on_leak(findings: Iterable[Finding], *, recipe: str) -> None:
    """LeakageFound, naming checks and features, when any finding failed."""
    failed = [f for f in findings if not f.is_passed]
    if not failed:
        return
    named = [f"{f.check}: {f.feature or f.detail}" for f in failed]
    shown = "; ".join(named[:8]) + (f"; and {len(named) - 8} more" if len(named) > 8 else "")
    fix = "see monitor.leakage; drop the features, or mend their declaration or the label's window"
    raise LeakageFound(shown, where=f"recipe {recipe}", fix=fix)


def list_findings(findings: Iterable[Finding], *, run_id: str, recipe: str, source: str) -> pa.Table:
    """The findings as rows of monitor.leakage."""
    rows = list(findings)
    return pa.table(
        {
            "run_id": pa.array([run_id] * len(rows), pa.string()),
            "recipe": pa.array([recipe] * len(rows), pa.string()),
            "check_name": pa.array([f.check for f in rows], pa.string()),
            "feature": pa.array([f.feature for f in rows], pa.string()),
            "value": pa.array([f.value for f in rows], pa.float64()),
            "threshold": pa.array([f.threshold for f in rows], pa.float64()),
            "is_passed": pa.array([f.is_passed for f in rows], pa.bool_()),
            "detail": pa.array([f.detail for f in rows], pa.string()),
            "source": pa.array([source] * len(rows), pa.string()),
        }
    )


def merge_findings(new: pa.Table, before: pa.Table, *, recipe: str) -> pa.Table:
    """The rows that monitor.leakage is to hold of a source: the new findings, and those of the other recipes."""
    others = before.filter(pc.not_equal(before["recipe"], recipe)).select(new.column_names)
    return pa.concat_tables([new, others.cast(new.schema)])


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


def _visible(tables: Mapping[str, pa.Table], one: pa.Table, *, zone: str) -> dict[str, pa.Table]:
    as_of: datetime = one["as_of"][0].as_py()
    today: date = as_of.astimezone(ZoneInfo(zone)).date()
    kept = {}
    for name, table in tables.items():
        is_visible = pc.less_equal(table["known_on"], pa.scalar(today))
        if "event_at" in table.column_names:
            is_visible = pc.and_(is_visible, pc.less(table["event_at"], one["as_of"][0]))
        kept[name] = table.filter(is_visible)
    return kept


def _stored_row(stored: pa.Table, one: pa.Table) -> pa.Table | None:
    is_own = pc.equal(stored["observation_id"], one["observation_id"][0])
    found = stored.filter(pc.and_(is_own, pc.equal(stored["as_of"], one["as_of"][0])))
    return found if found.num_rows == 1 else None


def _counted(check: str, count: int, rows: int, what: str) -> Finding:
    detail = f"{count} of {rows} {what}"
    return Finding(check=check, value=float(count), threshold=0.0, is_passed=count == 0, detail=detail)


def _judged(check: str, values: Mapping[str, float | None], limit: float, what: str) -> list[Finding]:
    known = {name: value for name, value in values.items() if value is not None}
    ranked = sorted(known, key=lambda name: (-known[name], name))
    shown = [name for rank, name in enumerate(ranked) if rank < SHOWN_WHEN_PASSED or known[name] > limit]
    summary = f"{len(known)} of {len(values)} features had enough rows of both classes"
    largest = known[ranked[0]] if ranked else None
    is_passed = largest is None or largest <= limit
    return [
        Finding(check=check, value=largest, threshold=limit, is_passed=is_passed, detail=summary),
        *(
            Finding(check=check, feature=name, value=known[name], threshold=limit, is_passed=known[name] <= limit,
                    detail=what)
            for name in shown
        ),
    ]  # fmt: skip


def _of_both_classes(label: pd.Series, used: np.ndarray) -> np.ndarray:
    """For each column of ``used``, whether it marks enough rows of either class."""
    bad = label.to_numpy(dtype=float) == 1.0
    enough: np.ndarray = np.minimum(used[bad].sum(axis=0), used[~bad].sum(axis=0)) >= LEAST_PER_CLASS
    return enough


def _told(features: pd.DataFrame, areas: np.ndarray, enough: np.ndarray) -> dict[str, float | None]:
    told = zip(features, areas, enough, strict=True)
    return {str(name): float(area) if is_told else None for name, area, is_told in told}


def _oriented(areas: np.ndarray) -> np.ndarray:
    """AUCs as distances in either direction: a feature that ranks perfectly the wrong way round ranks perfectly."""
    oriented: np.ndarray = np.maximum(areas, 1.0 - areas)
    return oriented


def _most_frequent(values: pd.Series) -> np.ndarray:
    """Where the most frequent value stands; nowhere when it is too rare to be a pattern of its own."""
    counts = values.value_counts()
    if not len(counts) or counts.iloc[0] < LEAST_MODE_SHARE * len(values):
        return np.zeros(len(values), dtype=bool)
    return (values == counts.index[0]).to_numpy()
