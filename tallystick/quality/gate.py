"""Runs expectation suites on Spark frames with Great Expectations, in as few passes as it can.

A first pass asks for nothing but yes or no: the library then computes all row-wise expectations of a table in one
aggregation. What failed, and what tolerates some bad rows, is run a second time for its counts. Values of rows are
never asked for, and whatever the library might still return of them is dropped before anything leaves this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick.errors import DeclarationError
from tallystick.project.expectations import expectation_columns
from tallystick.quality.findings import Finding
from tallystick.quality.library import library

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

YES_OR_NO = {"result_format": "BOOLEAN_ONLY"}
COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0, "exclude_unexpected_values": True}

# Fields of a result that are counts or shares of rows whatever the expectation.
COUNT_FIELDS = ("element_count", "unexpected_count", "unexpected_percent", "missing_count", "missing_percent")

# Expectations whose observed value is itself a count or a share. Of all others (a minimum, a most common value) it is
# some customer's value.
COUNTING = ("row_count", "column_count", "unique_value_count", "proportion_of", "unexpected_rows")


@dataclass(frozen=True)
class Validation:
    """What was found, in the order of tables and files; ``results`` and ``suites`` are the library's, for its pages."""

    findings: tuple[Finding, ...]
    results: Mapping[str, Any]
    suites: Mapping[str, Any]

    @property
    def is_success(self) -> bool:
        """Whether no critical expectation failed."""
        return not any(finding.is_critical_failure for finding in self.findings)

    def write_pages(self, folder: Path, *, source: str, validated_on: date) -> Path:
        """Add these results to the Data Docs in ``folder`` and return its index page."""
        from tallystick.quality.pages import write_pages

        return write_pages(self.results, self.suites, folder, source=source, validated_on=validated_on)


def validate(
    frames: Mapping[str, DataFrame],
    suites: Mapping[str, Mapping[str, Any]],
    *,
    rows: Mapping[str, int] | None = None,
    report: Callable[[str], None] | None = None,
) -> Validation:
    """Run each frame's suite (see ``project.expectations``) and say what every expectation found.

    A failed expectation raises nothing here: results are written first, then ``raise_for_critical`` stops the run. An
    expectation that cannot be evaluated has failed. ``rows`` gives the row counts of frames where they are known
    without counting; ``report`` is called for each table. DeclarationError when the library does not know all of a
    suite.
    """
    with library() as gx:
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        asset_source = context.data_sources.add_spark("spark", persist=False)
        findings: list[Finding] = []
        results: dict[str, Any] = {}
        built: dict[str, Any] = {}
        for table, frame in frames.items():
            definition = asset_source.add_dataframe_asset(table).add_batch_definition_whole_dataframe("all")
            batch = definition.get_batch(batch_parameters={"dataframe": frame})
            built[table] = build_suite(gx, table, suites[table]["expectations"])
            known = (rows or {}).get(table)
            results[table] = _run(gx, batch, built[table], rows=known)
            found = _findings(table, suites[table], results[table], rows=known)
            findings += found
            if report is not None:
                report(_summary(table, found))
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


def _run(gx: Any, batch: Any, suite: Any, *, rows: int | None) -> Any:
    """The suite's result, with counts and without any value of a row."""
    result = batch.validate(suite, result_format=YES_OR_NO)
    by_number = {_number(one): one for one in result.results}
    again = [
        e
        for e in suite.expectations
        if (not by_number[_number(e)].success or _tolerance(e) is not None) and not has_raised(by_number[_number(e)])
    ]
    if again:
        counted = batch.validate(gx.ExpectationSuite(name=suite.name, expectations=again), result_format=COUNTS)
        by_number |= {_number(one): one for one in counted.results}
    result.results = [by_number[number] for number in sorted(by_number)]
    for one in result.results:
        if rows and one.success and not one.result and one.expectation_config.type.startswith("expect_column_values_"):
            # All values of a row-wise expectation without tolerance passed, so its count needs no second look.
            one.result = {"element_count": rows, "unexpected_count": 0, "unexpected_percent": 0.0}
        remove_values(one)
    return result


def _number(thing: Any) -> int:
    """The position in the suite's file that an expectation, or the result of one, carries."""
    return int((thing.meta if hasattr(thing, "severity") else thing.expectation_config.meta)["number"])


def _tolerance(expectation: Any) -> float | None:
    """The share of good rows that an expectation accepts; None when it wants all, or counts no rows."""
    mostly = getattr(expectation, "mostly", 1)
    return mostly if isinstance(mostly, int | float) and mostly < 1 else None


def has_raised(result: Any) -> bool:
    """Whether the expectation could not be evaluated. The library keeps one exception, or one per metric."""
    info = result.exception_info or {}
    parts = [info, *(value for value in info.values() if isinstance(value, dict))]
    return any(part.get("raised_exception") for part in parts)


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


def _findings(table: str, suite: Mapping[str, Any], result: Any, *, rows: int | None) -> list[Finding]:
    by_number = {_number(one): one for one in result.results}
    return [
        _finding(table, number, expectation, by_number[number], rows=rows)
        for number, expectation in enumerate(suite["expectations"], start=1)
    ]


def _finding(table: str, number: int, expectation: Mapping[str, Any], result: Any, *, rows: int | None) -> Finding:
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


def _summary(table: str, findings: Sequence[Finding]) -> str:
    failed = [finding for finding in findings if not finding.is_success]
    lines = [f"{table}: {len(findings) - len(failed)} of {len(findings)} expectations met"]
    lines += [f"  {finding.severity}: {finding}" for finding in failed]
    return "\n".join(lines)
