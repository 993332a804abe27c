"""Deliveries: the folders and files of a simulated bank, and which of them a row is in.

Nothing is decided here about the rows: ``supplier`` spells them, ``flaws`` decides which come late, twice or broken.
"""

from __future__ import annotations

import gzip
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
import pandas as pd

from tallystick.errors import SetupError
from tallystick.simulation import regions, truth
from tallystick.simulation.day_numbers import day_number
from tallystick.simulation.flaws import Flaws
from tallystick.simulation.receipt import RECEIPT
from tallystick.simulation.supplier import FILES
from tallystick.simulation.town import Town

# Rows are put into text in slices of this many: memory stays flat whatever a town does.
_SLICE_ROWS = 50_000
# A third of the time of level 9 for files that are a tenth larger.
_GZIP_LEVEL = 5


class Deliveries:
    """The open files of all deliveries. Leaving the ``with`` block moves the finished folder into place."""

    def __init__(self, out: Path, *, dates: Sequence[date], seed: int) -> None:
        self.dates = tuple(dates)
        self.seed = seed
        self._out = out
        self._part = out.with_name(f".{out.name}.part")
        self._files: dict[tuple[str, str], gzip.GzipFile] = {}
        self._handles: list[IO[bytes]] = []
        self._rows = {file.name: 0 for file in FILES.values()} | {regions.NAME: 0}
        self._flaws: Counter[tuple[int, str, str]] = Counter()

    def __enter__(self) -> Deliveries:
        try:
            shutil.rmtree(self._part, ignore_errors=True)
            for day in self.dates:
                folder = day.isoformat()
                (self._part / folder).mkdir(parents=True)
                for file in FILES.values():
                    self._open(folder, file.name, file.delimiter.join(file.header).encode(file.encoding))
                self._open(folder, regions.NAME, ",".join(regions.HEADER).encode(regions.ENCODING))
            (self._part / truth.FOLDER).mkdir()
            self._open(truth.FOLDER, truth.NAME, ",".join(truth.HEADER).encode())
        except OSError as error:
            raise self._cannot_write(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for stream in self._files.values():
                stream.close()
            for handle in self._handles:
                handle.close()
            if kind is None:
                if self._out.exists():
                    self._out.rmdir()
                self._part.rename(self._out)
            else:
                shutil.rmtree(self._part, ignore_errors=True)
        except OSError as problem:
            raise self._cannot_write(problem) from problem

    def write(self, place: int, name: str, lines: Sequence[str], *, encoding: str) -> None:
        """Append lines to a file of the delivery at ``place``."""
        self._append(self.dates[place].isoformat(), name, lines, encoding=encoding)
        self._rows[name] += len(lines)

    def write_truth(self, lines: Sequence[str]) -> None:
        """Append lines to the file of the truth, which is beside the deliveries and in none of them."""
        self._append(truth.FOLDER, truth.NAME, lines, encoding="utf-8")

    def write_receipt(self, text: str) -> None:
        """Leave a note of what this folder holds beside its deliveries."""
        try:
            (self._part / RECEIPT).write_text(text, encoding="utf-8")
        except OSError as error:
            raise self._cannot_write(error) from error

    def rows(self) -> dict[str, int]:
        """Data lines written so far per file name, over all deliveries."""
        return dict(self._rows)

    def note_flaws(self, flaws: Mapping[tuple[int, str, str], int]) -> None:
        """Add to the count of flaws: rows per place of a delivery, table and kind of flaw."""
        self._flaws.update(flaws)

    def planted(self) -> dict[str, dict[str, dict[str, int]]]:
        """Flawed lines so far: per load date, file and kind of flaw. Nothing stands there with 0."""
        told: dict[str, dict[str, dict[str, int]]] = {}
        for (place, table, flaw), lines in sorted(self._flaws.items()):
            told.setdefault(self.dates[place].isoformat(), {}).setdefault(FILES[table].name, {})[flaw] = lines
        return told

    def _append(self, folder: str, name: str, lines: Sequence[str], *, encoding: str) -> None:
        try:
            if lines:
                self._files[folder, name].write(("\n".join(lines) + "\n").encode(encoding))
        except OSError as error:
            raise self._cannot_write(error) from error

    def _open(self, folder: str, name: str, header: bytes) -> None:
        path = self._part / folder / f"{name}.csv.gz"
        handle = path.open("wb")
        self._handles.append(handle)
        # Neither name nor time of writing goes into the file: the same rows are the same bytes.
        stream = gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=handle, mtime=0)
        stream.write(header + b"\n")
        self._files[folder, name] = stream

    def _cannot_write(self, error: OSError) -> SetupError:
        reason = error.strerror or "unknown reason"
        return SetupError(
            f"cannot write: {reason}", where=str(self._out), fix="free some space or choose another folder"
        )


def deliver_regions(deliveries: Deliveries, *, first: int) -> None:
    """The statistics of each year's end, in the delivery of the day after it or the first one."""
    begin, known_until = first, [day_number(day) for day in deliveries.dates]
    for day in regions.statistic_days(begin, known_until[-1] - 1):
        place = int(np.searchsorted(known_until, day_number(day) + 1))
        deliveries.write(place, regions.NAME, regions.region_lines(day), encoding=regions.ENCODING)


def deliver_truth(deliveries: Deliveries, town: Town) -> None:
    """Write what really happened to the work of a town's people."""
    deliveries.write_truth(truth.truth_lines(town))


def deliver_town(deliveries: Deliveries, town: Town, number: int) -> None:
    """Write all rows of a town, each in the delivery after its day, with this town's flaws."""
    last, is_first_town = len(deliveries.dates) - 1, number == 0
    flaws_of = {
        stream: Flaws(
            np.random.Generator(np.random.PCG64([deliveries.seed, number, stream])),
            last=last,
            has_broken_lines=is_first_town,
        )
        for stream in sorted({file.flaws_stream for file in FILES.values()})
    }
    accounts = _placed_rows(deliveries, town, "accounts")
    # Which account comes late is chosen by its bookings.
    for table in sorted(FILES, key=lambda table: table == "accounts"):
        rows = _placed_rows(deliveries, town, table)
        if rows.empty:
            continue
        flaws = flaws_of[FILES[table].flaws_stream]
        rows = flaws.spoil(rows, table, accounts=accounts)
        for place in range(len(deliveries.dates)):
            mine = rows[rows["delivery"] == place]
            for begin in range(0, len(mine), _SLICE_ROWS):
                lines = FILES[table].lines(mine.iloc[begin : begin + _SLICE_ROWS], town, number)
                if begin == 0:
                    lines += flaws.break_lines(FILES[table], place, lines, rows=len(mine))
                deliveries.write(place, FILES[table].name, lines, encoding=FILES[table].encoding)
    for flaws in flaws_of.values():
        deliveries.note_flaws(flaws.planted)


def _placed_rows(deliveries: Deliveries, town: Town, table: str) -> pd.DataFrame:
    """The rows of a table in the order of time with their place among the deliveries, and what tells them apart:
    their rank within the day, and their order on the account or loan that day.
    """
    rows = town.journal.frame(table)
    if rows.empty:
        return rows
    owner = {"transactions": "account", "repayments": "loan"}.get(table)
    if owner:
        rows["sequence"] = rows.groupby([owner, "day"]).cumcount() + 1
    rows = rows.sort_values(["day", "second"], kind="stable", ignore_index=True)
    rows["rank"] = rows.groupby("day").cumcount()
    rows["deleted"] = 0
    rows["delivery"] = np.searchsorted([day_number(day) for day in deliveries.dates], rows["day"] + 1)
    return rows
