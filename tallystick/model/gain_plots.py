"""The pictures of an ablation: every dimension's gain as a point with the bar of its interval, as PNG bytes.

Apart from ``plots``, whose pictures are of one model. No picture has a number that no table has.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from tallystick.model.plots import BAD, GOOD, PLAIN, save_png

# Way -> colour, words, and place beside the others of its dimension.
_WAYS = {"added": (GOOD, "added to the base", -0.14), "left_out": (BAD, "left out of all", 0.14)}


def draw_gains(table: pd.DataFrame) -> dict[str, bytes]:
    """A picture by file name for each kind of rows of an ablation's table (``training.ablation``).

    On the left the AUC of each dimension alone, on the right what it adds to the base and what all others lack
    without it. A bar that crosses the line at 0 says that nothing is shown.
    """
    drawn = {}
    for (segment, rows_of), own in table.groupby(["segment", "rows_of"], sort=False):
        drawn[f"dimensions_{segment}_{rows_of}.png"] = _draw(own[own["way"] != "reference"])
    return drawn


def _draw(own: pd.DataFrame) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    titles = list(dict.fromkeys(own["title"]))
    figure = Figure(figsize=(8.6, 1.4 + 0.42 * len(titles)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(2, 3))
    alone = own[own["way"] == "alone"]
    _bars(left, alone, titles, value="auc", look={"color": PLAIN})
    left.axvline(0.5, color="#999999", linewidth=1)
    left.set(title="alone", xlabel="AUC", yticks=range(len(titles)), yticklabels=titles)
    for way, (colour, words, shift) in _WAYS.items():
        look = {"color": colour, "label": words}
        _bars(right, own[own["way"] == way], titles, value="gain", look=look, shift=shift)
    right.axvline(0, color="#999999", linewidth=1)
    right.set(title="with it, less without it", xlabel="gain in AUC")
    # Below both pictures: inside, it would lie on somebody's bar.
    figure.legend(frameon=False, loc="outside lower right", ncols=2)
    # The first dimension stands on top.
    left.set_ylim(len(titles) - 0.5, -0.5)
    return save_png(figure)


def _bars(
    axes: Any, own: pd.DataFrame, titles: list[str], *, value: str, look: dict[str, str], shift: float = 0.0
) -> None:
    known = own[own[value].notna()]
    places = np.array([titles.index(title) for title in known["title"]]) + shift
    axes.hlines(places, known[f"{value}_low"], known[f"{value}_high"], color=look["color"], linewidth=2, alpha=0.55)
    axes.plot(known[value], places, "o", markersize=5, **look)
    axes.grid(axis="x", color="#eeeeee")
    axes.set_axisbelow(True)
