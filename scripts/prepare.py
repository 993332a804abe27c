"""Prepare a checkout: check the machine, install uv beside the project, sync the environment, fetch the jars.

This is `make setup`. It uses the standard library alone, installs nothing outside the project's own folder but uv's
download cache, and does nothing when nothing has changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

from fetch_jars import fetch_all
from machine import check_java, check_openmp, check_space
from trouble import SetupTrouble, no_space, run_script

ROOT = Path(__file__).resolve().parent.parent
UV_VERSION = "0.13.9"
# Modules of loops that Numba compiles, and a line that imports them all.
LOOPS = (
    "tallystick/kernel/loops.py", "tallystick/graph/row_loops.py", "tallystick/graph/flow_loops.py",
    "tallystick/graph/neighbour_loops.py", "tallystick/graph/cycle_loops.py",
)  # fmt: skip
COMPILE = "import " + ", ".join(path.removesuffix(".py").replace("/", ".") for path in LOOPS)
# A change of these files is a change of the environment.
INPUTS = ("pyproject.toml", "uv.lock", "scripts/prepare.py", *LOOPS)
# Written by tallystick/tables/runtime/class_archive.py: what starts Spark in half the time.
ARCHIVE = "conf/local/spark-classes.jsa"
FULL_DISK = re.compile(r"no space left|disk quota exceeded|os error 28\b|errno 28\b", re.IGNORECASE)
NO_NETWORK = re.compile(
    r"error sending request|failed to fetch|dns error|could not connect|connection (refused|reset|error)|"
    r"timed? ?out|max retries|name resolution|network is unreachable|no matching distribution|certificate",
    re.IGNORECASE,
)

PROGRESS = ("Downloading", "Building", "Prepared", "Installed")


def say(text: str) -> None:
    """Progress, on stderr."""
    print(f"setup: {text}", file=sys.stderr, flush=True)


def run_tool(command: list[str], *, env: dict[str, str], what: str) -> None:
    """Run an installer, showing its progress; a failure becomes one sentence."""
    process = subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None  # given by stdout=PIPE
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if line.lstrip().startswith(PROGRESS):
            say(line.strip())
    if process.wait() != 0:
        raise explain(what, [line for line in lines if line.strip()])


def explain(what: str, lines: list[str]) -> SetupTrouble:
    """The sentence for an installer that failed: full disk, no network, or else its own message, shown whole before."""
    text = "\n".join(lines)
    if FULL_DISK.search(text):
        return no_space(ROOT)
    if NO_NETWORK.search(text):
        return SetupTrouble(
            f"{what} failed because the package registry could not be reached: check the network, or the proxy and "
            "index settings of pip and uv, and run the same command again."
        )
    print("\n".join(lines[-20:]), file=sys.stderr)
    return SetupTrouble(f"{what} failed: the tool's own message is above.")


def find_pip(env: dict[str, str]) -> list[str]:
    """A pip to fetch uv with: this Python's own, or that of a scratch environment where a distribution left it out."""
    own = [sys.executable, "-m", "pip"]
    if subprocess.run([*own, "--version"], capture_output=True, check=False, env=env).returncode == 0:
        return own
    scratch = ROOT / ".tools" / "bootstrap"
    made = subprocess.run([sys.executable, "-m", "venv", str(scratch)], capture_output=True, check=False, env=env)
    if made.returncode != 0:
        raise SetupTrouble(
            f"{sys.executable} has no pip, and uv comes in through pip: install it (Debian, Ubuntu: apt install "
            "python3-pip)."
        )
    return [str(scratch / "bin" / "python"), "-m", "pip"]


def install_uv(env: dict[str, str]) -> Path:
    """uv in the pinned version, under .tools/. ``pip --target`` also works where the system's Python is locked."""
    folder = ROOT / ".tools" / f"uv-{UV_VERSION}"
    uv = folder / "bin" / "uv"
    if uv.exists():
        return uv
    say(f"installing uv {UV_VERSION} into .tools/")
    pip = [*find_pip(env), "install", "--quiet", "--disable-pip-version-check", "--no-input", "--target", str(folder)]
    run_tool([*pip, f"uv=={UV_VERSION}"], env=env, what="Installing uv")
    return uv


def fingerprint(root: Path) -> str:
    """Names the environment that should exist: the lock, the project file, this script, the Python and the place."""
    parts = [(root / name).read_bytes() for name in INPUTS]
    return hashlib.sha256(b"\0".join([*parts, sys.version.encode(), str(root).encode()])).hexdigest()


def sync_environment() -> None:
    """Bring .venv to the state of uv.lock. Nothing to do if the stamp of the last sync still fits."""
    stamp = ROOT / ".venv" / ".in-sync"
    wanted = fingerprint(ROOT)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted and (ROOT / ".venv/bin/python").exists():
        return
    if not stamp.is_file():
        check_space(ROOT)
    env = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "PYTHONHOME")}
    env |= {"UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}
    uv = install_uv(env)
    say("installing the locked packages into .venv (2.2 GB; some minutes the first time)")
    stamp.unlink(missing_ok=True)
    # Compiled once here: each process of a chain would do it again wherever Python may not keep what it compiled.
    run_tool([str(uv), "sync", "--frozen", "--compile-bytecode"], env=env, what="Installing the locked packages")
    # Not needed here, but each process of the first run would compile them for itself.
    say("compiling the loops of the feature kernel and of the graph (half a minute)")
    python = str(ROOT / ".venv" / "bin" / "python")
    run_tool([python, "-c", COMPILE], env=env, what="Compiling the loops")
    # Written whole or not at all: a stamp cut short by a full disk would not match, which is the safe side.
    stamp.write_text(wanted, encoding="utf-8")


def archive_classes(java: str) -> None:
    """Make the archive of Spark's classes, once for an environment, its jars and this Java."""
    archive = ROOT / ARCHIVE
    made_of = [ROOT / ".venv/.in-sync", *(ROOT / ".jars").glob("*.jar"), Path(java).resolve()]
    if archive.is_file() and all(archive.stat().st_mtime > path.stat().st_mtime for path in made_of):
        return
    say("archiving Spark's classes (half a minute)")
    python = str(ROOT / ".venv/bin/python")
    run_tool([python, "-m", "tallystick.tables.runtime.class_archive"], env=dict(os.environ), what="Archiving classes")


def write_spark_settings() -> None:
    """Fill in the places in conf/spark-defaults.conf, for spark-submit, which cannot do it itself."""
    target = ROOT / "conf/local/spark-defaults.conf"
    made_of = [ROOT / "conf/spark-defaults.conf", ROOT / ARCHIVE]
    if target.is_file() and all(target.stat().st_mtime > path.stat().st_mtime for path in made_of):
        return
    python = str(ROOT / ".venv/bin/python")
    run_tool([python, "-m", "tallystick.tables.runtime.profile"], env=dict(os.environ), what="Writing Spark's settings")


def main() -> None:
    """Check, install, fetch, write; each step does nothing when it is up to date."""
    java = check_java()
    check_openmp()
    sync_environment()
    for name in fetch_all():
        say(f"fetched {name}")
    archive_classes(java)
    write_spark_settings()


if __name__ == "__main__":
    run_script(main)
