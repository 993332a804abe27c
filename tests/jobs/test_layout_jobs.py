"""Compaction, re-bucketing and vacuum as their jobs do them, on a bank with features."""

from __future__ import annotations

import json
import os
import shutil
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tallystick.entrypoint import perform
from tallystick.errors import ContractError, NotFound
from tallystick.features.ledger import list_days
from tallystick.runs.fields import Params
from tallystick.runs.params import CompactEvents, RebucketSource, VacuumTables
from tallystick.tables import Warehouse, pin, read_arrow
from tests.lib import backfills as bank

FIRST, LAST = "2026-02-20", "2026-03-10"
DAYS = list_days(date.fromisoformat(FIRST), date.fromisoformat(LAST))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bank after its loads of March 1 to 13, with the features of nineteen days: each test works on a copy."""
    root = tmp_path_factory.mktemp("bank")
    bank.store_bank(bank.write_project(root / "project"), root / "warehouse")
    bank.backfill(str(root / "project"), str(root / "warehouse"), FIRST, LAST)
    return root


@pytest.fixture
def project(tmp_path: Path, loaded: Path) -> Path:
    shutil.copytree(loaded, tmp_path, dirs_exist_ok=True)
    return tmp_path / "project"


@pytest.fixture
def warehouse(project: Path) -> Path:
    return project.parent / "warehouse"


def run(params: type[Params], project: Path, warehouse: Path, *, session: Any = None, **asked: Any) -> None:
    """A run with these parameters, without Spark unless a session is given."""
    perform(bank.told(params, project, warehouse, **asked), session)


def declare(project: Path, old: str, new: str) -> None:
    """Change the source's layout."""
    path = project / "sources" / "village" / "source.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def rows(warehouse: Path, name: str) -> list[dict[str, object]]:
    """All rows of a table but their buckets."""
    data = read_arrow(Warehouse(warehouse), name).drop_columns(["bucket"]).to_pylist()
    return sorted(data, key=str)


def right_days(project: Path, warehouse: Path) -> list[date]:
    """The days whose features need not be computed again."""
    return [state.day for state in bank.plan(project, warehouse, FIRST, LAST).states if state.is_right]


@pytest.mark.parametrize("session", [None, bank.LocalSession()], ids=["in this process", "as tasks"])
def test_compaction_merges_loads_older_than_declared_and_no_feature_day_is_stale(
    project: Path, warehouse: Path, session: object
) -> None:
    declare(project, "period: month", "period: month, compact_after_days: 5")
    before = rows(warehouse, "clean.transactions")
    run(CompactEvents, project, warehouse, source="village", as_of=date(2026, 3, 13), session=session)
    files = pin(Warehouse(warehouse), "clean.transactions").files
    assert rows(warehouse, "clean.transactions") == before
    # Older than five days on March 13 are the loads up to March 7; six younger ones stay as they are.
    younger = [f for f in files if f.bounds["loaded_on"][0] >= date(2026, 3, 8)]
    assert {f.bounds["loaded_on"] for f in younger} == {(date(2026, 3, d), date(2026, 3, d)) for d in range(8, 14)}
    old = [(f.partition["bucket"], f.partition["period"]) for f in files if f not in younger]
    assert len(old) == len(set(old))
    assert right_days(project, warehouse) == DAYS
    version = pin(Warehouse(warehouse), "clean.transactions").version
    run(CompactEvents, project, warehouse, source="village", as_of=date(2026, 3, 13), session=session)
    assert pin(Warehouse(warehouse), "clean.transactions").version == version


def test_without_a_declared_age_loads_of_35_days_stay(project: Path, warehouse: Path) -> None:
    version = pin(Warehouse(warehouse), "clean.transactions").version
    run(CompactEvents, project, warehouse, source="village", as_of=date(2026, 4, 5))
    assert pin(Warehouse(warehouse), "clean.transactions").version == version
    run(CompactEvents, project, warehouse, source="village", as_of=date(2026, 4, 8))
    assert pin(Warehouse(warehouse), "clean.transactions").version == version + 1


@pytest.mark.parametrize("buckets", [1, 5])
def test_features_are_the_same_before_and_after_re_bucketing(project: Path, warehouse: Path, buckets: int) -> None:
    before = bank.stored(warehouse)
    declare(project, "buckets: 2", f"buckets: {buckets}")
    with pytest.raises(ContractError, match=f"lie in 2 buckets, its layout declares {buckets}.*rebucket village"):
        bank.backfill(str(project), str(warehouse), FIRST, "2026-03-12")
    run(RebucketSource, project, warehouse, source="village")
    assert bank.stored(warehouse) == before
    assert right_days(project, warehouse) == DAYS
    bank.backfill(str(project), str(warehouse), FIRST, "2026-03-12")
    transactions = bank.history() + [row for day in range(2, 14) for row in bank.daily(date(2026, 3, day))]
    assert bank.stored(warehouse) == bank.spent(transactions, list_days(DAYS[0], date(2026, 3, 12)))
    bank.compute(project, warehouse, groups=("spend",), first=FIRST, last=LAST)
    assert {key: value for key, value in bank.stored(warehouse).items() if key in before} == before
    places = {f.partition["bucket"] for f in pin(Warehouse(warehouse), "feature.spend").files}
    assert places <= {str(number) for number in range(buckets)}
    version = pin(Warehouse(warehouse), "feature.spend").version
    run(RebucketSource, project, warehouse, source="village")
    assert pin(Warehouse(warehouse), "feature.spend").version == version


def test_an_unknown_source_is_named(project: Path, warehouse: Path) -> None:
    with pytest.raises(NotFound, match="there is no source vilage"):
        run(RebucketSource, project, warehouse, source="vilage")


class OneModel:
    """A registry with one model, whose manifest names two tables."""

    manifest = '{"inputs": {"clean.transactions": 2}}'

    def __init__(self, warehouse: Path) -> None:
        self.root = warehouse

    def models(self) -> list[str]:
        return ["loan"]

    def versions(self, name: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(name=name, tags={"training_version": "1"})]

    def fetch_files(self, version: SimpleNamespace, directory: Path, path: str) -> Path:
        (directory / path).write_text(self.manifest, encoding="utf-8")
        return directory / path


def test_vacuum_keeps_what_the_manifest_of_a_model_names(
    project: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tallystick.runs.vacuum_tables.Registry", OneModel)
    tables, name = Warehouse(warehouse), "clean.transactions"
    run(CompactEvents, project, warehouse, source="village", as_of=date(2026, 4, 20))
    needed = pin(tables, name, version=2).paths
    # As if the compaction were older than the retention, which deltalake reads from the log.
    tables.open(name).alter.set_table_properties({"delta.deletedFileRetentionDuration": "interval 0 days"})
    for path in tables.table_path(name).rglob("*.parquet"):
        os.utime(path, (0, 0))
    merged = set(pin(tables, name, version=13).paths) - set(pin(tables, name).paths) - set(needed)
    run(VacuumTables, project, warehouse, dry_run=True)
    size = sum(Path(path).stat().st_size for path in merged)
    assert capsys.readouterr().out == f"clean.transactions  {len(merged)} files  {size} bytes\n"
    assert all(Path(path).exists() for path in merged)
    run(VacuumTables, project, warehouse)
    assert not any(Path(path).exists() for path in merged)
    assert all(Path(path).exists() for path in (*needed, *pin(tables, name).paths))
    assert json.loads(OneModel.manifest)["inputs"] == {name: 2}
    assert read_arrow(tables, name, version=2).num_rows > 0
