"""Run the expectations of a source's tables, record what they found, and stop when a critical one failed.

Takes a source, a layer and optionally some of its tables; reads each table's newest version, rows of the source only.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.params import ValidateTables
from tallystick.runs.validate_tables import run

if __name__ == "__main__":
    start(ValidateTables, run, __doc__)
