"""
### Training

Audit the training set for leakage, train, register, score every application with the new champion, write the report.
Starts when the daily DAG has built the labels of a business date, or by hand.

* **By hand**: `first` and `last` bound the business dates that are scored again. Empty means all of them.
* It learns from the labels as they are; their cut-off is the date of the daily run that built them.
* Past its gates a new version always becomes champion: it is not compared with the one before, now `previous`.
* A failed gate fails `train_model` (exit code 11) and moves nothing; score and report do not run then.
* A bank that wants to choose its moments pauses this DAG and triggers it by hand.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG, Param, PartitionedAssetTimetable

from tallystick.orchestration import (
    add_training_tasks,
    dag_macros,
    dag_settings,
    label_asset,
    load_recipe,
    read_deployment,
)

deployment = read_deployment(Path(__file__).resolve().parents[1])
recipe = load_recipe(deployment)

with DAG(
    description="Audit, train, register, score, report",
    doc_md=__doc__,
    schedule=PartitionedAssetTimetable(assets=label_asset(deployment, recipe)),
    start_date=datetime(2020, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own zone; it is before any run
    tags=["tallystick", "lending", "training"],
    params={
        "first": Param(None, type=["null", "string"], format="date", description="First business date to score again"),
        "last": Param(None, type=["null", "string"], format="date", description="Last business date to score again"),
    },
    user_defined_macros=dag_macros(deployment),
    **dag_settings("training", owner="machine-learning", task_hours=12, run_hours=24),
):
    add_training_tasks(deployment, recipe)
