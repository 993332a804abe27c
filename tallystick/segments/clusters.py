"""Finds centres among points, and how many of them come out again when other customers are looked at.

k-means, and the numbers that judge it: stability, size of the smallest segment, silhouette. Names and ids are given in
``naming`` and ``identity``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.metrics.cluster import contingency_matrix
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it ships no types

from tallystick.how_far import HowFar, parts_of

# Starts of k-means; the best of them counts.
STARTS = 10

# So many points tell how stable a number is, and so many the silhouette, whose time grows with the square.
MOST_POINTS = 20_000
MOST_FOR_SILHOUETTE = 5_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One number of segments that was tried. ``stability`` is that of the least stable segment (``find_again``)."""

    segments: int
    stability: float
    smallest_share: float

    def is_enough(self, *, min_stability: float, min_share: float) -> bool:
        """Whether both reach what is declared."""
        return self.stability >= min_stability and self.smallest_share >= min_share


def fit_centres(points: np.ndarray, segments: int, *, seed: int) -> np.ndarray:
    """The centres of k-means, the one with most points first. The same points in the same order give the same bytes."""
    # One thread: the order in which threads add up would change the last digits.
    with threadpool_limits(limits=1):
        fitted = KMeans(n_clusters=segments, n_init=STARTS, random_state=seed).fit(points)
    sizes = np.bincount(fitted.labels_, minlength=segments)
    order = np.lexsort((*fitted.cluster_centers_.T[::-1], -sizes))
    return np.asarray(fitted.cluster_centers_[order])


def nearest_centres(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The number of the nearest centre of each point, the first one of equals."""
    return np.asarray(cdist(points, centres).argmin(axis=1))


def try_numbers(points: np.ndarray, numbers: Sequence[int], *, repeats: int, seed: int, how_far: HowFar) -> list[Trial]:
    """Each number of segments, tried on the same random halves of (at most MOST_POINTS of) the points."""
    chosen = _sample(points, MOST_POINTS, seed=seed)
    return [
        _try(chosen, number, repeats=repeats, seed=seed, how_far=part)
        for number, part in zip(numbers, parts_of(how_far, list(numbers)), strict=True)
    ]


def choose_trial(trials: Sequence[Trial], *, min_stability: float, min_share: float) -> Trial:
    """The largest number that is stable and has no segment that is too small; where none is, the most stable one."""
    enough = [one for one in trials if one.is_enough(min_stability=min_stability, min_share=min_share)]
    if enough:
        return max(enough, key=lambda one: one.segments)
    return max(trials, key=lambda one: (one.stability, -one.segments))


def find_again(labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How well each segment of ``labels`` is found again in ``others``: the Jaccard similarity of the one most like it.

    The customers in both, divided by those in either: 1 when it is the same segment, below 0.5 when it dissolved.

    >>> find_again(np.array([0, 0, 0, 1, 1]), np.array([7, 7, 7, 7, 8])).round(2).tolist()
    [0.75, 0.5]
    """
    both = contingency_matrix(labels, others)
    either = both.sum(axis=1)[:, None] + both.sum(axis=0)[None, :] - both
    return np.asarray((both / either).max(axis=1))


def measure_silhouette(points: np.ndarray, centres: np.ndarray, *, seed: int) -> float:
    """Mean silhouette of (at most MOST_FOR_SILHOUETTE of) the points: near 1 apart, near 0 side by side."""
    chosen = _sample(points, MOST_FOR_SILHOUETTE, seed=seed)
    labels = nearest_centres(chosen, centres)
    return float(silhouette_score(chosen, labels)) if 1 < len(set(labels)) < len(chosen) else 0.0


def explained_share(points: np.ndarray, centres: np.ndarray) -> float:
    """The part of the points' variance that lies between the centres, 0 to 1."""
    within = (cdist(points, centres).min(axis=1) ** 2).sum()
    total = ((points - points.mean(axis=0)) ** 2).sum()
    return float(1 - within / total) if total > 0 else 0.0


def _try(points: np.ndarray, segments: int, *, repeats: int, seed: int, how_far: HowFar) -> Trial:
    """The worse of both halves counts: a segment that only chance draws is drawn otherwise by the other half."""
    whole = nearest_centres(points, fit_centres(points, segments, seed=seed))
    # Halves depend on the seed alone, so every number meets the same ones.
    rng = np.random.default_rng(seed)
    similarities = []
    for repeat in range(repeats):
        halves = np.array_split(rng.permutation(len(points)), 2)
        fitted = [fit_centres(points[np.sort(half)], segments, seed=seed) for half in halves]
        similarities.append(np.min([find_again(whole, nearest_centres(points, one)) for one in fitted], axis=0))
        how_far((repeat + 1) / repeats)
    smallest = np.bincount(whole, minlength=segments).min() / len(points)
    return Trial(
        segments=segments,
        stability=float(np.mean(similarities, axis=0).min()),
        smallest_share=float(smallest),
    )


def _sample(points: np.ndarray, most: int, *, seed: int) -> np.ndarray:
    if len(points) <= most:
        return points
    return points[np.sort(np.random.default_rng(seed).choice(len(points), most, replace=False))]
