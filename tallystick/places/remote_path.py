"""A path in a store with the methods of ``pathlib.Path`` that the store of tables uses.

Apart from the stores, which do the asking: a command line or a DAG builds such a path and imports no client.
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator
from fnmatch import fnmatchcase
from functools import cache
from io import BytesIO, TextIOWrapper
from pathlib import Path, PosixPath
from stat import S_IFDIR, S_IFREG
from typing import Any

from tallystick.errors import InputError, SetupError, hide_keys
from tallystick.places.store_interface import Found, NoSuchObject, Store

# Other names of machines are refused when they are asked for, by an error of Python's.
_HOST = r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}(\.[A-Za-z0-9_-]{1,63})*"
# What names a store in an address of each scheme, and such an address.
_STORES = {
    "s3a": (re.compile(r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"), "s3a://bucket/path"),
    "hdfs": (re.compile(rf"{_HOST}(:[0-9]{{1,5}})?"), "hdfs://namenode:port/path"),
    "viewfs": (re.compile(_HOST), "viewfs://cluster/path"),
}
SCHEMES = tuple(_STORES)
HOME_VARIABLE = "TALLYSTICK_LOCAL"
_RENAMED = ("s3", "s3n")  # what other programs call s3a
# A command line may have made a path of the text, and a path holds one slash where two stood.
_ADDRESS = re.compile(r"([^\w./~-]*)([A-Za-z][A-Za-z0-9+.-]*):(/*)(.*)", re.DOTALL)
_LAST_PORT = 65535
# Arrow, deltalake, DuckDB and the store itself read an address of a table, and only these signs are the same to all.
_READ_ALIKE = re.compile(r"[A-Za-z0-9._=/-]+")
_FIX = ", ".join(["a folder", *(address for _, address in _STORES.values())])


def to_place(text: str | Path) -> Path:
    """The place that a person means: an absolute folder, or a path in a store, such as ``s3a://bucket/path``.

    InputError for any other scheme, and for an address with signs before it, such as a blank: both would else become a
    folder of that name. What the error repeats of an address opens nothing.
    """
    if isinstance(text, RemotePath):
        return text
    found = _ADDRESS.fullmatch(str(text))
    before, scheme, slashes, rest = found.groups() if found else ("", "", "", "")
    if not slashes and scheme not in (*SCHEMES, *_RENAMED):
        return Path(text).expanduser().absolute()
    where = hide_keys("".join(sign for sign in f"{scheme}:{slashes}{rest}" if sign.isprintable() and sign != " "))
    if before:
        raise InputError(f"before the address stands {before!r}", where=where, fix="write the address alone")
    if scheme in _RENAMED:
        fix = f"write s3a://{where.partition(':')[2].lstrip('/').rpartition('@')[2]}"
        raise InputError(f"{scheme}:// is not known", where=where, fix=fix)
    if scheme not in SCHEMES:
        raise InputError(f"{scheme}:// is not known", where=where, fix=_FIX)
    name, address = _STORES[scheme]
    store, _, key = rest.rstrip("/").partition("/")
    is_whole = slashes and key and not any(part in ("", ".", "..") for part in key.split("/"))
    if not is_whole or not name.fullmatch(store) or int(store.partition(":")[2] or 0) > _LAST_PORT:
        raise InputError("that is no path in a store", where=where, fix=address)
    return RemotePath(f"{scheme}:", store, *key.split("/"))


def check_signs(home: Path) -> None:
    """SetupError for a warehouse in a store with signs in its path that not all who read tables read alike.

    What was written there could not be read, or would lie beside the warehouse. A folder is not asked.
    """
    if isinstance(home, RemotePath) and not _READ_ALIKE.fullmatch(home.key):
        shown = str(home).encode("unicode_escape").decode().replace(" ", r"\x20")
        what = "the path of the warehouse has signs that not all read alike"
        raise SetupError(what, where=shown, fix="in a store: letters A to Z and a to z, digits, and . _ - =")


class RemotePath(PosixPath):
    """``s3a://bucket/key`` or ``hdfs://namenode:port/key``. It is a folder where objects lie below it. Folders need
    not be made.

    A write is seen whole or not at all. What is not written here fails instead of looking at this machine's disk.
    """

    _found: Found | None = None  # what a listing told, so that asking each file again is not needed

    def __str__(self) -> str:
        scheme = self.parts[0].removesuffix(":") if self.parts else ""
        is_whole = scheme in SCHEMES  # a part of one is relative, as ``relative_to`` gives it
        return f"{scheme}://{'/'.join(self.parts[1:])}" if is_whole else "/".join(self.parts)

    def __fspath__(self) -> str:
        raise SetupError("this works in a folder only", where=str(self), fix="give a folder as the warehouse")

    @property
    def bucket(self) -> str:
        """What the store is called: a bucket, ``namenode:port``, or a name of the Hadoop configuration."""
        return self.parts[1]

    @property
    def key(self) -> str:
        """The path inside the store."""
        return "/".join(self.parts[2:])

    @property
    def store(self) -> Store:
        """The store that holds it."""
        return _open_store(self.parts[0].removesuffix(":"), self.bucket)

    def absolute(self) -> RemotePath:
        """Itself."""
        return self

    def resolve(self, strict: bool = False) -> RemotePath:
        """Itself: there are no links."""
        return self

    def expanduser(self) -> RemotePath:
        """Itself."""
        return self

    def is_file(self) -> bool:
        """Whether there is an object of this name."""
        return self._found is not None or self.store.look(self.key) is not None

    def is_dir(self) -> bool:
        """Whether an object lies below."""
        return next(self.store.find(f"{self.key}/"), None) is not None

    def exists(self) -> bool:
        """Whether there is an object of this name or below it."""
        return self.is_file() or self.is_dir()

    def stat(self, *, follow_symlinks: bool = True) -> Any:
        """Bytes and time of change of an object; FileNotFoundError when there is none."""
        found = self._found or self.store.look(self.key)
        if found is None:
            raise NoSuchObject(str(self))
        return _Told(found.size, found.changed_at.timestamp())

    def mkdir(self, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        """Nothing: there are no folders."""

    def rglob(self, pattern: str) -> Generator[RemotePath, None, None]:
        """The objects below whose name fits the pattern, in the order of their keys."""
        for found in self.store.find(f"{self.key}/"):
            if fnmatchcase(found.key.rpartition("/")[2], pattern):
                yield self._of(found)

    def glob(self, pattern: str) -> Generator[RemotePath, None, None]:
        """The objects and folders below that fit the pattern; ``**`` is not known."""
        head, _, rest = pattern.partition("/")
        if not any(sign in head for sign in "*?["):
            inside = self / head
            if rest:
                yield from inside.glob(rest)
            elif inside.exists():
                yield inside
            return
        for found in self.store.find(f"{self.key}/", depth=1):
            if fnmatchcase(found.key.rstrip("/").rpartition("/")[2], head):
                inside = self._of(found)
                if not rest:
                    yield inside
                elif found.key.endswith("/"):
                    yield from inside.glob(rest)

    def read_bytes(self) -> bytes:
        """The object; FileNotFoundError when there is none."""
        return self.store.read(self.key)

    def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
        """The object as text."""
        return self.read_bytes().decode(encoding or "utf-8")

    def write_bytes(self, data: Any) -> int:
        """Put the object in place of what is there."""
        self.store.write(self.key, bytes(data))
        return len(data)

    def open(self, mode: str = "r", *others: Any, **named: Any) -> Any:
        """The object as a file to read."""
        if mode not in ("r", "rb"):
            raise SetupError("an object is written whole", where=str(self))
        content = BytesIO(self.read_bytes())
        return content if mode == "rb" else TextIOWrapper(content, encoding="utf-8")

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove the object; one that is gone is no error, as the store does not tell."""
        self.store.remove(self.key)

    def _of(self, found: Found) -> RemotePath:
        path = RemotePath(self.parts[0], self.bucket, *found.key.strip("/").split("/"))
        if not found.key.endswith("/"):
            path._found = found
        return path


