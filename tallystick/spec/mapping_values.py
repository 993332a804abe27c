"""Whether a mapping says what its values are: a number for an instant, a day in an unclear format, a number of few
digits. Each of these is read without complaint by Spark, as something else than the supplier meant.

Apart from ``spec.mapping_checks``, which asks whether names exist.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from sqlglot import exp

from tallystick.spec.mappings import Branch, line_of
from tallystick.spec.sources import Problem
from tallystick.spec.spark_functions import FINEST_CELL, OUR_FUNCTIONS
from tallystick.spec.tables import TableContract

_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg)
_NUMBERS = frozenset(("UNIX_TIMESTAMP", "TO_UNIX_TIMESTAMP", "TO_NUMBER", "ABS", "ROUND", "BROUND", "FLOOR", "CEIL",
                      "INT", "BIGINT", "DOUBLE", "DECIMAL", "SMALLINT", "TINYINT", "YEAR", "MONTH", "DAY"))  # fmt: skip
# Text made of an instant, on the clock of the session, which is UTC: read again it would be local time.
_TOLD_IN_UTC = ("FROM_UNIXTIME", "DATE_FORMAT")
_FORMATTED = ("TO_DATE", "TO_TIMESTAMP", "TO_TIMESTAMP_NTZ", "TO_TIMESTAMP_LTZ", "TRY_TO_TIMESTAMP", "TRY_TO_DATE",
              "UNIX_TIMESTAMP", "TO_UNIX_TIMESTAMP")  # fmt: skip
_FORGETS_ZONE = ("TO_DATE", "TO_TIMESTAMP_NTZ", "TRY_TO_DATE")
_ZONE_LETTERS = frozenset("VzOXxZ")


def check_values(expression: exp.Expr, path: str, line: int = 1) -> Iterator[Problem]:
    """What any expression of a mapping or derived view lacks, wherever it stands. ``line`` is its own."""
    for node in expression.walk():
        where = f"{path}:{line_of(node, line)}"
        kind = node.to if isinstance(node, exp.Cast) else None
        name = node.name.upper() if isinstance(node, exp.Anonymous) else ""
        if (kind is not None and kind.is_type(exp.DType.FLOAT)) or name in ("FLOAT", "REAL"):
            yield Problem(where=where, what="FLOAT keeps seven digits", fix="cast to DECIMAL(18, 2) or DOUBLE")
        if name in _FORMATTED and len(node.expressions) > 1 and isinstance(node.expressions[1], exp.Literal):
            what, fix = _unclear(node.expressions[1].name, name)
            if what:
                yield Problem(where=where, what=what, fix=fix)
        if name in OUR_FUNCTIONS and (lacking := _misused(node)):
            yield Problem(where=where, what=f"{name} {lacking}", fix=_USES[name])


_USES = {
    "H3_CELL": f"H3_CELL(CAST(lat AS DOUBLE), CAST(lon AS DOUBLE), 8), with a resolution of 0 to {FINEST_CELL}",
    "H3_LATITUDE": "H3_LATITUDE(cell)",
    "H3_LONGITUDE": "H3_LONGITUDE(cell)",
}


def _misused(call: exp.Expr) -> str:
    """What a call of one of our functions lacks; empty for nothing."""
    parts = call.expressions
    if len(parts) != (3 if call.name.upper() == "H3_CELL" else 1):
        return f"has {len(parts)} arguments"
    resolution = parts[-1].unnest()
    if len(parts) == 3 and (not isinstance(resolution, exp.Literal) or resolution.is_string):
        return "has a resolution that is no number written out"
    if len(parts) == 3 and resolution.name not in map(str, range(FINEST_CELL + 1)):
        return "has a resolution that the grid has not"
    return ""


def check_instants(branch: Branch, path: str, contract: TableContract) -> Iterator[Problem]:
    """A number, or text told in UTC, that a mapping selects as a day or time."""
    times = {column.name: column.type for column in contract.columns if column.type in ("date", "timestamp")}
    for name, expression in branch.outputs:
        if name not in times:
            continue
        where = f"{path}:{line_of(expression, branch.line)}"
        node = expression.unnest()
        if _is_number(node):
            fix = f"say what it counts: TIMESTAMP_SECONDS(...) AS {name}, or _MILLIS, or TO_DATE(text, 'yyyyMMdd')"
            yield Problem(where=where, what=f"{name} is a number, not a {_said(times[name])}", fix=fix)
        elif isinstance(node, exp.Anonymous) and node.name.upper() in _TOLD_IN_UTC:
            fix = f"TIMESTAMP_SECONDS(...) AS {name}, without making it text"
            yield Problem(where=where, what=f"{name} would read text in UTC as local time", fix=fix)


def _said(kind: str) -> str:
    return "time" if kind == "timestamp" else kind


def _is_number(node: exp.Expr) -> bool:
    """Whether the expression gives a number for certain; a day plus a number is a day."""
    node = node.unnest()
    if isinstance(node, exp.Literal):
        return not node.is_string
    if isinstance(node, exp.Cast):
        return bool(node.to.is_type(*exp.DataType.NUMERIC_TYPES))
    if isinstance(node, _ARITHMETIC):
        sides = [side for side in (node.args.get("this"), node.args.get("expression")) if isinstance(side, exp.Expr)]
        return all(_is_number(side) for side in sides)
    return isinstance(node, exp.Anonymous) and node.name.upper() in _NUMBERS


def _unclear(pattern: str, function: str) -> tuple[str, str]:
    """What a format of days and times leaves open, or takes for something else; empty when nothing."""
    runs = [match[0] for match in re.finditer(r"([A-Za-z])\1*", re.sub(r"'[^']*'", "", pattern))]
    letters = {run[0] for run in runs}
    has_hour = bool(letters & set("HhkK"))
    told = f"format {pattern}: "
    if "Y" in letters:
        return told + "Y is the year of a week", "write yyyy"
    if "y" not in letters and "u" not in letters:
        return told + "there is no year", "a text without one is no day: add yyyy, and the year to the text"
    if any(run in ("y", "yy", "u", "uu") for run in runs):
        return told + "two digits do not say the century", "put it before the text: CONCAT('20', ...), and write yyyy"
    if letters & set("ms") and not has_hour:
        return told + "mm is minutes", "months are MM"
    if letters & set("hK") and "a" not in letters:
        return told + "hh goes to 12", "hours of the day are HH; with am and pm, hh and a"
    if function in _FORGETS_ZONE and _ZONE_LETTERS & letters:
        return told + f"{function} would forget the zone", "TO_TIMESTAMP"
    return "", ""
