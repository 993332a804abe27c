"""The options that name a business date, read alike by every command: a date that exists, written as 2026-04-07.

Apart so that a mistyped date is the same sentence everywhere, that of a job.
"""

from __future__ import annotations

from typing import Any

import typer

from tallystick.spec.calendar import read_date


def date_option(flag: str, *, help: str) -> Any:  # noqa: A002 - as typer names it
    """The option ``flag`` whose value is a date; DeclarationError with the flag for a text that is none."""
    return typer.Option(flag, parser=lambda text: read_date(text, where=flag), metavar="DATE", help=help)
