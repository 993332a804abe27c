"""What the machine must bring along: Java, OpenMP, room on the disk.

One check a need, each raising one sentence. These functions look and change nothing.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from trouble import SetupTrouble

JAVA_VERSIONS = (17, 21)  # what Spark 4.1 supports
JVM_FOLDERS = ("/usr/lib/jvm", "/opt/java", "/opt/jdk")
# Measured: the environment takes 2.2 GB, and as much again in uv's cache where the two cannot share files.
NEEDED_BYTES = 4_500_000_000


def parse_java_version(text: str) -> int | None:
    """The major version in what ``java -version`` prints: 17 for ``"17.0.15"``, 8 for ``"1.8.0_392"``; else None."""
    found = re.search(r'version "(\d+)(?:\.(\d+))?', text)
    if not found:
        return None
    major = int(found[1])
    return int(found[2] or 0) if major == 1 else major


def java_version(java: str) -> int | None:
    """The major version of the program ``java``; None if it does not run or says no version."""
    try:
        done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_java_version(done.stderr + done.stdout) if done.returncode == 0 else None


def installed_homes(folders: tuple[str, ...] = JVM_FOLDERS) -> list[str]:
    """Java homes in the usual places that hold a version Spark can run on."""
    homes = [home for folder in folders for home in sorted(Path(folder).glob("*")) if (home / "bin" / "java").exists()]
    return [str(home) for home in homes if java_version(str(home / "bin" / "java")) in JAVA_VERSIONS]


def check_java(env: Mapping[str, str] = os.environ, *, folders: tuple[str, ...] = JVM_FOLDERS) -> str:
    """The Java that Spark will start (JAVA_HOME before PATH, as Spark does it), if its version is 17 or 21.

    Raises SetupTrouble for none, a broken one, or another version; it names a fitting one if the machine has it.
    """
    home = env.get("JAVA_HOME", "")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java", path=env.get("PATH", ""))
    version = java_version(java) if java else None
    if java and version in JAVA_VERSIONS:
        return java
    if java and version:
        found = f"Java {version} was found at {java}, but Spark needs Java 17 or 21"
    elif home:
        found = f"JAVA_HOME={home} holds no Java that runs, and Spark needs Java 17 or 21"
    elif java:
        found = f"The Java at {java} does not run, and Spark needs Java 17 or 21"
    else:
        found = "Java was not found, and Spark needs Java 17 or 21"
    others = installed_homes(folders)
    if others:
        raise SetupTrouble(f"{found}: run `export JAVA_HOME={others[0]}` and try again.")
    raise SetupTrouble(f"{found}: install it (Debian, Ubuntu: apt install openjdk-17-jre-headless) or set JAVA_HOME.")


def check_openmp() -> None:
    """LightGBM loads GNU OpenMP, which no wheel brings along."""
    try:
        ctypes.CDLL("libgomp.so.1")
    except OSError as error:
        raise SetupTrouble(
            "The library libgomp.so.1 was not found, and LightGBM needs it: install it "
            "(Debian, Ubuntu: apt install libgomp1; Fedora: dnf install libgomp)."
        ) from error


def check_space(folder: Path, *, needed: int = NEEDED_BYTES) -> None:
    """There is room for the environment on the disk of ``folder``."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SetupTrouble(
            f"The disk is too full at {folder}: {free / 1e9:.1f} GB are free and the environment needs "
            f"{needed / 1e9:.1f} GB; free some space and run the same command again."
        )
