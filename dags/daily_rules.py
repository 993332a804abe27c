"""
### Daily rules

Compute the features that the anti-fraud rules of each named observation set read, and answer the rules: hits go to
`score.fraud_flags`, one row per decision to `score.fraud_decisions` (`tally rules list`). The DAG exists if
`TALLYSTICK_RULES` names sets, such as `applications;transfers;logins;daily`. It starts when the daily DAG has built the
labels of a business date: the delivery is then validated.

* **Dates**: from the day before the business date, or from `first`. Transfers and logins are decided on in the night
  after they happened.
* **Again**: clear the task. Every job replaces the rows of its own dates.
* **A date was missed**: trigger the DAG by hand with `date` and `first`, the first date that lacks its decisions.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG, PartitionedAssetTimetable

from tallystick.orchestration import (
    add_rule_tasks,
    dag_params,
    dag_settings,
    label_asset,
    load_recipe,
    load_rule_groups,
    read_deployment,
)

deployment = read_deployment(Path(__file__).resolve().parents[1])

if deployment.rule_sets:
    with DAG(
        description="Anti-fraud rules on what happened the day before",
        doc_md=__doc__,
        schedule=PartitionedAssetTimetable(assets=label_asset(deployment, load_recipe(deployment))),
        start_date=datetime(2020, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own zone; it is before any run
        tags=["tallystick", "fraud", "daily"],
        params=dag_params(first="First business date to answer"),
        **dag_settings("daily_rules", owner="data-engineering", task_hours=6, run_hours=12),
    ):
        add_rule_tasks(deployment, load_rule_groups(deployment))
