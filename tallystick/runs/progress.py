"""The lines that tell a person how far a run is; apart from the runs, since commands print them too."""

from __future__ import annotations

import sys


def progress(text: str) -> None:
    """Print to stderr how far the work is. ``text`` must hold counts and names only, never a row's value."""
    print(text, file=sys.stderr, flush=True)
