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

from tallystick.errors import ConflictError, SetupError
from tallystick.places import RemotePath
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

    def begin(self, root: Path, *, run_id: str, before: Mapping[str, int]) -> PublicationState:
        """Open a publication, which is returned: from now on readers see these versions of its tables."""
        return self._replace(root, PublicationState(self.number + 1, run_id, before))

    def end(self, root: Path) -> None:
        """Close the publication: from now on readers see the newest versions, of all its tables at once."""
        self._replace(root, PublicationState(self.number + 1))

    def _replace(self, root: Path, state: PublicationState) -> PublicationState:
        text = json.dumps({"number": state.number, "run_id": state.run_id, "before": dict(state.before)}) + "\n"
        if isinstance(root, RemotePath):
            self._replace_remotely(root, state, text)
        else:
            _write(root, text)
        return state

    def _replace_remotely(self, root: RemotePath, state: PublicationState, text: str) -> None:
        """Put the new state only in place of this one: a lease can be lost, unlike a lock of the system."""
        place = root.store.look(key := f"{root.key}/{PUBLICATION}")
        is_ours = PublicationState.read(root) == self
        tag = place.tag if place else ""
        if is_ours and root.store.write_where(key, text.encode(), tag=tag):
            return
        # What is there may be ours: the store did it, and its answer was lost.
        if PublicationState.read(root) != state:
            raise ConflictError("another run published meanwhile", where=str(root), fix="run it again")


def _write(root: Path, text: str) -> None:
    with full_disk_is_setup_error(str(root / PUBLICATION)):
        write_whole(root / PUBLICATION, text)
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
