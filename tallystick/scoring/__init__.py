"""Scoring: from features to pd, score, limit, decision and reasons.

Here: the score stage and the file that a registered model is made of. Not here: storage, the registry, training.
"""

from __future__ import annotations

from pathlib import Path

from tallystick.scoring.stage import ScoreWork, score_applications, score_buckets

# The file that travels inside every registered model, as code.
MODEL_FILE = Path(__file__).with_name("model_file.py")

__all__ = ["MODEL_FILE", "ScoreWork", "score_applications", "score_buckets"]
