"""The library's own results and suites as JSON files, in a folder that remembers earlier runs.

Kept apart from ``gate`` because the stores behind them are files that outlast a run. The library's HTML is not written:
it takes styles and scripts from public servers. The pages that people read are in ``report.checks_page``.

A run's results lie at results/<layer>/<table>/<source>/<validated_on>/: validating a day again replaces them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from tallystick.quality.library import library

# Results kept per table and source; monitor.validations keeps all findings.
KEPT_RUNS = 30


def store_results(
    results: Mapping[str, Any], suites: Mapping[str, Any], folder: Path, *, source: str, validated_on: date
) -> None:
    """Add the results of one validation, and the suites that they answer, to the files in ``folder``."""
    with library() as gx:
        context = _context(gx, folder)
        for result in results.values():
            _store(context, result, source=source, validated_on=validated_on)
        _limit_history(context)
        for suite in suites.values():
            context.suites.add_or_update(suite)


def _context(gx: Any, folder: Path) -> Any:
    """A context that keeps suites and results in files below ``folder``."""
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    defaults = InMemoryStoreBackendDefaults()
    places = {defaults.validation_results_store_name: "results", defaults.expectations_store_name: "suites"}
    for name, place in places.items():
        defaults.stores[name]["store_backend"] = {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(folder / place),
            "filepath_suffix": ".json",
        }
    return gx.get_context(mode="ephemeral", project_config=DataContextConfig(store_backend_defaults=defaults))


def _store(context: Any, result: Any, *, source: str, validated_on: date) -> None:
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    midnight = datetime(validated_on.year, validated_on.month, validated_on.day, tzinfo=UTC)
    run = RunIdentifier(run_name=source, run_time=midnight)
    suite = ExpectationSuiteIdentifier(name=result.suite_name)
    key = ValidationResultIdentifier(expectation_suite_identifier=suite, run_id=run, batch_identifier=source)
    result.meta |= {"run_id": run, "validation_time": midnight}
    context.validation_results_store.set(key, result)


def _limit_history(context: Any) -> None:
    store = context.validation_results_store
    runs: dict[tuple[str, str], list[Any]] = {}
    for key in store.list_keys():
        runs.setdefault((key.expectation_suite_identifier.name, key.run_id.run_name), []).append(key)
    for keys in runs.values():
        for key in sorted(keys, key=lambda one: one.run_id.run_time, reverse=True)[KEPT_RUNS:]:
            store.remove_key(key)
