"""The folder of this machine for what is no table: a registry without a server, reports, pages, files being loaded."""

from __future__ import annotations

import os
from pathlib import Path

from tallystick.errors import SetupError
from tallystick.places.remote_path import RemotePath

VARIABLE = "TALLYSTICK_LOCAL"


def local_home(root: Path) -> Path:
    """The warehouse's folder itself; of a warehouse in an object store, a folder of its own below TALLYSTICK_LOCAL.

    SetupError when that is not set. The folder need not exist.
    """
    if not isinstance(root, RemotePath):
        return root
    told = os.environ.get(VARIABLE, "")
    if not told:
        fix = f"set {VARIABLE} to a folder of this machine"
        raise SetupError("reports, pages and models without a server need a folder", where=str(root), fix=fix)
    return Path(told).expanduser().resolve().joinpath(*root.parts[1:])
