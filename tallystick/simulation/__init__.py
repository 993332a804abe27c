"""A small internet bank that does not exist, for demonstrations and tests.

Here: people with a hidden state, the money, messages and loans that follow from it, and the files a supplier would make
of them. Not here: anything the pipeline itself needs. It reads these files as it reads any other supplier's.
"""

from __future__ import annotations

from tallystick.simulation.bank import Summary, simulate
from tallystick.simulation.receipt import Wanted

__all__ = ["Summary", "Wanted", "simulate"]
