"""The pages of the data checks: told in words, load by load, and nothing fetched from another machine."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from tallystick.quality.findings import SCHEMA
from tallystick.report import checks_questions, describe_checks, describe_overview, overview_question, render_page


def row(day: int, number: int, **changes: Any) -> dict[str, Any]:
    """A passed critical expectation of clean.loans, changed."""
    plain: dict[str, Any] = {
        "validated_on": date(2026, 3, day), "table_name": "clean.loans", "expectation_number": number,
        "expectation": "expect_column_values_to_not_be_null", "column_name": "amount_minor", "severity": "critical",
        "is_success": True, "rows_checked": 1500, "rows_unexpected": 0, "reason": "A loan has an amount.",
        "source": "bank",
    }  # fmt: skip
    return plain | changes


ROWS = [
    row(1, 1),
    row(1, 2, severity="warning"),
    row(2, 1, is_success=False, rows_unexpected=3),
    row(2, 2, severity="warning", is_success=False, rows_unexpected=None, observed="could not be evaluated"),
    # Validated on the first load only: its newest result still holds.
    row(1, 1, table_name="clean.cards", expectation="expect_table_row_count_to_be_between", rows_checked=None,
        rows_unexpected=None, column_name=None),
    row(3, 1, source="shop", table_name="clean.orders"),
]  # fmt: skip


def pages() -> dict[str, str]:
    with duckdb.connect() as connection:
        connection.execute("CREATE SCHEMA monitor")
        connection.register("_rows", pa.Table.from_pylist(ROWS, schema=SCHEMA))
        connection.execute("CREATE VIEW monitor.validations AS SELECT * FROM _rows")

        def ask(sql: str) -> pa.Table:
            return connection.sql(sql).to_arrow_table()

        made = {
            source: render_page(describe_checks(source, {n: ask(q.sql) for n, q in checks_questions(source).items()}))
            for source in ("bank", "shop", "unknown")
        }
        return made | {"index": render_page(describe_overview(ask(overview_question().sql).to_pylist()))}


def test_status_severity_reason_rows_and_earlier_loads_are_told_in_words() -> None:
    bank = re.sub(r"<[^>]+>", "|", pages()["bank"])
    for told in (
        "STOPPED: 1 critical failure in clean.loans", "FAILED, stops the run", "critical", "A loan has an amount.",
        "3 of 1,500", "2026-03-01: passed; 2026-03-02: 3", "FAILED, could not be evaluated, recorded",
        "table row count to be between", "2026-03-01: passed; 2026-03-02: failed",
    ):  # fmt: skip
        assert told in bank, told


def test_each_table_shows_its_newest_validation_and_each_source_its_own() -> None:
    made = pages()
    assert "clean.cards" in made["bank"]
    assert "clean.orders" not in made["bank"]
    assert "PASSED: all 1 expectations hold." in made["shop"]
    assert "Nothing was validated yet." in made["unknown"]
    assert re.findall(r'<a href="(\w+\.html)">', made["index"]) == ["bank.html", "shop.html"]
    assert "STOPPED: a critical expectation failed for bank." in made["index"]


def test_links_within_a_page_lead_somewhere_and_nothing_comes_from_another_host() -> None:
    for name, html in pages().items():
        assert "://" not in html, name
        assert "<script" not in html
        assert not re.findall(r"url\(|@import", html)
        for anchor in re.findall(r'href="#([^"]+)"', html):
            assert f'id="{anchor}"' in html, (name, anchor)
