"""The feature stage: which rows of which bucket the kernel gets, and where its columns go.

Here: lookups, request features, one task per bucket. Not here: who is observed (``observations``), storage (a run
hands in the functions that read and write), window arithmetic (``kernel``), definitions (``spec`` and the project's
``features/``).
"""

from __future__ import annotations

from tallystick.features.compute import GroupWork, compute_from, compute_local
from tallystick.features.lookups import attach_lookups
from tallystick.features.planning import (
    choose_work,
    find_declared,
    list_bucket_tasks,
    list_given_tasks,
    settle_dates,
)
from tallystick.features.request import add_request_features
from tallystick.features.stage import compute_buckets

__all__ = [
    "GroupWork",
    "add_request_features",
    "attach_lookups",
    "choose_work",
    "compute_buckets",
    "compute_from",
    "compute_local",
    "find_declared",
    "list_bucket_tasks",
    "list_given_tasks",
    "settle_dates",
]
