"""
### Daily lending

Take in the delivery of the business date, validate it, compute the features of the applications of the day before and
of those that lack their row, build the labels known, score. One run a business date, its partition key or `date`.

* **First date**: a backfill of that one date with `first`, the first business date to observe. Empty: the day before,
  or the first date of the last 92 days with an application that has no features or no score yet.
* **Again**: clear the task. Every job replaces its own slice and gives the same table.
* **Backfill**: `airflow backfill create --dag-id daily_lending --from-date 2026-04-01 --to-date 2026-04-07
  --max-active-runs 1`; without the limit ten dates run at once, and which of them loads first is anybody's guess.
* **By hand**: trigger it with `date`. A run that waits for its delivery holds up no other.
* **A delivery that comes late** is known from the date on which `ingest_source` begins. To repeat a past, name a
  `run_date`.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG, CronPartitionTimetable

from tallystick.orchestration import add_daily_tasks, dag_params, dag_settings, read_deployment

deployment = read_deployment(Path(__file__).resolve().parents[1])

with DAG(
    description="Files in, scores out: one run a business date",
    doc_md=__doc__,
    # Midnight where the bank is: a backfill's dates are then the business dates. The run waits for the delivery.
    schedule=CronPartitionTimetable("0 0 * * *", timezone=deployment.zone, key_format="%Y-%m-%d"),
    start_date=datetime(2020, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own zone; it is before any run
    tags=["tallystick", "lending", "daily"],
    params=dag_params(
        first="First business date to observe",
        run_date="Date from which on a delivery that comes late is known; empty: that on which its task begins",
    ),
    **dag_settings("daily_lending", owner="data-engineering", task_hours=6, run_hours=12),
):
    add_daily_tasks(deployment)
