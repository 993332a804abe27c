"""Fetch the jars that Spark needs for Delta Lake, each checked against its pinned SHA-256.

The pins are in jars.lock.json beside it, which lists every jar that is needed: no dependency is resolved. Standard
library only, because it runs before the environment exists.

    python scripts/fetch_jars.py [--into .jars] [--lock scripts/jars.lock.json]

Another Maven repository is taken from the environment variable TALLYSTICK_MAVEN_URL. Running it again downloads
nothing; a jar that does not match its pin is fetched again.
"""

from __future__ import annotations

import argparse
import errno
import hashlib
import http.client
import json
import os
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from trouble import SetupTrouble, no_space, run_script

HERE = Path(__file__).resolve().parent
DEFAULT_FOLDER = HERE.parent / ".jars"
DEFAULT_LOCK = HERE / "jars.lock.json"
DEFAULT_URL = "https://repo1.maven.org/maven2"
TIMEOUT_SECONDS = 60


def jar_name(coordinate: str) -> str:
    """``group:artifact:version`` as a file name: ``artifact-version.jar``."""
    _, artifact, version = coordinate.split(":")
    return f"{artifact}-{version}.jar"


def jar_url(base: str, coordinate: str) -> str:
    """Where a Maven repository at ``base`` keeps ``group:artifact:version``."""
    group, artifact, version = coordinate.split(":")
    return f"{base.rstrip('/')}/{group.replace('.', '/')}/{artifact}/{version}/{jar_name(coordinate)}"


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_lock(path: Path) -> dict[str, str]:
    """The pinned jars: coordinate to SHA-256. Refuses a lock that is missing or is not such a mapping."""
    try:
        pins = json.loads(path.read_text(encoding="utf-8"))
        for coordinate, digest in pins.items():
            if len(coordinate.split(":")) != 3 or len(digest) != 64:
                raise ValueError(coordinate)
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise SetupTrouble(f"The jar lock {path} cannot be used ({error}): restore it from git.") from error
    return dict(pins)


def download(url: str, into: Path) -> None:
    """Copy ``url`` to the file ``into``; every way to fail is one sentence."""
    try:
        # A file:// address is welcome too: a bank without internet access may keep its jars on a share.
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer, into.open("wb") as file:
            shutil.copyfileobj(answer, file)
    except urllib.error.HTTPError as error:
        raise SetupTrouble(
            f"The Maven repository answered {error.code} for {url}: "
            "set TALLYSTICK_MAVEN_URL to a repository that has this jar."
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_space(into.parent) from error
        if error.filename:
            raise
        raise _unreachable(url, getattr(error, "reason", error)) from error
    except (http.client.HTTPException, ValueError) as error:
        raise _unreachable(url, error) from error


def _unreachable(url: str, reason: object) -> SetupTrouble:
    return SetupTrouble(
        f"The Maven repository cannot be reached at {url} ({reason}): "
        "check the network, or set TALLYSTICK_MAVEN_URL to a mirror."
    )


def fetch_jar(coordinate: str, digest: str, *, base: str, folder: Path) -> bool:
    """Make sure ``folder`` holds the pinned jar; True if it had to be downloaded.

    The download goes to a ``.part`` file and is renamed once its checksum is right, so a jar under its own name is
    always whole.
    """
    target = folder / jar_name(coordinate)
    if target.is_file() and sha256_of(target) == digest:
        return False
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    url = jar_url(base, coordinate)
    try:
        download(url, part)
        found = sha256_of(part)
        if found != digest:
            raise SetupTrouble(
                f"The file at {url} has SHA-256 {found} but the lock says {digest}: "
                "it was not kept; try again, or use another repository by TALLYSTICK_MAVEN_URL."
            )
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return True


def fetch_all(lock: Path = DEFAULT_LOCK, folder: Path = DEFAULT_FOLDER, *, base: str = "") -> list[str]:
    """Fetch every pinned jar that is missing; returns the names of those downloaded.

    A jar that is no longer pinned leaves the folder: Spark takes ``<folder>/*``, and two versions of Delta on one
    classpath fail in ways that nobody can read.
    """
    pins = read_lock(lock)
    folder.mkdir(parents=True, exist_ok=True)
    base = base or os.environ.get("TALLYSTICK_MAVEN_URL", "") or DEFAULT_URL
    fetched = [jar_name(c) for c, digest in pins.items() if fetch_jar(c, digest, base=base, folder=folder)]
    wanted = {jar_name(c) for c in pins}
    for stale in folder.glob("*.jar"):
        if stale.name not in wanted:
            stale.unlink()
    return fetched


def main() -> None:
    """Read the command line and fetch."""
    parser = argparse.ArgumentParser(description="Fetch the pinned jars of Delta Lake.")
    parser.add_argument("--into", type=Path, default=DEFAULT_FOLDER, help="folder for the jars; it holds nothing else")
    parser.add_argument("--lock", type=Path, default=DEFAULT_LOCK, help="JSON: group:artifact:version -> SHA-256")
    options = parser.parse_args()
    for name in fetch_all(options.lock, options.into):
        print(f"fetched {name}")


if __name__ == "__main__":
    run_script(main)
