"""Starts Spark's Python workers as PySpark does, but lets a worker end in silence when nobody reads it any more.

Apart from the session because Spark starts it as a program of its own (``spark.python.daemon.module``).

A worker that waits for its next task sees the end of its socket when Spark ends, or when Spark lets it go after a quiet
minute. PySpark then writes that as an error to the same socket, and prints the traceback of this second failure, mostly
on busy machines: where the signal that ends all workers is later than the end of the socket. Errors of a task are told
through the socket while Spark still reads, and are Spark's to show; they do not pass here.
"""

from __future__ import annotations

from typing import Any

from pyspark import daemon

_work = daemon.worker


def work_quietly(sock: Any, authenticated: bool) -> int:
    """What PySpark's worker does with one task; 1, which ends the process, where its socket has no other end."""
    try:
        return int(_work(sock, authenticated))
    except (BrokenPipeError, ConnectionResetError):
        return 1


if __name__ == "__main__":
    daemon.worker = work_quietly
    daemon.manager()
