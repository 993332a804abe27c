"""Scoring: from features to pd, score, limit, decision and reasons.

What lives here: the score stage and the file that a registered model is made of. What must not: storage, the registry,
training.
"""

from __future__ import annotations

from tallystick.scoring.stage import ScoreWork, score_applications, score_buckets

__all__ = ["ScoreWork", "score_applications", "score_buckets"]
