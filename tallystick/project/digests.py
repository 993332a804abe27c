"""One digest for all that the meaning of features is made of, from the bytes of the files, without reading any.

Apart from ``fingerprint``, which hashes what a declaration means and so needs the declarations read: seconds of parsing
that an answer about one customer does not have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

# Folders of a project from whose files a feature's meaning comes, and parts of this package that make it.
_DECLARED = ("features", "observations", "schemas", "ties")
_READERS = ("spec", "project")
_KINDS = frozenset({".py", ".yaml"})


def digest_features(root: Path) -> str:
    """16 hex digits that stand for the files of a project that say what features mean, and the code that reads them.

    Equal digests mean equal definitions of every group; different ones say nothing. Modules outside of these folders
    that a declaration imports do not count.
    """
    found = hashlib.sha256(version("sqlglot").encode())
    package = Path(__file__).parents[1]
    for base, folders in ((root, _DECLARED), (package, _READERS)):
        for path in _files(base, folders):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            found.update(f"{path.relative_to(base)} {content}\n".encode())
    return found.hexdigest()[:16]


def _files(base: Path, folders: tuple[str, ...]) -> Iterator[Path]:
    for folder in folders:
        yield from sorted(path for path in (base / folder).rglob("*") if path.suffix in _KINDS)
