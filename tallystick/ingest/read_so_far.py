"""How much of the delivered files has been read, while tasks read them in processes of their own.

A task gives its results when it ends, and one file may take minutes, so each notes its place in the scratch folder now
and then. The place is that in the packed file, which needs no knowledge of its format.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

# Seconds between two notes.
EVERY = 1.0

_HANDLES = Path("/proc/self/fd")


class ReadingNote:
    """The note of one file that this process reads."""

    def __init__(self, path: Path, name: str, folder: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._note, self._clock = path, _note(folder, name), clock
        self._due = clock() + EVERY

    def update(self) -> None:
        """Note the place, if the last note is old."""
        if self._clock() < self._due:
            return
        self._due = self._clock() + EVERY
        self._write(place_in(self._path))

    def end(self) -> None:
        """Note that all is read."""
        self._write(self._path.stat().st_size)

    def _write(self, place: int) -> None:
        # A load does not end because nobody can be told how far it is.
        with suppress(OSError):
            self._note.parent.mkdir(exist_ok=True)
            self._note.write_text(str(place), encoding="ascii")


def share_read(folder: Path, sizes: Mapping[str, int]) -> float:
    """The share that has been read of these files, by name with their sizes in bytes."""
    read = 0
    for name, size in sizes.items():
        note = _note(folder, name)
        # A note that is being written is empty for a moment.
        text = note.read_text(encoding="ascii") if note.is_file() else ""
        read += min(int(text or 0), size)
    return read / max(sum(sizes.values()), 1)


def place_in(path: Path) -> int:
    """How many bytes of a file this process has read, as the system knows it of its open files.

    0 where the system does not tell (only Linux does), and for a file that is not read from start to end.
    """
    if not _HANDLES.is_dir():
        return 0
    wanted, found = path.resolve(), 0
    for handle in _HANDLES.iterdir():
        try:
            if handle.readlink() == wanted:
                told = (_HANDLES.parent / "fdinfo" / handle.name).read_text(encoding="ascii")
                found = max(found, int(told.split()[1]))
        except OSError:
            continue  # closed meanwhile, as the one that lists the folder is
    return found


def _note(folder: Path, name: str) -> Path:
    return folder / "_read" / name.replace("/", "_")
