"""What a plan says before anything is computed, held against what is then read and computed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from tallystick.buckets import BucketTask
from tallystick.cli.app import app
from tallystick.errors import DeclarationError, LimitExceeded, NotFound, TallystickError
from tallystick.features.backfill import Chunk, cut_chunks
from tallystick.features.estimates import count_crowd, result_bytes
from tallystick.features.ledger import list_days
from tallystick.tables import Warehouse, read_files
from tests.lib import backfills as bank

FIRST, LAST = "2026-02-20", "2026-03-10"


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bank")
    bank.store_bank(bank.write_project(root / "project"), root / "warehouse")
    return root


@pytest.fixture
def root(tmp_path: Path, loaded: Path) -> Path:
    shutil.copytree(loaded, tmp_path, dirs_exist_ok=True)
    return tmp_path


def plan(root: Path, first: str = FIRST, last: str = LAST, **more: Any) -> Any:
    return bank.plan(root / "project", root / "warehouse", first, last, **more)


def backfill(root: Path, first: str = FIRST, last: str = LAST, **more: Any) -> None:
    bank.backfill(str(root / "project"), str(root / "warehouse"), first, last, **more)


def day(text: str) -> date:
    return date.fromisoformat(text)


def column_bytes(path: str, names: Collection[str]) -> int:
    """The compressed bytes of some columns, added up chunk by chunk."""
    footer = pq.ParquetFile(path).metadata
    groups = [footer.row_group(i) for i in range(footer.num_row_groups)]
    chunks = [group.column(i) for group in groups for i in range(group.num_columns)]
    return sum(chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema in names)


def test_a_plan_names_the_files_rows_and_bytes_that_the_tasks_then_read(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backfill(root, "2026-02-24", "2026-03-02")
    planned = plan(root)
    reads: list[tuple[str, tuple[str, ...]]] = []

    def recording(paths: Sequence[str], schema: pa.Schema, **more: Any) -> pa.Table:
        reads.extend((path, tuple(schema.names)) for path in paths)
        return real(paths, schema, **more)

    real = read_files
    monkeypatch.setattr("tallystick.tables.store.bucket_store.read_files", recording)
    # Planning and counting read single columns; what is left are the reads of the tasks.
    backfill(root)
    of_tasks = [(path, names) for path, names in reads if len(names) > 1]
    assert planned.cost.files == {path for path, _ in of_tasks}
    assert planned.cost.rows_read == sum(pq.read_metadata(path).num_rows for path, _ in of_tasks)
    assert planned.cost.bytes_read == sum(column_bytes(path, names) for path, names in of_tasks)
    assert planned.days == 12
    assert planned.chunks == (Chunk(day(FIRST), day("2026-02-23")), Chunk(day("2026-03-03"), day(LAST)))
    # The loads that came after a chunk's last day are not read for it: four files are, of two tables and buckets.
    february = {path for path in planned.cost.files if "period=2026-03" not in path}
    assert 0 < len(february) < len(planned.cost.files)
    held = bank.stored(root / "warehouse")
    assert {when for _, when in held} == set(list_days(day(FIRST), day(LAST)))
    assert plan(root).cost.bytes_read == 0


def test_chunks_are_runs_of_days_within_a_period_and_within_a_size() -> None:
    days = [
        *list_days(day("2025-12-30"), day("2026-01-02")),
        day("2026-01-04"),
        *list_days(day("2026-01-31"), day("2026-02-02")),
    ]

    def cut(period: str, **more: int) -> list[tuple[str, int]]:
        return [(chunk.first.isoformat()[2:], chunk.days) for chunk in cut_chunks(days, period=period, **more)]

    assert cut("month") == [("25-12-30", 2), ("26-01-01", 2), ("26-01-04", 1), ("26-01-31", 1), ("26-02-01", 2)]
    assert cut("year") == [("25-12-30", 2), ("26-01-01", 2), ("26-01-04", 1), ("26-01-31", 3)]
    assert cut("all") == [("25-12-30", 4), ("26-01-04", 1), ("26-01-31", 3)]
    assert cut("all", most=3) == [("25-12-30", 3), ("26-01-02", 1), ("26-01-04", 1), ("26-01-31", 3)]
    assert cut_chunks([], period="year") == []


def test_the_results_of_a_chunk_fit_the_memory_of_a_task(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tallystick.features import backfill as planning

    whole = plan(root)
    assert [chunk.days for chunk in whole.chunks] == [9, 10]
    per_day = whole.crowd.customers * result_bytes(feature_columns(root))
    monkeypatch.setattr(planning, "TASK_BYTES", int(4.5 * per_day))
    small = plan(root)
    assert [chunk.days for chunk in small.chunks] == [4, 4, 1, 4, 4, 2]
    assert small.cost.memory < whole.cost.memory
    monkeypatch.setattr(planning, "TASK_BYTES", 1)
    assert {chunk.days for chunk in plan(root).chunks} == {1}


def feature_columns(root: Path) -> int:
    from tallystick.project import load_project

    return len(load_project(root / "project").contracts["feature.spend"].columns)


class Ids:
    """A storage of one column of ids by path."""

    def __init__(self, ids: Mapping[str, list[str]]) -> None:
        self.ids = ids

    def read(self, table: str, paths: Sequence[str], columns: Sequence[str], **_: Any) -> pa.Table:
        assert list(columns) == ["customer_id"], table
        return pa.table({"customer_id": pa.array([i for path in paths for i in self.ids[path]], pa.string())})

    def write(self, table: str, partition: Mapping[str, str], rows: pa.Table) -> Any:
        raise AssertionError(f"nothing is written while planning: {table}, {partition}, {rows.num_rows}")


def test_hot_customers_are_counted_and_never_named() -> None:
    few = [f"c{n}" for n in range(99)]
    ids = Ids({"events": [*few, *["hot"] * 901], "accounts": [*few[:10], "hot", "new"], "none": []})
    task = BucketTask(
        source="s",
        bucket=3,
        zone="UTC",
        period="year",
        files={"clean.events": ("events",), "clean.accounts": ("accounts",)},
    )
    crowd = count_crowd(task, table="clean.events", drawn_from=["clean.accounts", "clean.events"], storage=ids)
    assert (crowd.bucket, crowd.customers, crowd.rows, crowd.hot) == (3, 101, 1000, 1)
    assert crowd.hot_share == pytest.approx(0.901)
    assert "hot'" not in repr(crowd).replace("hot=", "")
    nobody = BucketTask(source="s", bucket=0, zone="UTC", period="year", files={})
    empty = count_crowd(nobody, table="clean.events", drawn_from=["clean.accounts"], storage=ids)
    assert (empty.customers, empty.rows, empty.hot, empty.hot_share) == (0, 0, 0, 0.0)


def test_more_bytes_than_allowed_stop_the_work_before_it_begins(root: Path) -> None:
    planned = plan(root)
    planned.stop_above(planned.cost.bytes_read)
    planned.stop_above(None)
    with pytest.raises(LimitExceeded, match=f"19 days would read {planned.cost.bytes_read} bytes, more than the 100"):
        backfill(root, FIRST, LAST, max_bytes=100)
    assert not Warehouse(root / "warehouse").exists("feature.spend")
    backfill(root, FIRST, LAST, max_bytes=planned.cost.bytes_read)
    assert not plan(root).chunks


@pytest.mark.parametrize(
    ("first", "last", "kind", "message"),
    [
        ("2026-03-02", "2026-03-01", DeclarationError, "2026-03-02 is after 2026-03-01"),
        ("2026-03-02", "2026-03-14", DeclarationError, r"after the last load, that of 2026-03-13.*say --to 2026-03-13"),
    ],
)
def test_a_range_that_cannot_be_meant_is_refused(
    root: Path, first: str, last: str, kind: type[TallystickError], message: str
) -> None:
    with pytest.raises(kind, match=message):
        plan(root, first, last)


def test_a_source_without_loads_is_said_to_have_none(root: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="source village: no rows are loaded"):
        bank.plan(root / "project", tmp_path / "empty", FIRST, LAST)


def tally(root: Path, *argv: str) -> Any:
    places = ["--project", str(root / "project"), "--warehouse", str(root / "warehouse")]
    return CliRunner().invoke(app, ["features", *argv, "--from", FIRST, "--to", LAST, *places])


def test_the_plan_is_printed_for_people_and_as_json(root: Path) -> None:
    backfill(root, "2026-02-24", "2026-03-02")
    bank.write_project(root / "project", spend=bank.SPEND.replace("direction = 'out'", "direction = 'in'"))
    found = tally(root, "plan", "spend", "--source", "village", "--json")
    told = json.loads(found.stdout)
    assert (told["days_asked"], told["days_missing"], told["days_stale"], told["days_late"]) == (19, 12, 7, 0)
    assert told["stale"] == [
        {"first": "2026-02-24", "last": "2026-03-02", "columns": ["spend_out_max_7d"], "absent": []}
    ]
    lines = tally(root, "plan", "spend", "--source", "village").stdout
    assert "12 days: 2026-02-20 to 2026-02-23, 2026-03-03 to 2026-03-10" in lines
    assert "stale columns   spend_out_max_7d\n" in lines
    assert f"{told['bytes_read']:,} bytes" in lines
    missing = json.loads(tally(root, "plan", "spend", "--source", "village", "--json", "--missing-only").stdout)
    assert missing["days_to_compute"] == 12
    assert "village:" not in found.stdout + lines


def test_a_plan_above_the_limit_is_printed_and_ends_with_the_limits_exit_code(root: Path) -> None:
    found = tally(root, "plan", "spend", "--source", "village", "--max-bytes", "100")
    assert "to read" in found.stdout
    assert isinstance(found.exception, LimitExceeded)
    assert found.exception.exit_code == 12


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("spent", "--source", "village"), "there is no feature group spent .*spend"),
        (("spend", "--source", "vilage"), "there is no source vilage .*village"),
        (("spend", "--source", "village", "--recipe", "loan"), "there is no recipe loan"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "backfill"])
def test_an_unknown_name_is_told_with_the_nearest(
    root: Path, command: str, argv: tuple[str, ...], message: str
) -> None:
    found = tally(root, command, *argv)
    assert isinstance(found.exception, NotFound)
    with pytest.raises(NotFound, match=message):
        raise found.exception


ACCOUNTS_ONLY = """\
from tallystick.spec.observations import Customers, ObservationSet

