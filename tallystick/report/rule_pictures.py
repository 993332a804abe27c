"""The picture of how alike anti-fraud rules are, as PNG bytes.

Apart from the section because only here something is drawn. No picture has a number that no table has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tallystick.model.plots import save_png


def draw_overlaps(pairs: Sequence[Mapping[str, Any]]) -> bytes:
    """A square of rules by rules: the darker, the larger the Jaccard overlap of their hits (1: always together).

    ``pairs`` have ``one``, ``other`` and ``jaccard``, each pair once; a rule always overlaps itself, which is left
    blank. Rules stand in the order of their ids, so that those of a family stand together.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = sorted({name for pair in pairs for name in (pair["one"], pair["other"])})
    place = {name: number for number, name in enumerate(names)}
    shares = np.zeros((len(names), len(names)))
    for pair in pairs:
        one, other = place[pair["one"]], place[pair["other"]]
        shares[one, other] = shares[other, one] = pair["jaccard"]
    np.fill_diagonal(shares, np.nan)
    size = 2.0 + 0.22 * len(names)
    figure = Figure(figsize=(size + 0.6, size), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    shown = axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0)
    axes.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    figure.colorbar(shown, ax=axes, shrink=0.7, label="share of hits in common")
    return save_png(figure)
