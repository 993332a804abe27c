"""docs/sources.md tells which functions of a mapping run in DuckDB, as the rules themselves have it."""

from __future__ import annotations

from tests.lib import dialect_page


def test_the_table_of_functions_is_current() -> None:
    page = dialect_page.PAGE.read_text(encoding="utf-8")
    assert page == dialect_page.printed(page), "print it again: .venv/bin/python -m tests.lib.dialect_page"
