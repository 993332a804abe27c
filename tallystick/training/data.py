"""The training set: vectors with their labels, dates, and the segments that fairness is looked at by.

``TrainingSet`` and how it is put together from tables that a run hands in.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from tallystick.errors import ModelError
from tallystick.model.inputs import Feature
from tallystick.spec.recipes import Recipe
from tallystick.training.split import LEAST_PER_CLASS, UNIT
from tallystick.training.vectors import KEYS, VectorPlan, assemble_vectors
from tallystick.visibility.rows import latest_versions

# Shorter histories are cut into quarters, or a table by vintage would have one line.
LEAST_YEARLY_DAYS = 730

# Of a label: its value, the first date that may learn from it, and the days that decide it.
LABEL_COLUMNS = ("label", "known_on", "window_from", "window_to")

AGE_BANDS = (18, 26, 36, 46, 56, 66)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainingSet:
    """Rows in order of (as_of, source, observation_id), with one index over all frames.

    ``keys`` has KEYS, ``day`` (local date of as_of) and LABEL_COLUMNS: ``label`` (1.0 bad, 0.0 good, NaN when not to be
    learned from), ``known_on`` (from which date it may be learned from) and its window; per variant the same columns as
    ``<column>:<variant>``. ``vectors`` has the features as doubles. ``segments`` has gender and age_band, which no
    model sees (age itself may be a feature).
    """

    keys: pd.DataFrame
    vectors: pd.DataFrame
    features: tuple[Feature, ...]
    segments: pd.DataFrame

    @property
    def label(self) -> pd.Series:
        """1.0 bad, 0.0 good, NaN unlabelled."""
        return self.keys["label"]

    def with_variant(self, name: str) -> TrainingSet:
        """The same rows with the labels of a variant in place of the recipe's own."""
        columns = {column: self.keys[f"{column}:{name}"] for column in LABEL_COLUMNS}
        return replace(self, keys=self.keys.assign(**columns))

    @property
    def vintage(self) -> pd.Series:
        """Calendar year of the local date, or ``2025Q3`` where the labelled rows span less than two years."""
        day = self.keys["day"]
        labelled = day[self.label.notna()]
        span = (labelled.max() - labelled.min()).days if len(labelled) else 0
        return day.dt.to_period("Y" if span >= LEAST_YEARLY_DAYS else "Q").astype(str).rename("vintage")


def build_training_set(
    recipe: Recipe, plan: VectorPlan, tables: Mapping[str, pa.Table], *, observations: pa.Table, zone: str
) -> TrainingSet:
    """Join vectors, labels and segments.

    ``observations`` are those of ``training.observed``. ``tables`` holds ``feature.<group>``, ``label.<label>`` of each
    label and variant and, where the source has customers, ``clean.customers``. Only labels whose status is mature are
    taken. ModelError when too few rows of a class are left.
    """
    groups = {name: tables[f"feature.{name}"] for name in recipe.groups}
    frame = assemble_vectors(plan, observations, groups).to_pandas()
    frame["day"] = frame["as_of"].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    frame = frame.sort_values(["as_of", "source", UNIT], kind="stable").reset_index(drop=True)
    keys = frame[[*KEYS, "day"]].copy()
    keys[list(LABEL_COLUMNS)] = _labels_of(frame, tables[f"label.{recipe.label}"])
    for variant in recipe.variants:
        of_variant = [f"{column}:{variant.name}" for column in LABEL_COLUMNS]
        keys[of_variant] = _labels_of(frame, tables[f"label.{variant.label}"])
    for value, word in ((1.0, "bad"), (0.0, "good")):
        count = int((keys["label"] == value).sum())
        if count < LEAST_PER_CLASS:
            what = f"only {count} labelled rows are {word}, at least {LEAST_PER_CLASS} are needed"
            raise ModelError(what, where=f"recipe {recipe.name}", fix="wait for more labels, or correct the label")
    names = [feature.name for feature in plan.features]
    return TrainingSet(
        keys=keys,
        vectors=frame[names].astype("float64"),
        features=plan.features,
        segments=_segments(keys, tables.get("clean.customers")),
    )


def observation_hash(keys: pd.DataFrame) -> str:
    """A digest of which observations with which labels were learned from; order does not matter."""
    used = keys[keys["label"].notna()]
    stamps = pd.to_datetime(used["as_of"], utc=True).astype("int64")
    lines = sorted(
        f"{source}|{observation}|{stamp}|{int(label)}"
        for source, observation, stamp, label in zip(used["source"], used[UNIT], stamps, used["label"], strict=True)
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def training_digest(data: TrainingSet) -> str:
    """A digest of all that a training reads: observations, labels, features by name, segments."""
    made = hashlib.sha256()
    for frame in (data.keys, data.vectors, data.segments):
        made.update("|".join(map(str, frame.columns)).encode())
        if len(frame.columns):  # there are no segments where nothing is known of customers
            made.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return made.hexdigest()


def _labels_of(frame: pd.DataFrame, labels: pa.Table) -> pd.DataFrame:
    unit = ["source", UNIT, "as_of"]
    found = labels.select([*unit, *LABEL_COLUMNS, "status"]).to_pandas()
    if found.duplicated(unit).any():
        raise ModelError("a label table has two rows for one observation", fix="read one observation set")
    mature = found[found["status"] == "mature"]
    joined = frame[unit].merge(mature, how="left", on=unit).set_axis(frame.index)
    dates = {name: pd.to_datetime(joined[name]) for name in LABEL_COLUMNS[1:]}
    return pd.DataFrame({"label": joined["label"].astype("float64"), **dates})


def _segments(keys: pd.DataFrame, customers: pa.Table | None) -> pd.DataFrame:
    """Gender and age band of each row's customer as now known: for looking at fairness, not for a model.

    No columns where the source tells nothing of its customers.
    """
    if customers is None or not customers.num_rows:
        return pd.DataFrame(index=keys.index)
    latest = latest_versions(customers, "customer_fact_id").select(["customer_id", "event_at", "gender", "birth_date"])
    facts = latest.to_pandas().sort_values(["customer_id", "event_at"], kind="stable")
    person = facts.groupby("customer_id").last()
    joined = keys[["customer_id"]].join(person[["gender", "birth_date"]], on="customer_id")
    born = pd.to_datetime(joined["birth_date"], errors="coerce")
    age = (keys["day"] - born).dt.days / 365.25
    labels = [f"{low}-{high - 1}" for low, high in itertools.pairwise(AGE_BANDS)]
    bands = pd.cut(age, [-np.inf, *AGE_BANDS, np.inf], right=False, labels=["under 18", *labels, "66 and over"])
    gender = joined["gender"].fillna("unknown")
    age_band = bands.cat.add_categories("unknown").fillna("unknown").astype(str)
    return pd.DataFrame({"gender": gender, "age_band": age_band}, index=keys.index)
