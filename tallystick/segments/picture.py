"""The picture of the segments, as PNG bytes: what share of the money goes where, and where more than with others."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pandas as pd

# Twice the average share has the full colour, half of it the full opposite one.
_FULL = 2.0


def draw_shares(table: pd.DataFrame, words: Sequence[str], *, average: np.ndarray) -> bytes:
    """One row per segment, one column per part, the share in each cell; colour says how it compares with ``average``.

    The same numbers give the same bytes.
    """
    # The object interface: pyplot would keep figures alive and choose a backend for the whole process.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shares = np.vstack([table[list(words)].to_numpy(), average])
    ratios = np.divide(shares, average, out=np.ones_like(shares), where=average > 0)
    shade = np.log(np.clip(ratios, 1 / _FULL, _FULL)) / np.log(_FULL)
    rows = [
        f"{row['id']}  {row['name']}\n{row['customers']:,} customers, {row['share_of_customers']:.0%}"
        for row in table.to_dict("records")
    ]
    figure = Figure(figsize=(3.6 + 1.05 * len(words), 1.4 + 0.55 * len(shares)), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    # Beyond the ends of the scale, so that the darkest cells can be read.
    axes.imshow(shade, cmap="RdBu_r", vmin=-1.4, vmax=1.4, aspect="auto")
    for (y, x), share in np.ndenumerate(shares):
        axes.text(x, y, f"{share:.0%}", ha="center", va="center", fontsize=9)
    axes.set_xticks(range(len(words)), labels=list(words))
    axes.set_yticks(range(len(shares)), labels=[*rows, "all with a segment"])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.axhline(len(shares) - 1.5, color="black", linewidth=1.0)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.set_xlabel("Share of spending. Red: more than the average customer, blue: less.", fontsize=9)
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()
