"""Tables on a terminal, as JSON or as CSV.

The one place where output is formatted, so that every command has ``--json`` and ``--csv`` and prints them alike.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import pyarrow as pa

# More rows than this do not fit a screen; scripts ask for --json or --csv and get all of them.
ROWS_SHOWN = 50


def print_table(table: pa.Table, *, as_json: bool = False, as_csv: bool = False) -> None:
    """Print to stdout: one JSON object a line list, CSV with a header, or a table for people (first 50 rows)."""
    if as_json:
        import json

        print(json.dumps(table.to_pylist(), ensure_ascii=False, default=str, indent=1))
    elif as_csv:
        from pyarrow import csv

        csv.write_csv(table, sys.stdout.buffer)
    else:
        _print_for_people(table)


def print_record(record: Mapping[str, object], *, as_json: bool = False) -> None:
    """Print one record: a line per field, more for lists and texts of several lines, or a JSON object."""
    if as_json:
        import json

        print(json.dumps(record, ensure_ascii=False, default=str, indent=1))
        return
    width = max(len(name) for name in record)
    for name, value in record.items():
        lines = [str(item) for item in value] if isinstance(value, list) else str(value).splitlines() or [""]
        for number, line in enumerate(lines):
            print(f"{'' if number else name:{width}}  {line}".rstrip())


def _print_for_people(table: pa.Table) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    shown = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for field in table.schema:
        is_number = (
            pa.types.is_integer(field.type) or pa.types.is_floating(field.type) or pa.types.is_decimal(field.type)
        )
        shown.add_column(field.name, justify="right" if is_number else "left", overflow="fold")
    for row in table.slice(0, ROWS_SHOWN).to_pylist():
        shown.add_row(*(_text(value) for value in row.values()))
    # A pipe has no width: without one, columns would be folded at 80 characters.
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False)
    with console.capture() as captured:
        console.print(shown)
    print("\n".join(line.rstrip() for line in captured.get().splitlines() if line.strip()))
    if table.num_rows > ROWS_SHOWN:
        print(f"{ROWS_SHOWN} of {table.num_rows} rows; --csv or --json prints all", file=sys.stderr)


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
