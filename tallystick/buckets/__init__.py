"""One Spark task per bucket: what a task is described by, and how Spark runs many of them.

Every row of a customer is in one bucket, so a stage that works customer by customer needs no shuffle. Here: the values
that travel to a task, and the passage from Spark to Python. Not here: what a stage does in a task, storage (a run
hands in the functions that read and write).
"""

from __future__ import annotations

from tallystick.buckets.spark_tasks import run_tasks
from tallystick.buckets.tasks import BucketTask, Storage

__all__ = ["BucketTask", "Storage", "run_tasks"]
