"""Order of the test kinds in one run, and the guard that keeps Spark out of the fast ones.

A pytest plugin, switched on in pyproject.toml.
"""

from __future__ import annotations

import os
from typing import NoReturn

import pytest
from xdist.scheduler import LoadScopeScheduling

# Cheap kinds first, so that a run fails early; within a kind the order is random (pytest-randomly prints its seed).
KINDS = ("unit", "spec", "generative", "contract", "docs", "jobs", "spark", "dags", "acceptance")
WITHOUT_SPARK = frozenset({"unit", "contract", "docs", "jobs"})


def kind_of(item: pytest.Item) -> str:
    """The folder below tests/ that holds the test; empty for a test elsewhere."""
    parts = item.path.parts
    return parts[parts.index("tests") + 1] if "tests" in parts[:-2] else ""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by kind, after pytest-randomly has shuffled: the sort is stable, so its order holds inside each kind.

    Side by side (pytest-xdist) the long kinds begin first: at the end, short ones fill the gaps.
    """
    is_side_by_side = os.environ.get("PYTEST_XDIST_WORKER") is not None
    known = {kind: place for place, kind in enumerate(KINDS)}
    items.sort(key=lambda item: known.get(kind_of(item), len(KINDS)), reverse=is_side_by_side)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """Side by side, a file stays in one process: its fixtures are made once."""
    return ByRun(config, log)


class ByRun(LoadScopeScheduling):
    """Deals files to processes; acceptance tests of one whole run (``test_<run>_*.py``) go to one."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.split("::", 1)[0]
        return "_".join(path.split("_")[:2]) if "acceptance/" in path else path


@pytest.fixture(autouse=True)
def _no_spark_in_fast_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test of a fast kind that starts Spark fails at once, with the reason."""
    kind = kind_of(request.node)
    if kind in WITHOUT_SPARK:

        def refuse(*_: object, **__: object) -> NoReturn:
            pytest.fail(f"tests/{kind} never starts Spark: move this test to tests/spark", pytrace=False)

        # Both doors of Spark: the session (also when another kind has one running) and the JVM below it.
        # Given as text, pyspark is imported here: 0.2 s once, and nothing starts.
        monkeypatch.setattr("pyspark.java_gateway.launch_gateway", refuse)
        monkeypatch.setattr("pyspark.core.context.SparkContext._ensure_initialized", refuse)
        monkeypatch.setattr("pyspark.sql.SparkSession.builder", _Refused(refuse))


class _Refused:
    """Stands in for `SparkSession.builder`: every attribute refuses."""

    def __init__(self, refuse: object) -> None:
        self._refuse = refuse

    def __getattr__(self, name: str) -> object:
        return self._refuse
