"""The inputs of a model: each feature with its reason and the sign that is expected of it.

A type of its own, below fitting and below the training set, because both need it and neither may import the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import filter as filter_names

from tallystick.errors import DeclarationError
from tallystick.spec.ablations import Ablation


@dataclass(frozen=True, kw_only=True, slots=True)
class Feature:
    """One input of a model. ``sign`` +1 more risk, -1 less; ``assumed``: from rows without dates of their own.

    ``table``, ``group`` and ``measure`` say what it is made of; a request feature has the group ``request`` alone.
    """

    name: str
    reason: str
    sign: int = 0
    assumed: bool = False
    table: str = ""
    group: str = ""
    measure: str = ""


def match_features(features: Iterable[Feature], patterns: Sequence[str]) -> tuple[Feature, ...]:
    """The features whose names match any of the ``patterns``, in their own order.

    DeclarationError for a pattern that matches nothing: a shortlist with a mistyped name is no shortlist.
    """
    listed = list(features)
    names = {feature.name for feature in listed}
    matched: set[str] = set()
    for pattern in patterns:
        # No name holds a wildcard, so a pattern that is a name matches nothing else; shortlists of hundreds are names.
        found = [pattern] if pattern in names else filter_names(names, pattern)
        if not found:
            raise DeclarationError(f"no feature is called {pattern}", where="features of an algorithm or ablation")
        matched.update(found)
    return tuple(feature for feature in listed if feature.name in matched)


def dimension_names(ablation: Ablation, features: Sequence[Feature]) -> frozenset[str]:
    """The names of the features that a dimension holds; DeclarationError as ``match_features`` says."""
    named = match_features(features, ablation.drop) if ablation.drop else ()
    held = [f for f in features if f.group in ablation.groups or (ablation.drop_assumed and f.assumed)]
    return frozenset(feature.name for feature in (*named, *held))
