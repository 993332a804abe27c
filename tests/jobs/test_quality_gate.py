"""The gate without Spark: what is found, what is never told, and what stops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tallystick.errors import DeclarationError, InputError, ValidationFailed
from tallystick.project import load_project
from tallystick.quality import Finding, JudgedRows, Validation, validate
from tallystick.quality.gate import build_suite
from tallystick.quality.library import library
from tallystick.tables import Run, Slice, Warehouse, arrow_schema, read_arrow, replace_arrow
from tests.lib.regions import validate_source, write_region
from tests.unit.test_project_expectations import KWARGS

TABLE = "clean.visits"
SECRET = "Mallory"
SCHEMA = pa.schema(
    [("visit_id", pa.string()), ("purpose", pa.string()), ("amount_minor", pa.int64()), ("visited_on", pa.date32())]
)
COLUMNS = {"visit_id": "string", "purpose": "string", "amount_minor": "int64", "visited_on": "date"}
VISITS = pa.Table.from_arrays(
    [
        pa.array(["1", "2", "2", "4"]),
        pa.array(["advice", SECRET, SECRET, None]),
        pa.array([100, 987_654_321, 300, None]),
        pa.array([date(2026, 3, day) for day in (1, 2, 3, 4)]),
    ],
    schema=SCHEMA,
)


def expect(kind: str, *, severity: str = "critical", **kwargs: Any) -> dict[str, Any]:
    """One expectation as its file says it."""
    return {"type": kind, "kwargs": kwargs, "severity": severity, "meta": {"reason": f"{kind} matters"}}


EXPECTATIONS = [
    expect("expect_column_values_to_not_be_null", column="visit_id"),
    expect("expect_column_values_to_be_in_set", column="purpose", value_set=["advice", "cash"]),
    expect("expect_column_values_to_be_between", severity="warning", column="amount_minor", max_value=1000),
    expect("expect_column_values_to_not_be_null", column="purpose", mostly=0.5),
    expect("expect_column_max_to_be_between", severity="warning", column="amount_minor", max_value=1000),
    expect("expect_table_row_count_to_be_between", severity="warning", min_value=5),
    expect("expect_column_values_to_not_be_null", column="no_such_column"),
    expect("expect_compound_columns_to_be_unique", column_list=["visit_id", "purpose"]),
    expect(
        "unexpected_rows_expectation", unexpected_rows_query="SELECT * FROM {batch} WHERE amount_minor > 1000"
    ),
    expect("expect_column_values_to_be_between", column="visited_on", min_value="2026-03-01", max_value="2026-03-04"),
]  # fmt: skip


def judged_rows() -> JudgedRows:
    """The visits for the gate, which asks for no Spark."""

    def ask(sql: str) -> pa.Table:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.register("visits", VISITS)
            try:
                return connection.sql(sql).to_arrow_table()
            except duckdb.Error as error:
                raise InputError(type(error).__name__) from None

    def frame() -> Any:
        raise AssertionError("Spark is needed")

    return JudgedRows(sql="SELECT * FROM visits", columns=COLUMNS, ask=ask, frame=frame)


@pytest.fixture(scope="module")
def told() -> list[str]:
    """What the gate reported while it worked."""
    return []


@pytest.fixture(scope="module")
def validation(told: list[str]) -> Validation:
    """The suite above on the visits above, run once."""
    suites = {TABLE: {"name": TABLE, "expectations": EXPECTATIONS}}
    return validate({TABLE: judged_rows()}, suites, report=told.append)


def by_number(validation: Validation) -> dict[int, Finding]:
    """Findings by position."""
    return {finding.number: finding for finding in validation.findings}


def test_findings_come_in_the_order_of_the_file(validation: Validation) -> None:
    assert [finding.expectation for finding in validation.findings] == [e["type"] for e in EXPECTATIONS]
    passed = [finding.is_success for finding in validation.findings]
    assert passed == [True, False, False, True, False, False, False, False, False, True]
    assert not validation.is_success


def test_counts_are_told_of_what_failed_what_is_tolerated_and_what_passed_whole(validation: Validation) -> None:
    found = by_number(validation)
    counts = {number: (one.rows_checked, one.rows_unexpected) for number, one in found.items()}
    assert counts[1] == (4, 0)
    assert counts[2] == (4, 2)
    assert counts[3] == (4, 1)
    assert counts[4] == (4, 1)
    assert counts[8] == (4, 2)
    assert counts[10] == (4, 0)
    assert found[2].unexpected_percent == pytest.approx(200 / 3)
    assert found[6].observed == "4"
    assert found[8].columns == "visit_id, purpose"


def test_what_cannot_be_evaluated_has_failed(validation: Validation) -> None:
    found = by_number(validation)[7]
    assert not found.is_success
    assert found.is_critical_failure
    assert found.observed == "could not be evaluated"


def test_no_value_of_a_row_leaves_the_gate(validation: Validation, told: list[str], tmp_path: Path) -> None:
    validation.store(tmp_path, source="north", validated_on=date(2026, 3, 4))
    files = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.json")]
    texts = list(files)
    texts += ["\n".join(told), repr(validation.findings)]
    assert len(files) == 2
    assert not [text for text in texts if SECRET in text or "987654321" in text or "987,654,321" in text]
    assert by_number(validation)[5].observed is None
    assert told[0].startswith(
        f"1/1 {TABLE}: 3 of 10 expectations met\n  critical: {TABLE}: expect_column_values_to_be_in_set"
    )


def test_results_of_other_days_and_sources_stay_and_the_same_day_is_replaced(
    validation: Validation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tallystick.quality.stored_results.KEPT_RUNS", 2)
    for source, day in (("north", 1), ("north", 2), ("south", 2), ("north", 2), ("north", 3)):
        validation.store(tmp_path, source=source, validated_on=date(2026, 3, day))
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.json"))
    assert files == [
        "results/clean/visits/north/20260302T000000.000000Z/north.json",
        "results/clean/visits/north/20260303T000000.000000Z/north.json",
        "results/clean/visits/south/20260302T000000.000000Z/south.json",
        "suites/clean/visits.json",
    ]


def test_what_the_library_drops_or_refuses_stops_the_load_of_a_suite() -> None:
    kept = expect("expect_column_values_to_not_be_null", column="visit_id")
    with library() as gx:
        with pytest.raises(DeclarationError, match=r"dropped expectation 2 \(expect_columns_to_shine\)"):
            build_suite(gx, TABLE, [kept, expect("expect_columns_to_shine", column="visit_id")])
        with pytest.raises(DeclarationError, match="not what the library takes"):
            build_suite(gx, TABLE, [expect("expect_column_values_to_not_be_null", column="visit_id", mostli=1)])


def test_the_library_takes_every_suite_of_the_project(project_root: Path) -> None:
    with library() as gx:
        for name, suite in load_project(project_root).expectations.items():
            assert len(build_suite(gx, name, suite["expectations"]).expectations) == len(suite["expectations"])


@pytest.fixture
def job(project_root: Path, tmp_path: Path) -> Any:
    """Write a region per source, then run the job on one of them; gives a function of the source's urban share."""

    def run(urban_percent: float, *, day: int, earlier: Sequence[Mapping[str, Any]] = (), **parts: Any) -> None:
        for source, share in (("berka", urban_percent), ("copenhagen", 500.0)):
            told = {"urban_percent": share, **parts}
            write_region(project_root, tmp_path, source, day=day, earlier=earlier, **told)
        validate_source(project_root, tmp_path, tables=("regions",))

    return run


