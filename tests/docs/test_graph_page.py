"""What docs/graph.md shows is what the code takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from tallystick.spec.columns import group_columns
from tallystick.spec.features import FeatureGroup
from tallystick.spec.graph_pairs import CustomerPairs, check_pairs, pairs_contract
from tallystick.spec.graphs import CustomerGraph, check_graph, graph_contract, graph_tables
from tallystick.spec.node_ops import NODE_OPS
from tallystick.spec.pair_ops import PAIR_OPS
from tallystick.spec.ties import Through, Tie, check_tie
from tests.lib.shipped import shipped_project


@pytest.fixture(scope="module")
def page(project_root: Path) -> str:
    return (project_root / "docs" / "graph.md").read_text(encoding="utf-8")


def test_the_ties_on_the_page_fit_the_tables(page: str) -> None:
    contracts = shipped_project().contracts
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    transfers, devices, state = blocks
    transfers["through"] = Through(**transfers["through"])
    for keys in (transfers, devices, devices | state | {"active": "kind = 'login'"}):
        check_tie(Tie(name="shown", **keys), contracts)
    assert set(state) == {"last_of", "active"}


def test_the_graph_on_the_page_fits_the_project_and_makes_the_columns_it_names(page: str) -> None:
    project, names = shipped_project(), {}
    code, _ = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(code, names)  # the page's own example
    (graph,) = (one for one in names.values() if isinstance(one, CustomerGraph))
    (group,) = (one for one in names.values() if isinstance(one, FeatureGroup))
    check_graph(graph, project.ties, project.contracts)
    contract = graph_contract(graph, graph_tables(graph, project.ties))
    columns = {column.name for column in group_columns(group, {**project.contracts, contract.name: contract})}
    assert set(re.findall(r"# (callers_\w+)", code)) < columns
    assert len(columns) == 4


def test_the_pairs_on_the_page_fit_the_project_and_make_the_columns_they_name(page: str) -> None:
    project, names = shipped_project(), {}
    for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        exec(code, names)  # the page's own example
    pairs: CustomerPairs = names["CALLS_AND_MONEY"]
    check_pairs(pairs, project.ties, project.contracts)
    contract = pairs_contract(pairs, project.ties, project.contracts)
    contracts = {**project.contracts, contract.name: contract}
    columns = {column.name for name in ("REVIEWED", "SENT") for column in group_columns(names[name], contracts)}
    assert set(re.findall(r"reviewed_\w+", page)) < columns
    assert "sent_out_strangers_share_30d" in columns


def test_every_op_is_on_the_page(page: str) -> None:
    tables = re.findall(r"\| op \| what it is.*?\n(?=\n)", page, re.DOTALL)
    first = ["".join(row.split("|")[1] for row in table.splitlines()) for table in tables]
    assert [set(re.findall(r"`(\w+)`", names)) for names in first] == [set(NODE_OPS), set(PAIR_OPS)]
