"""The table of docs/sources.md that tells which functions run in DuckDB, printed from the rules themselves.

``python -m tests.lib.dialect_page`` prints it between its marks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import wrap

from tallystick.dialect.aggregates import AGGREGATES
from tallystick.dialect.function_rules import RULES
from tests.lib import house

PAGE = house.ROOT / "docs" / "sources.md"
_MARKS = ("<!-- quick functions -->\n", "<!-- end of quick functions -->")


def table() -> str:
    """The functions in all their forms, those of views, and a table of those that have limits."""
    rules = sorted(set(RULES.values()), key=lambda rule: rule.names)
    free = [name for rule in rules if not rule.told for name in rule.names.split()]
    lines = [
        *wrap(
            f"In all forms: {_listed(sorted(free))}. In the queries of `views:` also {_listed(sorted(AGGREGATES))}.",
            125,
        )
    ]
    lines += ["", "| function | as far as |", "|---|---|"]
    lines += [f"| {_listed(rule.names.split())} | {rule.told} |" for rule in rules if rule.told]
    return "\n".join(["", *lines, ""])


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def printed(page: str) -> str:
    """The page with the table printed again."""
    start, end = _MARKS
    pattern = rf"(?s)({re.escape(start)}).*?({re.escape(end)})"
    made, count = re.subn(pattern, lambda match: f"{match[1]}{table()}\n{match[2]}", page)
    if count != 1:
        raise ValueError("docs/sources.md has no place for the table of functions")
    return made


if __name__ == "__main__":
    PAGE.write_text(printed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