DAILY = ObservationSet(
    name="daily", key="customer_id", population=Customers(tables=("clean.accounts", "clean.transactions"))
)
"""


def test_the_first_load_of_a_table_that_the_set_does_not_name_leaves_every_day_as_it_is(root: Path) -> None:
    (root / "project" / "observations" / "daily.py").write_text(ACCOUNTS_ONLY, encoding="utf-8")
    backfill(root)
    made = datetime(2026, 2, 25, 8, tzinfo=UTC)
    bank.store_applications(root / "project", root / "warehouse", [(0, made)], loaded_on=date(2026, 3, 11))
    assert not plan(root).chunks
    # Named by the set, the table decides who is observed: then every day is to be computed again.
    both = ACCOUNTS_ONLY.replace('"clean.accounts"', '"clean.accounts", "clean.applications"')
    (root / "project" / "observations" / "daily.py").write_text(both, encoding="utf-8")
    assert {state.stale for state in plan(root).states} == {("observation_id",)}


RECIPE = """\
from tallystick.spec.recipes import Recipe

ASKED = Recipe(name="asked", title="Asked", groups=("spend",), observations="applications")
"""


def test_a_recipe_gives_the_observations_and_an_application_counts_on_its_own_day(root: Path) -> None:
    (root / "project" / "recipes" / "asked.py").write_text(RECIPE, encoding="utf-8")
    project, warehouse = root / "project", root / "warehouse"
    made = datetime(2026, 2, 25, 8, tzinfo=UTC)
    bank.store_applications(project, warehouse, [(0, made)], loaded_on=date(2026, 3, 12))
    # Known long after the days asked for, and still observed on its own.
    backfill(root, FIRST, LAST, recipe="asked")
    assert {key: row[0] for key, row in bank.stored(warehouse).items()} == {("village:0", made.date()): 3}
    assert not plan(root, FIRST, LAST, recipe="asked").chunks
    # One more of an old day: that day and those after it may have changed, by the rows' own date.
    bank.store_applications(project, warehouse, [(1, datetime(2026, 3, 5, 8, tzinfo=UTC))], loaded_on=date(2026, 3, 13))
    states = plan(root, FIRST, LAST, recipe="asked").states
    assert [state.day for state in states if state.is_late] == list_days(day("2026-03-05"), day(LAST))
    backfill(root, FIRST, LAST, recipe="asked")
    assert set(bank.stored(warehouse)) == {("village:0", made.date()), ("village:1", day("2026-03-05"))}
