"""The pictures of anti-fraud rules, as PNG bytes: how alike they are, and a ring of customers.

Apart from the section because only here something is drawn. No picture has a number that no table has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tallystick.model.plots import BAD, save_png
from tallystick.ties.rings import Ring

# A colour for each kind of ties, told apart by those who see no red and green as well (Okabe and Ito 2008).
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#333333")


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


def draw_ring(ring: Ring) -> bytes:
    """The members as numbered circles, red for confirmed fraud, and their ties, a colour for each kind.

    An arrow points from the customer who pays or names the other one; a line without an arrow goes both ways. Members
    stand the closer together, the fewer steps they are apart.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    figure = Figure(figsize=(8.0, 6.4), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    places = _place_members(ring)
    kinds = list(dict.fromkeys(tie.kind for tie in ring.ties))
    for tie in ring.ties:
        kind = kinds.index(tie.kind)
        ends = {"xy": places[tie.target - 1], "xytext": places[tie.source - 1]}
        look = {
            "arrowstyle": "-" if tie.is_mutual else "-|>",
            "color": COLOURS[kind % len(COLOURS)],
            "connectionstyle": f"arc3,rad={0.09 * kind:.2f}",  # ties of several kinds lie beside each other
            "shrinkA": 10, "shrinkB": 10, "alpha": 0.8,
        }  # fmt: skip
        axes.annotate("", **ends, arrowprops=look)
    for number, (across, up) in enumerate(places, start=1):
        is_flagged = number <= ring.flagged
        axes.plot(across, up, "o", markersize=18, color=BAD if is_flagged else "#e4e7eb", markeredgecolor="#52606d")
        axes.text(
            across, up, str(number), ha="center", va="center", fontsize=8, color="white" if is_flagged else "black"
        )
    shown = [Line2D([], [], color=COLOURS[n % len(COLOURS)], label=kind) for n, kind in enumerate(kinds)]
    dots = (("confirmed fraud", BAD), ("no confirmed fraud", "#e4e7eb"))
    shown += [
        Line2D([], [], marker="o", linestyle="", color=colour, markeredgecolor="#52606d", label=text)
        for text, colour in dots
    ]
    figure.legend(handles=shown, loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    axes.set_axis_off()
    axes.margins(0.08)
    axes.set_aspect("equal")
    return save_png(figure)


def _place_members(ring: Ring) -> np.ndarray:
    """Where the members stand: as far apart as they are in steps, as well as a plane allows (Kamada and Kawai 1989)."""
    from scipy.optimize import minimize
    from scipy.sparse.csgraph import shortest_path

    size = ring.members
    tied = np.zeros((size, size))
    for tie in ring.ties:
        tied[tie.source - 1, tie.target - 1] = 1.0
    steps = shortest_path(tied, directed=False, unweighted=True)
    np.fill_diagonal(steps, 1.0)
    angles = 2 * np.pi * np.arange(size) / size
    begin = np.column_stack([np.cos(angles), np.sin(angles)])

    def stress(flat: np.ndarray) -> tuple[float, np.ndarray]:
        away = flat.reshape(size, 1, 2) - flat.reshape(1, size, 2)
        length = np.sqrt((away**2).sum(axis=2)) + np.eye(size)
        off = (length / steps - 1.0) * (1.0 - np.eye(size))
        slope = 4 * (off / (steps * length))[:, :, None] * away
        return float((off**2).sum()), slope.sum(axis=1).ravel()

    return np.asarray(minimize(stress, begin.ravel(), jac=True, method="L-BFGS-B").x).reshape(size, 2)
