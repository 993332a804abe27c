"""
### Monthly segments

Compute the features of all customers as of the end of the month before, and assign each customer to a segment of the
model in force. Where there is no model yet, it is fitted first. The DAG exists if `TALLYSTICK_SEGMENTATION` names a
segmentation.

* **First date**: none is needed; the month end is the first day of the month of the run's business date.
* **Again**: clear the task. Every job replaces its own month and gives the same table.
* **Backfill**: `airflow backfill create --dag-id monthly_segments --from-date 2026-01-02 --to-date 2026-06-02
  --max-active-runs 1`. The rows say by which version they were made and what date it learned from.
* **A new model**: `tally segments NAME --source SOURCE --refit`, when somebody has decided so. A refit changes what a
  segment means, so no schedule makes one.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG, CronPartitionTimetable

from tallystick.orchestration import add_segment_tasks, dag_params, dag_settings, read_deployment

deployment = read_deployment(Path(__file__).resolve().parents[1])

if deployment.segmentation:
    with DAG(
        description="Features at the month end in, segments of customers out",
        doc_md=__doc__,
        # Six hours after midnight of the second: the load of the first has brought the last day of the month before.
        schedule=CronPartitionTimetable("0 6 2 * *", timezone=deployment.zone, key_format="%Y-%m-%d"),
        start_date=datetime(2020, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own zone; it is before any run
        tags=["tallystick", "segments", "monthly"],
        params=dag_params(),
        **dag_settings("monthly_segments", owner="machine-learning", task_hours=6, run_hours=24),
    ):
        add_segment_tasks(deployment)
