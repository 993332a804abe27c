"""Opens the Spark session of this process, alike for `tally run`, spark-submit and the tests."""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from tallystick.errors import SetupError

if TYPE_CHECKING:
    import pyspark
    from pyspark.sql import SparkSession

# Settings on which the meaning of a table rests: they hold whatever profile a session was started with.
MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.ansi.enabled": "true",
    # A half-written slice must never be merged into: Delta's overwrite stays clamped by replaceWhere.
    "spark.sql.sources.partitionOverwriteMode": "STATIC",
}

# A socket's path may have 107 bytes: the rest is the folder's name and the socket's.
LONGEST_SOCKET_ROOT = 40


def open_session(
    app: str,
    *,
    cores: int | None = None,
    extra_conf: Iterable[tuple[str, str]] = (),
    project: Path | None = None,
) -> SparkSession:
    """The session of this process, started when there is none.

    Under spark-submit its master and settings hold; otherwise the profile ``conf/spark-defaults.conf`` does, with
    ``cores`` local threads (default 2) and ``extra_conf`` on top. A second call returns the running session.
    SetupError, before Java prints anything, when Java or Delta's jars are missing.
    """
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
    conf = _submitted_conf() if is_submitted() else _local_conf(project, cores)
    for name, value in extra_conf:
        conf.set(name, value)
    if "DeltaSparkSessionExtension" not in conf.get("spark.sql.extensions", ""):
        raise SetupError(
            "Spark was submitted without Delta's settings", fix="pass --properties-file conf/local/spark-defaults.conf"
        )
    conf.setAppName(app).setIfMissing("spark.ui.showConsoleProgress", "false")
    for name, value in MEANING.items():
        conf.set(name, value)
    session = SparkSession.builder.config(conf=conf).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    # PySpark writes each error of a query, values included, to this logger before anyone can rewrite it.
    logging.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL + 1)
    return session


def own_processes() -> list[subprocess.Popen[bytes]]:
    """The Java process that this one started for its session; none under spark-submit, which started both."""
    from pyspark import SparkContext

    gateway = SparkContext._gateway  # PySpark keeps it there and nowhere else
    process = getattr(gateway, "proc", None)
    return [process] if process is not None else []


def is_submitted() -> bool:
    """Whether spark-submit started this process (it hands over the port of its gateway)."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def _submitted_conf() -> pyspark.SparkConf:
    import pyspark

    # Only the JVM that spark-submit started knows the settings; before this call the conf would be empty.
    pyspark.SparkContext._ensure_initialized()
    return pyspark.SparkConf(_jvm=pyspark.SparkContext._jvm)


def _private_sockets() -> dict[str, str]:
    """Unix sockets between the JVM and its Python workers, in a folder that no other user can enter.

    Over TCP each task waits 40 ms for a delayed acknowledgement. The sockets ask for no secret, so under spark-submit,
    where the folder would be a shared one, TCP stays; so it does where the socket's path would be too long.
    """
    if len(tempfile.gettempdir()) > LONGEST_SOCKET_ROOT:
        return {}
    folder = tempfile.mkdtemp(prefix="tallystick-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return {"spark.python.unix.domain.socket.enabled": "true", "spark.python.unix.domain.socket.dir": folder}


def _local_conf(project: Path | None, cores: int | None) -> pyspark.SparkConf:
    import pyspark

    # Not at the top: `python -m tallystick.tables.runtime.profile` must find its module not yet imported.
    from tallystick.tables.runtime.profile import check_java, find_home, read_profile

    home = find_home(project)
    settings = read_profile(home) | _private_sockets()
    check_java()
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    if cores is not None:
        settings["spark.master"] = f"local[{cores}]"
    return pyspark.SparkConf().setAll(list(settings.items()))
