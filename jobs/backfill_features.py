"""Compute the days of a feature group that are missing or no longer right, chunk by chunk, each chunk in one commit.

Takes a group, a source, the first and last business date, and a recipe when its observations are wanted instead of the
daily snapshot. A killed run loses the chunk it was at; run again it goes on there, and a third run does nothing.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.backfill_features import run
from tallystick.runs.params import BackfillFeatures

if __name__ == "__main__":
    start(BackfillFeatures, run, __doc__)
