"""Finds deliveries in a supplier's directory and the files each one must hold.

Names of folders and files alone; a Parquet data set may be a folder. ``delivered_files`` opens them, ``tables.landing``
copies them.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tallystick.errors import InputError, LoadRefused
from tallystick.spec.sources import LANDING_FILES, Source, SourceFile

_DATE_LIKE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """The files of one load date: ``directory`` is where they lie, ``files`` their names per raw view, sorted.

    ``origin`` is where the supplier put files that were landed since, if that is known.
    """

    load_date: date
    directory: Path
    files: dict[str, tuple[str, ...]]
    origin: Path | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All file names, sorted."""
        return tuple(sorted({name for names in self.files.values() for name in names}))


def find_deliveries(directory: Path, source: Source, *, load_date: date | None = None) -> list[Delivery]:
    """The deliveries in a directory, oldest first.

    Sub-folders named by date (2026-03-10) are one delivery each, of that load date; ``load_date`` then picks one.
    Without such folders the directory itself is one delivery, of ``load_date`` or the source's own. InputError when
    the directory does not exist, holds both, has no load date, or lacks a file, and for a folder like 2026-13-03.
    """
    if not directory.is_dir():
        fix = "check the path after --source NAME="
        raise InputError("the source directory does not exist", where=str(directory), fix=fix)
    folders = sorted(path for path in directory.iterdir() if path.is_dir())
    dated = {day: path for path in folders if (day := _date_of(path))}
    for path in dated.values():
        refuse_link_out(path, directory)
    if not dated:
        day = load_date or source.load_date
        if day is None:
            raise _no_load_date(directory, folders)
        return [Delivery(load_date=day, directory=directory, files=match_files(directory, source))]
    loose = [name for file in source.files.values() for name in _matches(directory, file)]
    if loose:
        fix = "use one way: folders named by load date, or the files themselves"
        raise InputError(f"files lie beside folders named by date: {loose[0]}", where=str(directory), fix=fix)
    if load_date is not None and load_date not in dated:
        raise InputError(f"there is no delivery of {load_date}", where=str(directory), fix="check --load-date")
    chosen = {load_date: dated[load_date]} if load_date is not None else dated
    return [Delivery(load_date=day, directory=path, files=match_files(path, source)) for day, path in chosen.items()]


def landed_delivery(source: Source, directory: Path, *, load_date: date, origin: Path | None) -> Delivery:
    """The delivery whose landed copy lies in ``directory``; InputError when it lacks a file."""
    return Delivery(load_date=load_date, directory=directory, files=match_files(directory, source), origin=origin)


def check_order(source: Source, load_date: date, published: Iterable[date]) -> None:
    """LoadRefused when a later load was published already: its rows were compared with what was known then."""
    latest = max(published, default=load_date)
    if latest > load_date:
        where = f"source {source.name}, load of {load_date}"
        fix = "loads go forward: give it a later load date"
        raise LoadRefused(f"the load of {latest} is published already", where=where, fix=fix)


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


def _date_of(folder: Path) -> date | None:
    """The load date a folder is named by; None for another name, InputError for one that only looks like a date."""
    if not _DATE_LIKE.fullmatch(folder.name):
        return None
    try:
        return date.fromisoformat(folder.name)
    except ValueError:
        fix = "name the folder by its load date"
        raise InputError(f"{folder.name} is no date", where=str(folder), fix=fix) from None


def _no_load_date(directory: Path, folders: list[Path]) -> InputError:
    if not any(directory.iterdir()):
        return InputError("the source directory is empty", where=str(directory), fix="deliver files into it")
    told = f"; no folder is named by date: {folders[0].name}" if folders else ""
    fix = "say --load-date 2026-03-10, or deliver into a folder of that name"
    return InputError(f"the delivery has no load date{told}", where=str(directory), fix=fix)
