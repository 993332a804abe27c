"""Which answers count on which date: those of rules that were in force then, by the status that they had.

Apart from the answers because judges of rules ask what a rule would have said on dates before it was there, too.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np

from tallystick.kernel.nullable import Ints
from tallystick.rules.rule_answers import NOT_IN_FORCE, RuleAnswers

_EPOCH = date(1970, 1, 1).toordinal()


def answers_in_force(answers: RuleAnswers, days: Ints) -> RuleAnswers:
    """The answers with a line for each status that a rule had while it was in force, NOT_IN_FORCE on all other dates.

    ``days`` are the local dates of the observations' as_of, as days since 1970-01-01. The rule of each line has the
    status of its line, so a rule that was a shadow before it became live has two lines, of which one at most says
    something of an observation.
    """
    rules, lines = [], []
    for planned, codes in zip(answers.rules, answers.codes, strict=True):
        for span in planned.rule.asked_spans:
            first, end = (day.toordinal() - _EPOCH for day in (span.first, span.end))
            lines.append(np.where((days >= first) & (days < end), codes, NOT_IN_FORCE).astype(codes.dtype))
            rules.append(replace(planned, rule=replace(planned.rule, status=span.status)))
    if not lines:
        return RuleAnswers(rules=(), codes=answers.codes[:0])
    return RuleAnswers(rules=tuple(rules), codes=np.stack(lines))
