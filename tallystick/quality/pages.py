"""Data Docs: the library's HTML pages of suites and results, in a folder that remembers earlier runs.

Kept apart from ``gate`` because the stores behind the pages are files that outlast a run.

The pages of a run lie at validations/<layer>/<table>/<source>/<validated_on>/: validating a day again replaces them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from tallystick.quality.library import library

# Pages kept per table and source. The library reads every kept result to build its index, so that this bounds the time
# of each run; monitor.validations keeps all findings.
KEPT_RUNS = 30


def write_pages(
    results: Mapping[str, Any], suites: Mapping[str, Any], folder: Path, *, source: str, validated_on: date
) -> Path:
    """Add the results of one validation to the Data Docs in ``folder``; returns the index page."""
    with library() as gx:
        context = _context(gx, folder)
        keys = [_store(context, results[table], source=source, validated_on=validated_on) for table in results]
        _limit_history(context)
        identifiers = [*keys, *(_add_suite(context, suite) for suite in suites.values())]
        context.build_data_docs(resource_identifiers=identifiers)
    return folder / "index.html"


def _context(gx: Any, folder: Path) -> Any:
    """A context that keeps suites and results in files below ``folder``, so that the index lists earlier runs too."""
    from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults

    defaults = InMemoryStoreBackendDefaults()
    places = {defaults.validation_results_store_name: "results", defaults.expectations_store_name: "suites"}
    for name, place in places.items():
        defaults.stores[name]["store_backend"] = {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(folder / place),
            "filepath_suffix": ".json",
        }
    context = gx.get_context(mode="ephemeral", project_config=DataContextConfig(store_backend_defaults=defaults))
    context.add_data_docs_site(
        site_name="validations",
        site_config={
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
        },
    )
    return context


def _store(context: Any, result: Any, *, source: str, validated_on: date) -> Any:
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
    return key


def _add_suite(context: Any, suite: Any) -> Any:
    from great_expectations.data_context.types.resource_identifiers import ExpectationSuiteIdentifier

    context.suites.add_or_update(suite)
    return ExpectationSuiteIdentifier(name=suite.name)


def _limit_history(context: Any) -> None:
    store = context.validation_results_store
    runs: dict[tuple[str, str], list[Any]] = {}
    for key in store.list_keys():
        runs.setdefault((key.expectation_suite_identifier.name, key.run_id.run_name), []).append(key)
    for keys in runs.values():
        for key in sorted(keys, key=lambda one: one.run_id.run_time, reverse=True)[KEPT_RUNS:]:
            store.remove_key(key)
