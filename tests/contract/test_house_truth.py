"""The truth of the simulated bank: what writes it may name it, and those who judge results; nobody else reads it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tallystick.simulation import truth
from tests.lib import house
from tests.lib.shipped import shipped_project

WRITERS = tuple(f"tallystick/simulation/{name}.py" for name in ("delivery_files", "employment", "town_files", "truth"))
# Modules that only judge results, each with its reason.
EVALUATORS: dict[str, str] = {}
OTHER_MEANINGS = {"tallystick/features/typed_rows.py": "a kind of column: a truth value"}


def mentions(tree: ast.AST) -> Iterator[ast.AST]:
    """Where code names the folder of the truth in a path, or takes anything from the module that writes it."""
    for node in house.nodes(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if truth.FOLDER in node.value.replace("\\", "/").split("/"):
                yield node
        elif isinstance(node, ast.ImportFrom | ast.Import):
            names = [alias.name for alias in node.names]
            paths = [f"{node.module}.{name}" for name in names] if isinstance(node, ast.ImportFrom) else names
            if any(truth.__name__ in (path, path.rpartition(".")[0]) for path in paths):
                yield node


def test_nobody_but_a_judge_reads_the_truth() -> None:
    found = [
        source.at(node)
        for source in house.sources(*house.MACHINERY, *house.DECLARATIONS)
        if source.path not in (*WRITERS, *EVALUATORS, *OTHER_MEANINGS)
        for node in mentions(source.tree)
    ]
    assert not found, house.listed(found)


@pytest.mark.parametrize(
    "text",
    [
        'Path(bank) / "truth" / "work.csv.gz"',
        'open("bank/truth/work.csv.gz")',
        'pd.read_csv(bank / "truth/fraud.csv.gz")',
        "from tallystick.simulation import truth",
        "from tallystick.simulation.truth import FOLDER",
        "import tallystick.simulation.truth as answers",
    ],
)
def test_each_way_to_the_truth_is_seen(text: str) -> None:
    assert list(mentions(ast.parse(text)))


def test_no_source_declares_a_file_of_the_truth() -> None:
    files = [file.file for source in shipped_project().sources.values() for file in source.files.values()]
    assert files
    assert not [file for file in files if truth.FOLDER in file.split("/")]
    named = {name.partition(".")[0] for file in files for name in file.split("/")}
    assert {"work", "fraud", "lookalikes"} <= set(truth.TRUTHS)
    assert not named & set(truth.TRUTHS)


def test_nobody_outside_the_simulated_bank_takes_more_of_it_than_its_door() -> None:
    """What happened stands in its journal before it is written: that is the truth, too."""
    found = [
        source.at(node)
        for source in house.sources(*house.MACHINERY, *house.DECLARATIONS)
        if not source.path.startswith("tallystick/simulation/")
        for node in house.nodes(source.tree)
        if isinstance(node, ast.ImportFrom | ast.Import)
        for path in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
        if path.startswith("tallystick.simulation.")
    ]
    assert not found, house.listed(found)
