"""What a reader learns of a watch list: what it catches at which length, how early, and who is on it.

The list's own section, with its questions and pictures, because only recipes that rank a list have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from tallystick.report.blocks import Block, Figure, Note, Section, Table
from tallystick.report.questions import Question
from tallystick.report.watch_pictures import draw_capacities, draw_leads
from tallystick.spec.recipes import Recipe
from tallystick.spec.watch_lists import TABLE, WatchList

# Shares of the ranked loans, from a short list to one that nobody can work through.
CAPACITIES = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3)
# Months by which a loan may have been listed before it became late.
LEAD_DAYS = (1, 7, 14, 30, 60, 90, 120, 180)
_CAUSES = ("late", "ended", "calmed", "displaced")


def list_watch_questions(declared: WatchList, recipe: Recipe, *, source: str) -> Mapping[str, Question]:
    """The questions of the section; the names of ``list_questions`` are others."""
    ours = f"source = '{source}' AND recipe = '{recipe.name}'"
    shares = ", ".join(f"({share})" for share in CAPACITIES)
    causes = ", ".join(f"count(*) FILTER (cause = '{cause}')::BIGINT AS {cause}" for cause in _CAUSES)
    learned = recipe.training_table
    return {
        "watch_capacities": Question(
            tables=[learned],
            sql=f"""
                WITH ranked AS (
                    SELECT as_of, label, row_number() OVER (PARTITION BY as_of ORDER BY pd_test DESC, observation_id)
                        AS place, count(*) OVER (PARTITION BY as_of) AS loans
                    FROM {learned} WHERE source = '{source}' AND part = 'test')
                SELECT share::DOUBLE AS share, sum(label)::BIGINT AS bad, count(*)::BIGINT AS ranked,
                    count(*) FILTER (place <= greatest(1, floor(share * loans)))::BIGINT AS listed,
                    coalesce(sum(label) FILTER (place <= greatest(1, floor(share * loans))), 0)::BIGINT AS caught
                FROM ranked, (VALUES {shares}) AS of(share) GROUP BY share ORDER BY share""",
        ),
        "watch_nights": Question(
            tables=[TABLE],
            sql=f"""
                SELECT list_date, count(*) FILTER (level = 'act')::BIGINT AS act,
                    count(*) FILTER (level = 'watch')::BIGINT AS watch,
                    count(*) FILTER (level <> 'off' AND listed_on = list_date)::BIGINT AS entered, {causes},
                    max(ranked_loans)::BIGINT AS ranked
                FROM {TABLE} WHERE {ours} GROUP BY list_date ORDER BY list_date DESC LIMIT 28""",
        ),
        "watch_leads": Question(
            tables=[TABLE],
            sql=f"""
                SELECT (list_date - first_seen_on)::BIGINT AS days FROM {TABLE} WHERE {ours} AND cause = 'late'
                ORDER BY 1""",
        ),
        "watch_rules": Question(
            tables=[TABLE],
            sql=f"""
                SELECT rule, count(*)::BIGINT AS loans
                FROM (SELECT unnest(string_split(rules, ' ')) AS rule FROM {TABLE} WHERE {ours} AND level <> 'off'
                    AND list_date = (SELECT max(list_date) FROM {TABLE} WHERE {ours}))
                GROUP BY rule ORDER BY loans DESC, rule LIMIT 15""",
        ),
    }


def describe_watch_list(declared: WatchList, answers: Mapping[str, pa.Table], *, titles: Mapping[str, str]) -> Section:
    """The section; a question that was not answered leaves its part out. ``titles`` are those of the rules."""
    blocks = [
        *_capacities(declared, _rows(answers, "watch_capacities")),
        *_leads(_rows(answers, "watch_leads")),
        *_nights(_rows(answers, "watch_nights")),
        *_rules(_rows(answers, "watch_rules"), titles),
    ]
    return Section(title=declared.title or "Watch list", blocks=blocks)


def _rows(answers: Mapping[str, pa.Table], question: str) -> list[dict[str, Any]]:
    return answers[question].to_pylist() if question in answers else []


def _capacities(declared: WatchList, found: Sequence[Mapping[str, Any]]) -> list[Block]:
    if not found or not found[0]["bad"]:
        return []
    rows = [
        (f"{r['share']:.1%}", r["caught"] / r["bad"], r["caught"] / r["listed"],
         1000 * (r["listed"] - r["caught"]) / r["ranked"], min(1.0, r["listed"] / r["bad"]))
        for r in found
    ]  # fmt: skip
    headers = ("Capacity", "Capture", "Precision", "False alarms per 1,000", "A perfect ranking captures")
    return [
        Note(text="What a list of each length would have caught on the month ends of the test, and how often nothing "
                  f"happened then. The list has places for {declared.capacity:.1%} of the ranked loans."),
        Figure(png=draw_capacities(found, capacity=declared.capacity), title="Capture and precision by capacity"),
        Table(headers=headers, rows=rows),
    ]  # fmt: skip


def _leads(found: Sequence[Mapping[str, Any]]) -> list[Block]:
    if not found:
        return []
    days = [row["days"] for row in found]
    median = sorted(days)[len(days) // 2]
    text = (
        f"{len(days):,} loans that were on the list have become late: half of them were first listed {median} days "
        "before or earlier. Before the first list nothing was seen, so leads of a young list are short."
    )
    rows = [(least, sum(day >= least for day in days) / len(days)) for least in LEAD_DAYS]
    return [
        Note(text=text),
        Figure(png=draw_leads(days), title="Days on the list before the loan became late"),
        Table(headers=("Days or more before", "Share of them"), rows=rows),
    ]


def _nights(found: Sequence[Mapping[str, Any]]) -> list[Block]:
    headers = ("Date", "Act", "Watch", "Entered", "Late", "Ended", "Calmed", "Displaced", "Ranked")
    names = ("act", "watch", "entered", *_CAUSES, "ranked")
    rows = [(str(row["list_date"]), *(row[name] for name in names)) for row in found]
    return (
        [Table(headers=headers, rows=rows, caption="The newest lists: who is on them, entered, and left")]
        if rows
        else []
    )


def _rules(found: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> list[Block]:
    rows = [(row["rule"], titles.get(row["rule"], ""), row["loans"]) for row in found]
    caption = "Signs of the loans on the newest list"
    return [Table(headers=("Rule", "Sign", "Loans"), rows=rows, caption=caption)] if rows else []
