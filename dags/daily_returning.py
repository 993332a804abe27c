"""
### Daily returning

Compute the features of every customer at the midnight that begins the business date, and score them with the champion
of `TALLYSTICK_RETURNING`: `tally score CUSTOMER` answers from these rows in seconds. The DAG exists if that variable
names a recipe. It starts when the daily DAG has built the labels of a business date: the delivery is then validated.

* **First date**: the scores fail until `monthly_returning` has trained a model. Trigger it once by hand, then clear.
* **Again**: clear the task. Every job replaces its own date and gives the same table, while the champion is the same.
* **Earlier dates** are not scored again by a later champion, which the job refuses: what was said stays.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG, PartitionedAssetTimetable

from tallystick.orchestration import (
    add_night_tasks,
    dag_params,
    dag_settings,
    label_asset,
    load_recipe,
    load_returning,
    read_deployment,
)

deployment = read_deployment(Path(__file__).resolve().parents[1])

if deployment.returning:
    with DAG(
        description="Scores of all customers, ready before anybody asks",
        doc_md=__doc__,
        schedule=PartitionedAssetTimetable(assets=label_asset(deployment, load_recipe(deployment))),
        start_date=datetime(2020, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own zone; it is before any run
        tags=["tallystick", "lending", "daily"],
        params=dag_params(),
        **dag_settings("daily_returning", owner="data-engineering", task_hours=6, run_hours=12),
    ):
        add_night_tasks(deployment, load_returning(deployment))
