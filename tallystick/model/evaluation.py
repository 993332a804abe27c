"""How well probabilities rank and fit, in NumPy.

What lives here: metrics of one set of rows, their bootstrap intervals, and PSI. What must not: models, frames' meaning.

``label`` is 1 for bad, 0 for good; a higher value of ``score`` or ``pd`` means riskier. A metric that needs both
classes is NaN without them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import minimize

# Keeps logarithms finite; the same bound as the scorer's.
SMALLEST_PD = 1e-6

# A share of 0 would make PSI infinite.
SMALLEST_SHARE = 1e-4


def auc(label: np.ndarray, score: np.ndarray) -> float:
    """Chance that a bad row scores above a good one, ties counting half."""
    bad = label == 1
    goods, bads = np.sort(score[~bad]), score[bad]
    if not len(goods) or not len(bads):
        return float("nan")
    below = np.searchsorted(goods, bads, side="left").sum()
    not_above = np.searchsorted(goods, bads, side="right").sum()
    return float((below + not_above) / (2 * len(goods) * len(bads)))


def ks(label: np.ndarray, score: np.ndarray) -> float:
    """Largest distance between the cumulative shares of bad and good rows."""
    bad_share, good_share = ks_curve(label, score)[1:]
    return float(np.max(np.abs(bad_share - good_share))) if len(bad_share) else float("nan")


def ks_curve(label: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct scores from risky to safe, and the shares of bad and good rows at or above each."""
    bad = label == 1
    if not bad.any() or bad.all():
        return np.empty(0), np.empty(0), np.empty(0)
    order = np.argsort(-score, kind="stable")
    at_end = np.append(np.diff(score[order]) != 0, True)
    bads, goods = np.cumsum(bad[order]), np.cumsum(~bad[order])
    return score[order][at_end], bads[at_end] / bads[-1], goods[at_end] / goods[-1]


def average_precision(label: np.ndarray, score: np.ndarray) -> float:
    """Precision averaged over the recalls reached when going down from the riskiest; tied scores go together."""
    bad = label == 1
    if not bad.any():
        return float("nan")
    order = np.argsort(-score, kind="stable")
    at_end = np.append(np.diff(score[order]) != 0, True)
    bads = np.cumsum(bad[order])[at_end]
    rows = (np.arange(len(order)) + 1)[at_end]
    gained = np.diff(np.append(0, bads)) / bads[-1]
    return float(np.sum(gained * bads / rows))


def brier(label: np.ndarray, pd_: np.ndarray) -> float:
    """Mean squared distance of pd from the outcome."""
    return float(np.mean((pd_ - label) ** 2))


def log_loss(label: np.ndarray, pd_: np.ndarray) -> float:
    """Mean negative log-likelihood."""
    clipped = np.clip(pd_, SMALLEST_PD, 1 - SMALLEST_PD)
    return float(-np.mean(label * np.log(clipped) + (1 - label) * np.log(1 - clipped)))


def logit(pd_: np.ndarray) -> np.ndarray:
    """Log-odds of a probability, kept finite."""
    clipped = np.clip(pd_, SMALLEST_PD, 1 - SMALLEST_PD)
    odds: np.ndarray = np.log(clipped / (1 - clipped))
    return odds


def fit_logistic(label: np.ndarray, log_odds: np.ndarray, *, min_slope: float = -np.inf) -> tuple[float, float]:
    """Intercept and slope of the logistic regression of the label on log-odds.

    A trace of ridge towards slope 1 keeps it finite where classes separate perfectly.
    """
    ridge = 0.01

    def loss(b: np.ndarray) -> tuple[float, np.ndarray]:
        z = b[0] + b[1] * log_odds
        p = expit(z)
        value = np.logaddexp(0, z).sum() - label @ z + ridge * (b[1] - 1) ** 2
        slope = (p - label) @ log_odds + 2 * ridge * (b[1] - 1)
        return float(value), np.array([(p - label).sum(), slope])

    bounds = [(None, None), (min_slope if np.isfinite(min_slope) else None, None)]
    found = minimize(loss, np.array([0.0, 1.0]), jac=True, method="L-BFGS-B", bounds=bounds)
    return float(found.x[0]), float(found.x[1])


def expit(z: np.ndarray) -> np.ndarray:
    """The logistic function, without overflow."""
    small = np.exp(-np.abs(z))
    made: np.ndarray = np.where(z >= 0, 1.0 / (1.0 + small), small / (1.0 + small))
    return made


def calibration_slope(label: np.ndarray, pd_: np.ndarray) -> float:
    """Slope of the outcome on the predicted log-odds: 1 fits, below 1 the pds are too extreme; NaN with one class."""
    if label.min() == label.max():
        return float("nan")
    return fit_logistic(label, logit(pd_))[1]


def measure(label: np.ndarray, pd_: np.ndarray) -> dict[str, float]:
    """All metrics of one set of rows: counts, ranking (auc, gini, ks, ap) and fit (brier, log loss, calibration)."""
    area = auc(label, pd_)
    return {
        "rows": float(len(label)),
        "bad": float(label.sum()),
        "bad_rate": float(label.mean()) if len(label) else float("nan"),
        "mean_pd": float(pd_.mean()) if len(label) else float("nan"),
        "auc": area,
        "gini": 2 * area - 1,
        "ks": ks(label, pd_),
        "average_precision": average_precision(label, pd_),
        "brier": brier(label, pd_),
        "log_loss": log_loss(label, pd_),
        "calibration_slope": calibration_slope(label, pd_),
    }


def bootstrap_interval(
    metric: Callable[[np.ndarray, np.ndarray], float],
    label: np.ndarray,
    score: np.ndarray,
    *,
    seed: int,
    rounds: int = 1000,
) -> tuple[float, float]:
    """The 95 % percentile interval of a metric, resampling bad and good rows separately."""
    rng = np.random.default_rng(seed)
    bad, good = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
    if not len(bad) or not len(good):
        return float("nan"), float("nan")
    found = []
    for _ in range(rounds):
        rows = np.concatenate([rng.choice(bad, len(bad)), rng.choice(good, len(good))])
        found.append(metric(label[rows], score[rows]))
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def stability_index(expected: np.ndarray, found: np.ndarray, *, bins: int = 10) -> float:
    """Population stability index of ``found`` against ``expected``, over the deciles of ``expected``.

    Nulls are a bin of their own. NaN when either side has no rows. Below 0.1 nothing moved, above 0.25 much did; with
    few rows chance alone gives about ``(bins - 1) * (1/n + 1/m)``.
    """
    if not len(expected) or not len(found):
        return float("nan")
    edges = quantile_edges(expected[~np.isnan(expected)], bins)
    shares = []
    for values in (expected, found):
        codes = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))
        counts = np.bincount(codes, minlength=len(edges) + 2)
        shares.append(np.clip(counts / len(values), SMALLEST_SHARE, None))
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def quantile_edges(known: np.ndarray, bins: int) -> np.ndarray:
    """Inner edges of up to ``bins`` bins [edge, next edge) of about equal size; ``known`` has no nulls.

    Where most rows share the lowest value, quantiles see nothing beyond it: then one edge tells it from the rest.
    """
    if not len(known):
        return np.empty(0)
    lowest = known.min()
    edges = np.unique(np.quantile(known, np.arange(1, bins) / bins, method="higher"))
    edges = edges[edges > lowest]
    if not len(edges) and known.max() > lowest:
        edges = np.array([known[known > lowest].min()])
    return edges
