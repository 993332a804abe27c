"""
### Monthly maintenance

For each source: merge the files of loads that are older than its layout declares. Then remove the files that no version
within the retention and no registered model needs. Rows do not change, and no other DAG waits for this one.

* **By hand**: trigger it with `date`, from which age is counted.
* **Again**: clear the task. A second compaction finds nothing, a second vacuum neither.
* It waits its turn with the other writers. Beside a load that was started by hand one of the two says that the other
  was first; clear the task then.
* A change of `layout.buckets` is not a matter of schedule: pause the DAGs, run `tally maintain rebucket NAME`, go on.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG, CronPartitionTimetable

from tallystick.orchestration import add_maintenance_tasks, dag_params, dag_settings, read_deployment

deployment = read_deployment(Path(__file__).resolve().parents[1])

with DAG(
    description="Few large files, and no files that nothing needs",
    doc_md=__doc__,
    # Noon of the second: the nightly loads are over, and the month before is one day further in the past.
    schedule=CronPartitionTimetable("0 12 2 * *", timezone=deployment.zone, key_format="%Y-%m-%d"),
    start_date=datetime(2020, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own zone; it is before any run
    tags=["tallystick", "tables", "monthly"],
    params=dag_params(),
    **dag_settings("monthly_maintenance", owner="data-engineering", task_hours=12, run_hours=24),
):
    add_maintenance_tasks(deployment)
