"""Every run leaves in a store the rows that it leaves in a folder, and whatever reads tables answers alike.

Of each kind of store: one that speaks S3, and a Hadoop file system.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import botocore.endpoint
import pyarrow as pa
import pytest
from deltalake.exceptions import DeltaError
from typer.testing import CliRunner

from tallystick.buckets import spark_tasks
from tallystick.cli.app import app
from tallystick.ending import describe
from tallystick.entrypoint import perform
from tallystick.errors import ConflictError, SetupError, TallystickError, may_pass
from tallystick.places import SCHEMES, RemotePath, to_place
from tallystick.runs.fields import Params
from tallystick.runs.params import ComputeFeatures, VacuumTables
from tallystick.tables import Warehouse, find_unused_files, query, read_arrow, remove_unused_files
from tallystick.tables.landing import find_landing
from tests.lib import backfills, nights, object_store
from tests.lib.deliveries import rejects_of
from tests.lib.village_chain import HISTORY, LATE_BOOKING, NIGHT, WRONG_BOOKING, list_runs, write_bank

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Both = tuple[Warehouse, Warehouse]
# No fault is drawn, and each request is counted.
FAULTS = object_store.Faults()
ASKED: Counter[str] = Counter()
MOST_REQUESTS = {
    "ingest_source": 390, "validate_tables": 170, "compute_graph": 62, "compute_features": 380, "build_labels": 58,
    "audit_leakage": 152, "train_model": 198, "score_observations": 220, "apply_rules": 154,
}  # fmt: skip
SEED, TRIES = 1, 5
STORE_VARIABLES = ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("village")


@pytest.fixture(scope="module")
def folder(spark: SparkSession, home: Path) -> Warehouse:
    """The village after its two nights, trained, scored and with rules, in a folder."""
    project, files = write_bank(home)
    return run_all(spark, project, files, home / "warehouse")


@pytest.fixture(scope="module", params=["s3a", "hdfs"])
def both(spark: SparkSession, home: Path, folder: Warehouse, request: pytest.FixtureRequest) -> Iterator[Both]:
    """The same in a folder and in a store."""
    with ExitStack() as held:
        patch = held.enter_context(pytest.MonkeyPatch.context())
        patch.setenv("TALLYSTICK_LOCAL", str(home / "beside"))
        if request.param == "hdfs":
            address = request.getfixturevalue("hadoop")
        else:
            held.enter_context(object_store.serving(FAULTS))
            address = f"s3a://{object_store.BUCKET}"
        place = to_place(f"{address}/bank/warehouse")
        yield folder, run_all(spark, home / "project", home / "files", place)


def run_all(spark: SparkSession, project: Path, files: Path, place: Path) -> Warehouse:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        for params in list_runs(project, place, files):
            object_store.forget_files()
            before = FAULTS.met.total()
            perform(params, spark)
            ASKED[params.job] += FAULTS.met.total() - before
    return Warehouse(place)


def contents(warehouse: Warehouse, name: str) -> pa.Table:
    """All rows of a table in one order."""
    rows = query(warehouse, f"SELECT * FROM {name} ORDER BY ALL")
    return rows.drop_columns([column for column in nights.PERSONAL if column in rows.column_names])


def ask(*words: str, warehouse: Warehouse) -> str:
    told = CliRunner().invoke(app, [*words, "--warehouse", str(warehouse.root)])
    assert told.exit_code == 0, told.output
    return told.stdout


def test_every_table_holds_the_same_rows(both: Both) -> None:
    folder, store = both
    assert folder.tables() == store.tables()
    tables = {name: (contents(folder, name), contents(store, name)) for name in folder.tables()}
    assert [name for name, (one, other) in tables.items() if one != other] == []
    filled = {name.partition(".")[0] for name, (one, _) in tables.items() if one.num_rows}
    assert filled == {"clean", "monitor", "graph", "feature", "label", "training", "score"}
    for name in folder.tables():
        assert read_arrow(store, name).num_rows == tables[name][0].num_rows
    assert not [path for scheme in SCHEMES for path in Path.cwd().glob(f"{scheme}:*")]


@pytest.mark.usefixtures("both")
def test_a_small_night_asks_the_store_no_more_than_it_must() -> None:
    """A request takes longer than the work of a small night for which it is made: here is told what asks twice.

    The bounds of the two loads, and of each other job, are a tenth above what they took when they were set
    (docs/performance.md).
    """
    assert {job: count for job, count in ASKED.items() if count > MOST_REQUESTS[job]} == {}


def test_a_row_was_rejected_one_waited_and_one_was_corrected(both: Both) -> None:
    """Else the tables would be equal without what is hardest to keep equal."""
    store = both[1]
    reasons = [reason for reason, *_ in rejects_of(store.root, "transactions")]
    assert sorted(reasons) == ["entered_later", "not_a_number", "parent_unknown"]
    told = query(
        store,
        "SELECT transaction_id, loaded_on, amount_minor FROM clean.transactions WHERE transaction_id IN "
        f"('0', '{LATE_BOOKING}', '{WRONG_BOOKING}') ORDER BY ALL",
    ).to_pylist()
    assert [(row["transaction_id"], row["loaded_on"]) for row in told] == [
        ("0", HISTORY), ("0", NIGHT), (LATE_BOOKING, NIGHT)
    ]  # fmt: skip
    assert told[1]["amount_minor"] == 40025 != told[0]["amount_minor"]


def test_deliveries_are_kept_in_the_store_and_not_beside_it(both: Both) -> None:
    folder, store = both
    for day in (HISTORY.isoformat(), NIGHT.isoformat()):
        kept, expected = (find_landing(one, "village", day) for one in (store, folder))
        assert kept is not None
        assert expected is not None
        assert isinstance(kept.path, RemotePath)
        assert kept.manifest == expected.manifest
    assert not (store.home / "raw" / "village").exists()


def test_tasks_of_spark_write_to_the_store_what_the_driver_wrote(
    both: Both, spark: SparkSession, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python workers of their own, to which nothing of this process came but the store's address and keys."""
    store, context = both[1], spark.sparkContext
    before, version = contents(store, "feature.spend"), store.newest_version("feature.spend")
    monkeypatch.setattr(spark_tasks, "HERE_BYTES", 0)
    told = {name: os.environ[name] for name in STORE_VARIABLES if name in os.environ}
    monkeypatch.setattr(context, "environment", context.environment | told)
    params = ComputeFeatures(
        project=home / "project", warehouse=store.root, source="village", run_id="by tasks", groups=("spend",),
        observations="daily", first=HISTORY, last=NIGHT,
    )  # fmt: skip
    for warehouse in both:  # versions are among what is compared
        perform(replace(params, warehouse=warehouse.root), spark)
    assert store.newest_version("feature.spend") == version + 1
    assert contents(store, "feature.spend") == before


