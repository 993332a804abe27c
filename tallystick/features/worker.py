"""Spark's reused Python workers, made quick to reuse.

What lives here: what a worker need not do again before each task. What must not: work of any stage.

Before each task PySpark asks every importer to look at its source again, and an importer of an archive then reads the
archive's whole directory: workers import PySpark itself from an archive, by a dozen importers, which costs 130 ms a
task. After each task it collects garbage among all objects of all imported modules, which costs 50 ms.
"""

from __future__ import annotations

import gc
import sys
import zipimport


def settle_worker() -> None:
    """Forget the importers of archives (they are made again where needed, from directories already read), and leave
    what is alive now out of later collections. Called at the end of a task, when everything has been imported.
    """
    for path, finder in list(sys.path_importer_cache.items()):
        if isinstance(finder, zipimport.zipimporter):
            del sys.path_importer_cache[path]
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()
