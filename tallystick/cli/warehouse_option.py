"""The option ``--warehouse``, which every command that reads or writes tables has.

Apart so that all commands read it alike: a folder, or an address in an object store.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tallystick.places import RemotePath, to_place


def read_warehouse(text: str | Path) -> Path:
    """The place as it was typed, so that messages show it so; InputError for an address that is not supported."""
    place = to_place(text)
    return place if isinstance(place, RemotePath) else Path(text)


WarehouseOption = Annotated[
    Path,
    typer.Option(
        "--warehouse",
        "-w",
        envvar="TALLYSTICK_WAREHOUSE",
        parser=read_warehouse,
        metavar="PATH",
        help="Folder of tables, models and reports, or s3a://bucket/path.",
    ),
]
DEFAULT_WAREHOUSE = Path("warehouse")
