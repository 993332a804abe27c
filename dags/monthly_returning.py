"""
### Monthly returning

Train the model of `TALLYSTICK_RETURNING` on what was known at the midnight before each application: features, labels,
audit, training, scores of its own observations, report. The DAG exists if that variable names a recipe.

* **By hand**: trigger it with `date`; labels are built as of it. Do so once before the first night.
* **Again**: clear the task. Every job replaces its own slice and gives the same table.
* Past its gates the new version is champion from the next night on. A failed gate fails `train_model`, moves nothing.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG, CronPartitionTimetable

from tallystick.orchestration import (
    add_monthly_training_tasks,
    dag_params,
    dag_settings,
    load_returning,
    read_deployment,
)

deployment = read_deployment(Path(__file__).resolve().parents[1])

if deployment.returning:
    with DAG(
        description="A model of customers who may ask again, from the nights before they asked",
        doc_md=__doc__,
        # Noon of the third: the month's segments and maintenance are over.
        schedule=CronPartitionTimetable("0 12 3 * *", timezone=deployment.zone, key_format="%Y-%m-%d"),
        start_date=datetime(2020, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own zone; it is before any run
        tags=["tallystick", "lending", "monthly", "training"],
        params=dag_params(),
        **dag_settings("monthly_returning", owner="machine-learning", task_hours=12, run_hours=24),
    ):
        add_monthly_training_tasks(deployment, load_returning(deployment))
