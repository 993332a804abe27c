"""What lists of several lengths would have caught on the month ends of the test: by the model, by its rules alone, and
by one feature alone.

Apart from the section of the list because these questions ask what the model learned from, and no list that was made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from tallystick.report.blocks import Block, Figure, Note, Table
from tallystick.report.questions import Question
from tallystick.report.rules_section import DECISIONS, FLAGS
from tallystick.report.watch_pictures import draw_capacities
from tallystick.report.words import words_beside
from tallystick.spec.recipes import Recipe
from tallystick.spec.rules import LIVE
from tallystick.spec.watch_lists import WatchList

# Shares of the ranked loans, from a short list to one that nobody can work through.
CAPACITIES = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3)
# A sign of the next severity weighs as much as two of this one.
_WEIGHTS = {"low": 1, "medium": 2, "high": 4, "critical": 8}
MODEL, RULES, BASELINE = "watch_capacities", "watch_by_rules", "watch_by_baseline"


def ranking_questions(declared: WatchList, recipe: Recipe, *, source: str) -> dict[str, Question]:
    """One question for each ranking; ``watch_by_rules`` also says of how many rows the rules were answered.

    A null of the baseline's feature stands last. Equal rows stand in the order of their names; with the rules alone
    that of the baseline decides between them, since most loans have no sign.
    """
    learned = recipe.training_table
    test = f"SELECT * FROM {learned} WHERE source = '{source}' AND part = 'test'"
    ours = f"source = '{source}' AND observations = '{declared.observations}'"
    weights = " ".join(f"WHEN '{name}' THEN {weight}" for name, weight in _WEIGHTS.items())
    by_baseline = f"{declared.baseline} NULLS LAST, " if declared.baseline else ""
    hits = f"""
        SELECT observation_id, as_of, sum(CASE severity {weights} END) AS weight
        FROM (SELECT DISTINCT observation_id, as_of, rule_id, severity FROM {FLAGS}
            WHERE {ours} AND family = '{declared.family}' AND status = '{LIVE}') GROUP BY ALL"""
    same = "USING (observation_id, as_of)"
    signed = f"SELECT t.*, coalesce(h.weight, 0) AS weight FROM ({test}) t LEFT JOIN ({hits}) h {same}"
    answered = f"SELECT count(*) FROM ({test}) SEMI JOIN (FROM {DECISIONS} WHERE {ours}) {same}"
    by_rules = _captured(signed, order=f"weight DESC, {by_baseline}")
    asked = {
        MODEL: Question(tables=[learned], sql=_captured(test, order="pd_test DESC, ")),
        RULES: Question(
            tables=[learned, FLAGS, DECISIONS],
            sql=f"SELECT *, ({answered})::BIGINT AS answered FROM ({by_rules}) ORDER BY share",
        ),
    }
    if declared.baseline:
        asked[BASELINE] = Question(tables=[learned], sql=_captured(test, order=by_baseline))
    return asked


def _captured(rows: str, *, order: str) -> str:
    """By share of each month end: the rows, the bad ones, those that are listed in this order, and the bad of them."""
    shares = ", ".join(f"({share})" for share in CAPACITIES)
    return f"""
        WITH ranked AS (
            SELECT as_of, label, row_number() OVER (PARTITION BY as_of ORDER BY {order}observation_id) AS place,
                count(*) OVER (PARTITION BY as_of) AS loans
            FROM ({rows}))
        SELECT share::DOUBLE AS share, sum(label)::BIGINT AS bad, count(*)::BIGINT AS ranked,
            count(*) FILTER (place <= greatest(1, floor(share * loans)))::BIGINT AS listed,
            coalesce(sum(label) FILTER (place <= greatest(1, floor(share * loans))), 0)::BIGINT AS caught
        FROM ranked, (VALUES {shares}) AS of(share) GROUP BY share ORDER BY share"""


def describe_rankings(declared: WatchList, answers: Mapping[str, pa.Table]) -> list[Block]:
    """Capture and precision by capacity, of the model and beside it of what is simpler; nothing without a bad row."""
    found = _rows(answers, MODEL)
    if not found or not found[0]["bad"]:
        return []
    rows = [
        (f"{r['share']:.1%}", r["caught"] / r["bad"], r["caught"] / r["listed"],
         1000 * (r["listed"] - r["caught"]) / r["ranked"], min(1.0, r["listed"] / r["bad"]))
        for r in found
    ]  # fmt: skip
    headers = ("Capacity", "Capture", "Precision", "False alarms per 1,000", "A perfect ranking captures")
    others, notes = _others(declared, answers)
    return [
        Note(text="What a list of each length would have caught on the month ends of the test, and how often nothing "
                  f"happened then. The list has places for {declared.capacity:.1%} of the ranked loans."),
        Figure(png=draw_capacities(found, others, capacity=declared.capacity),
               title="Capture and precision by capacity"),
        Table(headers=headers, rows=rows),
        words_beside(MODEL),
        *_beside(found, others),
        *notes,
    ]  # fmt: skip


def _others(
    declared: WatchList, answers: Mapping[str, pa.Table]
) -> tuple[dict[str, Sequence[Mapping[str, Any]]], list[Block]]:
    """The other rankings by what a reader calls them, and why one is missing.

    Rules that were not answered for some rows would be said to have missed them.
    """
    others: dict[str, Sequence[Mapping[str, Any]]] = {}
    notes: list[Block] = []
    ruled = _rows(answers, RULES)
    if ruled and ruled[0]["answered"] == ruled[0]["ranked"]:
        others["rules alone"] = ruled
    else:
        answered = ruled[0]["answered"] if ruled else 0
        text = "The rules alone are not shown beside the model: they were answered for"
        text = f"{text} {answered:,} of the loans of the test. tally rules run answers them for the set of the recipe."
        notes.append(Note(text=text))
    if alone := _rows(answers, BASELINE):
        others[f"{declared.baseline} alone"] = alone
    return others, notes


def _beside(found: Sequence[Mapping[str, Any]], others: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Block]:
    if not others:
        return []
    columns = {"model": found, **others}
    headers = ("Capacity", *(f"{what}, {name}" for what in ("Capture", "Precision") for name in columns))
    rows = [
        (
            f"{ranked[0]['share']:.1%}",
            *(r["caught"] / r["bad"] for r in ranked),
            *(r["caught"] / r["listed"] for r in ranked),
        )
        for ranked in zip(*columns.values(), strict=True)
    ]
    return [
        Table(headers=headers, rows=rows, caption="The same beside what is simpler: rules by severity, one feature")
    ]


def _rows(answers: Mapping[str, pa.Table], question: str) -> list[dict[str, Any]]:
    return answers[question].to_pylist() if question in answers else []
