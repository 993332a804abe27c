"""The pages of the data checks: what each expectation found, in words, and how it went load by load.

Apart from ``run_report`` because a reader of it asks about a supplier's data, not about a model. Great Expectations'
own pages need public servers to be readable, so its results are shown as pages of this package.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from tallystick.report.blocks import Bars, Block, Cell, Facts, Link, Note, Page, Section, Table
from tallystick.report.questions import Question

VALIDATIONS = "monitor.validations"

# Loads whose results a page tells one by one, and those that a line about one expectation has room for.
SHOWN_LOADS, SHOWN_IN_LINE = 30, 8

_SEVERITIES = (
    ("critical", "stops what depends on the table, exit code 8"),
    ("warning", "is recorded and stops nothing: features of the table may be weaker"),
    ("info", "is recorded, for whoever wants to know"),
)


def checks_questions(source: str) -> dict[str, Question]:
    """The questions of a source's page: ``latest``, ``loads`` and ``history`` of what fails now."""
    ours = f"source = '{source}'"
    newest = f"""(SELECT * FROM {VALIDATIONS} WHERE {ours}
                QUALIFY validated_on = max(validated_on) OVER (PARTITION BY table_name))"""
    days = f"(SELECT DISTINCT validated_on FROM {VALIDATIONS} WHERE {ours} ORDER BY 1 DESC LIMIT {SHOWN_LOADS})"
    asked = {
        "latest": f"""
            SELECT table_name, expectation_number, expectation, column_name, severity, is_success, rows_checked,
                rows_unexpected, observed, reason, validated_on
            FROM {newest} ORDER BY table_name, expectation_number""",
        "loads": f"""
            SELECT validated_on, count(DISTINCT table_name)::BIGINT AS tables, count(*)::BIGINT AS expectations,
                count(*) FILTER (is_success)::BIGINT AS passed,
                count(*) FILTER (NOT is_success AND severity = 'critical')::BIGINT AS critical,
                count(*) FILTER (NOT is_success AND severity <> 'critical')::BIGINT AS warnings,
                coalesce(sum(rows_unexpected) FILTER (NOT is_success), 0)::BIGINT AS rows
            FROM {VALIDATIONS} WHERE {ours} AND validated_on IN {days} GROUP BY 1 ORDER BY 1 DESC""",
        "history": f"""
            SELECT v.table_name, v.expectation_number, v.validated_on, v.is_success, v.rows_unexpected
            FROM {VALIDATIONS} v JOIN {newest} n ON NOT n.is_success AND n.table_name = v.table_name
                AND n.expectation_number = v.expectation_number AND n.expectation = v.expectation
                AND n.column_name IS NOT DISTINCT FROM v.column_name
            WHERE v.{ours} AND v.validated_on IN {days} ORDER BY v.validated_on""",
    }
    return {name: Question(tables=[VALIDATIONS], sql=sql) for name, sql in asked.items()}


def overview_question() -> Question:
    """Per source its newest validation of each table, counted."""
    sql = f"""
        SELECT source, max(validated_on) AS validated_on, count(DISTINCT table_name)::BIGINT AS tables,
            count(*)::BIGINT AS expectations,
            count(*) FILTER (NOT is_success AND severity = 'critical')::BIGINT AS critical,
            count(*) FILTER (NOT is_success AND severity <> 'critical')::BIGINT AS warnings
        FROM (SELECT * FROM {VALIDATIONS} QUALIFY
            validated_on = max(validated_on) OVER (PARTITION BY source, table_name))
        GROUP BY source ORDER BY source"""
    return Question(tables=[VALIDATIONS], sql=sql)


