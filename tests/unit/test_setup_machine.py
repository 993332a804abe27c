"""The checks of the machine: each lack is one sentence that names the way out.

Java, OpenMP, disk, Python, and the installers' failures, all with stand-ins.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import machine
import prepare
from trouble import SetupTrouble

SCRIPTS = Path(machine.__file__).parent


def make_program(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def make_java(home: Path, version: str) -> Path:
    return make_program(home / "bin/java", f"echo 'openjdk version \"{version}\" 2025-04-15' >&2")


@pytest.mark.parametrize(
    ("text", "major"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('openjdk version "21" 2023-09-19', 21),
        ('Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version "21.0.2" 2024-01-16', 21),
        ('java version "1.8.0_392"', 8),
        ("java: not found", None),
    ],
)
def test_java_versions_are_read_in_every_spelling(text: str, major: int | None) -> None:
    assert machine.parse_java_version(text) == major


@pytest.mark.parametrize("version", ["17.0.15", "21.0.2"])
def test_java_17_and_21_are_taken(version: str, tmp_path: Path) -> None:
    java = make_java(tmp_path, version)
    assert machine.check_java({"PATH": str(tmp_path / "bin")}) == str(java)


def test_java_home_wins_over_the_path_as_it_does_for_spark(tmp_path: Path) -> None:
    make_java(tmp_path / "on_path", "17.0.1")
    make_java(tmp_path / "home", "25")
    env = {"PATH": str(tmp_path / "on_path/bin"), "JAVA_HOME": str(tmp_path / "home")}
    with pytest.raises(SetupTrouble, match="Java 25 was found at .*home/bin/java, but Spark needs Java 17 or 21"):
        machine.check_java(env, folders=())


def test_no_java_names_the_package_to_install(tmp_path: Path) -> None:
    with pytest.raises(SetupTrouble, match="^Java was not found, and Spark .*apt install openjdk-17-jre-headless"):
        machine.check_java({"PATH": str(tmp_path)}, folders=())


def test_a_wrong_java_names_the_right_one_that_the_machine_also_has(tmp_path: Path) -> None:
    make_java(tmp_path / "wrong", "11.0.2")
    make_java(tmp_path / "jvm/java-21", "21.0.2")
    with pytest.raises(SetupTrouble, match=f"run `export JAVA_HOME={tmp_path}/jvm/java-21` and try again"):
        machine.check_java({"PATH": str(tmp_path / "wrong/bin")}, folders=(str(tmp_path / "jvm"),))


def test_a_java_that_does_not_run_is_not_taken(tmp_path: Path) -> None:
    make_program(tmp_path / "bin/java", "exit 3")
    with pytest.raises(SetupTrouble, match="does not run"):
        machine.check_java({"PATH": str(tmp_path / "bin")}, folders=())
    with pytest.raises(SetupTrouble, match="holds no Java that runs"):
        machine.check_java({"PATH": "", "JAVA_HOME": str(tmp_path / "gone")}, folders=())


def test_missing_openmp_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> None:
        raise OSError("libgomp.so.1: cannot open shared object file")

    monkeypatch.setattr(machine.ctypes, "CDLL", refuse)
    with pytest.raises(SetupTrouble, match="apt install libgomp1"):
        machine.check_openmp()


def test_too_little_room_says_how_much_is_needed(tmp_path: Path) -> None:
    with pytest.raises(SetupTrouble, match="GB are free and the environment needs 1000000.0 GB"):
        machine.check_space(tmp_path, needed=10**15)


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        (["error: Failed to install: numpy", "  Caused by: No space left on device (os error 28)"], "The disk is full"),
        (["error: Request failed", "Caused by: dns error: failed to lookup"], "registry could not be reached"),
        (["ERROR: No matching distribution found for uv==0.13.9"], "registry could not be reached"),
        (["error: something new"], "failed: the tool's own message is above"),
        ([], "failed"),
    ],
)
def test_an_installer_that_fails_becomes_one_sentence(lines: list[str], sentence: str) -> None:
    assert sentence in str(prepare.explain("Installing", lines))


def test_an_environment_in_sync_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in prepare.INPUTS:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("same")
    make_program(tmp_path / ".venv/bin/python", "exit 0")
    runs: list[list[str]] = []
    monkeypatch.setattr(prepare, "ROOT", tmp_path)
    monkeypatch.setattr(prepare, "install_uv", lambda _: Path("uv"))
    monkeypatch.setattr(prepare, "run_tool", lambda command, **_: runs.append(command))
    prepare.sync_environment()
    prepare.sync_environment()
    compiling = [str(tmp_path / ".venv/bin/python"), "-c", prepare.COMPILE]
    assert runs == [["uv", "sync", "--frozen", "--compile-bytecode"], compiling]
    (tmp_path / "uv.lock").write_text("changed")
    prepare.sync_environment()
    assert len(runs) == 4


def test_the_archive_of_classes_is_made_again_for_another_java_or_other_jars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    java, jar, archive = (tmp_path / name for name in ("java", ".jars/delta.jar", prepare.ARCHIVE))
    for path in (java, jar, archive, tmp_path / ".venv/.in-sync"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (1, 1))
    runs: list[list[str]] = []
    monkeypatch.setattr(prepare, "ROOT", tmp_path)
    monkeypatch.setattr(prepare, "run_tool", lambda command, **_: (runs.append(command), archive.touch()))
    prepare.archive_classes(str(java))
    prepare.archive_classes(str(java))
    assert [command[1:] for command in runs] == [["-m", "tallystick.tables.runtime.class_archive"]]
    for path in (java, jar):
        os.utime(archive, (2, 2))
        os.utime(path, (3, 3))
        prepare.archive_classes(str(java))
        os.utime(path, (1, 1))
    assert len(runs) == 3


def find_python(path: Path, **env: str) -> subprocess.CompletedProcess[str]:
    command = ["/bin/sh", str(SCRIPTS / "find_python.sh")]
    return subprocess.run(command, env={"PATH": str(path), **env}, capture_output=True, text=True, check=False)


def test_a_shim_that_does_not_run_is_passed_over(tmp_path: Path) -> None:
    make_program(tmp_path / "python3.11", "echo 'pyenv: python3.11: command not found' >&2; exit 127")
    make_program(tmp_path / "python3.12", f'exec {sys.executable} "$@"')
    done = find_python(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()).exists()


def test_a_python_that_was_named_is_taken_or_refused(tmp_path: Path) -> None:
    make_program(tmp_path / "old", "exit 1")
    done = find_python(tmp_path, PYTHON=str(tmp_path / "old"))
    assert done.returncode == 2
    assert done.stderr == (
        f"error: PYTHON={tmp_path}/old is not a Python 3.11 or 3.12 that runs: name another one, or unset PYTHON.\n"
    )
