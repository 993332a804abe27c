"""
### Training

Audit the training set for leakage, train, register, score every application with the new champion, write the report.
Starts when the daily DAG has built the labels of a business date, or by hand.

* **By hand**: with `date`, one for which a daily run built labels. `first` and `last` bound the business dates that are
  scored again; empty means all up to `date`.
* It learns what was known on its date, and from the labels as of it, whatever later nights load meanwhile.
* Past its gates a new version becomes champion: it is not compared with the one before, now `previous`. A run for an
  earlier date than the champion's trains nothing and says so. A second try registers no second version.
* A failed gate fails `train_model` (exit code 11) and moves nothing; score and report do not run then.
* A bank that wants to choose its moments pauses this DAG and triggers it by hand.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG, PartitionedAssetTimetable

from tallystick.orchestration import (
    add_training_tasks,
    dag_params,
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
    params=dag_params(first="First business date to score again", last="Last business date to score again"),
    **dag_settings("training", owner="machine-learning", task_hours=12, run_hours=24),
):
    add_training_tasks(deployment, recipe)