def describe_checks(source: str, answers: Mapping[str, pa.Table]) -> Page:
    """The page of one source; ``answers`` are results of ``checks_questions`` by name."""
    latest, loads = answers["latest"].to_pylist(), answers["loads"].to_pylist()
    tables = sorted({row["table_name"] for row in latest})
    last = f", last load {max(row['validated_on'] for row in latest)}" if latest else ""
    return Page(
        title=f"Data checks of {source}",
        subtitle=f"what each expectation found in the newest validation of each table{last}",
        banner=[_verdict(latest)],
        sections=[
            Section(title="What failed", blocks=_failed(latest, answers["history"].to_pylist())),
            Section(title="Load by load", blocks=_loads(loads)),
            Section(title="Tables", blocks=[_tables(latest)] if latest else []),
            *(Section(title=name, blocks=[_expectations(latest, name)]) for name in tables),
            Section(title="Words on this page", blocks=_words()),
        ],
    )


def describe_overview(rows: Sequence[Mapping[str, Any]]) -> Page:
    """The first page: a line per source, each leading to the source's own. ``rows`` answer ``overview_question``."""
    lines: list[tuple[Cell, ...]] = [
        (
            Link(text=row["source"], href=f"{row['source']}.html"), _status(row["critical"], row["warnings"]),
            f"{row['validated_on']}", row["tables"], row["expectations"], row["critical"], row["warnings"],
        )
        for row in rows
    ]  # fmt: skip
    headers = ("Source", "Status", "Last load", "Tables", "Expectations", "Critical failures", "Warnings")
    failed = [row["source"] for row in rows if row["critical"]]
    told = (
        Note(text=f"STOPPED: a critical expectation failed for {', '.join(failed)}.", tone="bad")
        if failed
        else Note(text="No critical expectation failed.", tone="good")
    )
    return Page(
        title="Data checks",
        subtitle="the newest validation of each table, by source",
        banner=[told],
        sections=[Section(title="Sources", blocks=[Table(headers=headers, rows=lines)])],
    )


def _verdict(latest: Sequence[Mapping[str, Any]]) -> Note:
    critical = [row for row in latest if not row["is_success"] and row["severity"] == "critical"]
    warnings = sum(not row["is_success"] for row in latest) - len(critical)
    if critical:
        tables = ", ".join(sorted({row["table_name"] for row in critical}))
        count = "1 critical failure" if len(critical) == 1 else f"{len(critical)} critical failures"
        text = f"STOPPED: {count} in {tables}; what depends on these tables does not run."
        return Note(text=text, tone="bad")
    if not latest:
        return Note(text="Nothing was validated yet.", tone="warning")
    if warnings:
        return Note(
            text=f"PASSED with warnings: {warnings} of {len(latest):,} failed, none of them critical.", tone="warning"
        )
    return Note(text=f"PASSED: all {len(latest):,} expectations hold.", tone="good")


def _status(critical: int, warnings: int) -> str:
    return "FAILED, stops the run" if critical else "passed with warnings" if warnings else "passed"


def _status_of(row: Mapping[str, Any]) -> str:
    """The result of one expectation in words; what could not be evaluated has failed."""
    if row["is_success"]:
        return "passed"
    told = "FAILED" if row["rows_unexpected"] is not None or row["observed"] is None else f"FAILED, {row['observed']}"
    return f"{told}, stops the run" if row["severity"] == "critical" else f"{told}, recorded"


def _rows_of(row: Mapping[str, Any]) -> str | None:
    """How many rows broke the expectation of those checked; None where it counts no rows, or could not."""
    if row["rows_checked"] is None or (row["rows_unexpected"] is None and not row["is_success"]):
        return None
    return f"{row['rows_unexpected'] or 0:,} of {row['rows_checked']:,}"


def _expected(row: Mapping[str, Any]) -> str:
    """The name of an expectation as words: "values to not be null"."""
    name = str(row["expectation"]).removeprefix("expect_").removesuffix("_expectation")
    return name.removeprefix("column_").replace("_", " ")


