"""Make the watch list of each night that lacks one, or of the nights that are named, each in a commit of its own.

Takes a watch list, a source and optionally the first and last business date. A list builds on the one before it: after
nights that are made again, all later ones are.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.params import UpdateWatchlist
from tallystick.runs.update_watchlist import run

if __name__ == "__main__":
    start(UpdateWatchlist, run, __doc__)
