"""The same rows give the numbers that they gave before, or the version of the code that computes them is raised.

A number that changes although no declaration did leaves stored values beside new ones that mean something else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from tallystick.kernel import compute_group, prepare_group
from tallystick.spec import code_versions
from tallystick.spec.bases import group_bases
from tallystick.spec.columns import group_columns
from tallystick.spec.meaning import column_fingerprints
from tests.generative import test_chains_agree_with_oracle as chains
from tests.generative import test_pairs_agree_with_oracle as pairs
from tests.generative.test_kernel_every_operation import asked_of_all, random_bank
from tests.lib.every_op import every_op_group
from tests.lib.feature_cases import CONTRACTS
from tests.lib.random_rows import ZONE
from tests.lib.shipped import shipped_project

# By operation, or formula, of a feature: the version in ``FEATURES`` and what its values on the drawn rows hash to.
FEATURES: Mapping[str, tuple[int, str]] = {
    "active_days": (1, "a80275680779"), "age_days": (1, "ca6c7045167c"), "change": (1, "5a7780b9f623"),
    "count": (1, "79dd4f9013b9"), "days_since_first": (1, "c94c598648cb"), "days_since_last": (1, "8aac2ed86098"),
    "distance": (1, "c4dcab0ec740"), "distinct": (1, "47e4c275441c"), "entropy": (1, "8af1f9cb19c8"),
    "first": (1, "7c898354fad6"), "gyration": (1, "c06d8f4fb70d"), "hhi": (1, "ec93f3c2cdcd"),
    "jaccard": (1, "6cb984452e9f"), "kept": (1, "8cb2974eb556"), "kept_share": (1, "2531aae2eeb4"),
    "last": (1, "c2812b162fee"), "last_k": (1, "35155ca1dff7"), "longest_streak": (1, "2a69c9e2ee01"),
    "lost": (1, "ff6692820f30"), "max": (1, "3bce48c19b55"), "max_gap": (1, "c0fc011f3e4a"),
    "mean": (1, "ba6680a962f5"), "mean_gap": (1, "2a65aeea388d"), "min": (1, "bb8e43d67dc7"),
    "months": (1, "62e71e2b5aed"), "new": (1, "fa6efbcc63cf"), "new_share": (1, "823e853a8e85"),
    "old_top_share": (1, "ea28143c7f0d"), "pareto": (1, "72626f0d7452"), "quantile": (1, "36ebe1bb3df8"),
    "ratio": (1, "27fa697cc013"), "share": (1, "fa8373b6ea38"), "shift_days": (1, "323b9ecaa45a"),
    "shift_share": (1, "b6e01b6f1b70"), "shift_size": (1, "61c4ce579905"), "similarity": (1, "bcb912ffaa50"),
    "slope": (1, "ffe1730dd62a"), "std": (1, "27da72eb175f"), "std_pop": (1, "ef6372509a04"),
    "sum": (1, "ac8b48368878"), "top_kept": (1, "eeb9fd4c9e14"), "top_share": (1, "df87dc231c76"),
    "usual_share": (1, "1d49d7e62248"), "zscore": (1, "57b12b8231d7"),
}  # fmt: skip
# What the snapshots of drawn graphs and pairs hash to, with the versions of their code.
GRAPHS = (1, "55ce8107c74d")
PAIRS = (1, "c651aa8d0fdd")


def hashed(columns: Mapping[str, Iterable[Any]]) -> str:
    """12 hex digits for values, of numbers five digits: sums of the last ones differ from one processor to another."""
    found = hashlib.sha256()
    for name, values in sorted(columns.items()):
        told = [f"{value:.5g}" if isinstance(value, float) else str(value) for value in values]
        found.update(f"{name} {' '.join(told)}\n".encode())
    return found.hexdigest()[:12]


def test_features_have_the_values_that_their_code_versions_stand_for() -> None:
    group = every_op_group()
    made = compute_group(random_bank(), asked_of_all(), prepare_group(group, CONTRACTS), zone=ZONE)
    bases, by_code = group_bases(group), dict[str, dict[str, list[Any]]]()
    for column in group_columns(group, CONTRACTS):
        code = bases[column.cells[0].stem].op.name if column.formula == "cell" else column.formula
        by_code.setdefault(code, {})[column.name] = made[column.name].to_pylist()
    found = {code: (code_versions.FEATURES.get(code, 1), hashed(columns)) for code, columns in by_code.items()}
    changed = sorted(code for code, told in found.items() if FEATURES.get(code) != told)
    wanted = {code: found[code] for code in changed}
    assert not changed, f"if these values are meant, raise FEATURES in spec/code_versions.py and keep here: {wanted}"
    assert FEATURES.keys() == found.keys()


def test_graphs_have_the_values_that_their_code_version_stands_for() -> None:
    tables = [chains.measured(chains.a_bank(seed)) for seed in range(2)]
    found = hashed({f"{n} {name}": one[name].to_pylist() for n, one in enumerate(tables) for name in one.column_names})
    assert (code_versions.GRAPHS, found) == GRAPHS, "if these values are meant, raise GRAPHS in spec/code_versions.py"


def test_pairs_have_the_values_that_their_code_version_stands_for() -> None:
    tables = [pairs.built(pairs.a_bank(seed))[0] for seed in range(2)]
    found = hashed({f"{n} {name}": one[name].to_pylist() for n, one in enumerate(tables) for name in one.column_names})
    assert (code_versions.PAIRS, found) == PAIRS, "if these values are meant, raise PAIRS in spec/code_versions.py"


def test_a_raised_version_makes_exactly_what_it_computes_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    group = every_op_group()
    columns, bases = group_columns(group, CONTRACTS), group_bases(group)
    before = column_fingerprints(group, columns)
    monkeypatch.setattr(code_versions, "FEATURES", {"std": 2, "ratio": 3})
    after = column_fingerprints(group, columns)
    touched = {
        column.name
        for column in columns
        if column.formula == "ratio" or any(bases[cell.stem].op.name == "std" for cell in column.cells)
    }
    assert {name for name in before if before[name] != after[name]} == touched != set()


def test_a_raised_version_of_graphs_makes_their_snapshots_others(monkeypatch: pytest.MonkeyPatch) -> None:
    project = shipped_project()
    graph, of_pairs = next(iter(project.graphs.values())), next(iter(project.pairs.values()))
    before = (project.graph_basis(graph), project.pairs_basis(of_pairs))
    monkeypatch.setattr(code_versions, "GRAPHS", 2)
    assert (project.graph_basis(graph) == before[0], project.pairs_basis(of_pairs) == before[1]) == (False, True)
    monkeypatch.setattr(code_versions, "PAIRS", 2)
    assert project.pairs_basis(of_pairs) != before[1]
