"""A page as one HTML file that needs nothing else: styles and pictures are inside it.

Kept apart from the sections because it knows how blocks look and not what they say.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from pathlib import Path

import jinja2

from tallystick.report.blocks import Link, Page, Table, is_number, show_cell

_TEMPLATES = Path(__file__).parent / "templates"


def render_page(page: Page) -> str:
    """The HTML of a page. The same page gives the same text; every value is escaped."""
    shown = [section for section in page.sections if section.blocks]
    return _environment().get_template("page.html.j2").render(page=page, sections=shown)


def _numeric_columns(table: Table) -> list[bool]:
    """Which columns stand right: those with a number in any row, so that a dash among numbers stands with them."""
    return [any(is_number(row[place]) for row in table.rows) for place in range(len(table.headers))]


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = show_cell
    environment.tests["link"] = lambda cell: isinstance(cell, Link)
    environment.filters["kind"] = lambda block: type(block).__name__.lower()
    environment.filters["base64"] = lambda content: base64.b64encode(content).decode()
    environment.filters["anchor"] = lambda title: re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    environment.filters["numeric"] = _numeric_columns
    return environment
