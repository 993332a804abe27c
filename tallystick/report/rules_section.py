"""What a report says of anti-fraud rules: decisions, hits, what was held for want of data, and rules that are alike.

Apart from ``run_report`` because it asks questions of its own, which a bank without rules never asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from tallystick.report.blocks import Bars, Block, Facts, Figure, Note, Section, Table
from tallystick.report.questions import Question
from tallystick.report.rule_pictures import draw_overlaps, draw_ring
from tallystick.report.words import words_beside
from tallystick.ties.rings import FEWEST, MOST, Ring

# The rules with most hits are compared with each other; the table shows the pairs that are most alike.
DRAWN_RULES, SHOWN_PAIRS = 30, 10

DECISIONS, FLAGS = "score.fraud_decisions", "score.fraud_flags"


def rule_questions(observations: str, *, source: str) -> dict[str, Question]:
    """The questions about the rules of one observation set."""
    ours = f"source = '{source}' AND observations = '{observations}'"
    return {
        "rule_decisions": Question(
            tables=[DECISIONS],
            sql=f"""
                SELECT count(*)::BIGINT AS decisions, count(*) FILTER (live_hits > 0)::BIGINT AS hit,
                    count(*) FILTER (live_held > 0)::BIGINT AS held,
                    count(*) FILTER (live_held + shadow_held > 0)::BIGINT AS any_held,
                    max(live_rules)::BIGINT AS live_rules, max(shadow_rules)::BIGINT AS shadow_rules,
                    max(weights_on) AS weights_on
                FROM {DECISIONS} WHERE {ours}""",
        ),
        "rule_families": Question(
            tables=[FLAGS],
            sql=f"""
                SELECT family, count(DISTINCT (observation_id, as_of))::BIGINT AS observations
                FROM {FLAGS} WHERE {ours} AND status = 'live' GROUP BY 1 ORDER BY 2 DESC, 1""",
        ),
        "rule_hits": Question(
            tables=[FLAGS],
            sql=f"""
                SELECT rule_id, family, severity, status, count(*)::BIGINT AS hits,
                    max(decided_on)::VARCHAR AS last_hit
                FROM {FLAGS} WHERE {ours} GROUP BY ALL ORDER BY status, hits DESC, rule_id LIMIT 40""",
        ),
        "rules_held": Question(
            tables=[DECISIONS],
            sql=f"""
                SELECT key AS rule_id, value->>'$' AS why, count(*)::BIGINT AS decisions
                FROM {DECISIONS}, json_each(held_rules) WHERE {ours} GROUP BY ALL ORDER BY 3 DESC, 1, 2 LIMIT 20""",
        ),
        "rules_alike": Question(
            tables=[FLAGS],
            sql=f"""
                WITH counts AS (
                    SELECT rule_id, count(*) AS hits FROM {FLAGS} WHERE {ours} GROUP BY 1
                    ORDER BY 2 DESC, 1 LIMIT {DRAWN_RULES}),
                hits AS (
                    SELECT rule_id, observation_id, as_of FROM {FLAGS} SEMI JOIN counts USING (rule_id)
                    WHERE {ours}),
                pairs AS (
                    SELECT a.rule_id AS one, b.rule_id AS other, count(*) AS shared
                    FROM hits a JOIN hits b USING (observation_id, as_of) WHERE a.rule_id < b.rule_id GROUP BY ALL)
                SELECT one, other, shared::BIGINT AS shared, shared / (c.hits + d.hits - shared) AS jaccard
                FROM pairs JOIN counts c ON c.rule_id = one JOIN counts d ON d.rule_id = other
                ORDER BY jaccard DESC, 1, 2""",
        ),
    }


def has_rule_answers(answers: Mapping[str, pa.Table]) -> bool:
    """Whether any rule of the set was answered: without, there is no section."""
    return any(row["decisions"] for row in _rows(answers, "rule_decisions"))


def describe_rules(
    answers: Mapping[str, pa.Table],
    *,
    observations: str,
    title: str = "Anti-fraud rules",
    ring: Ring | None = None,
    decides: bool = True,
) -> Section | None:
    """The section, with the picture of a ``ring`` if there is one; None where no rule of the set was answered.

    Signs of a watch list are rules that do not ``decide``: their answers are no decisions, and no fraud is weighed.
    """
    if not has_rule_answers(answers):
        return None
    (told,) = _rows(answers, "rule_decisions")
    noun = "decisions" if decides else "observations"
    asked = noun.capitalize()
    weighed = [("Fraud known to the score by", str(told["weights_on"] or "no weights were fitted"))] if decides else []
    blocks: list[Block] = [
        Facts(
            rows=[
                (asked, told["decisions"]),
                ("Live rules, shadows", f"{told['live_rules']}, {told['shadow_rules']}"),
                (f"{asked} with a live hit", told["hit"]),
                (f"{asked} with a live rule held", told["held"]),
                ("... with any rule held", told["any_held"]),
                *weighed,
            ]
        ),
        _held_note(told["held"], told["decisions"], noun=noun),
        words_beside("rule_decisions"),
    ]
    families = [(row["family"], row["observations"]) for row in _rows(answers, "rule_families")]
    if families:
        blocks.append(Bars(rows=families, caption=f"Observations of {observations} hit by a live rule of each family"))
    blocks += _tables(answers, asked=asked)
    if pairs := _rows(answers, "rules_alike"):
        drawn = f"How alike the {DRAWN_RULES} rules with most hits are (Jaccard: hits in common of the hits of either)"
        blocks.append(Figure(title=drawn, png=draw_overlaps(pairs)))
    if ring:
        blocks += _ring_blocks(ring)
    return Section(title=title, blocks=blocks)


def _ring_blocks(ring: Ring) -> list[Block]:
    """The picture of a ring, and a table of how many ties of each kind it has."""
    title = f"A ring around confirmed fraud on {ring.day}: {ring.members} customers tied by {ring.kind}"
    text = (
        f"{ring.flagged} of the {ring.members} committed fraud that was confirmed by {ring.day}. An arrow points to "
        "who is paid or named; a line without one goes both ways. Numbers stand for customers in this picture alone. "
        f"Of the groups of {FEWEST} to {MOST} customers it has the most confirmed fraud. Being tied to somebody is no "
        "guilt."
    )
    mutual = Counter(tie.kind for tie in ring.ties if tie.is_mutual)
    kinds = Counter(tie.kind for tie in ring.ties)
    rows = [(kind, count, mutual[kind]) for kind, count in kinds.items()]
    headers = ("Ties between the members", "Pairs", "Of these both ways")
    return [Figure(title=title, png=draw_ring(ring)), Note(text=text), Table(headers=headers, rows=rows)]


def _held_note(held: int, asked: int, *, noun: str) -> Note:
    if not held:
        return Note(text=f"Every live rule had an answer for all {noun}.", tone="good")
    text = f"{held:,} of {asked:,} {noun} ({held / asked:.1%}) had a live rule without an answer."
    return Note(text=f"{text} The table of what was held says why.", tone="warning")


def _tables(answers: Mapping[str, pa.Table], *, asked: str) -> list[Block]:
    shown = (
        (
            "rule_hits",
            ("Rule", "Family", "Severity", "Status", "Hits", "Last hit"),
            "Hits; those of shadows do not count",
            None,
        ),
        ("rules_held", ("Rule", "Why it was held", asked), "Held for want of data, most often first", None),
        (
            "rules_alike",
            ("Rule", "Other rule", "Hit by both", "Jaccard"),
            "Rules that hit the same observations",
            SHOWN_PAIRS,
        ),
    )
    return [
        Table(headers=headers, rows=[tuple(row.values()) for row in rows[:most]], caption=caption)
        for name, headers, caption, most in shown
        if (rows := _rows(answers, name))
    ]


def _rows(answers: Mapping[str, pa.Table], name: str) -> list[dict[str, Any]]:
    return answers[name].to_pylist() if name in answers else []
