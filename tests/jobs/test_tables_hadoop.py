"""What a Hadoop file system has to do otherwise than a store that speaks S3, whose tests run against both."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tallystick.errors import SetupError
from tallystick.places import RemotePath, to_place
from tallystick.places.hadoop_store import HadoopStore
from tallystick.tables import Warehouse, replace_arrow
from tallystick.tables.store.file_access import open_output, open_parquet
from tests.lib import hadoop as file_system
from tests.lib import store

SITE = """<configuration>
  <property><name>fs.viewfs.mounttable.lake.link./bank</name><value>{}/mounted</value></property>
  <property><name>fs.viewfs.mounttable.lake.linkFallback</name><value>{}/elsewhere</value></property>
</configuration>
"""
READER = """
import sys, time
from hdfs_native import FileReader
from tallystick.tables import Warehouse, query
from tests.lib import store
real = FileReader.read
def slowly(*asked):
    time.sleep(0.1)
    return real(*asked)
FileReader.read = slowly
print(query(Warehouse(sys.argv[1]), f"SELECT * FROM {store.NAME} LIMIT 1").num_rows)
"""


def place_at(address: str) -> RemotePath:
    place = to_place(address)
    assert isinstance(place, RemotePath)
    return place


def test_a_writer_that_slept_while_others_went_on_has_not_won(hadoop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others have used and removed the number that it takes, so nothing is in the way of its rename."""
    place, real = place_at(f"{hadoop}/slept/state"), HadoopStore._put_beside
    tag = place.store.write_where(place.key, b"0")

    def sleep(self: HadoopStore, key: str, data: bytes, *, path: str = "") -> str:
        fresh = real(self, f"{key}-slept", data, path=path)
        monkeypatch.setattr(HadoopStore, "_put_beside", real)
        other = tag
        for number in range(1, 5):
            other = place.store.write_where(place.key, b"%d" % number, tag=other)
            assert other
        return fresh

    monkeypatch.setattr(HadoopStore, "_put_beside", sleep)
    assert not place.store.write_where(place.key, b"of the sleeper", tag=tag)
    assert place.read_bytes() == b"4"
    found = place.store.look(place.key)
    assert found is not None
    assert place.store.write_where(place.key, b"5", tag=found.tag)
    left = sorted(one.key.rpartition("/")[2] for one in place.store.find(f"{place.key}/"))
    assert left == [f"{number:020}" for number in (5, 6)]


def test_tables_lie_behind_a_mount(hadoop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "core-site.xml").write_text(SITE.format(hadoop, hadoop))
    monkeypatch.setenv("HADOOP_CONF_DIR", str(tmp_path))
    file_system.forget_clients()
    try:
        warehouse = Warehouse("viewfs://lake/bank/w")
        replace_arrow(warehouse, store.CONTRACT, store.rows([1]), where=store.day_slice(1), run=store.run("r"))
        assert len(store.held(Warehouse(f"{hadoop}/mounted/w"))) == len(store.held(warehouse)) > 0
    finally:
        file_system.forget_clients()


def test_an_address_where_nobody_listens_is_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(SetupError, match="the file system does not answer: ConnectionRefusedError"):
        Warehouse(f"hdfs://127.0.0.1:{port}/w").tables()
    with pytest.raises(SetupError, match="check HADOOP_CONF_DIR"):
        Warehouse("hdfs://no-such-nameservice/w").tables()


def test_what_the_file_system_refuses_is_told_by_its_name(hadoop: str) -> None:
    place_at(f"{hadoop}/file").write_bytes(b"a file")
    with pytest.raises(SetupError, match="refused: ParentNotDirectoryException"):
        place_at(f"{hadoop}/file/below").write_bytes(b"")


def test_a_process_that_has_read_a_part_of_a_table_ends_well(hadoop: str) -> None:
    """Arrow goes on reading in its threads when the answer is there; one that calls Python at the end aborts it."""
    warehouse, rows = Warehouse(f"{hadoop}/read"), store.rows([1], buckets=12)
    replace_arrow(warehouse, store.CONTRACT, rows, where=store.source_slice(), run=store.run("r"))
    told = subprocess.run(
        [sys.executable, "-c", READER, str(warehouse.root)], capture_output=True, text=True, timeout=120, check=False
    )
    assert (told.returncode, told.stdout) == (0, "1\n"), told.stderr


def test_what_arrow_meets_is_told_by_its_name_too(hadoop: str) -> None:
    place_at(f"{hadoop}/plain").write_bytes(b"a file")
    with (
        pytest.raises(SetupError, match="refused: ParentNotDirectoryException"),
        open_output(place_at(f"{hadoop}/plain/x")),
    ):
        pytest.fail("a folder lies in a file")
    with pytest.raises(FileNotFoundError):
        open_parquet(f"{hadoop}/none.parquet")
