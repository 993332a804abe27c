"""A lock that several machines share: an object that its holder writes again and again, and nobody else may take.

A lock of the operating system ends with its process; an object does not. So a lease that was not renewed for a while is
a dead run's. Its age is what the store's own clock says, since machines' clocks differ.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta

from tallystick.errors import ConflictError, SetupError
from tallystick.places.remote_path import RemotePath

# Long beside a slow request and the whole seconds of the store's clock, short beside a retry.
LEASE = timedelta(seconds=60)
RENEWALS = 6
_ASK_SECONDS = 0.5


@dataclass(slots=True)
class _Held:
    """A lease that is ours as long as its tag is what we wrote last; an empty tag says that it was lost."""

    path: RemotePath
    token: bytes
    tag: str
    over: threading.Event = field(default_factory=threading.Event)

    def keep(self) -> None:
        """Renew until it is over, or lost."""
        while self.tag and not self.over.wait(LEASE.total_seconds() / RENEWALS):
            # A store that does not answer now may do so before the lease has run out.
            with suppress(SetupError):
                self.renew()

    def renew(self) -> None:
        """Write it again, if it is still ours."""
        self.tag = self.tag and _put(self.path, self.token, tag=self.tag)


@contextmanager
def leased(path: RemotePath, conflict: str, *, where: str, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the object; ConflictError when another run still holds it after ``wait_seconds``, or took it meanwhile.

    What a killed run left is taken over once it is ``LEASE`` old.
    """
    token, latest = uuid.uuid4().hex.encode(), time.monotonic() + wait_seconds
    while not (tag := _take(path, token)):
        if time.monotonic() >= latest:
            fix = f"wait for it to end; after a kill, {LEASE.total_seconds():.0f} s"
            raise ConflictError(conflict, where=where, fix=fix)
        time.sleep(_ASK_SECONDS)
    held = _Held(path, token, tag)
    keeper = threading.Thread(target=held.keep, daemon=True, name="lease")
    keeper.start()
    try:
        yield
    finally:
        held.over.set()
        keeper.join()
        held.renew()
        if held.tag:
            # Left as a free lease, by its tag: to remove it could remove the one of who took it meanwhile.
            path.store.write_where(path.key, b"", tag=held.tag)
    if not held.tag:
        raise ConflictError(
            "another run took the lock, as this one did not renew it in time", where=where, fix="run it again"
        )


def _take(path: RemotePath, token: bytes) -> str:
    """The tag of the lease if it is ours now, else empty."""
    found = path.store.age(path.key)
    if found is None:
        return _put(path, token)
    tag, age = found
    is_free = not path.read_bytes()
    return _put(path, token, tag=tag) if is_free or age > LEASE else ""


def _put(path: RemotePath, token: bytes, *, tag: str = "") -> str:
    written = path.store.write_where(path.key, token + b" " + uuid.uuid4().hex.encode(), tag=tag)
    if written:
        return written
    # The store may have done it and its answer been lost; then what is there begins with our own token.
    with suppress(FileNotFoundError):
        if path.read_bytes().startswith(token):
            found = path.store.look(path.key)
            return found.tag if found else ""
    return ""
