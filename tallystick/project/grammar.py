"""The grammar of column names: what a name promises about its column's type and unit.

Kept apart from ``spec.names``, which makes the names of features: these rules are for names that people choose.
"""

from __future__ import annotations

import re

from tallystick.spec.tables import Column

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")

# A name of this shape has this type, and a column of the type in the last place has a name of this shape.
PROMISES = (
    (re.compile(r".+_at\Z|as_of\Z"), ("timestamp",), "an instant is called <event>_at or as_of, in UTC"),
    (re.compile(r".+_(on|date)\Z"), ("date",), "a date is called <event>_on or <event>_date"),
    (re.compile(r"(is|has)_.+"), ("boolean",), "a truth value is called is_... or has_..."),
)
SHAPES = (
    (re.compile(r".+_id\Z"), ("string",), "an id is a string"),
    (re.compile(r".+_minor\Z"), ("int64",), "money is in whole minor units"),
    (re.compile(r".+_percent\Z"), ("double",), "a percentage is a double"),
    (re.compile(r".+_(seconds|days|months|number)\Z|rows_.+"), ("int32", "int64"), "a count is a whole number"),
)

# A number whose name holds one of these words has a dimension, and its name ends with the unit.
UNITS = (
    (r"amount|balance|income|salary|limit|price|instalment", r"minor|number"),
    (r"duration|term|age|tenure|gap", r"seconds|days|months|years"),
)


def name_faults(column: Column) -> list[str]:
    """What the column's name promises and its type does not keep, in words; empty when the name is good."""
    if not NAME.match(column.name):
        return [f"column {column.name} is not lower_snake_case"]
    faults = []
    for shape, types, rule in (*PROMISES, *SHAPES):
        if shape.match(column.name) and column.type not in types:
            faults.append(f"column {column.name} is a {column.type}: {rule}")
    for shape, types, rule in PROMISES:
        if column.type in types and not shape.match(column.name):
            faults.append(f"{column.type} column {column.name}: {rule}")
    if column.type in ("int32", "int64", "double"):
        for words, unit in UNITS:
            is_measured = re.search(rf"(\A|_)({words})(_|\Z)", column.name)
            if is_measured and not re.search(rf"_({unit})\Z", column.name):
                faults.append(f"number {column.name} does not end with its unit")
    return faults
