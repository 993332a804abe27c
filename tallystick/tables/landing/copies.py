"""Copies the files of a landed load between a folder of this machine and an object store.

A load is mapped by readers of local files, and kept where all machines find it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from tallystick.errors import InputError
from tallystick.places import RemotePath


def push(folder: Path, target: RemotePath, names: Sequence[str], *, last: str) -> None:
    """Put the files into the store. ``last`` says that all are there, so an old one is removed before."""
    (target / last).unlink()
    for name in (*names, last):
        place = target / name
        place.store.upload(place.key, str(folder / name))


def pull(origin: RemotePath, folder: Path, sums: Mapping[str, str], *, last: str = "") -> None:
    """Copy the files of these SHA-256 sums into the folder, ``last`` at the end, which says that all are there.

    InputError when one is another.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*sums, *([last] if last else [])):
        place, copy = origin / name, folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.unlink(missing_ok=True)
        place.store.download(place.key, str(copy))
        if name in sums and _sum(copy) != sums[name]:
            raise InputError("a landed file is not what was landed", where=str(place), fix="restore it from a copy")


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
