"""A report on tables of an earlier version: one sentence that names the table, not a message of DuckDB."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from tallystick.errors import ContractError
from tallystick.runs import write_report
from tallystick.runs.params import WriteReport

ROOT = Path(__file__).resolve().parents[2]


def test_a_table_that_lacks_a_column_is_named(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path / "monitor/loads"), pa.table({"source": ["simbank"], "table_name": ["clean.cards"]}))
    params = WriteReport(project=ROOT, warehouse=tmp_path, source="simbank", recipe="cash_loan")
    with pytest.raises(ContractError, match=r"table monitor\.loads: it lacks columns that the report asks for") as told:
        write_report.run(params)
    assert "Binder" not in str(told.value)
