"""Answers about one customer within milliseconds: the stored score, and the feature values at the start of a date.

Here: which stored rows answer, what is computed where none do, and how old an answer is. Not here: computing scores,
which the night does (``scoring``), how rows are read out of files (``tables``), printing (``cli``).

    answers = Answers.open(warehouse="warehouse", project=find_project())
    answers.score("simbank:1017").decision

No Spark, no MLflow: the process of a service holds an ``Answers`` and asks it again and again.
"""

from __future__ import annotations

from tallystick.answers.desk import Answers
from tallystick.answers.scores import Score
from tallystick.answers.staleness import Stale

__all__ = ["Answers", "Score", "Stale"]
