"""Spark's reused Python workers, made quick to reuse.

Kept apart from the stages because any of them may use it, and none depends on it for its results.

Before each task PySpark unpickles the function and all that it holds, and asks every importer to look at its source
again; an importer of an archive then reads the archive's whole directory: workers import PySpark itself from an
archive, by a dozen importers, which costs 130 ms a task. After each task it collects garbage among all objects there
are, which costs 50 ms with the modules of a stage alone.
"""

from __future__ import annotations

import gc
import pickle
import sys
import zipimport
from dataclasses import dataclass
from typing import Any

import pyarrow as pa


@dataclass(slots=True)
class _Held:
    """What this worker has unpickled last, and whether it is settled."""

    payload: bytes = b""
    value: Any = None
    is_settled: bool = False


_held = _Held()


def unpack_once(payload: bytes) -> Any:
    """What was pickled to ``payload``: unpickled by a stage's first task in this worker, and kept for the others."""
    if payload != _held.payload:
        _held.payload, _held.value, _held.is_settled = payload, pickle.loads(payload), False
    return _held.value


def settle_worker() -> None:
    """Forget the importers of archives (they are made again where needed, from directories already read), and leave
    what is alive now out of later collections. Called at the end of a task, when everything has been imported.

    Arrow gives back what it keeps of freed memory: else each worker would hold the most that one of its tasks took.
    """
    for path, finder in list(sys.path_importer_cache.items()):
        if isinstance(finder, zipimport.zipimporter):
            del sys.path_importer_cache[path]
    pa.default_memory_pool().release_unused()
    if not _held.is_settled:
        gc.collect()
        gc.freeze()
        _held.is_settled = True
