"""Write the pages of the data checks from what monitor.validations holds.

Apart from ``validate_tables`` because pages are made of all stored findings, also those of earlier loads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallystick.report import checks_questions, describe_checks, describe_overview, overview_question, render_page
from tallystick.runs.input_gate import VALIDATIONS
from tallystick.tables import pin_all, query
from tallystick.tables.store.disk import write_whole

if TYPE_CHECKING:
    from pathlib import Path

    from tallystick.runs.context import RunContext


def pages_folder(context: RunContext) -> Path:
    """Where the pages lie, and the library's results beside them."""
    return context.warehouse.home / "docs" / "validations"


def write_checks_pages(context: RunContext) -> Path:
    """Write the page of the context's source and the overview of all sources; returns the source's page.

    The same findings give the same pages. Where nothing was ever validated, only the path is returned.
    """
    source, folder = context.source.name, pages_folder(context)
    page = folder / f"{source}.html"
    if not context.warehouse.exists(VALIDATIONS):
        return page
    versions = {name: one.version for name, one in pin_all(context.warehouse, [VALIDATIONS]).items()}
    answers = {
        name: query(context.warehouse, question.sql, versions=versions)
        for name, question in checks_questions(source).items()
    }
    sources = query(context.warehouse, overview_question().sql, versions=versions).to_pylist()
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(page, render_page(describe_checks(source, answers)))
    write_whole(folder / "index.html", render_page(describe_overview(sources)))
    return page
