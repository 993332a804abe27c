"""What a line of the watch list says in words: why a loan is on it, and what would clear it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

MOST_REASONS = 3


def top_reasons(told: Iterable[str | None], model: Iterable[str | None]) -> list[str]:
    """The texts of the rules that hit, gravest first, then those of the model, each text once, three at most.

    Null stands for what nobody may be told, and for a reason that the model does not have.

    >>> top_reasons(["Salary is late", None, "Salary is late"], ["Balance", None])
    ['Salary is late', 'Balance']
    """
    texts = dict.fromkeys(text for text in (*told, *model) if isinstance(text, str) and text)
    return list(texts)[:MOST_REASONS]


def clears_text(*, keep: int, ranked: int, until: date, day: date, signs: Sequence[str]) -> str:
    """What must come to pass for a loan to leave the list; ``signs`` say what would clear each sign that hit.

    >>> dates = {"until": date(2026, 4, 29), "day": date(2026, 4, 2)}
    >>> print(clears_text(keep=90, ranked=900, **dates, signs=["Pay has come again"]))  # doctest: +NORMALIZE_WHITESPACE
    No longer among the 90 riskiest of 900 loans, on 2026-04-29 or later; at once if late or ended.
    Its signs clear when: Pay has come again
    """
    when = f", on {until} or later" if until > day else ""
    cleared = f". Its signs clear when: {'; '.join(dict.fromkeys(signs))}" if signs else ""
    return f"No longer among the {keep} riskiest of {ranked} loans{when}; at once if late or ended{cleared}"
