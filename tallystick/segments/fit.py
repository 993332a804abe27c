"""Fits the segments of one observation set at one ``as_of``, and describes them: the model as text, numbers, picture.

What is registered and whether it comes into force is for the run; it hands in the segments that are in force.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from tallystick.errors import ModelError
from tallystick.how_far import HowFar, untold
from tallystick.model.results import GateResult
from tallystick.segments.clusters import (
    Trial,
    choose_trial,
    explained_share,
    fit_centres,
    measure_silhouette,
    nearest_centres,
    try_numbers,
)
from tallystick.segments.identity import Before, Kept, keep_ids
from tallystick.segments.naming import name_segment
from tallystick.segments.picture import draw_shares
from tallystick.segments.profiles import Profiles, build_profiles
from tallystick.spec.segments import LITTLE_ACTIVITY, NO_SPENDING, Segmentation

# With fewer customers for each segment than this a centre is the mean of a handful.
LEAST_PER_SEGMENT = 20

DOCUMENT = "segments.json"

Params = dict[str, str | int | float | bool]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FittedSegments:
    """What a fit leaves. ``document`` is ``segments.json``, ``example`` input for the model's signature."""

    document: bytes
    params: Params
    metrics: dict[str, float]
    tables: dict[str, pd.DataFrame]
    plots: dict[str, bytes]
    gates: tuple[GateResult, ...]
    example: pd.DataFrame


def fit_segments(
    declared: Segmentation,
    features: pd.DataFrame,
    *,
    fitted_on: date,
    before: Before | None = None,
    how_far: HowFar = untold,
) -> FittedSegments:
    """Segments of the customers in ``features``: customer_id and the declared columns as of one instant.

    Neither the order of the rows nor the customers without a segment change anything. ModelError when too few customers
    have a profile, or too few different ones.
    """
    ordered = features.sort_values("customer_id", kind="stable")
    profiles = build_profiles(declared, ordered)
    _check_enough(declared, profiles)
    low, high = declared.segments
    trials = try_numbers(
        profiles.points, range(low, high + 1), repeats=declared.repeats, seed=declared.seed, how_far=how_far
    )
    chosen = choose_trial(trials, min_stability=declared.min_stability, min_share=declared.min_share)
    centres = fit_centres(profiles.points, chosen.segments, seed=declared.seed)
    earlier = before or Before()
    kept = keep_ids(centres, earlier, keep_within=declared.keep_within)
    table = _describe(declared, profiles, centres, kept)
    return FittedSegments(
        document=_write_document(declared, profiles, table, fitted_on=fitted_on, highest=earlier.highest),
        params=_list_params(declared, chosen, fitted_on=fitted_on),
        metrics=_measure(declared, profiles, table, trial=chosen, before=earlier),
        tables={"segments": table.drop(columns=["centre"]), "numbers_tried": pd.DataFrame(trials)},
        plots={"segments.png": draw_shares(table, list(declared.parts.values()), average=profiles.shares.mean(axis=0))},
        gates=_check_gates(declared, chosen, table),
        example=_make_example(declared, table),
    )


def _check_enough(declared: Segmentation, profiles: Profiles) -> None:
    needed, found = LEAST_PER_SEGMENT * declared.segments[1], len(profiles.points)
    if found < needed:
        left = profiles.count(NO_SPENDING), profiles.count(LITTLE_ACTIVITY)
        what = (
            f"{found} customers have a spending profile and {needed} are needed"
            f" ({left[0]} spend nothing, {left[1]} have fewer than {declared.min_activity} payments)"
        )
        raise ModelError(what, where=declared.where_text, fix="declare fewer segments, or take a later date")
    different = len(np.unique(profiles.points, axis=0))
    if different < declared.segments[1]:
        what = f"the customers have only {different} different spending profiles"
        raise ModelError(what, where=declared.where_text, fix="declare other parts, or fewer segments")


