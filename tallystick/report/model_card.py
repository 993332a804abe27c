"""The model card: what a model is for, what it predicts, how well, for whom, and on what it rests.

Kept apart from ``model_sections``, which the run's report shares: a card is written once, when the model is registered.
"""

from __future__ import annotations

from tallystick.model.results import TrainingResult
from tallystick.report.blocks import Block, Facts, Note, Page, Section, Table
from tallystick.report.model_sections import ModelFacts, describe_model, permission_section, retrospective_notes
from tallystick.report.page import render_page
from tallystick.spec.labels import Label
from tallystick.spec.recipes import Recipe


def render_model_card(recipe: Recipe, label: Label, result: TrainingResult) -> str:
    """The card of a finished training, as one HTML file."""
    facts = ModelFacts(
        name=f"{recipe.name}, {result.champion}",
        params=result.params,
        metrics=result.metrics,
        tables=result.tables,
        plots=result.plots,
        gates=[(gate.name, gate.is_passed, gate.detail) for gate in result.gates],
    )
    return render_page(describe_model_card(recipe, label, facts))


def describe_model_card(recipe: Recipe, label: Label, facts: ModelFacts) -> Page:
    """The model card: what the model is for, what it predicts, how well, for whom, and on what it rests."""
    about: list[Block] = [Note(text=recipe.description)] if recipe.description else []
    about.append(
        Facts(
            rows=[
                ("Predicts", f"{label.sentence}."),
                ("Features", "see Weights; all values as they could be known at as_of"),
                ("Algorithm", str(facts.params.get("algorithm", ""))),
                (
                    "Learned from",
                    f"{facts.params.get('fitted_rows', '?')} labelled observations of {recipe.observations}",
                ),
            ]
        )
    )
    about += retrospective_notes(recipe)
    gates = Table(
        headers=("Gate", "Passed", "Found"), rows=[(name, passed, detail) for name, passed, detail in facts.gates]
    )
    return Page(
        title=f"Model card: {recipe.title}",
        subtitle=facts.name,
        sections=[
            Section(title="About", blocks=about),
            permission_section(recipe, facts),
            *describe_model(facts),
            Section(title="Gates", blocks=[gates] if facts.gates else []),
        ],
    )
