"""Ids and names that last: which segment of a refit is which segment of the version before.

The two versions' centres are matched one to one so that as many as possible are close and the distances are least.
What has no close one before gets an id that no version ever had.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from tallystick.spec.segments import Segmentation

# More than all distances together: one more close match is worth any detour.
_FAR = 1e6


@dataclass(frozen=True, kw_only=True, slots=True)
class Before:
    """What a refit goes on from: the segments in force, and the highest number of an id that any version ever gave.

    ``numbers`` are those of the ids, ``s3`` having 3; ``centres`` has one row per segment. Without segments, because
    this is the first fit or the parts were other ones, all ids are new.
    """

    numbers: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    centres: np.ndarray | None = None
    highest: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What a new centre is: the number of its id, and the name and the distance moved where the id was kept."""

    number: int
    name: str = ""
    moved: float | None = None


def read_before(document: bytes, declared: Segmentation, *, highest: int) -> Before:
    """The segments of a registered version, from its ``segments.json``.

    Centres of other parts, or of parts that were transformed otherwise, cannot be compared: then no id is kept.
    """
    held = json.loads(document)
    if held["parts"] != list(declared.parts) or held["transformation"] != declared.transformation:
        return Before(highest=highest)
    segments = held["segments"]
    return Before(
        numbers=tuple(int(one["number"]) for one in segments),
        names=tuple(str(one["name"]) for one in segments),
        centres=np.array([one["centre"] for one in segments]),
        highest=highest,
    )


def keep_ids(centres: np.ndarray, before: Before, *, keep_within: float) -> list[Kept]:
    """For each new centre an id: that of the close centre before it, or a new one.

    Close is a distance below ``keep_within`` times that from the centre before to the nearest other one of its version.
    At most 0.5, so a close centre is nearer to its own than to any other.
    """
    found: dict[int, Kept] = {}
    if before.centres is not None:
        distances = cdist(before.centres, centres)
        apart = cdist(before.centres, before.centres)
        np.fill_diagonal(apart, np.inf)
        is_close = distances < keep_within * apart.min(axis=1)[:, None]
        rows, columns = linear_sum_assignment(np.where(is_close, distances, _FAR))
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            if is_close[row, column]:
                moved = float(distances[row, column])
                found[column] = Kept(number=before.numbers[row], name=before.names[row], moved=moved)
    number = max((before.highest, *before.numbers), default=0)
    kept = []
    for place in range(len(centres)):
        if place not in found:
            number += 1
            found[place] = Kept(number=number)
        kept.append(found[place])
    return kept
