"""A small internet bank that does not exist, for demonstrations and tests.

What lives here: people with a hidden state, the money, messages and loans that follow from it, and the files a supplier
would make of them. What must not: anything the pipeline itself needs; it reads these files like any other supplier's.
"""

from __future__ import annotations

from tallystick.simulation.bank import Summary, simulate

__all__ = ["Summary", "simulate"]