def test_the_job_records_first_and_then_stops_with_code_8(job: Any, tmp_path: Path) -> None:
    job(50.0, day=1)
    with pytest.raises(ValidationFailed) as caught:
        job(120.0, day=2)
    assert caught.value.exit_code == 8
    assert "clean.regions: expect_column_values_to_be_between of urban_percent failed for 1 of 1 rows" in str(
        caught.value
    )
    pages = tmp_path / "docs" / "validations"
    assert str(pages / "berka.html") in str(caught.value)
    found = read_arrow(Warehouse(tmp_path), "monitor.validations").to_pylist()
    suite = load_project(Path(__file__).parents[2]).expectations["clean.regions"]["expectations"]
    assert {row["validated_on"].day for row in found} == {1, 2}
    assert len(found) == 2 * len(suite)
    assert all(row["source"] == "berka" and row["table_name"] == "clean.regions" for row in found)
    failed = [row for row in found if not row["is_success"]]
    assert [(row["column_name"], row["severity"], row["rows_unexpected"]) for row in failed] == [
        ("urban_percent", "critical", 1)
    ]
    assert "STOPPED" in (pages / "berka.html").read_text(encoding="utf-8")
    assert 'href="berka.html"' in (pages / "index.html").read_text(encoding="utf-8")
    # Every file that the gate leaves for people: nothing in it is fetched from another machine.
    assert not [path for path in pages.rglob("*.html") if "://" in path.read_text(encoding="utf-8")]


