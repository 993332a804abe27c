"""Run one DAG for real, in this process: every task is submitted to Spark as in a deployment.

A program for a process of its own, as for read_dags.

    python tests/lib/run_dag.py dags daily_lending 2026-04-01 '{"first": "2026-03-01"}'

Prints, as one line of JSON, the state of the run and of each task.
"""

from __future__ import annotations

import json
import sys

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.pool import Pool
from airflow.utils.db import initdb

MARK = "STATES"


def main(folder: str, dag_id: str, day: str, params: str) -> None:
    """Run the DAG for a business date."""
    initdb()
    DagBundlesManager().sync_bundles_to_db()
    bag = DagBag(folder, bundle_name="dags-folder")
    sync_bag_to_db(bag, "dags-folder", None)
    Pool.create_or_update_pool("tallystick_writers", slots=1, description="one writer", include_deferred=False)
    for task in bag.dags[dag_id].tasks:
        task.retries = 0  # a test that fails says so at once
    # Airflow's test of a DAG looks deadlines up by what only a scheduler has replaced by an id.
    bag.dags[dag_id].deadline = None
    run = bag.dags[dag_id].test(run_conf={"date": day, **json.loads(params)})
    tasks = {task.task_id: task.state for task in run.get_task_instances()}
    sys.stdout.write(f"{MARK}{json.dumps({'run': run.state, 'tasks': tasks})}\n")


if __name__ == "__main__":
    main(*sys.argv[1:5])
