"""Load a supplier's deliveries into the clean tables: land them, map and check all tables, and only then publish.

Takes a source and the folder of its deliveries; or, after a mapping was corrected, a load date: then that landed load
and every later one are mapped again from their copies.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.ingest_source import run
from tallystick.runs.params import IngestSource

if __name__ == "__main__":
    start(IngestSource, run, __doc__)
