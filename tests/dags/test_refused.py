"""What a deployment and a run are refused for before anything waits, and what the sensor waits for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.dags.conftest import RECIPE, SOURCE, airflow_environment, read_answer

TODAY = "2026-04-07"
HOW = "give it as the partition key or the param date, such as 2026-04-07"
# Of each deployment what is mistyped, and what its import error says; the first is right.
MISTYPED = [
    ({}, ""),
    ({"TALLYSTICK_SOURCES": "simbnk={place}"}, "TALLYSTICK_SOURCES: no source simbnk (one of berka, "),
    ({"TALLYSTICK_SOURCES": "simbank={place}/no"}, "TALLYSTICK_SOURCES: there is no folder {place}/no with the deliv"),
    ({"TALLYSTICK_ZONE": "Asia/Shangai"}, "TALLYSTICK_ZONE: unknown time zone Asia/Shangai (a name such as"),
    ({"TALLYSTICK_SPARK_CONF": "{place}/no"}, "TALLYSTICK_SPARK_CONF: there is no file {place}/no (run make setup"),
    ({"TALLYSTICK_WAREHOUSE": "{place}/no/tables"}, "TALLYSTICK_WAREHOUSE: there is neither {place}/no/tables nor"),
    ({"TALLYSTICK_WAREHOUSE": "tables"}, "TALLYSTICK_WAREHOUSE: 'tables' is no absolute path"),
    ({"TALLYSTICK_WAREHOUSE": "s3a://bank/tables"}, ""),
    (
        {"TALLYSTICK_WAREHOUSE": "s3a://KEY:SECRET@bank/tables"},
        "TALLYSTICK_WAREHOUSE: s3a://...@bank/tables: that is no",
    ),
    ({"TALLYSTICK_WAREHOUSE": "s3a://bank/the tables"}, "TALLYSTICK_WAREHOUSE: s3a://bank/the\\x20tables: the path"),
    (
        {"TALLYSTICK_WAREHOUSE": "s3://bank/tables"},
        "TALLYSTICK_WAREHOUSE: s3://bank/tables: s3:// is not known (write s3a",
    ),
    ({"TALLYSTICK_WAREHOUSE": ""}, "TALLYSTICK_WAREHOUSE: the environment variable is not set"),
]
# Partition key and param of a run, and its business date or why it has none.
DATES = [
    ((TODAY, None), TODAY),
    ((None, TODAY), TODAY),
    ((TODAY, TODAY), TODAY),
    ((None, None), f"refused: the run has no business date: {HOW}"),
    ((TODAY, "2026-04-06"), "refused: the partition key says 2026-04-07 and the param date 2026-04-06: give one of"),
    (("2026-02-30", None), "refused: '2026-02-30' is no business date"),
    (("20260406", None), "refused: '20260406' is no business date"),
    (("2026-04-06T00:00:00", None), "refused: '2026-04-06T00:00:00' is no business date"),
    (("2062-04-07", None), "refused: 2062-04-07 lies after today, 2026-04-07"),
]
# The date that a run names and the instant when the try of its task began, and the date that late deliveries get.
RUN_DATES = [
    ((None, "2026-04-06T15:59:59+00:00"), "2026-04-06"),
    ((None, "2026-04-06T16:00:00+00:00"), TODAY),  # midnight where the bank is
    (("2026-04-03", "2026-04-06T16:00:00+00:00"), "2026-04-03"),
    (("2062-04-07", "2026-04-06T16:00:00+00:00"), "refused: the run_date 2062-04-07 lies after today, 2026-04-07"),
]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> dict[str, Any]:
    place = tmp_path_factory.mktemp("asked")
    right = {"TALLYSTICK_WAREHOUSE": f"{place}/tables", "TALLYSTICK_RECIPE": RECIPE}
    right["TALLYSTICK_SOURCES"] = f"{SOURCE}={place}"
    environments = [
        right | {name: value.format(place=place) for name, value in changed.items()} for changed, _ in MISTYPED
    ]
    asked = {
        "environments": environments,
        "dates": [pair for pair, _ in DATES],
        "run_dates": [pair for pair, _ in RUN_DATES],
        "folder": str(place),
    }
    done = subprocess.run(
        [sys.executable, str(project_root / "tests/lib/ask_orchestration.py"), json.dumps(asked)],
        env=airflow_environment(place / "home", warehouse=place, deliveries=place, project=project_root),
        cwd=project_root,
        capture_output=True,
        text=True,
        check=False,
    )
    return read_answer(done, "ANSWERS") | {"place": str(place)}


def test_what_is_mistyped_in_the_environment_is_named(answers: dict[str, Any]) -> None:
    for (changed, expected), told in zip(MISTYPED, answers["refused"], strict=True):
        assert told.startswith(expected.format(place=answers["place"])), changed
        assert bool(told) == bool(expected), changed


def test_a_run_without_a_usable_date_is_refused(answers: dict[str, Any]) -> None:
    for (asked, expected), told in zip(DATES, answers["settled"], strict=True):
        assert told.startswith(expected), asked


def test_what_comes_late_gets_the_date_on_which_the_try_began_where_the_bank_is(answers: dict[str, Any]) -> None:
    for (asked, expected), told in zip(RUN_DATES, answers["ran_on"], strict=True):
        assert told.startswith(expected), asked


def test_the_sensor_names_what_it_waits_for_and_takes_a_further_delivery_of_the_date(answers: dict[str, Any]) -> None:
    *found, wanted, mode = answers["waited"]
    assert found == [False, False, True, True]
    assert wanted == f"{answers['place']}/{TODAY} with tran.csv, loan.csv"
    assert mode == "reschedule"
