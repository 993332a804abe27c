"""Finds deliveries in a supplier's directory and the files each one must hold.

Names of folders and files alone; a Parquet data set may be a folder. ``delivered_files`` opens them, ``tables.landing``
copies them.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tallystick.errors import InputError
from tallystick.spec.delivery_names import business_date, is_delivery
from tallystick.spec.sources import LANDING_FILES, Source, SourceFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """What a supplier delivered at once: ``directory`` is where it lies, ``files`` the names per raw view, sorted.

    ``origin`` is where the supplier put files that were landed since, if that is known. ``is_again``: an earlier load
    has its rows, and they are only held against those of deliveries that came after them out of turn.
    """

    name: str
    directory: Path
    files: dict[str, tuple[str, ...]]
    origin: Path | None = None
    is_again: bool = False

    @property
    def business_date(self) -> date:
        """The night that it is of; the load date says when it became known."""
        return business_date(self.name)

    @property
    def names(self) -> tuple[str, ...]:
        """All file names, sorted."""
        return tuple(sorted({name for names in self.files.values() for name in names}))


def find_deliveries(directory: Path, source: Source, *, load_date: date | None = None) -> list[Delivery]:
    """The deliveries in a directory, oldest first.

    Sub-folders named by date (2026-03-10, and 2026-03-10.2 for a second one) are one delivery each, of that business
    date; ``load_date`` then picks those of one. Without such folders the directory itself is one delivery, of
    ``load_date`` or the source's own. InputError when the directory does not exist, holds both, has no date, or lacks a
    file, and for a folder like 2026-13-03.
    """
    if not directory.is_dir():
        fix = "check the path after --source NAME="
        raise InputError("the source directory does not exist", where=str(directory), fix=fix)
    folders = sorted(path for path in directory.iterdir() if path.is_dir())
    dated = [path for path in folders if is_delivery(path.name, where=str(path))]
    for path in dated:
        refuse_link_out(path, directory)
    if not dated:
        day = load_date or source.load_date
        if day is None:
            raise _no_load_date(directory, folders)
        return [Delivery(name=day.isoformat(), directory=directory, files=match_files(directory, source))]
    loose = [name for file in source.files.values() for name in _matches(directory, file)]
    if loose:
        fix = "use one way: folders named by business date, or the files themselves"
        raise InputError(f"files lie beside folders named by date: {loose[0]}", where=str(directory), fix=fix)
    chosen = [path for path in dated if load_date is None or business_date(path.name) == load_date]
    if not chosen:
        raise InputError(f"there is no delivery of {load_date}", where=str(directory), fix="check --load-date")
    return [Delivery(name=path.name, directory=path, files=match_files(path, source)) for path in chosen]


def landed_delivery(source: Source, directory: Path, *, origin: Path | None = None, is_again: bool = False) -> Delivery:
    """The delivery whose landed copy lies in ``directory``, which has its name; InputError when it lacks a file."""
    files = match_files(directory, source)
    return Delivery(name=directory.name, directory=directory, files=files, origin=origin, is_again=is_again)


def match_files(directory: Path, source: Source) -> dict[str, tuple[str, ...]]:
    """The names of the files of every raw view; InputError for the first that is missing and not optional.

    Files that no view asks for are left alone.
    """
    found = {}
    for view, file in source.files.items():
        found[view] = tuple(_matches(directory, file))
        if not found[view] and not file.optional:
            fix = f"deliver it, or correct files.{view}.file in source.yaml"
            raise InputError(f"the file {file.file} is missing", where=str(directory / file.file), fix=fix)
    return found


def _matches(directory: Path, file: SourceFile) -> list[str]:
    """The names of a view's files. A pattern leaves out hidden files and those that begin with ``_``, as Spark does,
    unless it says the ``_`` itself; never what landing wrote. InputError for a link that leads out of the delivery.
    """
    if not file.is_pattern:
        names = [file.file]
    else:
        hidden = (".",) if file.file.startswith("_") else (".", "_")
        listed = (path.name for path in directory.iterdir() if fnmatch.fnmatchcase(path.name, file.file))
        names = sorted(name for name in listed if not name.startswith(hidden) and name not in LANDING_FILES)
    if file.format == "parquet":
        names = [inner for name in names for inner in _inner_files(directory, name)]
    for name in names:
        refuse_link_out(directory / name, directory)
    return [name for name in names if (directory / name).is_file()]


def _inner_files(directory: Path, name: str) -> list[str]:
    """The files of a Parquet data set that is a folder, and of the folders in it, whose names may give columns; those
    that are hidden or begin with ``_`` are left out, as Spark leaves them out. A file itself is one.
    """
    if not (directory / name).is_dir():
        return [name]
    found = sorted(path.relative_to(directory) for path in (directory / name).rglob("*") if path.is_file())
    inner = [path for path in found if not any(part.startswith((".", "_")) for part in path.parts[1:])]
    return [path.as_posix() for path in inner]


def is_of_view(name: str, file: SourceFile) -> bool:
    """Whether a file of a delivery, by its name below the folder of loads (``2024-01-31/trades.parquet/part-0``), is
    one of a view's.
    """
    return fnmatch.fnmatchcase(name.split("/")[1], file.file)


def refuse_link_out(path: Path, home: Path) -> None:
    """InputError when ``path`` is, through links, a place outside ``home``: a supplier's link could name any file of
    this machine.
    """
    if not path.resolve().is_relative_to(home.resolve()):
        fix = "deliver the file itself"
        raise InputError("a link leads out of the delivery's folder", where=str(path), fix=fix)


def _no_load_date(directory: Path, folders: list[Path]) -> InputError:
    if not any(directory.iterdir()):
        return InputError("the source directory is empty", where=str(directory), fix="deliver files into it")
    told = f"; no folder is named by date: {folders[0].name}" if folders else ""
    fix = "say --load-date 2026-03-10, or deliver into a folder of that name"
    return InputError(f"the delivery has no load date{told}", where=str(directory), fix=fix)