def test_answers_are_those_of_the_folder(both: Both, home: Path) -> None:
    project = ["--project", str(home / "project"), "--json"]
    for words in (
        ("sql", "SELECT loaded_on, count(*) AS n FROM clean.transactions GROUP BY ALL ORDER BY ALL", "--json"),
        ("score", "village:7", *project),
        ("vector", "village:7", "--as-of", HISTORY.isoformat(), *project),
    ):
        told = [json.loads(ask(*words, warehouse=warehouse)) for warehouse in both]
        assert told[0] == told[1]
        assert told[0]


def test_vacuum_keeps_what_versions_name_and_removes_an_orphan(both: Both, home: Path) -> None:
    store, name = both[1], "clean.accounts"
    orphan = store.table_path(name) / "source=village" / "orphan.parquet"
    orphan.write_bytes(b"no version names it")
    before = contents(store, name)
    perform(VacuumTables(project=home / "project", warehouse=store.root, run_id="vacuum"))
    assert orphan.is_file()  # it may be of a run that goes on
    unused = find_unused_files(store, name, keep=[], orphan_age=timedelta(seconds=-60))
    assert list(unused.orphans) == ["source=village/orphan.parquet"]
    remove_unused_files(store, unused)
    assert not orphan.is_file()
    assert contents(store, name) == before


def test_a_store_that_fails_one_request_in_ten_loses_and_doubles_nothing(
    folder: Warehouse, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the clients' own tries leave of the faults ends a run with a sentence and a code that is tried again."""
    faults = object_store.Faults(seed=SEED)
    monkeypatch.setenv("TALLYSTICK_LOCAL", str(home / "beside"))
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))  # its tries are not in a row
    with object_store.serving(faults):
        store = Warehouse(f"s3a://{object_store.BUCKET}/faulty/warehouse")
        faults.share = 0.1
        for params in list_runs(home / "project", store.root, home / "files")[:2]:
            run_until_done(params)
        daily = ComputeFeatures(
            project=home / "project", warehouse=store.root, source="village", run_id="same", groups=("spend",),
            observations="daily", first=HISTORY, last=NIGHT,
        )  # fmt: skip
        run_until_done(daily)
        faults.share = 0.0
        assert all(faults.met[fault] >= 5 for fault in object_store.FAULTS), faults.met
        loaded = [name for name in folder.tables() if name.startswith("clean.") or name == "monitor.loads"]
        assert [name for name in loaded if contents(store, name) != contents(folder, name)] == []
        own = [
            query(one, "SELECT * FROM feature.spend WHERE observations = 'daily' ORDER BY ALL")
            for one in (folder, store)
        ]
        assert own[0] == own[1]


def run_until_done(params: Params) -> None:
    """Start the run again, as a scheduler would, until it ends well."""
    session: Any = backfills.LocalSession() if params.needs_spark else None
    for _ in range(TRIES):
        try:
            perform(params, session)
        except (TallystickError, OSError, DeltaError) as error:
            told, code = describe(error)
            assert may_pass(code)
            assert code in (SetupError.exit_code, ConflictError.exit_code), told
        else:
            return
    pytest.fail(f"{params.job} did not end well in {TRIES} tries")
