"""Tables on disk: their names, their creation, and what makes an existing one unfit for writing."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from unittest.mock import MagicMock

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from tallystick.errors import ContractError, InputError, NotFound, SetupError
from tallystick.spec.tables import Column
from tallystick.tables import Warehouse, arrow_schema, ensure_table, pin, read, read_arrow, replace_arrow
from tallystick.tables.store import log_copies
from tallystick.tables.store.publication_state import PUBLICATION, PublicationState
from tests.lib import store


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path)


def test_a_table_lies_in_the_folder_of_its_layer(warehouse: Warehouse) -> None:
    assert warehouse.table_path("clean.events") == warehouse.root / "clean" / "events"
    for name in ("events", "nowhere.events", "clean.../x", "clean.", "clean.a.b"):
        with pytest.raises(NotFound, match="is not a table name"):
            warehouse.table_path(name)
    assert (warehouse.exists("clean.events"), warehouse.tables()) == (False, [])
    with pytest.raises(NotFound, match="known tables: none yet"):
        warehouse.open("clean.events")
    with pytest.raises(InputError, match="write s3a://lake/warehouse"):
        Warehouse("s3://lake/warehouse")
    for name in ("a%20b", "a\\b", "a\nb"):
        with pytest.raises(SetupError, match="has signs that Delta reads as others"):
            Warehouse(warehouse.root / name)
    assert Warehouse(warehouse.root / "100% [a] {b} #c").root.name == "100% [a] {b} #c"


def test_a_new_table_keeps_its_history_and_has_no_deletion_vectors(warehouse: Warehouse) -> None:
    table = ensure_table(warehouse, store.CONTRACT)
    assert table.version() == 0
    assert table.metadata().configuration == {
        "delta.enableDeletionVectors": "false",
        "delta.logRetentionDuration": "interval 180 days",
        "delta.deletedFileRetentionDuration": "interval 180 days",
        "delta.dataSkippingStatsColumns": "event_at,loaded_on",
    }
    assert table.metadata().partition_columns == ["source", "bucket", "period"]
    assert ensure_table(warehouse, store.CONTRACT).version() == 0
    assert "interval 400 days" in json.dumps(
        ensure_table(warehouse, store.SNAPSHOTS, retention_days=400).metadata().configuration
    )


@pytest.mark.parametrize(
    "changed",
    [
        replace(store.CONTRACT, columns=store.CONTRACT.columns[:-1]),
        replace(store.CONTRACT, columns=(*store.CONTRACT.columns, Column(name="extra", type="string", required=True))),
        replace(store.CONTRACT, columns=(*store.CONTRACT.columns[:-1], Column(name="is_retracted", type="string"))),
        replace(store.CONTRACT, partition_by=("source", "period", "bucket")),
    ],
)
def test_a_table_that_differs_from_its_contract_is_not_written(warehouse: Warehouse, changed: object) -> None:
    ensure_table(warehouse, store.CONTRACT)
    with pytest.raises(ContractError, match="stored table"):
        ensure_table(warehouse, changed)  # type: ignore[arg-type]


def upgrade(path: Path, protocol: dict[str, object]) -> None:
    """Commit a protocol action by hand, as another engine would."""
    log = path / "_delta_log" / "00000000000000000001.json"
    log.write_text(json.dumps({"protocol": protocol}) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("protocol", "told"),
    [
        ({"minReaderVersion": 1, "minWriterVersion": 4}, "reader 1, writer 4"),
        ({"minReaderVersion": 2, "minWriterVersion": 5}, "reader 2, writer 5"),
        (
            {"minReaderVersion": 1, "minWriterVersion": 7, "writerFeatures": ["rowTracking", "domainMetadata"]},
            "rowTrack",
        ),
        (
            {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": ["deletionVectors"],
                "writerFeatures": ["deletionVectors"],
            },
            "deletionVectors",
        ),
    ],
)
def test_a_table_with_further_delta_features_is_not_written(
    warehouse: Warehouse, protocol: dict[str, object], told: str
) -> None:
    ensure_table(warehouse, store.CONTRACT)
    upgrade(warehouse.table_path(store.NAME), protocol)
    with pytest.raises(ContractError, match=f"not safe here: .*{told}"):
        replace_arrow(warehouse, store.CONTRACT, store.rows([1]), where=store.day_slice(1), run=store.run("r1"))


def test_an_instant_without_a_zone_is_not_a_type_of_ours(warehouse: Warehouse) -> None:
    fields = [
        field.with_type(pa.timestamp("us")) if field.name == "event_at" else field
        for field in arrow_schema(store.CONTRACT.columns)
    ]
    path = warehouse.table_path(store.NAME)
    DeltaTable.create(str(path), schema=pa.schema(fields), partition_by=list(store.CONTRACT.partition_by))
    with pytest.raises(ContractError, match="timestampNtz"):
        ensure_table(warehouse, store.CONTRACT)


def test_while_a_publication_is_open_every_reader_gets_the_version_before(warehouse: Warehouse) -> None:
    for day in (1, 2):
        where, run = store.day_slice(day), store.run(f"r{day}")
        replace_arrow(warehouse, store.CONTRACT, store.rows([day]), where=where, run=run)
    PublicationState().begin(warehouse.root, run_id="north", before={store.NAME: 1})
    state = PublicationState.read(warehouse.root)
    assert (state.number, state.is_open) == (1, True)
    assert pin(warehouse, store.NAME).version == 1
    assert store.ordered(read_arrow(warehouse, store.NAME)) == store.ordered(store.rows([1]))
    assert _version_for_spark(warehouse) == 1
    assert pin(warehouse, store.NAME, version=2).version == 2
    state.end(warehouse.root)
    assert PublicationState.read(warehouse.root) == PublicationState(2)
    assert (pin(warehouse, store.NAME).version, _version_for_spark(warehouse)) == (2, 2)


def _version_for_spark(warehouse: Warehouse) -> int:
    """The version that a session is asked for."""
    session = MagicMock()
    read(session, warehouse, store.NAME)
    (_, version), _ = session.read.format.return_value.option.call_args
    return int(version)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"number": 1, "run_id": "", "before": {"clean.events": -1}}'])
def test_a_damaged_file_of_publications_is_said_with_what_to_do(warehouse: Warehouse, text: str) -> None:
    ensure_table(warehouse, store.CONTRACT)
    (warehouse.root / PUBLICATION).write_text(text)
    with pytest.raises(SetupError, match=r"_publication.json: the file of publications is damaged \(restore it"):
        pin(warehouse, store.NAME)


def test_no_copy_of_a_log_is_made_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_copies, "_folder", cache(lambda _: pytest.fail("a folder for copies was made")))
    warehouse = Warehouse(tmp_path / "warehouse")
    table = ensure_table(warehouse, store.CONTRACT)
    assert log_copies.place_of(table) == warehouse.table_path(store.NAME)
