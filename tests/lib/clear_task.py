"""Clear a task of a run as an operator does, in Airflow's own books.

A program for a process of its own, as for read_dags.

    python tests/lib/clear_task.py dags daily_lending 2026-04-01

The run's first task has failed. Prints, as one line of JSON, the task's state before and after, and how many seconds
after the clearing the run counts as late.
"""

from __future__ import annotations

import json
import sys

from airflow._shared.timezones import timezone
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.deadline import Deadline
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import clear_task_instances
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import select

MARK = "CLEARED"


def main(folder: str, dag_id: str, day: str) -> None:
    """Make a run whose first task has failed, and clear that."""
    initdb()
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(DagBag(folder, bundle_name="dags-folder"), "dags-folder", None)
    now = timezone.utcnow()
    with create_session() as session:
        dag = SerializedDagModel.get_dag(dag_id, session=session)
        run = dag.create_dagrun(
            run_id="by-hand", run_type=DagRunType.MANUAL, run_after=now, state=DagRunState.QUEUED,
            triggered_by=DagRunTriggeredByType.TEST, conf={"date": day}, session=session,
        )  # fmt: skip
        task = run.get_task_instance("business_date", session=session)
        task.state, run.state = TaskInstanceState.FAILED, DagRunState.FAILED
        session.flush()
        before = str(task.state)
        clear_task_instances([task], session)
        session.flush()
        ends = session.scalars(select(Deadline.deadline_time).where(Deadline.dagrun_id == run.id)).one()
        told = {"before": before, "after": task.state, "late_after": (ends - run.queued_at).total_seconds()}
    sys.stdout.write(f"{MARK}{json.dumps(told)}\n")


if __name__ == "__main__":
    main(*sys.argv[1:4])
