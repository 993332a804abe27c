"""Versions of the code that computes what is stored: raised when the same declarations give other values than before.

They are part of the fingerprints, so what an older release has stored counts as declared otherwise: features are stale
(``tally features plan``), graphs and pairs are built again. A version of 1 is not written into a fingerprint, so a
release in which no number changes asks for nothing. Apart from ``meaning``, which says what a declaration means;
tests/generative/test_code_versions.py keeps values and says which version to raise when they change.
"""

from __future__ import annotations

from collections.abc import Mapping

# By operation (``sum``) or formula (``ratio``, ``months``, ``combined``) of a feature; 1 for those that are not named.
FEATURES: Mapping[str, int] = {}

# Everything that is measured in the snapshots of a graph, and of pairs.
GRAPHS = 1
PAIRS = 1


def raised(**versions: int) -> dict[str, int]:
    """Those of the versions that are not the first, as a fingerprint takes them.

    >>> raised(graphs=1, pairs=2)
    {'pairs': 2}
    """
    return {name: version for name, version in versions.items() if version != 1}


def raised_features(*names: str) -> dict[str, int]:
    """The same of operations and formulas of features."""
    return raised(**{name: FEATURES.get(name, 1) for name in names})
