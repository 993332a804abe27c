"""The pictures of a watch list, as PNG bytes: what it catches by its length, and how early.

Apart from the section because only here something is drawn. No picture has a number that no table has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tallystick.model.plots import BAD, GOOD, PLAIN, save_png


def draw_capacities(found: Sequence[Mapping[str, Any]], *, capacity: float) -> bytes:
    """Capture and precision against the share of the ranked loans that is listed; ``capacity`` is the declared one."""
    figure, axes = _figure()
    shares = [100 * row["share"] for row in found]
    best = [100 * min(1.0, row["listed"] / row["bad"]) for row in found]
    axes.plot(shares, best, color=PLAIN, linestyle="--", linewidth=1, label="capture of a perfect ranking")
    captured = [100 * row["caught"] / row["bad"] for row in found]
    axes.plot(shares, captured, color=GOOD, marker="o", markersize=4, label="capture: bad loans that are listed")
    precise = [100 * row["caught"] / row["listed"] for row in found]
    axes.plot(shares, precise, color=BAD, marker="o", markersize=4, label="precision: listed loans that are bad")
    axes.axvline(100 * capacity, color="#999999", linewidth=1)
    axes.set(xlabel="capacity, % of the ranked loans", ylabel="%", ylim=(0, 102), xlim=(0, None))
    axes.legend(frameon=False, loc="best", fontsize=8)
    return save_png(figure)


def draw_leads(days: Sequence[int]) -> bytes:
    """The share of loans that were listed so many days or more before they became late."""
    figure, axes = _figure()
    ordered = sorted(days)
    size = len(ordered)
    axes.step([0, *ordered], [100, *(100 * (size - at) / size for at in range(size))], color=GOOD, where="pre")
    axes.axvline(90, color="#999999", linewidth=1)
    axes.set(xlabel="days before the loan became late", ylabel="% listed by then", ylim=(0, 102), xlim=(0, None))
    return save_png(figure)


def _figure() -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 3.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots()
