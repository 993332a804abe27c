"""The jar fetcher: pinned, resumable, and one sentence when it cannot.

Cases against a file:// repository and a closed port.
"""

from __future__ import annotations

import errno
import hashlib
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import fetch_jars
from trouble import SetupTrouble

COORDINATE = "org.example:some-lib_2.13:1.0"
NAME = "some-lib_2.13-1.0.jar"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository" / "org/example/some-lib_2.13/1.0"
    folder.mkdir(parents=True)
    (folder / NAME).write_bytes(b"the jar")
    return tmp_path / "repository"


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "lock.json"
    path.write_text(json.dumps({COORDINATE: hashlib.sha256(b"the jar").hexdigest()}))
    return path


def test_a_missing_jar_is_fetched_once(repository: Path, lock: Path, tmp_path: Path) -> None:
    jars = tmp_path / "jars"
    assert fetch_jars.fetch_all(lock, jars, base=repository.as_uri()) == [NAME]
    assert (jars / NAME).read_bytes() == b"the jar"
    shutil.rmtree(repository)
    assert fetch_jars.fetch_all(lock, jars, base=repository.as_uri()) == []


def test_a_damaged_jar_is_fetched_anew_and_an_unpinned_one_leaves(repository: Path, lock: Path, tmp_path: Path) -> None:
    jars = tmp_path / "jars"
    jars.mkdir()
    (jars / NAME).write_bytes(b"half of the")
    (jars / "some-lib_2.13-0.9.jar").write_bytes(b"last year's")
    assert fetch_jars.fetch_all(lock, jars, base=repository.as_uri()) == [NAME]
    assert [path.name for path in jars.iterdir()] == [NAME]


def test_a_wrong_checksum_keeps_nothing(repository: Path, lock: Path, tmp_path: Path) -> None:
    lock.write_text(json.dumps({COORDINATE: "0" * 64}))
    with pytest.raises(SetupTrouble, match="has SHA-256 .* but the lock says 0000"):
        fetch_jars.fetch_all(lock, tmp_path / "jars", base=repository.as_uri())
    assert list((tmp_path / "jars").iterdir()) == []


def test_a_jar_the_repository_lacks_is_one_sentence(lock: Path, tmp_path: Path) -> None:
    with pytest.raises(SetupTrouble, match="cannot be reached at file://"):
        fetch_jars.fetch_all(lock, tmp_path / "jars", base=(tmp_path / "nowhere").as_uri())


def test_a_full_disk_is_one_sentence_and_leaves_no_part(
    repository: Path, lock: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_the_disk(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetch_jars.shutil, "copyfileobj", fill_the_disk)
    with pytest.raises(SetupTrouble, match=r"^The disk is full at .*jars: free some space and run the same command"):
        fetch_jars.fetch_all(lock, tmp_path / "jars", base=repository.as_uri())
    assert list((tmp_path / "jars").iterdir()) == []


@pytest.mark.parametrize("text", ["", "[]", '{"a:b": "00"}', "{"])
def test_a_lock_that_is_none_is_one_sentence(text: str, lock: Path, tmp_path: Path) -> None:
    lock.write_text(text)
    with pytest.raises(SetupTrouble, match="cannot be used"):
        fetch_jars.fetch_all(lock, tmp_path / "jars", base="file:///nowhere")


def test_an_unreachable_registry_ends_the_script_with_one_sentence(lock: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = subprocess.run(
        [sys.executable, fetch_jars.__file__, "--lock", str(lock), "--into", str(tmp_path / "jars")],
        env={"TALLYSTICK_MAVEN_URL": f"http://127.0.0.1:{port}/maven2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: The Maven repository cannot be reached at http://127.0.0.1:")
    assert done.stderr.count("\n") == 1


def test_the_pins_of_the_project_can_be_read() -> None:
    pins = fetch_jars.read_lock(fetch_jars.DEFAULT_LOCK)
    assert [fetch_jars.jar_name(coordinate) for coordinate in pins] == [
        "delta-spark_4.1_2.13-4.4.0.jar",
        "delta-storage-4.4.0.jar",
    ]
