"""Finds the Spark settings of this machine, fills them in and, for spark-submit, writes them to a file.

Apart from the session because ``make setup`` needs it before pyspark can run.

    python -m tallystick.tables.runtime.profile        writes conf/local/spark-defaults.conf and prints its path
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tallystick.errors import SetupError

JAVA_VERSIONS = (17, 21)
PROFILE = Path("conf") / "spark-defaults.conf"
CHECKOUT = Path(__file__).resolve().parents[3]

# What `class_archive` makes. A JVM that cannot use it would say so where a command's data goes: on stdout.
ARCHIVE = CHECKOUT / "conf" / "local" / "spark-classes.jsa"
QUIET = "-Xlog:cds=off -Xlog:cds+dynamic=off"


def find_home(start: Path | None = None) -> Path:
    """The folder whose ``conf/spark-defaults.conf`` holds: upwards from ``start`` (default: here) or the checkout."""
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents, CHECKOUT):
        if (folder / PROFILE).is_file():
            return folder
    raise SetupError(
        "Spark's settings are missing", where=str(CHECKOUT / PROFILE), fix="restore it from the repository"
    )


def find_jars(home: Path) -> Path:
    """The folder of Delta's jars: ``.jars`` of ``home``, else of the checkout. SetupError when a jar is missing."""
    for folder in (home / ".jars", CHECKOUT / ".jars"):
        names = [jar.name for jar in folder.glob("*.jar")]
        if all(any(name.startswith(part) for name in names) for part in ("delta-spark", "delta-storage")):
            return folder
    raise SetupError("the jars of Delta Lake are missing", where=str(home / ".jars"), fix="run `make setup`")


def read_profile(home: Path) -> dict[str, str]:
    """The settings of ``home``'s profile by name, with the places filled in."""
    settings: dict[str, str] = {}
    for line in _filled_in(home).splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            name, _, value = line.strip().partition(" ")
            settings[name] = value.strip()
    return settings


def write_profile(home: Path, target: Path | None = None) -> Path:
    """Write the filled-in profile for ``spark-submit --properties-file`` and return its path."""
    path = target or home / "conf" / "local" / "spark-defaults.conf"
    path.parent.mkdir(parents=True, exist_ok=True)
    # Jobs may start while it is written: they read the old file or the new one.
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_text(_filled_in(home), encoding="utf-8")
    part.replace(path)
    return path


def _filled_in(home: Path) -> str:
    text = (home / PROFILE).read_text(encoding="utf-8")
    classes = f"-XX:SharedArchiveFile={ARCHIVE} {QUIET}" if ARCHIVE.is_file() and ARCHIVE.stat().st_size else ""
    places = {"JARS": str(find_jars(home)), "HOME_DIR": str(CHECKOUT), "CLASSES": classes}
    for name, place in places.items():
        text = text.replace(f"${{{name}}}", place)
    return text


def check_java(environment: Mapping[str, str] | None = None) -> int:
    """The major version of the Java that Spark would start; SetupError when there is none or it is not 17 or 21."""
    names = os.environ if environment is None else environment
    home = names.get("JAVA_HOME", "")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java", path=names.get("PATH", ""))
    fix = "install OpenJDK 17 or 21 and set JAVA_HOME to it"
    if java is None:
        raise SetupError("Java was not found", where="PATH", fix=fix)
    try:
        told = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        raise SetupError("Java does not start", where=java, fix=fix) from None
    found = re.search(r'version "(?:1\.)?(\d+)', told.stderr + told.stdout)
    major = int(found.group(1)) if found else 0
    if major not in JAVA_VERSIONS:
        raise SetupError(f"Java {major} cannot run Spark", where=java, fix=fix)
    return major


if __name__ == "__main__":
    sys.stdout.write(f"{write_profile(find_home())}\n")
