"""Counts of what an addition to a project takes: the files that are new or changed afterwards."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
DECLARED = ("sources", "schemas", "expectations", "features", "observations", "recipes", "rules", "ties")


def copy_declarations(root: Path) -> Path:
    """A project folder with all that the checkout declares, and nothing else."""
    for folder in DECLARED:
        shutil.copytree(CHECKOUT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def file_digests(root: Path) -> dict[str, str]:
    """The hash of every file below ``root`` by its path; what Python caches is left out."""
    files = [path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(root).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


def touched(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The files that are new or changed, sorted."""
    return sorted(name for name, digest in after.items() if before.get(name) != digest)
