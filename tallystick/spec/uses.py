"""How closely data is kept: PII classes, uses, and what follows for a feature that is made of others.

Apart from tables, features and recipes because all of them name classes or uses, and mean the same by a name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tallystick.errors import DeclarationError

if TYPE_CHECKING:
    from tallystick.spec.features import FeatureGroup, Measure

# Of columns and features, from what tells nothing of a person to what could harm one.
PII_CLASSES = ("none", "pseudonymous", "personal", "sensitive")

USES = ("credit decisions", "early warning", "fraud review", "portfolio cuts", "marketing")


def split_uses(text: str, *, where: str = "") -> tuple[str, ...]:
    """The uses in a text such as ``"credit decisions, early warning"``; DeclarationError for one that is not in USES.

    >>> split_uses("credit decisions, fraud review")
    ('credit decisions', 'fraud review')
    """
    uses = tuple(part.strip() for part in text.split(","))
    for use in uses:
        if use not in USES:
            raise DeclarationError(f"unknown use {use!r}", where=where, fix=f"one of {', '.join(USES)}")
    return uses


def strictest(group: FeatureGroup, measures: Iterable[Measure]) -> dict[str, Any]:
    """``pii`` and ``permitted_use`` of a feature made of these measures: the highest class, the uses common to all."""
    made_of = list(measures)
    return strictest_of(
        (measure.pii or group.pii for measure in made_of),
        (measure.permitted_use or group.permitted_use for measure in made_of),
    )


def strictest_of(classes: Iterable[str], permitted: Iterable[str]) -> dict[str, Any]:
    """``pii`` and ``permitted_use`` of what is made of parts with these classes and permitted uses."""
    uses = set(permitted)
    common = [use for use in USES if all(use in split_uses(text) for text in uses)]
    return {
        "pii": max(classes, key=PII_CLASSES.index),
        "permitted_use": uses.pop() if len(uses) == 1 else ", ".join(common),
    }
