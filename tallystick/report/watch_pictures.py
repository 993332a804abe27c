"""The pictures of a watch list, as PNG bytes: what it catches by its length, and how early.

Apart from the section because only here something is drawn. No picture has a number that no table has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tallystick.model.plots import BAD, GOOD, PLAIN, save_png

_GREY = "#999999"
_STYLES = ("--", ":", "-.")
_LONGEST = 34  # letters of a group's name beside its bar


def draw_capacities(
    found: Sequence[Mapping[str, Any]], others: Mapping[str, Sequence[Mapping[str, Any]]], *, capacity: float
) -> bytes:
    """Capture, and beside it precision, against the share of the ranked loans that is listed.

    The model's lines are whole, those of the ``others`` broken. ``capacity`` is the declared one.
    """
    figure, axes = _figure(columns=2)
    best = [100 * min(1.0, row["listed"] / row["bad"]) for row in found]
    axes[0].plot(_shares(found), best, color=_GREY, linewidth=1, label="a perfect ranking")
    for place, what, out_of, colour in zip(axes, ("capture", "precision"), ("bad", "listed"), (GOOD, BAD), strict=True):
        values = [100 * row["caught"] / row[out_of] for row in found]
        place.plot(_shares(found), values, color=colour, marker="o", markersize=4, label="the model")
        for (name, rows), style in zip(others.items(), _STYLES, strict=False):
            values = [100 * row["caught"] / row[out_of] for row in rows]
            place.plot(_shares(rows), values, color=PLAIN, linestyle=style, linewidth=1.2, label=name)
        place.axvline(100 * capacity, color=_GREY, linewidth=1)
        place.set(xlabel="capacity, % of the ranked loans", ylabel=f"{what}, %", ylim=(0, None), xlim=(0, None))
        place.legend(frameon=False, loc="best", fontsize=8)
    return save_png(figure)


def _shares(rows: Sequence[Mapping[str, Any]]) -> list[float]:
    return [100 * row["share"] for row in rows]


def draw_leads(days: Sequence[int], groups: Sequence[tuple[str, float]] = ()) -> bytes:
    """The share of loans that were listed so many days or more before they became late; beside it, of each of the
    ``groups`` of listed loans, the share that became late.
    """
    figure, axes = _figure(columns=2 if groups else 1)
    curve = axes[0]
    ordered = sorted(days)
    size = len(ordered)
    curve.step([0, *ordered], [100, *(100 * (size - at) / size for at in range(size))], color=GOOD, where="pre")
    curve.axvline(90, color=_GREY, linewidth=1)
    curve.set(xlabel="days before the loan became late", ylabel="% listed by then", ylim=(0, 102), xlim=(0, None))
    if groups:
        names = [name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..." for name, _ in groups]
        axes[1].barh(range(len(groups)), [100 * share for _, share in groups], color=BAD, height=0.6)
        axes[1].set_yticks(range(len(groups)), names, fontsize=7)
        axes[1].invert_yaxis()
        axes[1].set(xlabel="% of these listed loans that became late")
    return save_png(figure)


def _figure(*, columns: int) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4 if columns == 1 else 9.6, 3.6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(1, columns, squeeze=False)[0]
