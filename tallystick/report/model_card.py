"""The model card: what a model is for, what it predicts, how well, for whom, and on what it rests.

Kept apart from ``model_sections``, which the run's report shares: a card is written once, when the model is registered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from tallystick.model.results import TrainingResult
from tallystick.report.blocks import Block, Cell, Facts, Note, Page, Section, Table
from tallystick.report.model_sections import (
    ModelFacts,
    describe_model,
    gate_banner,
    gates_section,
    permission_section,
    retrospective_notes,
)
from tallystick.report.page import render_page
from tallystick.report.words import words_section
from tallystick.spec.labels import Label
from tallystick.spec.recipes import Recipe


@dataclass(frozen=True, kw_only=True, slots=True)
class Origin:
    """Which version a card is of: its label, the date (UTC) of its registration, and the version of each table read.

    ``source`` is whose data it is, ``data_as_of`` the last date whose loads it may have seen, ``code`` the version of
    the code that trained it. ``protected`` says by feature what it is made of that is protected.
    """

    version: str
    registered_on: date
    tables: Mapping[str, int] = field(default_factory=dict)
    source: str = ""
    data_as_of: date | None = None
    code: str = ""
    protected: Mapping[str, str] = field(default_factory=dict)


def render_model_card(recipe: Recipe, label: Label, result: TrainingResult, *, origin: Origin) -> str:
    """The card of a registered version, as one HTML file."""
    facts = ModelFacts(
        name=origin.version,
        params=result.params,
        metrics=result.metrics,
        tables=result.tables,
        plots=result.plots,
        gates=[(gate.name, gate.is_passed, gate.detail) for gate in result.gates],
    )
    return render_page(describe_model_card(recipe, label, facts, origin=origin))


def describe_model_card(recipe: Recipe, label: Label, facts: ModelFacts, *, origin: Origin) -> Page:
    """The model card: what the model is for, what it predicts, how well, for whom, and on what it rests."""
    about: list[Block] = [Note(text=recipe.description)] if recipe.description else []
    about += [Facts(rows=_about(recipe, label, facts, origin)), *retrospective_notes(recipe)]
    return Page(
        title=f"Model card: {recipe.title}",
        subtitle=f"{origin.version}, registered on {origin.registered_on}",
        banner=gate_banner(facts),
        sections=[
            Section(title="About", blocks=about),
            permission_section(recipe, facts, protected=origin.protected),
            *describe_model(facts),
            gates_section(facts),
            Section(title="Tables it learned from", blocks=_tables(origin)),
            words_section(facts.tables),
        ],
    )


def _about(recipe: Recipe, label: Label, facts: ModelFacts, origin: Origin) -> list[tuple[str, Cell]]:
    params = facts.params
    return [
        ("Version", origin.version),
        ("Registered on", f"{origin.registered_on}"),
        ("Data of", origin.source or None),
        ("Data as of", f"{origin.data_as_of}" if origin.data_as_of else None),
        ("Trained by", origin.code or None),
        ("Predicts", f"{label.sentence}."),
        ("Features", "see Weights; all values as they could be known at as_of"),
        ("Algorithm", f"{params.get('algorithm', '')}, chosen among {params.get('algorithms', 'those declared')}"),
        ("Training period", f"{params.get('fitted_from', '?')} to {params.get('fitted_to', '?')} (as_of)"),
        ("Rows", f"{_count(params.get('fitted_rows'))} labelled observations of {recipe.observations}"),
        ("Bads", _count(params.get("fitted_bad"))),
    ]


def _count(value: Cell) -> str:
    return f"{value:,}" if isinstance(value, int) else "?"


def _tables(origin: Origin) -> list[Block]:
    rows = sorted(origin.tables.items())
    caption = "Each at the version that was read"
    return [Table(headers=("Table", "Version"), rows=rows, caption=caption)] if rows else []
