"""The pictures of a training run, as PNG bytes.

ROC, KS, calibration and score distribution. No picture has a number that no table has.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from tallystick.model.evaluation import auc, cumulative_shares

BAD, GOOD, PLAIN = "#b3282d", "#2b6777", "#52606d"

# (labels, pds) by name of the rows, e.g. "out of time".
Scored = Mapping[str, tuple[np.ndarray, np.ndarray]]


def draw_plots(scored: Scored, calibration: pd.DataFrame, scores: Mapping[str, np.ndarray]) -> dict[str, bytes]:
    """PNGs by file name. ``scores`` are scores of 0 to 100 by name of the rows, ``calibration`` that table."""
    last = list(scored)[-1]
    return {
        "roc.png": _draw(lambda axes: _roc(axes, scored)),
        "ks.png": _draw(lambda axes: _ks(axes, *scored[last], title=last)),
        "calibration.png": _draw(lambda axes: _calibration(axes, calibration)),
        "score_distribution.png": _draw(lambda axes: _distribution(axes, scores)),
    }


def _draw(paint: Any) -> bytes:
    # The object interface: pyplot would keep figures alive and choose a backend for the whole process.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2, 4.2), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    paint(axes)
    return save_png(figure)


def save_png(figure: Any) -> bytes:
    """The figure as PNG, without the frame's upper and right side."""
    for axes in figure.axes:
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    out = io.BytesIO()
    # Without metadata, the same numbers give the same bytes.
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()


def _roc(axes: Any, scored: Scored) -> None:
    for (name, (label, pd_)), colour in zip(scored.items(), (PLAIN, BAD, GOOD), strict=False):
        _, bad, good = cumulative_shares(label, pd_)
        shown = f"{name}: AUC {auc(label, pd_):.3f}"
        axes.plot(np.append(0, good), np.append(0, bad), color=colour, linewidth=1.6, label=shown)
    axes.plot([0, 1], [0, 1], color="#cccccc", linewidth=1)
    axes.set(xlabel="share of good rows at or above the pd", ylabel="share of bad rows", title="ROC")
    axes.legend(frameon=False, loc="lower right")


def _ks(axes: Any, label: np.ndarray, pd_: np.ndarray, *, title: str) -> None:
    thresholds, bad, good = cumulative_shares(label, pd_)
    axes.set(xlabel="pd", ylabel="share of rows at or above the pd", title=f"KS, {title}")
    if not len(thresholds):
        return
    axes.step(thresholds, bad, where="post", color=BAD, label="bad")
    axes.step(thresholds, good, where="post", color=GOOD, label="good")
    widest = int(np.argmax(np.abs(bad - good)))
    distance = abs(bad[widest] - good[widest])
    axes.vlines(thresholds[widest], good[widest], bad[widest], color=PLAIN, linestyle=":", label=f"KS {distance:.3f}")
    axes.legend(frameon=False)


def _calibration(axes: Any, table: pd.DataFrame) -> None:
    axes.plot([0, 1], [0, 1], color="#cccccc", linewidth=1)
    axes.plot(table["mean_pd"], table["bad_rate"], color=GOOD, marker="o", linewidth=1.2)
    top = float(np.nanmax([*table["mean_pd"], *table["bad_rate"], 0.05])) * 1.05
    axes.set(
        xlabel="mean pd of the group", ylabel="share of bad rows", title="Calibration", xlim=(0, top), ylim=(0, top)
    )


def _distribution(axes: Any, scores: Mapping[str, np.ndarray]) -> None:
    edges = np.linspace(0, 100, 26)
    for (name, values), colour in zip(scores.items(), (GOOD, BAD, PLAIN), strict=False):
        if len(values):
            weights = np.full(len(values), 1 / len(values))
            axes.hist(values, bins=edges, weights=weights, histtype="step", color=colour, linewidth=1.6, label=name)
    axes.set(xlabel="score", ylabel="share of rows", title="Score distribution", xlim=(0, 100))
    if axes.has_data():
        axes.legend(frameon=False)
