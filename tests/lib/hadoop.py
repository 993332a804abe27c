"""A Hadoop file system of this machine for tests: Hadoop's own NameNode and one DataNode, in a JVM of their own.

They come in a jar of 40 MB that only tests need, of the version of Hadoop's client in pyspark; the first test that
wants it fetches it, and checks its SHA-256.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark
import pytest

import fetch_jars
from tallystick.places import hadoop_client, hadoop_store, remote_path
from tests.lib import house

LOCK = Path(__file__).with_suffix(".jars.json")
JARS = house.ROOT / ".jars" / "tests"
# What of Spark's jars the file system needs.
CLIENT = ("hadoop-client-*", "slf4j-api-*", "jcl-over-slf4j-*", "log4j-*")
OPTIONS = ("-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
START_SECONDS = 120


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a file system that is empty, ``hdfs://127.0.0.1:port``; it lies in ``folder``."""
    fetch_jars.fetch_all(LOCK, JARS)
    own = [str(jar) for pattern in CLIENT for jar in (Path(pyspark.__file__).parent / "jars").glob(f"{pattern}.jar")]
    details, told = folder / "details.json", folder / "hadoop.log"
    command = [
        shutil.which("java") or "java", *OPTIONS, "-cp", ":".join([*map(str, JARS.glob("*.jar")), *own]),
        "org.apache.hadoop.test.MiniDFSClusterManager", "-format", "-nnport", "0", "-datanodes", "1",
        "-writeDetails", str(details), "-D", f"hdfs.minidfs.basedir={folder / 'data'}", "-D", "dfs.replication=1",
    ]  # fmt: skip
    with told.open("wb") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as process:
        try:
            yield f"hdfs://127.0.0.1:{_port(process, details, told)}"
        finally:
            forget_clients()
            process.kill()


def _port(process: subprocess.Popen[bytes], details: Path, log: Path) -> int:
    """The NameNode's port, once the file system is up."""
    latest = time.monotonic() + START_SECONDS
    while not (details.is_file() and details.stat().st_size):
        if process.poll() is not None or time.monotonic() > latest:
            pytest.fail(f"the file system does not start: {log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)
    return int(json.loads(details.read_text(encoding="utf-8"))["namenode_port"])


def forget_clients() -> None:
    """Clients are kept by a process; each reads the configuration when it is made."""
    for kept in (hadoop_client.client_of, hadoop_store._arrow_files, remote_path._open_store):
        kept.cache_clear()
