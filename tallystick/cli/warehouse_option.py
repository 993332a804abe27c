"""The option ``--warehouse``, which every command that reads or writes tables has, and the warehouse that it names.

Apart so that all commands read it alike: a folder, or an address in a store.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tallystick.errors import NotFound
from tallystick.places import RemotePath, to_place

if TYPE_CHECKING:
    from tallystick.tables import Warehouse


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
        help="Folder of tables, models and reports, s3a://bucket/path or hdfs://namenode:port/path.",
    ),
]
DEFAULT_WAREHOUSE = Path("warehouse")


def open_warehouse(place: Path) -> Warehouse:
    """The warehouse that a command reads; NotFound where there is neither a table nor a landed delivery.

    Otherwise a mistyped path would read as a warehouse in which nothing has happened.
    """
    from tallystick.spec.tables import LAYERS
    from tallystick.tables import Warehouse

    home = Warehouse(place)
    if not any((home.root / part).is_dir() for part in ("raw", *LAYERS)):
        fix = "name another one with --warehouse"
        raise NotFound("there is no warehouse here", where=str(place), fix=fix)
    return home


def existing_warehouse(place: Path) -> Path:
    """The place that a run works in, resolved; NotFound as of ``open_warehouse``, before anything is started."""
    open_warehouse(place)
    return place.resolve()


def open_named(place: Path) -> Warehouse | None:
    """The warehouse for a command that can do without one; None where none is named and the default one is not there.

    NotFound as ``open_warehouse`` says for one that is named.
    """
    return None if place == DEFAULT_WAREHOUSE and not place.exists() else open_warehouse(place)
