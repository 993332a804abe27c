"""Observations that somebody gives: what is read, how it is split, and what is refused without showing a value."""

from __future__ import annotations

import datetime as dt
from contextlib import nullcontext
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet as pq

from tallystick.cli import computing
from tallystick.cli.computing import Who, compute_groups
from tallystick.cli.running import SessionMaker
from tallystick.errors import DeclarationError, InputError
from tallystick.project import load_project
from tallystick.runs.fields import Params
from tallystick.runs.params import ComputeFeatures, ComputeObserved
from tallystick.spec.sources import Source
from tallystick.tables import Warehouse
from tallystick.tables.store.bucketing import bucket_of
from tallystick.tables.store.given import split_observations
from tests.lib import deliveries
from tests.lib.feature_cases import utc


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A source with two buckets in Prague."""
    deliveries.write_project(tmp_path / "project")
    return load_project(tmp_path / "project").sources["village"]


def given_rows(tmp_path: Path, text: str, source: Source) -> dict[int, list[tuple[str, dt.datetime]]]:
    """What the tasks would read, by bucket, in order."""
    with split_observations(Warehouse(tmp_path / "tables"), text, source=source) as given:
        read = {bucket: pq.read_table(path).to_pylist() for bucket, path in given.files.items()}
        assert given.rows == sum(map(len, read.values()))
    assert not list((tmp_path / "tables" / "_given").iterdir())
    return {bucket: [(row["customer_id"], row["as_of"]) for row in rows] for bucket, rows in read.items()}


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2024-04-01", utc(2024, 3, 31, 22)),
        ("2024-03-31", utc(2024, 3, 30, 23)),
        ("2024-03-31T12:00:00.000001+08:00", utc(2024, 3, 31, 4, 0, 0, 1)),
        ("2024-03-31T12:00:00Z", utc(2024, 3, 31, 12)),
    ],
)
def test_a_date_is_a_local_midnight_and_an_instant_keeps_its_offset(
    tmp_path: Path, source: Source, written: str, instant: dt.datetime
) -> None:
    path = tmp_path / "given.csv"
    path.write_text(f"as_of,note,customer_id\n{written},x,village:7\n", encoding="utf-8")
    assert list(given_rows(tmp_path, str(path), source).values()) == [[("village:7", instant)]]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_rows_are_split_by_the_bucket_of_their_customer(tmp_path: Path, source: Source, kind: pa.DataType) -> None:
    customers = [f"village:{number % 40}" for number in range(90)]
    times = [utc(2024, 3, 1) + dt.timedelta(hours=number) for number in range(90)]
    folder = tmp_path / "given"
    folder.mkdir()
    table = pa.table(
        {"customer_id": pa.array(customers).cast(kind), "as_of": pa.array(times, pa.timestamp("s", "UTC"))}
    )
    pq.write_table(table.slice(0, 50), folder / "a.parquet")
    pq.write_table(table.slice(50), folder / "b.parquet", row_group_size=7)
    found = given_rows(tmp_path, str(folder), source)
    assert sorted(found) == [0, 1]
    for bucket, rows in found.items():
        assert set(bucket_of(pa.array([who for who, _ in rows]), 2).tolist()) == {bucket}
    assert sorted(row for rows in found.values() for row in rows) == sorted(zip(customers, times, strict=True))


def test_a_key_of_its_own_stands_beside_the_customer(tmp_path: Path, source: Source) -> None:
    path = tmp_path / "cases.csv"
    path.write_text("opened,case_id,customer_id\n2024-04-01,0017,village:7\n", encoding="utf-8")
    with split_observations(
        Warehouse(tmp_path / "tables"), str(path), source=source, key="case_id", as_of="opened"
    ) as given:
        (rows,) = [pq.read_table(file).to_pylist() for file in given.files.values()]
    assert rows == [{"observation_id": "0017", "customer_id": "village:7", "as_of": utc(2024, 3, 31, 22)}]


def test_one_key_is_of_one_customer_in_whatever_bucket(tmp_path: Path, source: Source) -> None:
    one, other = next((a, b) for a in range(9) for b in range(9) if buckets_of(a, b) == [0, 1])
    lines = [f"k,village:{one},2024-04-01", f"k,village:{one},2024-04-02", f"k,village:{other},2024-04-02"]
    path = tmp_path / "cases.csv"
    for count, is_shared in ((2, False), (3, True)):
        path.write_text("\n".join(["case_id,customer_id,as_of", *lines[:count]]), encoding="utf-8")
        split = split_observations(Warehouse(tmp_path / "tables"), str(path), source=source, key="case_id")
        refused = pytest.raises(InputError, match="one case_id stands for two customers")
        with refused if is_shared else nullcontext(), split as given:
            assert given.rows == count


def buckets_of(*customers: int) -> list[int]:
    return [int(bucket) for bucket in bucket_of(pa.array([f"village:{number}" for number in customers]), 2)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("customer_id,as_of\nother:1,2024-03-31\n", "1 rows are of no customer of village"),
        ("customer_id,as_of\n12345,2024-03-31\n", "1 rows are of no customer of village"),
        ("customer_id,as_of\nvillage:1,\n", "1 rows have no as_of"),
        ("customer_id,as_of\n,2024-03-31\n", "1 rows have no customer_id"),
        ("customer_id,as_of\nvillage:1,2024-03-31 10:00:00\n", "as_of is timestamp"),
        ("customer_id,as_of\nvillage:1,tomorrow\n", "as_of is string"),
        ("customer_id,when\nvillage:1,2024-03-31\n", "there is no column as_of"),
        ("customer_id,as_of\n", "no observation is given"),
        ("", "the file is empty, broken, or has a column twice"),
        ("customer_id,as_of,as_of\n12345,2024-03-31,2024-03-31\n", "has a column twice"),
    ],
)
def test_observations_that_cannot_be_used_are_refused_without_their_values(
    tmp_path: Path, source: Source, text: str, message: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as caught:
        given_rows(tmp_path, str(path), source)
    assert not [value for value in ("other:1", "12345", "tomorrow", "10:00") if value in str(caught.value)]
    assert not list((tmp_path / "tables" / "_given").iterdir())


@pytest.mark.parametrize("text", ["nowhere.csv", "clean.nothing", "given.xlsx"])
def test_what_is_no_file_and_no_table_is_refused(tmp_path: Path, source: Source, text: str) -> None:
    (tmp_path / "given.xlsx").write_text("x", encoding="utf-8")
    path = str(tmp_path / text) if text.endswith("xlsx") else text
    with pytest.raises(Exception, match="no such file|no table|not known by its name|does not exist"):
        given_rows(tmp_path, path, source)


def test_who_is_observed_is_said_once() -> None:
    for asked in ({}, {"observations": "x.csv", "name": "x", "as_of": dt.date(2024, 1, 1)}, {"observations": "x.csv"},
                  {"name": "x", "as_of": dt.date(2024, 1, 1)}):  # fmt: skip
        with pytest.raises(DeclarationError, match="--observations FILE --name NAME"):
            Who(**asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("who", "params", "told"),
    [
        (Who(observations="x.csv", name="x"), ComputeObserved, {"observations": "x.csv", "name": "x"}),
        (Who(as_of=dt.date(2024, 3, 1)), ComputeFeatures, {"first": dt.date(2024, 3, 1), "last": dt.date(2024, 3, 1)}),
        (Who(observations="book"), ComputeFeatures, {"observations": "book", "first": None, "last": None}),
    ],
)
def test_the_command_hands_its_groups_to_the_right_run(
    monkeypatch: pytest.MonkeyPatch,
    project_root: Path,
    tmp_path: Path,
    who: Who,
    params: type[Params],
    told: dict[str, object],
) -> None:
    started: list[Params] = []
    monkeypatch.setattr(computing, "perform", lambda params, _: started.append(params))
    monkeypatch.setattr(SessionMaker, "__call__", lambda self: None)
    (tmp_path / "raw").mkdir()  # what makes a folder a warehouse
    compute_groups(["transactions", "social"], "simbank", who=who, warehouse=tmp_path, project=project_root)
    [found] = started
    common: dict[str, object] = {"project": project_root, "warehouse": tmp_path, "run_id": found.run_id}
    asked: dict[str, object] = {"source": "simbank", "groups": ("transactions", "social"), **told}
    assert found == params(**common, **asked)  # type: ignore[arg-type]