def test_running_the_job_twice_changes_nothing(job: Any, tmp_path: Path) -> None:
    job(50.0, day=1)
    first = read_arrow(Warehouse(tmp_path), "monitor.validations").sort_by("expectation_number")
    job(50.0, day=1)
    again = read_arrow(Warehouse(tmp_path), "monitor.validations").sort_by("expectation_number")
    assert again.equals(first)


def test_a_correction_under_a_new_load_date_is_the_way_out(job: Any, tmp_path: Path) -> None:
    # The wrong version even names a date far ahead; the correction counts from its own load on.
    wrong = {"urban_percent": 120.0, "loaded_on": date(1999, 1, 1), "known_on": date(2090, 1, 1)}
    with pytest.raises(ValidationFailed):
        job(120.0, day=1, known_on=wrong["known_on"])
    job(50.0, day=2, known_on=date(1999, 1, 2), earlier=[wrong])
    found = read_arrow(Warehouse(tmp_path), "monitor.validations").to_pylist()
    assert {row["rows_checked"] for row in found if row["validated_on"].day == 2 and row["rows_checked"]} == {1}
    # Until a correction that is known later is in force, decisions still see the wrong version.
    with pytest.raises(ValidationFailed):
        job(50.0, day=3, known_on=date(1999, 1, 4), earlier=[{**wrong, "known_on": date(1999, 1, 1)}])


def test_a_layer_with_a_table_that_all_sources_share_is_validated(job: Any, project_root: Path, tmp_path: Path) -> None:
    job(50.0, day=1)
    warehouse = Warehouse(tmp_path)
    contract = load_project(project_root).contracts["monitor.feature_definitions"]
    told = {"definition": "d1", "column_name": "txn_any_count_7d", "fingerprint": "f1", "feature_group": "txn"}
    rows = pa.Table.from_pylist([told], schema=arrow_schema(contract.columns))
    where = Slice("test/txn", {"feature_group": "txn"})
    replace_arrow(warehouse, contract, rows, where=where, run=Run("one", "test", "test"))
    validate_source(project_root, tmp_path, layer="monitor")
    found = read_arrow(warehouse, "monitor.validations").to_pylist()
    assert {row["table_name"] for row in found} == {
        "clean.regions",
        "monitor.feature_definitions",
        "monitor.validations",
    }
    assert all(row["is_success"] for row in found)
    # It is read whole: none of its rows is left out as another source's.
    assert {row["rows_checked"] for row in found if row["table_name"] == contract.name} == {1}


def test_the_check_of_kwargs_agrees_with_the_library() -> None:
    with library() as gx:
        for kind, kwargs, message in KWARGS:
            try:
                build_suite(gx, TABLE, [expect(kind, **kwargs)])
            except DeclarationError:
                assert message, f"the library refuses {kind} {kwargs}"
            else:
                assert not message, f"the library takes {kind} {kwargs}"
