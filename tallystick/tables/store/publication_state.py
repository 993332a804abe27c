"""The file that says which publication is going on: of some tables readers then see the version before it.

A publication is one run's commits to several tables, which readers see all at once. Apart from ``publications``, which
makes those commits, because every reader looks here first and needs nothing else of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tallystick.errors import SetupError
from tallystick.tables.store.disk import full_disk_is_setup_error, locked, write_whole

PUBLICATION = "_publication.json"
LOCK = "_publication.lock"

# A publication is commits of files that lie ready: milliseconds each, for some dozen tables.
WAIT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class PublicationState:
    """Which publication is going on, if any.

    ``number`` grows when a publication begins and when it ends, so equal states mean that nothing happened between.
    While one is open, ``before`` has the version that readers see of each of its tables, and ``run_id`` is its run.
    """

    number: int = 0
    run_id: str = ""
    before: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether a publication has begun and not ended; its process may be dead."""
        return bool(self.before)

    @classmethod
    def read(cls, root: Path) -> PublicationState:
        """The state now; a closed one where nothing was ever published. SetupError when the file is damaged."""
        path = root / PUBLICATION
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            before = {str(name): int(version) for name, version in told["before"].items()}
            state = cls(int(told["number"]), str(told["run_id"]), before)
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise _damaged(path) from None
        if min(before.values(), default=0) < 0:
            raise _damaged(path)
        return state

    def begin(self, root: Path, *, run_id: str, before: Mapping[str, int]) -> None:
        """Open a publication: from now on readers see these versions of its tables."""
        PublicationState(self.number + 1, run_id, before)._write(root)

    def end(self, root: Path) -> None:
        """Close the publication: from now on readers see the newest versions, of all its tables at once."""
        PublicationState(self.number + 1)._write(root)

    def _write(self, root: Path) -> None:
        told = {"number": self.number, "run_id": self.run_id, "before": dict(self.before)}
        with full_disk_is_setup_error(str(root / PUBLICATION)):
            write_whole(root / PUBLICATION, json.dumps(told) + "\n")
            # The new name of the file lies in its folder.
            folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)


def _damaged(path: Path) -> SetupError:
    fix = "restore it from a copy; without one, remove it, then replay the last load of each source"
    return SetupError("the file of publications is damaged", where=str(path), fix=fix)


@contextmanager
def only_publisher(root: Path) -> Iterator[None]:
    """Be the only run that publishes; waits for another one, and ConflictError if that takes too long.

    So a state that is open under this lock is that of a run that is dead, or that could not undo what it did.
    """
    with (
        full_disk_is_setup_error(str(root)),
        locked(root / LOCK, "another run is publishing", where=str(root), wait_seconds=WAIT_SECONDS),
    ):
        yield
