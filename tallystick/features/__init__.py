"""The feature stage: which rows of which bucket go through the kernel, and where the columns go.

Here: observations, lookups, one task a bucket. Not here: storage (a job hands in the functions that read and write),
window arithmetic (``kernel``), definitions (``spec`` and the project's ``features/``).
"""

from __future__ import annotations

from tallystick.features.compute import GroupWork, attach_lookups, compute_local
from tallystick.features.looking_back import Kept, begin_early
from tallystick.features.planning import (
    check_given_name,
    choose_work,
    date_bounds,
    find_declared,
    list_bucket_tasks,
    list_given_tasks,
    list_observed_tables,
    settle_dates,
)
from tallystick.features.population import observe_applications, observe_daily, observe_given
from tallystick.features.request import add_request_features
from tallystick.features.stage import compute_buckets, run_tasks
from tallystick.features.tasks import BucketTask, Observed

__all__ = [
    "BucketTask",
    "GroupWork",
    "Kept",
    "Observed",
    "add_request_features",
    "attach_lookups",
    "begin_early",
    "check_given_name",
    "choose_work",
    "compute_buckets",
    "compute_local",
    "date_bounds",
    "find_declared",
    "list_bucket_tasks",
    "list_given_tasks",
    "list_observed_tables",
    "observe_applications",
    "observe_daily",
    "observe_given",
    "run_tasks",
    "settle_dates",
]