@cache
def _open_store(scheme: str, name: str) -> Store:
    """The store of ``scheme://name``, which keeps its connections."""
    if scheme == "s3a":
        from tallystick.places.object_store import ObjectStore

        return ObjectStore(name)
    from tallystick.places.hadoop_store import HadoopStore

    return HadoopStore(scheme, name)


class _Told:
    """What ``stat`` tells of an object."""

    def __init__(self, size: int, changed_at: float) -> None:
        self.st_size = size
        self.st_mtime = changed_at
        self.st_mode = S_IFREG if size >= 0 else S_IFDIR


def local_home(root: Path) -> Path:
    """The warehouse's folder itself; of a warehouse in a store, a folder of its own below TALLYSTICK_LOCAL.

    SetupError when that is not set. The folder need not exist.
    """
    if not isinstance(root, RemotePath):
        return root
    told = os.environ.get(HOME_VARIABLE, "")
    if not told:
        fix = f"set {HOME_VARIABLE} to a folder of this machine"
        raise SetupError("reports, pages and models without a server need a folder", where=str(root), fix=fix)
    scheme = root.parts[0].removesuffix(":")
    # A name of a bucket holds no _, so this one is free where buckets have their folders.
    apart = () if scheme == "s3a" else (f"{scheme}_stores",)
    return Path(told).expanduser().resolve().joinpath(*apart, *root.parts[1:])
