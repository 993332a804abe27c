"""
### Daily early warning

Compute the features of every running loan at the midnight that begins the business date, score them with the champion
of the watch list's recipe, answer the rules, and make the list that people work on in the morning
(`tally watchlist list NAME`). The DAG exists if `TALLYSTICK_WATCH_LIST` names a watch list. It starts when the daily
DAG has built the labels of a business date: the delivery is then validated.

* **First date**: scores fail until `monthly_early_warning` has trained a model. Trigger it once by hand, then clear.
* **Again**: clear the task. Every job replaces its own date; a list that is made again makes all later ones again.
* **A date was missed**: its list is not made later; the next one builds on the last there is.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from airflow.sdk import DAG, PartitionedAssetTimetable

from tallystick.orchestration import (
    add_watch_tasks,
    dag_params,
    dag_settings,
    label_asset,
    load_recipe,
    load_watch_list,
    read_deployment,
)

deployment = read_deployment(Path(__file__).resolve().parents[1])

if deployment.watch_list:
    with DAG(
        description="Running loans that somebody should look at, new every morning",
        doc_md=__doc__,
        schedule=PartitionedAssetTimetable(assets=label_asset(deployment, load_recipe(deployment))),
        start_date=datetime(2020, 1, 1),  # noqa: DTZ001 - Airflow reads it in its own zone; it is before any run
        tags=["tallystick", "lending", "daily"],
        params=dag_params(),
        **dag_settings("daily_early_warning", owner="data-engineering", task_hours=6, run_hours=12),
    ):
        add_watch_tasks(deployment, *load_watch_list(deployment))
