"""What a reader learns of a model: performance, variants, stability, fairness, weights and plots.

The model card and the run's report share these sections.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import pandas as pd

from tallystick.report.blocks import Block, Cell, Figure, Note, Section, Table
from tallystick.spec.recipes import Recipe

# Inputs of a model that a report shows; the whole list is in the tables kept with the model.
SHOWN_FEATURES = 20
SHOWN_SHIFTS = 10

# What is usual for PSI: below the first nothing moved, above the second much did.
STEADY_PSI, MOVED_PSI = 0.1, 0.25

_SHIFTS = ("train_to_test", "train_to_scored")

_ROWS_OF = {"out_of_time": "out of time", "held_out": "held out at random", "out_of_fold": "out of fold"}

# What the rows of the test are, by the split that was declared; told beside every number that rests on them.
_SPLITS = {
    "time": "Tested on the newest rows, from {test_from} on, by a model of older ones whose label was known by then",
    "random_by_customer": "Tested on customers drawn at random, by a model of the others: the split is random by "
    "customer, so nothing here says how the ranking holds over time",
}
_RETROSPECTIVE = "Tested on the newest rows, from {test_from} on, by a model of older ones"

_ACRONYMS = {"roc": "ROC", "ks": "KS"}

# How to read a picture of a training run: its title stands in the picture.
_READING = {
    "roc": "The further a ROC curve lies above the diagonal, the more bad rows are found at the cost of few good ones",
    "ks": "KS is the largest gap between the two curves",
    "calibration": "On the diagonal as many rows are bad as predicted",
    "score_distribution": "The less good and bad rows overlap, the better the score tells them apart",
}

# Groups of fewer people are not told: their numbers would be about persons, and say nothing of the model.
LEAST_GROUP = 5


_PSI_GATE = (
    f"The gate score_psi stops a model whose scores moved beyond the recipe's limit. Above {MOVED_PSI} the table of "
    "stability says moved. The limit may be higher, since a small test moves by chance: a person judges what lies "
    "between."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFacts:
    """What a training run left of a model, as it is kept with it.

    ``tables`` are those of ``TrainingResult.tables`` by name, ``plots`` PNGs by file name, ``gates`` are (name, passed,
    detail).
    """

    name: str
    params: Mapping[str, Cell]
    metrics: Mapping[str, float]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    plots: Mapping[str, bytes] = field(default_factory=dict)
    gates: Sequence[tuple[str, bool, str]] = ()


def read_model_files(directory: Path) -> tuple[dict[str, pd.DataFrame], dict[str, bytes]]:
    """Tables and plots as a training run keeps them: ``tables/<name>.csv`` and ``plots/<name>.png``, by name."""
    tables = {path.stem: pd.read_csv(path) for path in sorted(directory.glob("tables/*.csv"))}
    if "performance" in tables:  # the column's name in models of earlier versions of this project
        tables["performance"] = tables["performance"].rename(columns={"is_champion": "is_chosen"})
    return tables, {path.name: path.read_bytes() for path in sorted(directory.glob("plots/*.png"))}


def retrospective_notes(recipe: Recipe) -> list[Note]:
    """The warning that belongs beside every number of a retrospective recipe; none for an ordinary one."""
    if not recipe.is_retrospective:
        return []
    return [Note(text=f"Retrospective: {recipe.retrospective}", tone="warning")]


def gate_banner(facts: ModelFacts) -> list[Note]:
    """The verdict of the gates, for the top of a page; nothing for a model whose gates were not kept."""
    failed = [f"{name} ({detail})" if detail else name for name, is_passed, detail in facts.gates if not is_passed]
    if failed:
        told = f"FAILED its gates: {', '.join(failed)}. {facts.name} does not come into force."
        return [Note(text=told, tone="bad")]
    return [Note(text=f"{facts.name} passed all of its {len(facts.gates)} gates.", tone="good")] if facts.gates else []


def gates_section(facts: ModelFacts) -> Section:
    """Each gate, whether it was passed, and the numbers; on the rows of the test."""
    caption = "Conditions for coming into force, on the rows of the test"
    table = Table(headers=("Gate", "Passed", "Found"), rows=list(facts.gates), caption=caption)
    notes = [Note(text=_PSI_GATE)] if any(name == "score_psi" for name, _, _ in facts.gates) else []
    return Section(title="Gates", blocks=[table, *notes] if facts.gates else [])


def read_gates(tables: Mapping[str, pd.DataFrame]) -> list[tuple[str, bool, str]]:
    """The gates as they are kept beside the model; none for a model of an earlier version of this project."""
    if "gates" not in tables:
        return []
    kept = tables["gates"].fillna({"detail": ""})
    return [(str(row.gate), bool(row.is_passed), str(row.detail)) for row in kept.itertuples()]


def permission_section(recipe: Recipe, facts: ModelFacts | None, *, protected: Mapping[str, str]) -> Section:
    """Which protected features the recipe allows itself and why, which of them the model reads, and what it leaves out.

    ``protected`` says by feature what it is made of that is protected (``tell_protected``).

    Not in the section of a model, since a recipe has it before there is a model.
    """
    weights = facts.tables.get("weights") if facts else None
    inputs = [] if weights is None else [str(name) for name in weights["feature"]]
    rows = [
        (
            pattern,
            ", ".join(dict.fromkeys(why for name, why in protected.items() if fnmatchcase(name, pattern))) or None,
            reason,
            ", ".join(name for name in inputs if fnmatchcase(name, pattern)) or None,
        )
        for pattern, reason in recipe.allow_protected.items()
    ]
    blocks: list[Block] = [Note(text=f"Decided by features that are permitted for {recipe.permitted_use}.")]
    if rows:
        told = "What is protected enters this model for the reasons below: attributes, or data of class sensitive."
        table = Table(headers=("Features", "Made of", "Why they are needed", "Inputs of the model"), rows=rows)
        blocks += [Note(text=told, tone="warning"), table]
    else:
        told = "No feature is made of a protected attribute: such attributes enter the table of fairness alone."
        blocks.append(Note(text=told, tone="good"))
    if recipe.leave_out:
        blocks.append(Note(text=f"Left out by the recipe: {', '.join(recipe.leave_out)}."))
    return Section(title="Permitted use", blocks=blocks)


def split_notes(facts: ModelFacts) -> list[Note]:
    """How the model's numbers were split into training and test, and which rows were set aside or kept late.

    Nothing for a model that was registered before its split was recorded.
    """
    method = str(facts.params.get("split", ""))
    if method not in _SPLITS:
        return []
    late_kept = int(facts.metrics.get("late_kept", 0))
    told = (_RETROSPECTIVE if late_kept else _SPLITS[method]).format(test_from=facts.params.get("test_from", "?"))
    counts = {
        "had a label that became known after the test began and were kept, as the recipe declares": late_kept,
        "were set aside because their label became known after the test began": facts.metrics.get("late_set_aside", 0),
        "were set aside because their label's window overlaps one of the test": facts.metrics.get(
            "overlapping_set_aside", 0
        ),
    }
    sentences = [told, *(f"{int(count):,} older rows {what}" for what, count in counts.items() if count)]
    is_plain = method == "time" and not late_kept
    return [Note(text=". ".join(sentences) + ".", tone="plain" if is_plain else "warning")]


def describe_model(facts: ModelFacts) -> list[Section]:
    """The sections about one model; a section whose table was not kept is left out."""
    plots = [Figure(title=_plot_title(name), png=png) for name, png in facts.plots.items()]
    made: list[tuple[str, str, Callable[[pd.DataFrame], Block]]] = [
        ("Variants", "variants", _variants),
        (
            "Vintages",
            "vintages",
            lambda t: _plain(t, "Each vintage predicted by a model of what was known when it began"),
        ),
        ("Calibration", "calibration", _calibration),
        ("Weights", "weights", _weights),
        ("Stability", "stability", _stability),
        ("Fairness", "fairness", _fairness),
    ]
    performance: list[Block] = [*split_notes(facts)]
    if "performance" in facts.tables:
        performance.append(_performance(facts.tables["performance"]))
    sections = [Section(title="Performance", blocks=[*performance, *plots], in_terminal=True)]
    sections += [
        Section(title=title, blocks=[make(facts.tables[name])], in_terminal=name == "variants")
        for title, name, make in made
        if name in facts.tables and len(facts.tables[name])
    ]
    return sections


def _performance(table: pd.DataFrame) -> Table:
    rows = []
    for row in table.sort_values(["rows_of", "is_chosen"], ascending=[False, False], kind="stable").to_dict("records"):
        name = f"{row['algorithm']} (chosen)" if row["is_chosen"] else str(row["algorithm"])
        interval = f"{row['auc_low']:.3f} to {row['auc_high']:.3f}"
        measured = [row[column] for column in ("ks", "gini", "average_precision", "brier", "calibration_slope")]
        rows_of = _ROWS_OF.get(row["rows_of"], row["rows_of"])
        rows.append((rows_of, name, int(row["rows"]), int(row["bad"]), row["auc"], interval, *measured))
    headers = ("Measured on", "Algorithm", "Rows", "Bad", "AUC", "95 % interval", "KS", "Gini", "AP", "Brier", "Slope")
    caption = (
        "All by models of the training part, which had not seen the row; the version itself was fitted again, on "
        "all labelled rows"
    )
    narrow = ("Measured on", "Algorithm", "Rows", "AUC", "95 % interval", "KS")
    return Table(headers=headers, rows=rows, caption=caption, in_terminal=narrow)


def _variants(table: pd.DataFrame) -> Table:
    narrow = ("Label", "AUC out of fold", "AUC out of time", "AUC held out")
    return _plain(table, "The same algorithm trained and tested on other labels", in_terminal=narrow)


def _weights(table: pd.DataFrame) -> Table:
    signs = {1.0: "more", -1.0: "less"}
    rows = [
        (row["feature"], row["effect"], signs.get(row["sign"], "–"), bool(row["assumed"]), row["reason"])
        for row in table.head(SHOWN_FEATURES).to_dict("records")
    ]
    caption = f"The {len(rows)} strongest of {len(table)} inputs, by the spread of what each adds to the log-odds"
    headers = ("Feature", "Effect", "Expected risk", "Assumed date", "What a customer may be told")
    return Table(headers=headers, rows=rows, caption=caption)


def _stability(table: pd.DataFrame) -> Table:
    score = table[table["feature"] == "pd"]
    others = table[table["feature"] != "pd"].sort_values("train_to_test", ascending=False, kind="stable")
    shown = pd.concat([score, others.head(SHOWN_SHIFTS)])
    rows = [
        (row["feature"], *(cell for name in _SHIFTS for cell in (row[name], _read_psi(row[name]))))
        for row in shown.to_dict("records")
    ]
    headers = ("Feature", "PSI, training to test", "Reads as", "PSI, training to unlabelled", "Reads as")
    caption = (
        f"The pd, and the {min(len(others), SHOWN_SHIFTS)} of this model's {len(others)} inputs that moved most. PSI "
        f"below {STEADY_PSI}: steady; up to {MOVED_PSI}: watch; above: moved"
    )
    return Table(headers=headers, rows=rows, caption=caption)


def _read_psi(value: float) -> str | None:
    if pd.isna(value):
        return None
    return "steady" if value < STEADY_PSI else "watch" if value <= MOVED_PSI else "moved"


def _calibration(table: pd.DataFrame) -> Table:
    rows = int(table["rows"].sum())
    told = (
        f"Groups from safe to risky: the {rows:,} rows of training part and test, each by a model that had not seen it"
    )
    return _plain(table, told)


def _fairness(table: pd.DataFrame) -> Table:
    """The numbers of each segment; of one with fewer rows than ``LEAST_GROUP`` only that there are so few."""
    plain = _plain(table, "By segments that the model does not see")
    shown = ["segment", "value"]
    rows = [
        tuple(
            cell if rows >= LEAST_GROUP or name in shown else f"fewer than {LEAST_GROUP}" if name == "rows" else None
            for name, cell in zip(table.columns, row, strict=True)
        )
        for rows, row in zip(table["rows"], plain.rows, strict=True)
    ]
    return Table(headers=plain.headers, rows=rows, caption=plain.caption)


def _plain(table: pd.DataFrame, caption: str, *, in_terminal: Sequence[str] = ()) -> Table:
    headers = [name.replace("_", " ").capitalize().replace("Auc", "AUC").replace("Ks", "KS") for name in table.columns]
    columns = [_cells(table[name], is_year=name == "vintage") for name in table.columns]
    return Table(headers=headers, rows=list(zip(*columns, strict=True)), caption=caption, in_terminal=in_terminal)


def _cells(column: pd.Series, *, is_year: bool) -> list[Cell]:
    """Counts are kept as doubles beside shares: a column of whole numbers is shown without decimals, a year as text."""
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return [None if pd.isna(value) else bool(value) if value in (True, False) else str(value) for value in column]
    known = column.dropna()
    if is_year or bool((known == known.round()).all()):
        whole = [None if pd.isna(value) else int(value) for value in column]
        return [str(value) for value in whole] if is_year else list(whole)
    return [float(value) for value in column]


def _plot_title(name: str) -> str:
    stem = name.partition(".")[0]
    return _READING.get(stem) or _ACRONYMS.get(stem, stem.replace("_", " ").capitalize())
