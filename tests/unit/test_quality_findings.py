"""Findings as rows and as the error that stops a run; what a validation covers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tallystick.errors import InputError, NotFound, ValidationFailed
from tallystick.quality import (
    Finding,
    JudgedAt,
    choose_tables,
    findings_table,
    latest_date,
    merge_findings,
    raise_for_critical,
)
from tallystick.spec.sources import KnownOn, Source, TableMapping


def finding(**changes: Any) -> Finding:
    """A passed critical expectation, changed."""
    plain: dict[str, Any] = {
        "table": "clean.visits",
        "number": 1,
        "expectation": "expect_column_values_to_not_be_null",
        "columns": "visit_id",
        "severity": "critical",
        "is_success": True,
        "reason": "It has an id.",
    }
    return Finding(**(plain | changes))


def source_with(*tables: str) -> Source:
    """A source that fills these clean tables."""
    mapping = {
        table: TableMapping(table=table, sql="SELECT 1", known_on=KnownOn(kind="load_date"), reject_rate=0.0)
        for table in tables
    }
    return Source(name="north", zone="UTC", files={}, tables=mapping)


def test_a_critical_failure_stops_with_code_8_and_names_table_and_expectation() -> None:
    failed = finding(is_success=False, rows_checked=54_694, rows_unexpected=12)
    other = finding(number=2, is_success=False)
    with pytest.raises(ValidationFailed) as caught:
        raise_for_critical([finding(), failed, other], fix="see there")
    assert caught.value.exit_code == 8
    what, _, rest = str(caught.value).partition(" failed ")
    assert what == "clean.visits: expect_column_values_to_not_be_null of visit_id"
    assert rest == "for 12 of 54,694 rows, and 1 more (see there)"


def test_warnings_are_recorded_and_stop_nothing() -> None:
    raise_for_critical([finding(severity="warning", is_success=False), finding(severity="info", is_success=False)])


def test_a_finding_becomes_one_row() -> None:
    found = finding(is_success=False, columns="", rows_checked=9, rows_unexpected=3, unexpected_percent=33.3)
    table = findings_table(
        [found],
        run_id="r1",
        source="north",
        validated_on=date(2026, 3, 1),
        judged={"clean.visits": JudgedAt(table_version=7, judged_on=date(2026, 2, 28), key="k")},
    )
    assert table.to_pylist() == [
        {
            "run_id": "r1",
            "validated_on": date(2026, 3, 1),
            "table_name": "clean.visits",
            "expectation_number": 1,
            "expectation": "expect_column_values_to_not_be_null",
            "column_name": None,
            "severity": "critical",
            "is_success": False,
            "rows_checked": 9,
            "rows_unexpected": 3,
            "unexpected_percent": 33.3,
            "observed": None,
            "reason": "It has an id.",
            "table_version": 7,
            "judged_on": date(2026, 2, 28),
            "judgement_key": "k",
            "source": "north",
        }
    ]


def test_validating_some_tables_again_keeps_what_was_found_on_the_others() -> None:
    def rows(run_id: str, *tables: str) -> Any:
        found = [finding(table=table) for table in tables]
        judged = dict.fromkeys(tables, JudgedAt(table_version=1, judged_on=date(2026, 3, 1)))
        return findings_table(found, run_id=run_id, source="n", validated_on=date(2026, 3, 1), judged=judged)

    merged = merge_findings(rows("second", "clean.visits"), rows("first", "clean.visits", "clean.calls")).to_pylist()
    assert [(row["run_id"], row["table_name"]) for row in merged] == [
        ("second", "clean.visits"),
        ("first", "clean.calls"),
    ]


def test_a_source_is_validated_on_every_clean_table_it_fills_also_on_missing_ones() -> None:
    suites = {"clean.visits": {}, "clean.calls": {}, "clean.other": {}, "score.applications": {}, "score.old": {}}
    source = source_with("visits", "calls")
    assert choose_tables("clean", source, wanted=[], suites=suites, existing=[]) == ["clean.calls", "clean.visits"]
    existing = ["score.applications", "clean.visits"]
    assert choose_tables("score", source, wanted=[], suites=suites, existing=existing) == ["score.applications"]
    wanted = ["visits", "score.old", "visits"]
    assert choose_tables("clean", source, wanted=wanted, suites=suites, existing=[]) == ["clean.visits", "score.old"]


def test_a_table_without_expectations_cannot_be_validated() -> None:
    with pytest.raises(NotFound, match="clean.visits has no expectations"):
        choose_tables("clean", source_with("visits"), wanted=[], suites={}, existing=[])
    with pytest.raises(NotFound, match="layer score has no table"):
        choose_tables("score", source_with("visits"), wanted=[], suites={}, existing=[])


def test_the_date_of_a_validation_is_the_last_one_the_files_have_come_to() -> None:
    day, noon = date(2026, 3, 1), datetime(2026, 3, 4, 12, tzinfo=UTC)
    loads = {"loaded_on": (day, date(2026, 3, 2)), "event_at": (noon, noon)}
    assert latest_date([loads, {"loaded_on": (day, day)}]) == date(2026, 3, 2)
    assert latest_date([{"as_of": (noon, noon)}]) == date(2026, 3, 4)
    with pytest.raises(InputError, match="--load-date"):
        latest_date([])