def _describe(declared: Segmentation, profiles: Profiles, centres: np.ndarray, kept: Sequence[Kept]) -> pd.DataFrame:
    """One row per segment by number: id, name, customers, whether it was kept, the mean share of each part, centre."""
    labels = nearest_centres(profiles.points, centres)
    words, average = list(declared.parts.values()), profiles.shares.mean(axis=0)
    # Names that are kept first: a new segment takes none of theirs.
    taken = {one.name for one in kept if one.name}
    rows = []
    for place in sorted(range(len(kept)), key=lambda place: kept[place].number):
        one, own = kept[place], profiles.shares[labels == place]
        shares = own.mean(axis=0)
        name = one.name or name_segment(shares, average, words, taken=taken, number=one.number)
        taken.add(name)
        rows.append(
            {
                "number": one.number,
                "id": f"s{one.number}",
                "name": name,
                "customers": len(own),
                "share_of_customers": len(own) / len(labels),
                "is_kept": one.moved is not None,
                "moved": one.moved,
                **dict(zip(words, shares.tolist(), strict=True)),
                "centre": centres[place].tolist(),
            }
        )
    return pd.DataFrame(rows).astype({"moved": "float64"})


def _write_document(
    declared: Segmentation, profiles: Profiles, table: pd.DataFrame, *, fitted_on: date, highest: int
) -> bytes:
    words = list(declared.parts.values())
    document = {
        "name": declared.name,
        "fitted_on": fitted_on.isoformat(),
        "parts": list(declared.parts),
        "words": words,
        "activity": declared.activity,
        "min_activity": declared.min_activity,
        "transformation": declared.transformation,
        "highest_number": max(highest, int(table["number"].max())),
        "average_shares": profiles.shares.mean(axis=0).tolist(),
        "segments": [
            {
                **{key: row[key] for key in ("number", "id", "name", "customers", "centre")},
                "shares": [row[word] for word in words],
            }
            for row in table.to_dict("records")
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False).encode()


def _list_params(declared: Segmentation, chosen: Trial, *, fitted_on: date) -> Params:
    return {
        "algorithm": "k-means",
        "segments": chosen.segments,
        "segments_tried": "{}-{}".format(*declared.segments),
        "transformation": declared.transformation,
        "fitted_on": fitted_on.isoformat(),
        "observations": declared.observations,
        "group": declared.group,
        "parts": ", ".join(declared.parts),
        "activity": declared.activity,
        "min_activity": declared.min_activity,
        "keep_within": declared.keep_within,
        "repeats": declared.repeats,
        "seed": declared.seed,
        "permitted_use": declared.permitted_use,
    }


def _measure(
    declared: Segmentation, profiles: Profiles, table: pd.DataFrame, *, trial: Trial, before: Before
) -> dict[str, float]:
    centres = np.array(table["centre"].tolist())
    kept = int(table["is_kept"].sum())
    return {
        "customers": float(len(profiles.points)),
        "customers_no_spending": float(profiles.count(NO_SPENDING)),
        "customers_little_activity": float(profiles.count(LITTLE_ACTIVITY)),
        "stability": trial.stability,
        "silhouette": measure_silhouette(profiles.points, centres, seed=declared.seed),
        "explained_share": explained_share(profiles.points, centres),
        "smallest_share": float(table["share_of_customers"].min()),
        "ids_kept": float(kept),
        "ids_new": float(len(table) - kept),
        "ids_gone": float(len(before.numbers) - kept),
        "highest_number": float(max(before.highest, int(table["number"].max()))),
    }


def _check_gates(declared: Segmentation, chosen: Trial, table: pd.DataFrame) -> tuple[GateResult, ...]:
    smallest = float(table["share_of_customers"].min())
    return (
        GateResult(
            name="stability",
            is_passed=chosen.stability >= declared.min_stability,
            detail=f"{chosen.stability:.3f}, at least {declared.min_stability}",
        ),
        GateResult(
            name="smallest segment",
            is_passed=smallest >= declared.min_share,
            detail=f"{smallest:.1%} of the customers, at least {declared.min_share:.1%}",
        ),
    )


def _make_example(declared: Segmentation, table: pd.DataFrame) -> pd.DataFrame:
    """Input rows that are nobody's: the mean shares of each segment, as parts of 1,000."""
    rows = {column: table[word] * 1000 for column, word in declared.parts.items()}
    rows[declared.activity] = pd.Series(float(declared.min_activity), index=table.index)
    return pd.DataFrame(rows)[list(declared.columns)]
