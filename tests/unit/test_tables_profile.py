"""Spark's settings and the sentences said when Java or a jar is missing, before any JVM starts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tallystick.errors import SetupError
from tallystick.tables import open_session
from tallystick.tables.runtime import profile
from tallystick.tables.runtime.profile import CHECKOUT, check_java, find_home, find_jars, read_profile, write_profile


def fake_java(folder: Path, version: str, *, code: int = 0) -> dict[str, str]:
    """An environment whose only Java prints that version."""
    java = folder / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2024-01-01' >&2\nexit {code}\n")
    java.chmod(0o755)
    return {"JAVA_HOME": str(folder), "PATH": ""}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with the real profile and empty jars."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "spark-defaults.conf").write_text((CHECKOUT / "conf" / "spark-defaults.conf").read_text())
    (tmp_path / ".jars").mkdir()
    for name in ("delta-spark_x.jar", "delta-storage-x.jar"):
        (tmp_path / ".jars" / name).touch()
    return tmp_path


@pytest.mark.parametrize(("version", "major"), [("17.0.15", 17), ("21", 21), ("21.0.2-ea", 21)])
def test_java_17_and_21_pass(tmp_path: Path, version: str, major: int) -> None:
    assert check_java(fake_java(tmp_path, version)) == major


@pytest.mark.parametrize(("version", "told"), [("1.8.0_292", "Java 8"), ("11.0.2", "Java 11"), ("25", "Java 25")])
def test_another_java_is_named(tmp_path: Path, version: str, told: str) -> None:
    with pytest.raises(SetupError, match=f"{told} cannot run Spark.*OpenJDK 17 or 21"):
        check_java(fake_java(tmp_path, version))


def test_no_java_and_a_broken_one_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="Java was not found"):
        check_java({"PATH": str(tmp_path)})
    with pytest.raises(SetupError, match="Java does not start"):
        check_java({"JAVA_HOME": str(tmp_path / "nowhere"), "PATH": ""})
    with pytest.raises(SetupError, match="Java does not start"):
        check_java(fake_java(tmp_path, "17.0.1", code=1))


def test_a_session_without_java_or_jars_fails_before_spark_starts(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path_factory.mktemp("empty")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.delenv("PYSPARK_GATEWAY_PORT", raising=False)
    monkeypatch.setenv("PATH", str(empty))
    # Another test of this process may have a session running, which would simply be returned.
    monkeypatch.setattr("pyspark.sql.SparkSession.getActiveSession", lambda: None)
    with pytest.raises(SetupError, match="Java was not found"):
        open_session("x", project=project)
    (project / ".jars" / "delta-storage-x.jar").unlink()
    monkeypatch.setattr("tallystick.tables.runtime.profile.CHECKOUT", empty)
    with pytest.raises(SetupError, match=r"jars of Delta Lake are missing \(run `make setup`\)|make setup"):
        open_session("x", project=project)


def test_the_profile_is_found_upwards_and_filled_in(project: Path) -> None:
    inner = project / "a" / "b"
    inner.mkdir(parents=True)
    assert find_home(inner) == project
    assert find_jars(project) == project / ".jars"
    settings = read_profile(project)
    assert settings["spark.driver.extraClassPath"] == f"{project}/.jars/*"
    assert settings["spark.master"] == "local[2]"
    written = write_profile(project).read_text()
    assert written.count(str(project)) >= 1
    assert not re.search(r"^[^#]*\$\{", written, re.MULTILINE)


def test_an_archive_of_spark_s_classes_is_used_where_there_is_one(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "classes.jsa"
    monkeypatch.setattr(profile, "ARCHIVE", archive)
    options = "spark.driver.extraJavaOptions"
    without = read_profile(project)[options]
    assert "SharedArchiveFile" not in without
    archive.touch()  # what a Java leaves that cannot make one
    assert read_profile(project)[options] == without
    archive.write_bytes(b"classes")
    assert f"-XX:SharedArchiveFile={archive} -Xlog:cds=off" in read_profile(project)[options]


def test_a_folder_without_a_profile_takes_the_checkouts(tmp_path: Path) -> None:
    assert find_home(tmp_path) == CHECKOUT


def test_the_clusters_settings_mean_the_same_and_tie_no_hands() -> None:
    def settings(name: str) -> dict[str, str]:
        lines = (CHECKOUT / "conf" / name).read_text().splitlines()
        return dict(line.split(None, 1) for line in lines if line and not line.startswith("#"))

    local, cluster = settings("spark-defaults.conf"), settings("spark-cluster.conf")
    meaning = ("spark.sql.extensions", "spark.sql.catalog.spark_catalog", "spark.sql.session.timeZone")
    for name in (*meaning, "spark.sql.parquet.outputTimestampType"):
        assert cluster[name] == local[name]
    assert not {"spark.master", "spark.driver.host", "spark.driver.bindAddress"} & set(cluster)
    assert not [value for value in cluster.values() if "TieredStopAtLevel" in value or "SerialGC" in value]