def _failed(latest: Sequence[Mapping[str, Any]], history: Sequence[Mapping[str, Any]]) -> list[Block]:
    earlier: dict[tuple[str, int], list[str]] = {}
    for row in history:
        found = "passed" if row["is_success"] else "failed"
        if not row["is_success"] and row["rows_unexpected"] is not None:
            found = f"{row['rows_unexpected']:,}"
        told = earlier.setdefault((row["table_name"], row["expectation_number"]), [])
        told.append(f"{_day(row['validated_on'])}: {found}")
    order = {name: place for place, (name, _) in enumerate(_SEVERITIES)}
    rows = [
        (
            row["table_name"], _status_of(row), row["severity"], row["column_name"], _expected(row), _rows_of(row),
            row["reason"], "; ".join(earlier.get((row["table_name"], row["expectation_number"]), [])[-SHOWN_IN_LINE:]),
        )
        for row in sorted(latest, key=lambda one: order.get(one["severity"], len(order)))
        if not row["is_success"]
    ]  # fmt: skip
    if not rows:
        return [Note(text="Nothing: every expectation holds.", tone="good")] if latest else []
    headers = ("Table", "Status", "Severity", "Column", "Expected", "Rows", "Why it matters", "By load")
    caption = f"Rows that broke the expectation of those checked; by load: the last {SHOWN_IN_LINE} loads, oldest first"
    return [Table(headers=headers, rows=rows, caption=caption)]


def _loads(loads: Sequence[Mapping[str, Any]]) -> list[Block]:
    if not loads:
        return []
    names = ("tables", "expectations", "passed", "critical", "warnings", "rows")
    rows = [
        (_day(row["validated_on"]), _status(row["critical"], row["warnings"]), *(row[name] for name in names))
        for row in loads
    ]
    counted = ("Tables", "Expectations", "Passed", "Critical failures", "Warnings", "Rows that failed")
    which = "The last load" if len(rows) == 1 else f"The last {len(rows)} loads, newest first"
    caption = f"{which}; a row counts once for each expectation that it broke"
    blocks: list[Block] = [Table(headers=("Load", "Status", *counted), rows=rows, caption=caption)]
    if len(rows) > 1 and any(row["rows"] for row in loads):
        bars = [(_day(row["validated_on"]), row["rows"]) for row in reversed(loads)]
        blocks.append(Bars(rows=bars, caption="Rows that failed, by load, oldest first"))
    return blocks


def _tables(latest: Sequence[Mapping[str, Any]]) -> Table:
    by_table: dict[str, list[Mapping[str, Any]]] = {}
    for row in latest:
        by_table.setdefault(row["table_name"], []).append(row)
    rows = []
    for name, own in by_table.items():
        critical = sum(not row["is_success"] and row["severity"] == "critical" for row in own)
        warnings = sum(not row["is_success"] for row in own) - critical
        checked = max((row["rows_checked"] for row in own if row["rows_checked"] is not None), default=None)
        link = Link(text=name, href=f"#{name.replace('.', '-').replace('_', '-')}")
        status = _status(critical, warnings)
        rows.append((link, status, _day(own[0]["validated_on"]), checked, len(own), critical, warnings))
    headers = ("Table", "Status", "Validated for load", "Rows", "Expectations", "Critical failures", "Warnings")
    return Table(headers=headers, rows=rows)


def _expectations(latest: Sequence[Mapping[str, Any]], name: str) -> Table:
    rows = [
        (_status_of(row), row["severity"], row["column_name"], _expected(row), _rows_of(row), row["reason"])
        for row in latest
        if row["table_name"] == name
    ]
    return Table(headers=("Status", "Severity", "Column", "Expected", "Rows that failed", "Why it matters"), rows=rows)


def _words() -> list[Block]:
    told = (
        "A dash under rows: the expectation is about the table as a whole, or no row has a value that it is about. "
        "No value of a row stands on this page; look at rows with tally sql."
    )
    return [Facts(rows=[(name, f"A failure {what}.") for name, what in _SEVERITIES]), Note(text=told)]


def _day(value: date) -> str:
    return f"{value:%Y-%m-%d}"
