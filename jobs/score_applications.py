"""Score every application of a source with the recipe's champion, bucket by bucket, and replace the recipe's rows.

Takes a recipe, a source and optionally the first and last business date; reads applications and features at pinned
versions, and the training table at the version that the champion learned from.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.params import ScoreApplications
from tallystick.runs.score_applications import run

if __name__ == "__main__":
    start(ScoreApplications, run, __doc__)
