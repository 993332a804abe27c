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


def clears_text(*, keep: int, ranked: int, until: date, day: date, titles: Sequence[str]) -> str:
    """What must come to pass for a loan to leave the list, and the signs that hit, which are reasons and no condition.

    >>> clears_text(keep=90, ranked=900, until=date(2026, 4, 29), day=date(2026, 4, 2), titles=["Pay is late"])
    'No longer among the 90 riskiest of 900 loans, on 2026-04-29 or later; at once if late or ended. Signs: Pay is late'
    """
    when = f", on {until} or later" if until > day else ""
    signs = f". Signs: {'; '.join(titles)}" if titles else ""
    return f"No longer among the {keep} riskiest of {ranked} loans{when}; at once if late or ended{signs}"
