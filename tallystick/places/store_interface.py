"""What is asked of a store of files that several machines share, whichever kind of store it is.

Apart from the stores themselves, each of which imports a client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem


class NoSuchObject(FileNotFoundError):
    """What ``pathlib`` raises for a file that is not there."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object: its key, bytes, time of change by the store's clock, and the tag that changes with its content.

    A key that ends with a slash is what keys begin with that lie deeper. An empty tag says that the store gives none:
    the object was not written by ``write_where``.
    """

    key: str
    size: int
    changed_at: datetime
    tag: str = ""


class Store(Protocol):
    """One bucket or one file system. Keys are paths inside it, without a leading slash.

    Every method raises SetupError, with one sentence that says what to do, when the store does not answer or refuses.
    """

    def look(self, key: str) -> Found | None:
        """The object; None when there is none."""

    def age(self, key: str) -> tuple[str, timedelta] | None:
        """The object's tag and how long ago it was written, both by the store's own clock; None when there is none."""

    def find(self, prefix: str, *, depth: int = 0) -> Iterator[Found]:
        """The objects below ``prefix``, which ends with a slash; with a ``depth`` of 1 none that lies deeper, but its
        folder.
        """

    def read(self, key: str) -> bytes:
        """The object; FileNotFoundError when there is none."""

    def read_end(self, key: str, length: int) -> tuple[bytes, int]:
        """The object's last bytes, all of them where it is no longer, and how many it has; FileNotFoundError when there
        is none.
        """

    def write(self, key: str, data: bytes) -> None:
        """Put the object, whatever is there: readers see the old one or the new one, whole."""

    def upload(self, key: str, path: str) -> None:
        """Put a file of this machine, as ``write`` does."""

    def download(self, key: str, path: str) -> None:
        """Copy the object to a file of this machine; FileNotFoundError when there is none."""

    def write_where(self, key: str, data: bytes, *, tag: str = "") -> str:
        """Put the object only where none is, or in place of the one with this ``tag``; its new tag.

        Empty when another writer was faster. So it is, too, when the store did it and its answer was lost: whoever puts
        something that can be told from others' looks what is there.
        """

    def create(self, key: str, data: bytes) -> str | None:
        """Put the object only where none is, as a file that every reader of the store knows; its tag, empty where the
        store gives none. None when there was one already, which may be this one, as for ``write_where``.
        """

    def remove(self, key: str) -> None:
        """Remove the object; one that is gone is no error."""

    def arrow_files(self) -> FileSystem:
        """Arrow's file system of the store."""

    def arrow_path(self, key: str) -> str:
        """The key as Arrow's file system has it: the name of the store, a slash, and the key."""

    def delta_options(self) -> Mapping[str, str]:
        """What deltalake must be told, so that of two writers who commit one version only one can."""
