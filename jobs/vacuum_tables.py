"""Remove files that no version of a table within its retention needs, and what failed tasks left behind.

The versions that the manifests of registered models name are kept readable, however old they are. With `--dry-run` it
only tells. Prints table, files and bytes.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.params import VacuumTables
from tallystick.runs.vacuum_tables import run

if __name__ == "__main__":
    start(VacuumTables, run, __doc__)
