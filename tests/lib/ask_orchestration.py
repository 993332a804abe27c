"""Ask what orchestration refuses and waits for, many cases in one process, and print the answers as one line of JSON.

A program for a process of its own, since Airflow reads its configuration at import.

    python tests/lib/ask_orchestration.py '{"environments": [...], "dates": [...], "folder": "..."}'
"""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jinja2 import Template

from tallystick.errors import DeclarationError, InputError
from tallystick.orchestration.business_dates import check_run_date, dag_macros, run_date, settle_date
from tallystick.orchestration.delivery_sensor import DeliverySensor
from tallystick.orchestration.deployment import check_deliveries, read_deployment

MARK = "ANSWERS"
TODAY = date(2026, 4, 7)


def refused(environment: dict[str, str]) -> str:
    """The error of a deployment; empty where there is none."""
    try:
        check_deliveries(read_deployment(Path.cwd(), environment))
    except DeclarationError as error:
        return str(error)
    return ""


def settled(partition_key: str | None, asked: str | None) -> str:
    """The business date, or why there is none."""
    try:
        return settle_date(partition_key, asked, today=TODAY).isoformat()
    except InputError as error:
        return f"refused: {error}"


def ran_on(asked: str | None, began: str) -> str:
    """What the task of a run passes as its date, by the date that the run names and the instant when the try began."""
    try:
        check_run_date(asked, today=TODAY)
    except InputError as error:
        return f"refused: {error}"
    ti = SimpleNamespace(start_date=datetime.fromisoformat(began))
    return Template(run_date("Asia/Shanghai")).render(params={"run_date": asked}, ti=ti, **dag_macros())


def waited(folder: str) -> list[Any]:
    """Whether the sensor finds its delivery: without one, with a further one of the same date, with its own."""
    sensor = DeliverySensor(task_id="wait", folder=f"{folder}/2026-04-07", files=["tran.csv", "loan.csv"])
    found = [sensor.poke({})]
    for name in ("2026-04-07.part", "2026-04-07.2", "2026-04-07"):
        Path(folder, name).mkdir()
        found.append(sensor.poke({}))
    return [*found, sensor._wanted(), sensor.mode]


if __name__ == "__main__":
    asked = json.loads(sys.argv[1])
    answers = {
        "refused": [refused(one) for one in asked["environments"]],
        "settled": [settled(*one) for one in asked["dates"]],
        "ran_on": [ran_on(*one) for one in asked["run_dates"]],
        "waited": waited(asked["folder"]),
    }
    sys.stdout.write(f"{MARK}{json.dumps(answers)}\n")
