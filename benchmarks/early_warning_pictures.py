"""The curves of docs/early_warning.md as PNG files, from what ``early_warning`` measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.early_warning_tables import CEILINGS

COLOURS = ("#2b6777", "#6aa5a9", "#c08a2b", "#b3282d", "#52606d")
GREY = "#999999"


def draw_pictures(measured: Mapping[str, Any], folder: Path) -> None:
    """Capture and precision by capacity, and who was on the list so many days before the first missed payment."""
    folder.mkdir(parents=True, exist_ok=True)
    _draw_capacities(measured["rankings"], folder / "early_warning_capacity.png")
    _draw_leads(measured, folder / "early_warning_lead.png")


def _draw_capacities(rankings: Mapping[str, Any], path: Path) -> None:
    figure, axes = _figure(columns=2)
    for what, place in zip(("capture", "precision"), axes, strict=True):
        for (name, one), colour in zip(rankings.items(), COLOURS, strict=False):
            found = one["by_capacity"]
            shares = [100 * float(share) for share in found]
            place.plot(shares, [100 * at[what] for at in found.values()], color=colour, marker="o", ms=3, label=name)
        place.set(xlabel="capacity, % of the ranked loans", ylabel=f"{what}, %", ylim=(0, None), xlim=(0, None))
    axes[1].legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Software": None})


def _draw_leads(measured: Mapping[str, Any], path: Path) -> None:
    figure, axes = _figure(columns=1)
    ceilings = measured["ceilings"]
    for (words, key), style in zip(CEILINGS.items(), ("--", "-.", ":"), strict=True):
        shares = [100 * share for share in ceilings[key].values()]
        axes.plot([int(day) for day in ceilings[key]], shares, color=GREY, linestyle=style, label=words)
    for (name, one), colour in zip(measured["rankings"].items(), COLOURS, strict=False):
        found = one["list"]["listed_by_days_before"]
        shares = [100 * share for share in found.values()]
        axes.plot([int(day) for day in found], shares, color=colour, marker="o", ms=3, label=name)
    axes.set(
        xlabel="days before the first missed payment", ylabel="% of the loans that go bad, on the list", ylim=(0, 102)
    )
    axes.invert_xaxis()
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, metadata={"Software": None})


def _figure(*, columns: int) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.8 * columns, 3.8), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, columns)
    for place in axes if columns > 1 else [axes]:
        for side in ("top", "right"):
            place.spines[side].set_visible(False)
    return figure, axes
