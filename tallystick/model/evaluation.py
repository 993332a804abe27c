"""The one evaluator: how well numbers rank and probabilities fit.

scikit-learn and SciPy compute what they have. What is ours is what they lack: the calibration line that stays finite,
the bins of PSI and information value, and what each metric is where a class is missing.

``label`` is 1 for bad, 0 for good; a higher value of ``score`` or ``pd`` means riskier. A metric that needs both
classes is NaN without them.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, xlogy
from scipy.special import logit as exact_logit
from scipy.stats import bootstrap, ks_2samp, mannwhitneyu
from sklearn import metrics

# Keeps logarithms finite; the same bound as the scorer's.
SMALLEST_PD = 1e-6

# A share of 0 would make PSI infinite.
SMALLEST_SHARE = 1e-4

# Numbers that a bootstrap holds at once: 32 MB.
_BOOTSTRAP_NUMBERS = 4_000_000


def auc(label: np.ndarray, score: np.ndarray) -> float:
    """Chance that a bad row scores above a good one, ties counting half."""
    return float(metrics.roc_auc_score(label, score)) if _has_both(label) else float("nan")


def column_aucs(label: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The AUC of each column of a matrix; a column's nulls are left out, and NaN is where a class is then missing.

    The Mann-Whitney statistic divided by the number of pairs is the AUC; it ranks all columns in one call.
    """
    bad = label == 1
    known = ~np.isnan(columns)
    pairs = known[bad].sum(axis=0) * known[~bad].sum(axis=0)
    found = np.full(columns.shape[1], np.nan)
    used = pairs > 0
    if used.any():
        wins = mannwhitneyu(
            columns[bad][:, used], columns[~bad][:, used], axis=0, method="asymptotic", nan_policy="omit"
        )
        found[used] = wins.statistic / pairs[used]
    return found


def ks(label: np.ndarray, score: np.ndarray) -> float:
    """Largest distance between the cumulative shares of bad and good rows."""
    if not _has_both(label):
        return float("nan")
    # The p-value is not looked at; the exact one would take seconds.
    return float(ks_2samp(score[label == 1], score[label == 0], method="asymp").statistic)


def cumulative_shares(label: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct scores from risky to safe, and the shares of bad and good rows at or above each; empty for one class."""
    if not _has_both(label):
        return np.empty(0), np.empty(0), np.empty(0)
    good, bad, scores = metrics.roc_curve(label, score, drop_intermediate=False)
    # The first point is the origin, above every score.
    return scores[1:], bad[1:], good[1:]


def average_precision(label: np.ndarray, score: np.ndarray) -> float:
    """Precision averaged over the recalls reached when going down from the riskiest; NaN without a bad row."""
    return float(metrics.average_precision_score(label, score)) if (label == 1).any() else float("nan")


def brier(label: np.ndarray, pd_: np.ndarray) -> float:
    """Mean squared distance of pd from the outcome; NaN without rows."""
    return float(metrics.brier_score_loss(label, pd_)) if len(label) else float("nan")


def log_loss(label: np.ndarray, pd_: np.ndarray) -> float:
    """Mean negative log-likelihood, pds kept away from 0 and 1; NaN without rows."""
    return float(metrics.log_loss(label, _clipped(pd_), labels=[0, 1])) if len(label) else float("nan")


def logit(pd_: np.ndarray) -> np.ndarray:
    """Log-odds of a probability, kept finite."""
    odds: np.ndarray = exact_logit(_clipped(pd_))
    return odds


def fit_logistic(label: np.ndarray, log_odds: np.ndarray, *, min_slope: float = -np.inf) -> tuple[float, float]:
    """Intercept and slope of the logistic regression of the label on log-odds.

    A trace of ridge towards slope 1 keeps it finite where classes separate perfectly; scikit-learn's ridge pulls
    towards 0 and knows no bound.
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


def calibration_slope(label: np.ndarray, pd_: np.ndarray) -> float:
    """Slope of the outcome on the predicted log-odds: 1 fits, below 1 the pds are too extreme; NaN with one class."""
    return fit_logistic(label, logit(pd_))[1] if _has_both(label) else float("nan")


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


def auc_interval(label: np.ndarray, score: np.ndarray, *, seed: int, rounds: int = 1000) -> tuple[float, float]:
    """The 95 % percentile interval of the AUC, resampling bad and good rows separately; NaN with one class."""
    bad, good = score[label == 1], score[label == 0]
    if not len(bad) or not len(good):
        return float("nan"), float("nan")
    # One row of a class resamples to itself, which SciPy refuses: twice the row is the same distribution.
    samples = tuple(np.repeat(values, 2) if len(values) == 1 else values for values in (bad, good))
    batch = max(1, _BOOTSTRAP_NUMBERS // (len(samples[0]) + len(samples[1])))
    found = bootstrap(
        samples, _resampled_auc, n_resamples=rounds, method="percentile", vectorized=True, batch=batch, rng=seed
    ).confidence_interval
    return float(found.low), float(found.high)


def stability_index(expected: np.ndarray, found: np.ndarray, *, bins: int = 10) -> float:
    """Population stability index of ``found`` against ``expected``, over the deciles of ``expected``.

    Nulls are a bin of their own. NaN when either side has no rows. Below 0.1 nothing moved, above 0.25 much did; with
    few rows chance alone gives about ``(bins - 1) * (1/n + 1/m)``.
    """
    if not len(expected) or not len(found):
        return float("nan")
    edges = quantile_edges(expected[~np.isnan(expected)], bins)
    counts = [np.bincount(bin_codes(values, edges), minlength=len(edges) + 2) for values in (expected, found)]
    shares = [np.clip(count / count.sum(), SMALLEST_SHARE, None) for count in counts]
    return divergence(shares[1], shares[0])


def divergence(p: np.ndarray, q: np.ndarray) -> float:
    """Jeffreys divergence, sum of (p - q) * ln(p / q): what PSI and information value are, of different shares."""
    return float(np.sum(xlogy(p - q, p / q)))


def bin_codes(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The bin of each value, 0 to ``len(edges)``: bins are [edge, next edge); a null has one more of its own."""
    codes: np.ndarray = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))
    return codes


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


def _has_both(label: np.ndarray) -> bool:
    return bool((label == 1).any() and (label == 0).any())


def _clipped(pd_: np.ndarray) -> np.ndarray:
    clipped: np.ndarray = np.clip(pd_, SMALLEST_PD, 1 - SMALLEST_PD)
    return clipped


def _resampled_auc(bad: np.ndarray, good: np.ndarray, axis: int) -> np.ndarray:
    wins = mannwhitneyu(bad, good, axis=axis, method="asymptotic").statistic
    areas: np.ndarray = wins / (bad.shape[axis] * good.shape[axis])
    return areas
