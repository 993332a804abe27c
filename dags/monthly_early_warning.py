"""
### Monthly early warning

Train the model that ranks the watch list of `TALLYSTICK_WATCH_LIST` on the month ends of the running loans: features,
labels, audit, training, scores of the month ends, report. The DAG exists if that variable names a watch list.

* **By hand**: trigger it with `date`; labels are built as of it. Do so once before the first night.
* **Again**: clear the task. Every job replaces its own slice and gives the same table.
* Past its gates the new version ranks from the next night on. A failed gate fails `train_model` and moves nothing.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG, CronPartitionTimetable

from tallystick.orchestration import (
    add_monthly_training_tasks,
    dag_params,
    dag_settings,
    load_watch_list,
    read_deployment,
)

deployment = read_deployment(Path(__file__).resolve().parents[1])

if deployment.watch_list:
    with DAG(
        description="The model that ranks running loans, from the month ends of those before them",
        doc_md=__doc__,
        # Noon of the fourth: segments, maintenance and the model of returning customers are over.
        schedule=CronPartitionTimetable("0 12 4 * *", timezone=deployment.zone, key_format="%Y-%m-%d"),
        start_date=datetime(2020, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own zone; it is before any run
        tags=["tallystick", "lending", "monthly", "training"],
        params=dag_params(),
        **dag_settings("monthly_early_warning", owner="machine-learning", task_hours=12, run_hours=24),
    ):
        add_monthly_training_tasks(deployment, load_watch_list(deployment)[1])
