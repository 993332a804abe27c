"""What an addition takes: the files are counted in a copy of the project, which then loads, checks and works.

A feature group on a new table is added by following docs/own-tables.md (``test_own_tables``).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from tallystick.observations import ObservationSpec, observe
from tallystick.project import load_project
from tallystick.project.checks import check_project
from tests.lib.adding import copy_declarations, file_digests, touched
from tests.lib.deliveries import write_source

CARDS = """\
from tallystick.spec.observations import MonthEnds, ObservationSet

CARDS_HELD = ObservationSet(
    name="cards_held",
    key="card_id",
    population=MonthEnds(table="clean.cards", where="card_type <> 'junior'"),
)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of all declarations of the checkout."""
    return copy_declarations(tmp_path)


def test_a_source_is_one_yaml_and_its_sql(root: Path) -> None:
    before = file_digests(root)
    write_source(root)
    assert touched(before, file_digests(root)) == [
        "sources/village/accounts.sql",
        "sources/village/customers.sql",
        "sources/village/source.yaml",
        "sources/village/transactions.sql",
    ]
    project = load_project(root)
    assert check_project(project) == []
    assert sorted(project.sources["village"].tables) == ["accounts", "customers", "transactions"]


def test_an_observation_set_is_one_file(root: Path) -> None:
    before = file_digests(root)
    (root / "observations" / "cards_held.py").write_text(CARDS, encoding="utf-8")
    assert touched(before, file_digests(root)) == ["observations/cards_held.py"]
    project = load_project(root)
    assert check_project(project) == []
    spec = ObservationSpec.of(project.observations["cards_held"], project.contracts, last=date(2026, 3, 1))
    issued = {
        "card_id": ["c1", "c2", "c3"],
        "customer_id": ["bank:1", "bank:1", "bank:2"],
        "card_type": ["gold", "junior", "gold"],
        "event_at": [datetime(2026, month, 10, tzinfo=UTC) for month in (1, 1, 2)],
        "known_on": [date(2026, month, 11) for month in (1, 1, 2)],
        "loaded_on": [date(2026, month, 11) for month in (1, 1, 2)],
        "is_retracted": [False, False, False],
    }
    held = observe(spec, {"clean.cards": pa.table(issued)}.__getitem__, zone="UTC").to_pylist()
    assert [(row["observation_id"], row["customer_id"], row["as_of"].date()) for row in held] == [
        ("c1", "bank:1", date(2026, 2, 1)),
        ("c1", "bank:1", date(2026, 3, 1)),
        ("c3", "bank:2", date(2026, 3, 1)),
    ]
