"""Finds deliveries in a supplier's directory and the files each one must hold.

What lives here: names of folders and files. What must not: their content (``ingest.reading``), landing (``tables``).
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tallystick.errors import InputError, LoadRefused
from tallystick.spec.sources import Source, SourceFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """The files of one load date: ``directory`` is where they lie, ``files`` their names per raw view, sorted."""

    load_date: date
    directory: Path
    files: dict[str, tuple[str, ...]]

    @property
    def names(self) -> tuple[str, ...]:
        """All file names, sorted."""
        return tuple(sorted({name for names in self.files.values() for name in names}))


def find_deliveries(directory: Path, source: Source, *, load_date: date | None = None) -> list[Delivery]:
    """The deliveries in a directory, oldest first.

    Sub-folders named by date (2026-03-10) are one delivery each, of that load date; ``load_date`` then picks one.
    Without such folders the directory itself is one delivery, of ``load_date`` or the source's own. InputError when
    the directory does not exist, holds both, has no load date, or lacks a file.
    """
    if not directory.is_dir():
        fix = "check the path after --source NAME="
        raise InputError("the source directory does not exist", where=str(directory), fix=fix)
    dated = {day: path for path in sorted(directory.iterdir()) if path.is_dir() and (day := _date_of(path.name))}
    if not dated:
        day = load_date or source.load_date
        if day is None:
            fix = "say --load-date 2026-03-10, or deliver into a folder of that name"
            raise InputError("the delivery has no load date", where=str(directory), fix=fix)
        return [Delivery(load_date=day, directory=directory, files=match_files(directory, source))]
    loose = [name for file in source.files.values() for name in _matches(directory, file)]
    if loose:
        fix = "use one way: folders named by load date, or the files themselves"
        raise InputError(f"files lie beside folders named by date: {loose[0]}", where=str(directory), fix=fix)
    if load_date is not None and load_date not in dated:
        raise InputError(f"there is no delivery of {load_date}", where=str(directory), fix="check --load-date")
    chosen = {load_date: dated[load_date]} if load_date is not None else dated
    return [Delivery(load_date=day, directory=path, files=match_files(path, source)) for day, path in chosen.items()]


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
    if not file.is_pattern:
        return [file.file] if (directory / file.file).is_file() else []
    return sorted(p.name for p in directory.iterdir() if p.is_file() and fnmatch.fnmatchcase(p.name, file.file))


def _date_of(name: str) -> date | None:
    try:
        return date.fromisoformat(name) if len(name) == len("2026-03-10") else None
    except ValueError:
        return None
