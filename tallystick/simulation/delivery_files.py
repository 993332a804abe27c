"""Deliveries: the folders and files of a simulated bank, put together town by town.

A file is a gzip member with the header, and one for each town that has rows in it, in the order of the towns: so the
bytes are the same however many processes packed them.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import TracebackType

import numpy as np

from tallystick.errors import SetupError
from tallystick.simulation import regions, truth
from tallystick.simulation.day_numbers import day_number
from tallystick.simulation.receipt import RECEIPT
from tallystick.simulation.supplier import FILES
from tallystick.simulation.town_files import TownFiles, pack


class Deliveries:
    """The files of all deliveries in the making. Leaving the ``with`` block moves the finished folder into place."""

    def __init__(self, out: Path, *, dates: Sequence[date]) -> None:
        self.dates = tuple(dates)
        self._out = out
        self._part = out.with_name(f".{out.name}.part")
        self._rows = {file.name: 0 for file in FILES.values()} | {regions.NAME: 0}
        self._flaws: Counter[tuple[int, str, str]] = Counter()

    def __enter__(self) -> Deliveries:
        headers = {file.name: file.delimiter.join(file.header).encode(file.encoding) for file in FILES.values()}
        headers[regions.NAME] = ",".join(regions.HEADER).encode(regions.ENCODING)
        folders = {day.isoformat(): headers for day in self.dates}
        folders[truth.FOLDER] = {name: header.encode() for name, (header, _) in truth.TRUTHS.items()}
        try:
            shutil.rmtree(self._part, ignore_errors=True)
            for folder, files in folders.items():
                (self._part / folder).mkdir(parents=True)
                for name, header in files.items():
                    self._append(folder, name, pack([header + b"\n"]))
        except OSError as error:
            raise self._cannot_write(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                if self._out.exists():
                    self._out.rmdir()
                self._part.rename(self._out)
            else:
                shutil.rmtree(self._part, ignore_errors=True)
        except OSError as problem:
            raise self._cannot_write(problem) from problem

    def add(self, files: TownFiles) -> None:
        """Append what a town adds to each file; the towns come in their order."""
        for (folder, name), packed in files.packed.items():
            self._append(folder, name, packed)
        for name, lines in files.rows.items():
            self._rows[name] += lines
        self._flaws.update(files.planted)

    def write_receipt(self, text: str) -> None:
        """Leave a note of what this folder holds beside its deliveries."""
        try:
            (self._part / RECEIPT).write_text(text, encoding="utf-8")
        except OSError as error:
            raise self._cannot_write(error) from error

    def rows(self) -> dict[str, int]:
        """Data lines written so far per file name, over all deliveries."""
        return dict(self._rows)

    def planted(self) -> dict[str, dict[str, dict[str, int]]]:
        """Flawed lines so far: per load date, file and kind of flaw. Nothing stands there with 0."""
        told: dict[str, dict[str, dict[str, int]]] = {}
        for (place, table, flaw), lines in sorted(self._flaws.items()):
            told.setdefault(self.dates[place].isoformat(), {}).setdefault(FILES[table].name, {})[flaw] = lines
        return told

    def _append(self, folder: str, name: str, packed: bytes) -> None:
        try:
            with (self._part / folder / f"{name}.csv.gz").open("ab") as stream:
                stream.write(packed)
        except OSError as error:
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: OSError) -> SetupError:
        reason = error.strerror or "unknown reason"
        return SetupError(
            f"cannot write: {reason}", where=str(self._out), fix="free some space or choose another folder"
        )


def deliver_regions(deliveries: Deliveries, *, first: int) -> None:
    """The statistics of each year's end, in the delivery of the day after it or the first one."""
    known_until = [day_number(day) for day in deliveries.dates]
    for day in regions.statistic_days(first, known_until[-1] - 1):
        folder = deliveries.dates[int(np.searchsorted(known_until, day_number(day) + 1))].isoformat()
        lines = regions.region_lines(day)
        packed = pack([("\n".join(lines) + "\n").encode(regions.ENCODING)])
        deliveries.add(TownFiles(packed={(folder, regions.NAME): packed}, rows=Counter({regions.NAME: len(lines)})))
