"""Prints the drawn tables of windows and versions into docs/windows.md; each is checked on every engine.

``python -m tests.spec.window_tables > docs/windows.md`` prints them; ``test_windows.py`` checks them.
"""

from __future__ import annotations

import sys

from tests.spec.drawn_tables import Case
from tests.spec.version_cases import VERSIONS
from tests.spec.window_cases import CASES

INTRO = """\
A **window** is the span of time before `as_of` whose rows a feature counts: `10min` is ten minutes, `24h` 24 hours,
`7d` seven days, `1m` one month, `all` the whole history. In the tables below, `in` marks the rows that count.

This page is printed from `tests/spec/window_cases.py` and `version_cases.py`. The tests check each table on the feature
engine (`tallystick/kernel/`) and on an independent implementation. To print the page again, run in the project's folder
`.venv/bin/python -m tests.spec.window_tables > docs/windows.md`."""


def print_page() -> str:
    """The text of docs/windows.md."""
    parts = [
        "# What a window holds",
        "",
        INTRO,
    ]
    for case in (*CASES, *VERSIONS):
        times = "all times local" if "+" not in case.table else "times local, or with their offset"
        when = f"`as_of` {case.as_of}" if isinstance(case, Case) else "Whether a version is in force on a date of 2026"
        when += f", decided {case.review_days} day later" if isinstance(case, Case) and case.review_days else ""
        parts += ["", f"## {case.title}", "", case.text, "", f"{when}, {case.zone}, {times}:", ""]
        parts.append("| " + " | ".join(case.header) + " |")
        parts.append("|" + " --- |" * len(case.header))
        parts += ["| " + " | ".join(row[name] for name in case.header) + " |" for row in case.rows]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(print_page())
