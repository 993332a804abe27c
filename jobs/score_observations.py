"""Score the observations of a recipe's set with its champion, bucket by bucket, and replace the recipe's rows.

Takes a recipe, a source and optionally the first and last business date; reads the set's table and its features at
pinned versions, and the training table at the version that the champion learned from.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.params import ScoreObservations
from tallystick.runs.score_observations import run

if __name__ == "__main__":
    start(ScoreObservations, run, __doc__)
