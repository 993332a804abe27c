"""Print, as one line of JSON, what a DAG processor sees in a folder of DAGs.

A program for a process of its own, since Airflow reads its configuration at import.

    python tests/lib/read_dags.py dags
"""

from __future__ import annotations

import json
import sys
from typing import Any

from airflow.dag_processing.dagbag import DagBag

MARK = "FACTS"


def describe_task(task: Any) -> dict[str, Any]:
    """What the tests ask about a task."""
    return {
        "upstream": sorted(task.upstream_task_ids),
        "owner": task.owner,
        "retries": task.retries,
        "waits": [task.retry_delay.total_seconds() / 60, float(task.retry_exponential_backoff)],
        "pool": task.pool,
        "timeout_hours": task.execution_timeout.total_seconds() / 3600 if task.execution_timeout else 0,
        "told": [getattr(one, "__name__", type(one).__name__) for one in task.on_failure_callback],
        "outlets": {asset.name: asset.uri for asset in task.outlets},
        "doc": task.doc_md or "",
        "weight_rule": str(getattr(task.weight_rule, "value", task.weight_rule)),
        "application": getattr(task, "application", None),
        "arguments": getattr(task, "application_args", None),
        "properties": getattr(task, "properties_file", None),
    }


def describe_dag(dag: Any) -> dict[str, Any]:
    """What the tests ask about a DAG."""
    condition = getattr(dag.timetable, "asset_condition", None)
    return {
        "doc": dag.doc_md or "",
        "tags": sorted(dag.tags),
        "catchup": dag.catchup,
        "deadline_hours": min((one.interval / 3600 for one in dag.deadline or ()), default=0),
        "max_active_runs": dag.max_active_runs,
        "params": list(dag.params),
        "triggers": [condition.name] if condition else [],
        "tasks": {task.task_id: describe_task(task) for task in dag.tasks},
    }


def main() -> None:
    """Read the folder named on the command line."""
    bag = DagBag(sys.argv[1], bundle_name="dags-folder")
    dags = {name: describe_dag(dag) for name, dag in bag.dags.items()}
    facts = {"errors": bag.import_errors, "dags": dags, "modules": sorted(sys.modules)}
    sys.stdout.write(f"{MARK}{json.dumps(facts)}\n")


if __name__ == "__main__":
    main()
