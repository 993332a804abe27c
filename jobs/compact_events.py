"""Merge the small files of old loads into few large sorted ones; no row changes.

Takes a source, a date and optionally some tables. Loads that are more than the layout's `compact_after_days` older than
the date are merged, per bucket and period; younger ones are left alone. Of feature and score tables the rows of old
observations are merged. Run again it finds nothing; beside a load one of the two says that the other was first.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.compact_events import run
from tallystick.runs.params import CompactEvents

if __name__ == "__main__":
    start(CompactEvents, run, __doc__)
