"""Scoring: from features to pd, score, limit, decision and reasons.

Here: the score stage. Not here: storage, the registry, training, what a model does with a row (``model.scorer``).
"""

from __future__ import annotations

from tallystick.scoring.score_stage import ScoreWork, score_buckets, score_observations

__all__ = ["ScoreWork", "score_buckets", "score_observations"]
