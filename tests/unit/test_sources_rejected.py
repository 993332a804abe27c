"""Where a reject is from is told so that it can be found: file and line, or the view that made the row."""

from __future__ import annotations

from datetime import date

import duckdb
import pyarrow as pa
import pytest

from tallystick.errors import LoadRefused
from tallystick.ingest.counts import Fault, RowCounts
from tallystick.ingest.rejected import summarise_rejected

PLACES = (("2026-03-01/people.csv", 3), ("2026-03-01/view homes", 0))


def test_a_refused_load_names_file_and_line_or_the_view_alone() -> None:
    faults = tuple(Fault(reason="missing", column="a", rows=1, file=file, line=line) for file, line in PLACES)
    counts = RowCounts(accepted=1, rejected=2, faults=faults)
    with pytest.raises(LoadRefused) as caught:
        counts.check("customers", 0.5, source="bank", place=lambda file: f"/in/{file}")
    told = "1 missing in a, first at /in/2026-03-01/people.csv:3; 1 missing in a, first in view homes"
    assert caught.value.what == f"2 of 3 rows of customers would be rejected: {told}"


def test_the_summary_names_file_and_line_or_the_view_alone() -> None:
    rows = pa.table(
        {
            "table_name": ["customers"] * 2,
            "source": ["bank"] * 2,
            "loaded_on": [date(2026, 3, 1)] * 2,
            "reason": ["missing", "not_a_date"],
            "column_name": ["a", "b"],
            "file": [file for file, _ in PLACES],
            "line": [line for _, line in PLACES],
            "rejected_id": ["1", "2"],
        }
    )
    with duckdb.connect() as connection:
        connection.register("stored", rows)
        connection.execute("CREATE SCHEMA clean; CREATE VIEW clean.customers_rejected AS SELECT * FROM stored")
        found = summarise_rejected(lambda sql: connection.sql(sql).to_arrow_table(), ["customers"])
    assert [one.first_place for one in found] == ["2026-03-01/people.csv:3", "2026-03-01/view homes"]
