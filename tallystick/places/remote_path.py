"""A path in an object store with the methods of ``pathlib.Path`` that the store of tables uses.

A command line or a DAG builds such a path and imports no client.
"""

from __future__ import annotations

import re
from pathlib import Path, PosixPath

from tallystick.errors import InputError, SetupError

SCHEME = "s3a"
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/+(.*)")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_FIX = f"a folder, or {SCHEME}://bucket/path"


def to_place(text: str | Path) -> Path:
    """The place that a person means: an absolute folder, or a path in an object store for ``s3a://bucket/path``.

    InputError for any other scheme, which would else become a folder of that name.
    """
    if isinstance(text, RemotePath):
        return text
    # A command line may have made a path of the text, and a path holds one slash where two stood.
    found = _ADDRESS.fullmatch(str(text))
    if found is None:
        return Path(text).expanduser().absolute()
    scheme, rest = found.groups()
    if scheme in ("s3", "s3n"):
        raise InputError(f"{scheme}:// is not known", where=str(text), fix=f"write {SCHEME}://{rest}")
    if scheme != SCHEME:
        raise InputError(f"{scheme}:// is not known", where=str(text), fix=_FIX)
    bucket, _, key = rest.rstrip("/").partition("/")
    if not _BUCKET.fullmatch(bucket) or not key or any(part in ("", ".", "..") for part in key.split("/")):
        raise InputError("that is no path in a bucket", where=str(text), fix=f"{SCHEME}://bucket/path")
    return RemotePath(f"{SCHEME}:", bucket, *key.split("/"))


class RemotePath(PosixPath):
    """``s3a://bucket/key``. It is a folder where objects lie below it, and folders need not be made.

    A write is seen whole or not at all. What is not written here fails instead of looking at this machine's disk.
    """

    def __str__(self) -> str:
        is_whole = self.parts[:1] == (f"{SCHEME}:",)  # a part of one is relative, as ``relative_to`` gives it
        return f"{SCHEME}://{'/'.join(self.parts[1:])}" if is_whole else "/".join(self.parts)

    def __fspath__(self) -> str:
        raise SetupError("this works in a folder only", where=str(self), fix="give a folder as the warehouse")

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.parts[1]

    @property
    def key(self) -> str:
        """The path inside the bucket."""
        return "/".join(self.parts[2:])

    def absolute(self) -> RemotePath:
        """Itself."""
        return self

    def resolve(self, strict: bool = False) -> RemotePath:
        """Itself: there are no links."""
        return self

    def expanduser(self) -> RemotePath:
        """Itself."""
        return self
