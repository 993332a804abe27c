"""Airflow tasks from the chain of jobs: each one a spark-submit of a file in ``jobs/``.

Here: what a deployment names, business dates of runs, which tables a step reads and writes, tasks and assets. Not here:
when something runs (``dags/``), the order of the steps (``pipeline``), the work of a run (``runs``).
"""

from __future__ import annotations

from tallystick.orchestration.business_dates import dag_params, dag_settings
from tallystick.orchestration.dag_tasks import (
    add_daily_tasks,
    add_maintenance_tasks,
    add_monthly_training_tasks,
    add_night_tasks,
    add_rule_tasks,
    add_segment_tasks,
    add_training_tasks,
    add_watch_tasks,
)
from tallystick.orchestration.deployment import Deployment, read_deployment
from tallystick.orchestration.named_declarations import (
    load_recipe,
    load_returning,
    load_rule_groups,
    load_segmentation,
    load_watch_list,
)
from tallystick.orchestration.table_assets import label_asset

__all__ = [
    "Deployment",
    "add_daily_tasks",
    "add_maintenance_tasks",
    "add_monthly_training_tasks",
    "add_night_tasks",
    "add_rule_tasks",
    "add_segment_tasks",
    "add_training_tasks",
    "add_watch_tasks",
    "dag_params",
    "dag_settings",
    "label_asset",
    "load_recipe",
    "load_returning",
    "load_rule_groups",
    "load_segmentation",
    "load_watch_list",
    "read_deployment",
]
