"""Tables on a terminal, as JSON or as CSV.

The one place where output is formatted, so that every command has ``--json`` and ``--csv`` and prints them alike. Texts
come from suppliers and customers: none may act as a formula in a spreadsheet or steer a terminal.
"""

from __future__ import annotations

import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tallystick.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table as RichTable

# More rows than this do not fit a screen; scripts ask for --json or --csv and get all of them.
ROWS_SHOWN = 50

# A double holds every whole number up to this one.
_WHOLE = 2**53

# So many tell any double from all others; most need fewer.
_ALL_DIGITS = 17

# What spreadsheets take for the beginning of a formula (OWASP, CSV Injection).
_FORMULA = r"\A[=+\-@\t\r]"
# Control characters but tab and line feed, those of eight bits too, and the marks that turn the direction of writing.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def print_table(
    table: pa.Table, *, as_json: bool = False, as_csv: bool = False, is_exact: bool = False, is_whole: bool = False
) -> None:
    """Print to stdout: a JSON list of objects, CSV with a header, or a table for people (first 50 rows, or the whole).

    In JSON a double that is no number is the text NaN, Infinity or -Infinity, and so is a whole number that a double
    could not hold. In CSV a text that a spreadsheet would take for a formula begins with an apostrophe. People see six
    digits of a double, or where the table ``is_exact`` all that tell it from others. InputError where two columns have
    one name, and for a date or time that Python has not.
    """
    twice = sorted(name for name, times in Counter(table.column_names).items() if times > 1)
    if twice:
        raise InputError(f"two columns are called {twice[0]}", where="the result", fix="give one another name with AS")
    if as_json:
        print(json_text(_rows(table)))
    elif as_csv:
        from pyarrow import csv

        csv.write_csv(_without_formulas(table), sys.stdout.buffer)
    else:
        rows = table.num_rows if is_whole else ROWS_SHOWN
        _print_for_people(table, digits=_ALL_DIGITS if is_exact else 6, rows=rows)


def print_record(record: Mapping[str, object], *, as_json: bool = False) -> None:
    """Print one record: a line per field, more for lists and texts of several lines, or a JSON object."""
    if as_json:
        print(json_text(record))
        return
    width = max(len(name) for name in record)
    for name, value in record.items():
        lines = [str(item) for item in value] if isinstance(value, list) else str(value).splitlines() or [""]
        for number, line in enumerate(lines):
            print(f"{'' if number else visible(name):{width}}  {visible(line)}".rstrip())


def json_text(value: object) -> str:
    """``value`` as JSON that every parser reads: NaN and infinities become texts, dates and decimals their texts.

    A whole number is one also where it is a decimal, as DuckDB's sum of BIGINT is; beyond 2^53 it is a text, since most
    parsers read numbers as doubles.
    """
    import json

    return json.dumps(_finite(value), ensure_ascii=False, default=str, indent=1, allow_nan=False)


def visible(text: str) -> str:
    """``text`` with control characters written out as escapes, so that it cannot steer a terminal."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, Decimal) and value.as_tuple().exponent == 0:
        value = int(value)
    if isinstance(value, int) and abs(value) > _WHOLE:
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value


def _rows(table: pa.Table) -> list[dict[str, Any]]:
    columns = [_values(field.name, table.column(place)) for place, field in enumerate(table.schema)]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]


def _values(name: str, column: pa.ChunkedArray) -> list[Any]:
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError):
        what = f"column {name} has a date or time outside the years 1 to 9999, or finer than a microsecond"
        raise InputError(what, where="the result", fix="cast it to a text: CAST(... AS VARCHAR)") from None


def _without_formulas(table: pa.Table) -> pa.Table:
    """Texts that begin as a formula does get an apostrophe before them; other columns are as they are."""
    import pyarrow.compute as pc

    for place, field in enumerate(table.schema):
        column = table.column(place)
        if pa.types.is_dictionary(field.type):
            column = column.cast(field.type.value_type)
        elif pa.types.is_nested(field.type) or pa.types.is_interval(field.type) or pa.types.is_binary(field.type):
            column = pa.chunked_array(
                [[None if one is None else json_text(one) for one in _values(field.name, column)]]
            )
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = pc.replace_substring_regex(column, pattern=_FORMULA, replacement=r"'\0")
        name = re.sub(_FORMULA, r"'\g<0>", field.name)
        table = table.set_column(place, name, column)
    return table


def _print_for_people(table: pa.Table, *, digits: int, rows: int) -> None:
    """A table where every name and value fits its column, else a block per row."""
    from rich.console import Console

    # A pipe has no width: without one, columns would be folded at 80 characters.
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False, markup=False)
    texts = [[_text(value, digits) for value in row.values()] for row in _rows(table.slice(0, rows))]
    shown = _under_headers(table.schema, texts)
    # How wide it is where no word is folded, told without the bounds of the screen.
    needed = console.measure(shown, options=console.options.update(max_width=10**6)).minimum
    if texts and len(table.schema) > 1 and needed > console.width:
        lines = _row_by_row(table.schema, texts)
    else:
        with console.capture() as captured:
            console.print(shown)
        lines = [line.rstrip() for line in captured.get().splitlines() if line.strip()]
    print("\n".join(lines))
    if table.num_rows > rows:
        print(f"{rows} of {table.num_rows} rows; --csv or --json prints all", file=sys.stderr)


def _under_headers(schema: pa.Schema, texts: Iterable[Sequence[str]]) -> RichTable:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    shown = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for field in schema:
        is_number = (
            pa.types.is_integer(field.type) or pa.types.is_floating(field.type) or pa.types.is_decimal(field.type)
        )
        shown.add_column(visible(field.name), justify="right" if is_number else "left", overflow="fold")
    for row in texts:
        shown.add_row(*row)
    return shown


def _row_by_row(schema: pa.Schema, texts: Iterable[Sequence[str]]) -> list[str]:
    names = [visible(name) for name in schema.names]
    width = max(map(len, names))
    lines = []
    for number, row in enumerate(texts, start=1):
        lines.append(f"-- row {number}")
        lines += [f"{name:{width}}  {text}".rstrip() for name, text in zip(names, row, strict=True)]
    return lines


def _text(value: object, digits: int) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.{digits}g}" if digits < _ALL_DIGITS else repr(value)
    return visible(str(value))
