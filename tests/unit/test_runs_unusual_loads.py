"""A load that reads many times the usual rows is noted, and only such a one."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from tallystick.project.contracts import load_contract
from tallystick.runs.unusual_loads import note_unusual
from tallystick.tables import Run, Slice, Warehouse, arrow_schema, replace_arrow
from tests.lib import house

CONTRACT = load_contract(house.ROOT / "schemas" / "monitor" / "loads.yaml", name="monitor.loads")
DAY = date(2026, 4, 1)


def rows(read: list[int], *, last: date, source: str = "village", note: str | None = None) -> pa.Table:
    """A row of each load, one a day up to ``last``."""
    zero = dict.fromkeys(("rows_accepted", "rows_rejected", "rows_duplicate", "rows_excluded"), 0)
    made = [
        {"loaded_on": last - timedelta(days=back), "table_name": "bookings", "rows_read": count, "raw_sha256": "0",
         "source": source, "notes": note, **zero}
        for back, count in enumerate(reversed(read))
    ]  # fmt: skip
    return pa.Table.from_pylist(made, schema=arrow_schema(CONTRACT.columns))


@pytest.mark.parametrize(
    ("before", "read", "told"),
    [
        ([9000, 100, 110, 90, 100, 105], 1000, True),
        ([9000, 100, 110, 90, 100, 105], 512, False),  # 5 times the median of 102.5 is no more than that
        ([9000, 100, 110, 90, 100, 105], 513, True),
        ([9000, 100, 110, 90], 1000, False),  # four loads do not say what is usual
        ([0, 0, 0, 0, 0], 500, True),
        ([0, 0, 0, 0, 0], 499, False),
        ([], 10**6, False),
    ],
)
def test_only_many_times_the_usual_rows_are_noted(tmp_path: Path, before: list[int], read: int, told: bool) -> None:
    warehouse = Warehouse(tmp_path)
    yesterday = DAY - timedelta(days=1)
    for source, held in (("village", before), ("other", [10**6] * 9)):
        where = Slice.of_source("monitor.loads", source)
        data = rows(held, last=yesterday, source=source)
        replace_arrow(warehouse, CONTRACT, data, where=where, run=Run(source, "test", "0"))
    noted, notes = note_unusual(warehouse, rows([read], last=DAY, note="a.csv was not delivered"))
    assert bool(notes) == told
    assert noted.num_rows == 1
    assert noted["notes"].to_pylist()[0].startswith("a.csv was not delivered")
    assert ("rows read where" in noted["notes"].to_pylist()[0]) == told


def test_the_first_load_of_a_warehouse_is_not_noted(tmp_path: Path) -> None:
    loads = rows([10**6], last=DAY)
    assert note_unusual(Warehouse(tmp_path), loads) == (loads, [])


def test_only_the_last_loads_say_what_is_usual(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    data = rows([10] * 40 + [1000] * 28, last=DAY - timedelta(days=1))
    where = Slice.of_source("monitor.loads", "village")
    replace_arrow(warehouse, CONTRACT, data, where=where, run=Run("r", "test", "0"))
    assert note_unusual(warehouse, rows([2000], last=DAY))[1] == []
