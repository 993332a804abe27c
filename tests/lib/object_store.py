"""An object store of this machine for tests: moto's S3 server, which refuses a conditional put as a real store does.

On request it fails as a store under load does: some requests get an error, some no answer, and of both kinds some were
carried out all the same.
"""

from __future__ import annotations

import logging
import os
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import boto3
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from tallystick.places import object_store
from tallystick.tables.store import file_access, log_copies

BUCKET = "lake"
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
# What a request meets: an error before or after it was carried out, a connection that is cut likewise, or a wait.
FAULTS = ("503 Slow Down", "500 done", "reset", "reset done", "slow")
_WAIT_SECONDS = 0.2
_ERROR = b"<?xml version='1.0'?><Error><Code>%s</Code><Message>a fault of the test</Message></Error>"


@dataclass
class Faults:
    """Which requests fail: each with the chance ``share``, drawn with ``seed``; ``met`` counts them by kind."""

    share: float = 0.0
    seed: int = 1
    met: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._chance, self._lock = random.Random(self.seed), threading.Lock()

    def draw(self) -> str:
        """What the next request meets; empty for most."""
        with self._lock:
            fault = self._chance.choice(FAULTS) if self._chance.random() < self.share else ""
            self.met[fault or "answered"] += 1
        return fault

    def around(self, store: Application) -> Application:
        """The store with these faults."""

        def answer(environ: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
            fault = self.draw()
            if fault == "slow":
                time.sleep(_WAIT_SECONDS)
            if fault in ("", "slow"):
                return store(environ, respond)
            if fault.endswith("done"):
                list(store(environ, lambda *_: None))
            else:
                environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            if fault.startswith("reset"):
                _reset(environ["werkzeug.socket"])
            respond(fault.removesuffix("done") + "Fault", [("Content-Type", "application/xml")])
            return [_ERROR % (b"SlowDown" if fault.startswith("503") else b"InternalError")]

        return answer


def _reset(connection: socket.socket) -> NoReturn:
    """Have the other side read "connection reset by peer"."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())  # at once: the server's handler holds the socket open until it is through
    raise ConnectionResetError  # by which the server knows that nobody listens


@contextmanager
def serving(faults: Faults | None = None) -> Iterator[str]:
    """The address of the store, which is empty but for one bucket; the environment names it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for every request
    store = DomainDispatcherApplication(create_backend_app)
    handler = type("Quiet", (MotoRequestHandler,), {"log": lambda *_: None})
    server = make_server("127.0.0.1", 0, faults.around(store) if faults else store, True, request_handler=handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # of connections that a fault has cut
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", address)
        patch.setenv("AWS_ACCESS_KEY_ID", "tests")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
        patch.setenv("AWS_REGION", "us-east-1")
        _forget_clients()
        try:
            boto3.client("s3", endpoint_url=address, region_name="us-east-1").create_bucket(Bucket=BUCKET)
            yield address
        finally:
            _forget_clients()
            server.shutdown()
            thread.join()
            server.server_close()


def forget_files() -> None:
    """Ask as another process would, which remembers nothing of logs and files."""
    log_copies._copy.cache_clear()
    file_access.read_small.cache_clear()


def _forget_clients() -> None:
    """Clients are kept by a process, and each server has an address of its own."""
    object_store._client.cache_clear()
    object_store._see_bucket.cache_clear()
    object_store._arrow_files.cache_clear()
