"""What each dimension is worth, as a reader sees it: the section of the report, and the same as rows of a table.

Apart from ``model_sections`` because an ablation is a study of its own: it may be newer than the model.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from tallystick.report.blocks import Block, Cell, Figure, Note, Section, Table

_ROWS_OF = {
    "folds_in_time": "folds in time",
    "out_of_fold": "folds of customers",
    "out_of_time": "the test, newest rows",
    "held_out": "the test, customers held out",
}
_SEGMENTS = {"all": "all", "thin": "thin files"}


@dataclass(frozen=True, kw_only=True, slots=True)
class AblationFacts:
    """An ablation as it was kept: its table (``training.ablation``), its algorithm, and PNGs by file name."""

    table: pd.DataFrame
    algorithm: str
    folds: int
    thin_file: str = ""
    plots: Mapping[str, bytes] = field(default_factory=dict)


def read_dimensions(content: bytes) -> pd.DataFrame:
    """The table of an ablation from its CSV."""
    return pd.read_csv(io.BytesIO(content))


def list_gains(facts: AblationFacts) -> list[dict[str, Any]]:
    """The whole table as records, for programs: None where a number is not known."""
    return [
        {str(name): None if pd.isna(value) else value for name, value in row.items()}
        for row in facts.table.to_dict("records")
    ]


def list_dimensions(facts: AblationFacts) -> list[dict[str, str | int]]:
    """A row per kind of rows and dimension for a person: the three questions side by side, each with its interval."""
    rows = []
    for (rows_of, segment), own in facts.table.groupby(["rows_of", "segment"], sort=False):
        by_way = {way: part.set_index("dimension") for way, part in own.groupby("way")}
        for name in dict.fromkeys(own["dimension"]):
            first = own[own["dimension"] == name].iloc[0]
            told: dict[str, str | int] = {
                "measured on": f"{_ROWS_OF[str(rows_of)]}, {_SEGMENTS[str(segment)]}",
                "bad / rows": f"{first['bad']:.0f} / {first['rows']:.0f}",
                "dimension": str(first["title"]),
                "features": int(first["features"]),
            }
            told["AUC alone"] = _auc(by_way, str(name))
            told["added to the base"] = _gain(by_way, "added", str(name))
            told["left out of all"] = _gain(by_way, "left_out", str(name))
            rows.append(told)
    return rows


def describe_dimensions(facts: AblationFacts) -> Section:
    """The section of the report: what was done, a picture and a table for each kind of rows."""
    blocks: list[Block] = [Note(text=_method(facts)), Note(text=_reading(facts))]
    if "out_of_fold" in set(facts.table["rows_of"]):
        told = "Too little was known early enough for folds in time: the folds are of customers, so rows of the same"
        blocks.append(Note(text=f"{told} days teach and are ranked. Time is seen in the test alone.", tone="warning"))
    shown = list_dimensions(facts)
    for measured in dict.fromkeys(row["measured on"] for row in shown):
        own = [{k: v for k, v in row.items() if k != "measured on"} for row in shown if row["measured on"] == measured]
        counts = own[0].pop("bad / rows")
        rows: Sequence[Sequence[Cell]] = [[value for name, value in row.items() if name != "bad / rows"] for row in own]
        headers = [name.capitalize().replace("Auc", "AUC") for name in own[0]]
        blocks.append(Table(headers=headers, rows=rows, caption=f"On {measured}: {counts} bad of all rows"))
    blocks += [Figure(title=_title(name), png=png) for name, png in facts.plots.items()]
    return Section(title="What each dimension is worth", blocks=blocks)


def _method(facts: AblationFacts) -> str:
    thin = f" A file is thin with {facts.thin_file}." if facts.thin_file else ""
    return (
        f"{facts.algorithm} was fitted with and without each dimension on the same rows: {facts.folds} folds and the "
        f"test. Each interval holds 95 % of 1,000 resamples of the customers, the same for both models.{thin}"
    )


def _reading(facts: AblationFacts) -> str:
    count = int((facts.table["way"] != "reference").sum())
    return (
        f"An interval that holds 0 shows no worth. Of {count} intervals about {max(1, round(count / 40))} lie above 0 "
        "by chance alone. Choose by the folds: whoever chooses by the test has no test left."
    )


def _auc(by_way: Mapping[Any, pd.DataFrame], name: str) -> str:
    for way in ("alone", "reference"):
        if way in by_way and name in by_way[way].index:
            row = by_way[way].loc[name]
            return "–" if pd.isna(row["auc"]) else f"{row['auc']:.3f} ({row['auc_low']:.3f} to {row['auc_high']:.3f})"
    return "–"


def _gain(by_way: Mapping[Any, pd.DataFrame], way: str, name: str) -> str:
    row = by_way[way].loc[name] if way in by_way and name in by_way[way].index else None
    if row is None or pd.isna(row["gain"]):
        return "–"
    return f"{_signed(row['gain'])} ({_signed(row['gain_low'])} to {_signed(row['gain_high'])})"


def _signed(value: float) -> str:
    """Three decimals with a sign, none for what rounds to 0."""
    return "0.000" if abs(value) < 0.0005 else f"{value:+.3f}"


def _title(path: str) -> str:
    segment, _, rows_of = path.rpartition("/")[2].removesuffix(".png").removeprefix("dimensions_").partition("_")
    return f"{_SEGMENTS.get(segment, segment).capitalize()}: {_ROWS_OF.get(rows_of, rows_of)}"
