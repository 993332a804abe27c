"""Runs a job as if its delivery were large: its bucket tasks go to Spark and so to Python workers.

A program of its own, for spark-submit. Small data is worked through in the driver, where no kill would meet a worker.

    spark-submit tests/lib/as_large.py jobs/compute_features.py --warehouse ...
"""

from __future__ import annotations

import runpy
import sys

from tallystick.buckets import spark_tasks
from tallystick.runs import ingest_source

if __name__ == "__main__":
    spark_tasks.HERE_BYTES = ingest_source.FEW_BYTES = 0
    sys.argv = sys.argv[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
