"""Runs expectation suites on tables with Great Expectations, and says what each expectation found.

Values of rows are never asked for, and whatever the library might still return of them is dropped before anything
leaves this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tallystick.errors import DeclarationError
from tallystick.how_far import HowFar, parts_of, untold
from tallystick.project.expectations import expectation_columns
from tallystick.quality.findings import Finding
from tallystick.quality.judge import JudgedRows, Judgement, has_raised, judge, number_of, tolerance
from tallystick.quality.library import library

# Fields of a result that are counts or shares of rows whatever the expectation.
COUNT_FIELDS = ("element_count", "unexpected_count", "unexpected_percent", "missing_count", "missing_percent")

# Expectations whose observed value is itself a count or a share. Of all others (a minimum, a most common value) it is
# some customer's value.
COUNTING = ("row_count", "column_count", "unique_value_count", "proportion_of", "unexpected_rows")

# What a table costs whatever its size, as rows: the library decides expectation by expectation.
TABLE_ROWS = 300_000


@dataclass(frozen=True)
class Validation:
    """What was found, in the order of tables and files; ``results`` and ``suites`` are the library's own."""

    findings: tuple[Finding, ...]
    results: Mapping[str, Any]
    suites: Mapping[str, Any]

    @property
    def is_success(self) -> bool:
        """Whether no critical expectation failed."""
        return not any(finding.is_critical_failure for finding in self.findings)

    def store(self, folder: Path, *, source: str, validated_on: date) -> None:
        """Add the library's results and suites to its files in ``folder``; no results change nothing."""
        if not self.results:
            return
        from tallystick.quality.stored_results import store_results

        store_results(self.results, self.suites, folder, source=source, validated_on=validated_on)


def validate(
    tables: Mapping[str, JudgedRows],
    suites: Mapping[str, Mapping[str, Any]],
    *,
    report: Callable[[str], None] | None = None,
    how_far: HowFar = untold,
) -> Validation:
    """Run each table's suite (see ``project.expectations``) and say what every expectation found.

    A failed expectation raises nothing here: results are written first, then ``raise_for_critical`` stops the run. An
    expectation that cannot be evaluated has failed. ``report`` is called for each table. DeclarationError when the
    library does not know all of a suite. Without tables nothing is found, and the library is not even loaded.
    """
    if not tables:
        return Validation(findings=(), results={}, suites={})
    with library() as gx:
        findings: list[Finding] = []
        results: dict[str, Any] = {}
        built: dict[str, Any] = {}
        ends = parts_of(how_far, [TABLE_ROWS + rows.size for rows in tables.values()])
        for number, (table, rows) in enumerate(tables.items(), start=1):
            built[table] = build_suite(gx, table, suites[table]["expectations"])
            judgement = judge(gx, built[table], rows)
            results[table] = _suite_result(gx, built[table], judgement)
            found = _findings(table, suites[table], judgement)
            findings += found
            if report is not None:
                report(_summary(f"{number}/{len(tables)} {table}", found))
            ends[number - 1](1.0)
        return Validation(findings=tuple(findings), results=results, suites=built)


def build_suite(gx: Any, table: str, expectations: Sequence[Mapping[str, Any]]) -> Any:
    """The library's suite. Each expectation carries its position; DeclarationError when one was dropped or refused."""
    numbered = [
        {**e, "meta": {**e["meta"], "number": number}, "notes": e["meta"]["reason"]}
        for number, e in enumerate(expectations, start=1)
    ]
    where = f"expectations of {table}"
    try:
        suite = gx.ExpectationSuite(name=table, expectations=numbered)
    except (ValueError, TypeError, gx.exceptions.GreatExpectationsError) as error:
        first = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise DeclarationError(f"an expectation is not what the library takes: {first}", where=where) from error
    if len(suite.expectations) != len(expectations):
        kept = {e.meta["number"] for e in suite.expectations}
        lost = [f"{n} ({e['type']})" for n, e in enumerate(expectations, start=1) if n not in kept]
        raise DeclarationError(f"the library dropped expectation {', '.join(lost)}", where=where, fix="check its type")
    return suite


def _suite_result(gx: Any, suite: Any, judgement: Judgement) -> Any:
    """The library's result of the whole suite, with counts and without any value of a row."""
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
    from great_expectations.validator.validator import calc_validation_statistics

    for expectation in suite.expectations:
        result = judgement.results[number_of(expectation)]
        if result.success and tolerance(expectation) is None:
            _count_passed(result, rows=judgement.rows)
        remove_values(result)
    results = list(judgement.results.values())
    told = calc_validation_statistics(results)._asdict()
    success = told.pop("success")
    meta = {
        "great_expectations_version": gx.__version__,
        "active_batch_definition": {"data_asset_name": suite.name, "batch_identifiers": {}},
    }
    return ExpectationSuiteValidationResult(
        success=success, results=results, suite_name=suite.name, statistics=told, meta=meta
    )


def _count_passed(result: Any, *, rows: int) -> None:
    """Of an expectation that all rows met: how many they were, where it is one about the values of a column."""
    about = result.result.get("element_count", rows)
    is_row_wise = result.expectation_config.type.startswith("expect_column_values_")
    counts = {"element_count": about, "unexpected_count": 0, "unexpected_percent": 0.0}
    result.result = counts if is_row_wise and about else {}


def remove_values(result: Any) -> None:
    """Keep counts and shares of a result; drop observed values, lists of values, and texts of Spark's errors."""
    kind = result.expectation_config.type
    kept = {name: result.result[name] for name in COUNT_FIELDS if result.result.get(name) is not None}
    observed = result.result.get("observed_value")
    if isinstance(observed, int | float) and any(word in kind for word in COUNTING):
        kept["observed_value"] = observed
    raised = has_raised(result)
    message = "the expectation could not be evaluated" if raised else ""
    result.result = kept
    result.exception_info = {"raised_exception": raised, "exception_message": message, "exception_traceback": ""}


def _findings(table: str, suite: Mapping[str, Any], judgement: Judgement) -> list[Finding]:
    return [
        _finding(table, number, expectation, judgement.results[number], rows=judgement.rows)
        for number, expectation in enumerate(suite["expectations"], start=1)
    ]


def _finding(table: str, number: int, expectation: Mapping[str, Any], result: Any, *, rows: int) -> Finding:
    details = result.result
    observed = details.get("observed_value")
    if has_raised(result):
        observed = "could not be evaluated"
    return Finding(
        table=table,
        number=number,
        expectation=expectation["type"],
        columns=", ".join(expectation_columns(expectation)),
        severity=expectation["severity"],
        is_success=bool(result.success),
        reason=expectation["meta"]["reason"],
        rows_checked=details.get("element_count", rows),
        rows_unexpected=details.get("unexpected_count"),
        unexpected_percent=details.get("unexpected_percent"),
        observed=None if observed is None else str(observed),
    )


def _summary(place: str, findings: Sequence[Finding]) -> str:
    failed = [finding for finding in findings if not finding.is_success]
    lines = [f"{place}: {len(findings) - len(failed)} of {len(findings)} expectations met"]
    lines += [f"  {finding.severity}: {finding}" for finding in failed]
    return "\n".join(lines)
