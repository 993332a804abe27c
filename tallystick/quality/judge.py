"""Has Great Expectations judge a suite: each expectation names the metrics it needs, and one query answers all of them.

Apart from ``gate`` because it is the way into the library: which of its calls decide, and in what shape they answer.
What SQL cannot say (``metrics``) the library computes itself, on Spark, in as few passes as it can.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tallystick.errors import InputError
from tallystick.project.expectations import expectation_columns
from tallystick.quality.metrics import ROWS, Answer, NoSql, metric_sql

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

YES_OR_NO = {"result_format": "BOOLEAN_ONLY"}
COUNTS = {"result_format": "BASIC", "partial_unexpected_count": 0, "exclude_unexpected_values": True}


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedRows:
    """The rows of a table that are judged: as a query for DuckDB, and, where the library needs it, as a Spark frame.

    ``columns`` are the types of the table's contract, ``size`` is about how many rows there are. ``ask`` runs a
    statement; InputError when DuckDB refuses it.
    """

    sql: str
    columns: Mapping[str, str]
    ask: Callable[[str], pa.Table]
    frame: Callable[[], DataFrame]
    size: int = 0


@dataclass(frozen=True, slots=True)
class Judgement:
    """The library's result of each expectation, by its number in the suite, and how many rows there are."""

    results: Mapping[int, Any]
    rows: int


def judge(gx: Any, suite: Any, rows: JudgedRows) -> Judgement:
    """Judge every expectation of the library's ``suite``. One that cannot be evaluated has failed."""
    asked: dict[int, dict[Any, str | Answer]] = {}
    results: dict[int, Any] = {}
    for expectation in suite.expectations:
        number = number_of(expectation)
        if lacking := sorted(
            set(expectation_columns({"kwargs": expectation.configuration.kwargs})) - set(rows.columns)
        ):
            results[number] = _failed(gx, expectation, f"there is no column {', '.join(lacking)}")
            continue
        with suppress(NoSql):
            asked[number] = _metrics(expectation, rows.columns)
    count, answers = _answers(rows, asked)
    left = []
    for expectation in suite.expectations:
        number = number_of(expectation)
        if answers is not None and number in asked:
            results[number] = _decide(gx, expectation, {key: answers[said] for key, said in asked[number].items()})
        elif number not in results:
            left.append(expectation)
    if left:
        results |= _judge_on_spark(gx, suite.name, left, rows.frame())
    return Judgement({number: results[number] for number in sorted(results)}, count)


def _metrics(expectation: Any, columns: Mapping[str, str]) -> dict[Any, str | Answer]:
    """What the expectation needs to know, by the library's id of the metric; NoSql where SQL cannot tell."""
    needed = expectation.get_validation_dependencies(runtime_configuration={"result_format": COUNTS})
    return {
        metric.id: metric_sql(
            metric.metric_name, metric.metric_domain_kwargs, metric.metric_value_kwargs, columns=columns
        )
        for metric in needed.get_metric_configurations()
    }


def _answers(
    rows: JudgedRows, asked: Mapping[int, Mapping[Any, str | Answer]]
) -> tuple[int, dict[str | Answer, Any] | None]:
    """The number of rows, and the value of each metric; None when DuckDB takes one of them for no SQL."""
    said = {one for metrics in asked.values() for one in metrics.values()}
    statements = sorted(one for one in said if isinstance(one, str))
    try:
        count, *values = _one_row(rows, ["count(*)", *statements])
    except InputError:
        return _one_row(rows, ["count(*)"])[0], None
    told: dict[str | Answer, Any] = {one: list(one.value) for one in said if isinstance(one, Answer)}
    return count, told | dict(zip(statements, values, strict=True))


def _one_row(rows: JudgedRows, values: Sequence[str]) -> list[Any]:
    """The values over the rows, in one statement. The rows are no table in memory: each part reads what it needs."""
    named = ", ".join(f"{value} AS v{number}" for number, value in enumerate(values))
    told = rows.ask(f"WITH {ROWS} AS NOT MATERIALIZED ({rows.sql}) SELECT {named} FROM {ROWS}")
    return [column[0].as_py() for column in told.columns]


def _decide(gx: Any, expectation: Any, metrics: Mapping[Any, Any]) -> Any:
    """The library's result, with counts."""
    try:
        return expectation.metrics_validate(metrics, runtime_configuration={"result_format": dict(COUNTS)})
    except (ValueError, TypeError, gx.exceptions.GreatExpectationsError) as error:
        return _failed(gx, expectation, type(error).__name__)


def _failed(gx: Any, expectation: Any, why: str) -> Any:
    """The result of an expectation that cannot be evaluated."""
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult

    info = {"raised_exception": True, "exception_message": why, "exception_traceback": ""}
    return ExpectationValidationResult(success=False, exception_info=info, expectation_config=expectation.configuration)


def _judge_on_spark(gx: Any, name: str, expectations: Sequence[Any], frame: DataFrame) -> dict[int, Any]:
    """The results of expectations that SQL cannot answer. What failed or tolerates some rows is counted afterwards."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    asset = context.data_sources.add_spark("spark", persist=False).add_dataframe_asset(name)
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": frame})
    results = _validated(gx, batch, name, expectations, YES_OR_NO)
    again = [
        e
        for e in expectations
        if (not results[number_of(e)].success or tolerance(e) is not None) and not has_raised(results[number_of(e)])
    ]
    return results | (_validated(gx, batch, name, again, COUNTS) if again else {})


def _validated(
    gx: Any, batch: Any, name: str, expectations: Sequence[Any], result_format: Mapping[str, Any]
) -> dict[int, Any]:
    suite = gx.ExpectationSuite(name=name, expectations=list(expectations))
    result = batch.validate(suite, result_format=dict(result_format))
    return {number_of(one): one for one in result.results}


def number_of(thing: Any) -> int:
    """The position in the suite's file that an expectation, or the result of one, carries."""
    return int((thing.meta if hasattr(thing, "severity") else thing.expectation_config.meta)["number"])


def tolerance(expectation: Any) -> float | None:
    """The share of good rows that an expectation accepts; None when it wants all, or counts no rows."""
    mostly = getattr(expectation, "mostly", 1)
    return mostly if isinstance(mostly, int | float) and mostly < 1 else None


def has_raised(result: Any) -> bool:
    """Whether the expectation could not be evaluated. The library keeps one exception, or one per metric."""
    info = result.exception_info or {}
    parts = [info, *(value for value in info.values() if isinstance(value, dict))]
    return any(part.get("raised_exception") for part in parts)
