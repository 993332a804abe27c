"""What a person writes for a warehouse: a folder, an address in an object store, or something that is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from tallystick.errors import InputError, SetupError
from tallystick.places import RemotePath, local_home, to_place
from tallystick.runs.arguments import parse, render
from tallystick.runs.params import VacuumTables


@pytest.mark.parametrize("text", ["w", "./s3:/x", "/lake/s3a:/b", "a b/c:d"])
def test_a_folder_stays_one(text: str) -> None:
    assert to_place(text) == Path(text).absolute()
    assert not isinstance(to_place(text), RemotePath)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("s3://lake/w", r"write s3a://lake/w"),
        ("s3n://lake/w", r"write s3a://lake/w"),
        ("gs://lake/w", r"a folder, s3a://bucket/path"),
        ("file:///lake/w", r"a folder, s3a://bucket/path"),
        ("HDFS://name:9000/w", r"a folder, s3a://bucket/path, hdfs://namenode:port/path, viewfs://cluster/path"),
        ("webhdfs://name:9000/w", r"a folder, s3a://bucket/path, hdfs://namenode:port/path"),
        ("hdfs://name:9000", r"no path in a store.*hdfs://namenode:port/path"),
        ("hdfs:///w", r"no path in a store"),
        ("hdfs://name:port/w", r"no path in a store"),
        ("hdfs://me@name:9000/w", r"no path in a store"),
        ("viewfs://lake:1/w", r"no path in a store"),
        ("s3a://lake", r"no path in a store"),
        ("s3a://lake/", r"no path in a store"),
        ("s3a://lake/a/../b", r"no path in a store"),
        ("s3a://Lake_1/w", r"no path in a store"),
    ],
)
def test_any_other_address_is_refused_with_what_to_write(text: str, told: str) -> None:
    for given in (text, Path(text)):
        with pytest.raises(InputError, match=told):
            to_place(given)


def test_an_address_stays_what_it_was_as_a_path() -> None:
    place = to_place("s3a://lake/bank/w/")
    assert str(place) == "s3a://lake/bank/w"
    inside = place / "clean" / "events"
    assert isinstance(inside, RemotePath)
    assert (inside.bucket, inside.key) == ("lake", "bank/w/clean/events")
    assert (inside.relative_to(place).as_posix(), inside.name) == ("clean/events", "events")
    assert pickle.loads(pickle.dumps(inside)) == inside
    assert to_place(Path("s3a://lake/bank/w")) == place == place.resolve() == to_place(place)


@pytest.mark.parametrize("text", ["hdfs://name:9000/bank/w", "hdfs://nameservice1/bank/w", "viewfs://lake/bank/w"])
def test_an_address_on_a_hadoop_file_system_stays_what_it_was(text: str) -> None:
    place = to_place(f"{text}/")
    assert (str(place), place) == (text, to_place(Path(text)))
    assert isinstance(place, RemotePath)
    assert (place.bucket, place.key) == (text.split("/")[2], "bank/w")
    assert isinstance(pickle.loads(pickle.dumps(place / "clean")), RemotePath)


def test_what_an_address_cannot_do_touches_no_disk() -> None:
    place = to_place("s3a://lake/w")
    with pytest.raises(SetupError, match="works in a folder only"):
        place.rename("w2")
    with pytest.raises(SetupError, match="works in a folder only"):
        open(place)  # noqa: PTH123, SIM115 - the builtin, as a library would


def test_a_command_line_keeps_the_address(tmp_path: Path) -> None:
    told = VacuumTables(project=tmp_path, warehouse=to_place("s3a://lake/w"), run_id="r")
    assert render(told)[2:4] == ["--warehouse", "s3a://lake/w"]
    assert parse(VacuumTables, render(told)) == told


def test_what_is_no_table_needs_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert local_home(tmp_path) == tmp_path
    monkeypatch.delenv("TALLYSTICK_LOCAL", raising=False)
    with pytest.raises(SetupError, match="set TALLYSTICK_LOCAL"):
        local_home(to_place("s3a://lake/w"))
    monkeypatch.setenv("TALLYSTICK_LOCAL", str(tmp_path))
    assert local_home(to_place("s3a://lake/w")) == tmp_path / "lake" / "w"
