"""Says when a load brings many times the rows of the loads before it: a file delivered twice, or a month in one night.

It is loaded all the same, since a supplier may have reasons; whoever reads the log or ``monitor.loads`` knows.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from statistics import median

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.tables import Warehouse, read_arrow

# So many loads of a table are compared with, where there are at least LEAST; fewer say nothing of what is usual.
LAST, LEAST = 28, 5
TIMES = 5
# Of tables with a handful of rows a night, five times as many are no event.
FEWEST_ROWS = 500


def note_unusual(warehouse: Warehouse, loads: pa.Table) -> tuple[pa.Table, list[str]]:
    """The rows of ``monitor.loads`` for a load, with a note on each table of which it read unusually many rows, and the
    notes for people.

    Unusual is more than TIMES the median of what the last loads before it read, and at least FEWEST_ROWS.
    """
    name = "monitor.loads"
    if not loads.num_rows or not warehouse.exists(name):
        return loads, []
    source, day = loads["source"][0].as_py(), loads["loaded_on"][0].as_py()
    earlier = (pc.field("source") == source) & (pc.field("loaded_on") < pa.scalar(day))
    held = read_arrow(warehouse, name, columns=["loaded_on", "table_name", "rows_read"], filter=earlier)
    read: dict[str, list[tuple[date, int]]] = defaultdict(list)
    for row in held.to_pylist():
        read[row["table_name"]].append((row["loaded_on"], row["rows_read"]))
    notes, told = loads["notes"].to_pylist(), []
    for place, row in enumerate(loads.select(["table_name", "rows_read"]).to_pylist()):
        last = [rows for _, rows in sorted(read[row["table_name"]])[-LAST:]]
        usual = median(last) if len(last) >= LEAST else None
        if usual is not None and row["rows_read"] > max(TIMES * usual, FEWEST_ROWS - 1):
            note = f"{row['rows_read']} rows read where {usual:.0f} are usual"
            notes[place] = "; ".join(one for one in (notes[place], note) if one)
            told.append(f"{row['table_name']}: {note}")
    return loads.set_column(loads.column_names.index("notes"), "notes", pa.array(notes, pa.string())), told
