"""What a reader learns of a watch list: what it catches at which length, how early, and who is on it.

The list's own section, with its questions and pictures, because only recipes that rank a list have it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from tallystick.report.blocks import Block, Figure, Note, Section, Table
from tallystick.report.questions import Question
from tallystick.report.watch_pictures import draw_leads
from tallystick.report.watch_rankings import describe_rankings, ranking_questions
from tallystick.report.words import words_beside
from tallystick.spec.recipes import Recipe
from tallystick.spec.watch_lists import TABLE, WatchList

# Months by which a loan may have been listed before it became late.
LEAD_DAYS = (1, 7, 14, 30, 60, 90, 120, 180)
DRAWN_GROUPS = 12
# A loan that was first listed so long ago has had the time to become late.
FOLLOWED_DAYS = 90
_CAUSES = ("late", "ended", "calmed", "displaced")
_NO_SIGN = "none"


def list_watch_questions(
    declared: WatchList, recipe: Recipe, *, source: str, learned: Mapping[str, date]
) -> Mapping[str, Question]:
    """The questions of the section; the names of ``list_questions`` are others.

    ``learned`` has for each model version the date as of which the outcomes were known that it learned from. A list of
    an earlier date was made in hindsight, as is one of a version that is missing there: its loans are not followed.
    """
    ours = f"source = '{source}' AND recipe = '{recipe.name}'"
    late_made = _hindsight_sql(learned)
    followed = f"{ours} AND observation_id NOT IN (SELECT observation_id FROM {TABLE} WHERE {ours} AND {late_made})"
    causes = ", ".join(f"count(*) FILTER (cause = '{cause}')::BIGINT AS {cause}" for cause in _CAUSES)
    return {
        **ranking_questions(declared, recipe, source=source),
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
                SELECT (list_date - first_seen_on)::BIGINT AS days FROM {TABLE} WHERE {followed} AND cause = 'late'
                ORDER BY 1""",
        ),
        "watch_groups": Question(tables=[TABLE], sql=_groups_sql(followed)),
        "watch_hindsight": Question(
            tables=[TABLE],
            sql=f"""
                SELECT count(DISTINCT list_date)::BIGINT AS nights, min(list_date) AS first, max(list_date) AS last
                FROM {TABLE} WHERE {ours} AND {late_made}""",
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


def _hindsight_sql(learned: Mapping[str, date]) -> str:
    """Whether the model of a line had learned from outcomes of later dates; a line without a model has no such."""
    if not learned:
        return "model_version IS NOT NULL"
    known = " ".join(f"WHEN '{version}' THEN DATE '{day}'" for version, day in sorted(learned.items()))
    return f"model_version IS NOT NULL AND list_date < CASE model_version {known} ELSE DATE '9999-12-31' END"


def _groups_sql(ours: str) -> str:
    """Of the loans that were first listed ``FOLLOWED_DAYS`` or more before the newest list: how many became late on the
    list within these days, all of them, by the level and by each sign of their first night.
    """
    return f"""
        WITH lines AS (SELECT * FROM {TABLE} WHERE {ours}),
        loans AS (
            SELECT observation_id, arg_min(level, list_date) AS level,
                arg_min(coalesce(nullif(rules, ''), '{_NO_SIGN}'), list_date) AS signs,
                coalesce(min(list_date) FILTER (cause = 'late') - min(list_date) <= {FOLLOWED_DAYS}, false) AS is_late
            FROM lines GROUP BY observation_id
            HAVING min(list_date) <= (SELECT max(list_date) FROM lines) - {FOLLOWED_DAYS}),
        groups AS (
            SELECT 'all' AS kind, '' AS name, is_late FROM loans
            UNION ALL SELECT 'level', level, is_late FROM loans
            UNION ALL SELECT 'sign', unnest(string_split(signs, ' ')), is_late FROM loans)
        SELECT kind, name, count(*)::BIGINT AS loans, count(*) FILTER (is_late)::BIGINT AS late FROM groups
        GROUP BY kind, name ORDER BY kind, loans DESC, name LIMIT 25"""


def describe_watch_list(declared: WatchList, answers: Mapping[str, pa.Table], *, titles: Mapping[str, str]) -> Section:
    """The section; a question that was not answered leaves its part out. ``titles`` are those of the rules."""
    blocks = [
        *describe_rankings(declared, answers),
        *_hindsight(_rows(answers, "watch_hindsight")),
        *_leads(_rows(answers, "watch_leads"), _rows(answers, "watch_groups"), titles),
        *_nights(_rows(answers, "watch_nights")),
        *_rules(_rows(answers, "watch_rules"), titles),
    ]
    return Section(title=declared.title or "Watch list", blocks=blocks)


def _rows(answers: Mapping[str, pa.Table], question: str) -> list[dict[str, Any]]:
    return answers[question].to_pylist() if question in answers else []


def _hindsight(found: Sequence[Mapping[str, Any]]) -> list[Block]:
    if not found or not found[0]["nights"]:
        return []
    nights, first, last = found[0]["nights"], found[0]["first"], found[0]["last"]
    lists = "1 list" if nights == 1 else f"{nights:,} lists"
    when = f"of {first}" if first == last else f"from {first} to {last}"
    text = (
        f"{lists} {when}: the model had learned from outcomes of later dates, or nothing says what it had learned "
        "from. Such a list does not show how early a model warns, so its loans are left out of what follows."
    )
    return [Note(text=text)]


def _leads(
    found: Sequence[Mapping[str, Any]], groups: Sequence[Mapping[str, Any]], titles: Mapping[str, str]
) -> list[Block]:
    if not found:
        return []
    days = [row["days"] for row in found]
    median = sorted(days)[len(days) // 2]
    text = (
        f"{len(days):,} loans that were on the list have become late: half of them were first listed {median} days "
        "before or earlier. Before the first list nothing was seen, so leads of a young list are short."
    )
    rows = [(least, sum(day >= least for day in days) / len(days)) for least in LEAD_DAYS]
    named = [(_named(row, titles), row["loans"], row["late"] / row["loans"]) for row in groups]
    return [
        Note(text=text),
        Figure(
            png=draw_leads(days, [(name, share) for name, _, share in named[:DRAWN_GROUPS]]),
            title="Days on the list before the loan became late" + (", and which listed loans did" if named else ""),
        ),
        Table(headers=("Days or more before", "Share of them"), rows=rows),
        *_groups(named),
    ]


def _named(row: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    if row["kind"] == "all":
        return "All"
    if row["kind"] == "level":
        return f"Level {row['name']}"
    return "No sign" if row["name"] == _NO_SIGN else f"{row['name']} {titles.get(row['name'], '')}".strip()


def _groups(named: Sequence[tuple[str, int, float]]) -> list[Block]:
    caption = (
        f"Loans first listed {FOLLOWED_DAYS} days or more before the newest list, by level and signs of that night: "
        f"the share that became late on the list within {FOLLOWED_DAYS} days"
    )
    return [Table(headers=("Group", "Loans", "Became late"), rows=list(named), caption=caption)] if named else []


def _nights(found: Sequence[Mapping[str, Any]]) -> list[Block]:
    headers = ("Date", "Act", "Watch", "Entered", "Late", "Ended", "Calmed", "Displaced", "Ranked")
    names = ("act", "watch", "entered", *_CAUSES, "ranked")
    rows = [(str(row["list_date"]), *(row[name] for name in names)) for row in found]
    caption = "The newest lists: who is on them, entered, and left"
    return [Table(headers=headers, rows=rows, caption=caption), words_beside("watch_nights")] if rows else []


def _rules(found: Sequence[Mapping[str, Any]], titles: Mapping[str, str]) -> list[Block]:
    rows = [(row["rule"], titles.get(row["rule"], ""), row["loans"]) for row in found]
    caption = "Signs of the loans on the newest list"
    return [Table(headers=("Rule", "Sign", "Loans"), rows=rows, caption=caption)] if rows else []
