"""Deliveries: which folder a row is in, and the flaws that a real supplier's files have.

Late rows, corrections, retractions, repeated and broken lines. They draw from a random stream of their own, so that
they do not disturb what happens in the bank; ``supplier`` spells the rows.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
import pandas as pd

from tallystick.errors import SetupError
from tallystick.simulation import regions
from tallystick.simulation.day_numbers import day_number
from tallystick.simulation.receipt import RECEIPT
from tallystick.simulation.supplier import FILES, SupplierFile
from tallystick.simulation.town import CATEGORY, Town

# Rows are put into text in slices of this many: memory stays flat whatever a town does.
_SLICE_ROWS = 50_000
# A third of the time of level 9 for files that are a tenth larger.
_GZIP_LEVEL = 5
_FLAWS_STREAM = 1_000_003
_LATE_SHARE = 0.004
# Below this many lines a file has no broken ones: they would be too large a share of it.
_LEAST_LINES = 200
# Broken lines per delivery: file, column, and what stands there instead.
_BROKEN = (
    ("transactions", "TRAN_TM", "20250231 10:15:00"),
    ("transactions", "AMT", "12.5O"),
    ("transactions", "ACCT_NO", "621799999999"),
    ("social", "ts_ms", "n/a"),
    ("repayments", "AMT", "--"),
)


class Deliveries:
    """The open files of all deliveries. Leaving the ``with`` block moves the finished folder into place."""

    def __init__(self, out: Path, *, dates: Sequence[date], seed: int) -> None:
        self.dates = tuple(dates)
        self.seed = seed
        self._out = out
        self._part = out.with_name(f".{out.name}.part")
        self._files: dict[tuple[int, str], gzip.GzipFile] = {}
        self._handles: list[IO[bytes]] = []
        self._rows = {file.name: 0 for file in FILES.values()} | {regions.NAME: 0}

    def __enter__(self) -> Deliveries:
        try:
            shutil.rmtree(self._part, ignore_errors=True)
            for place, day in enumerate(self.dates):
                (self._part / day.isoformat()).mkdir(parents=True)
                for file in FILES.values():
                    self._open(place, file.name, file.delimiter.join(file.header).encode(file.encoding))
                self._open(place, regions.NAME, ",".join(regions.HEADER).encode(regions.ENCODING))
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
        if not lines:
            return
        try:
            self._files[place, name].write(("\n".join(lines) + "\n").encode(encoding))
        except OSError as error:
            raise self._cannot_write(error) from error
        self._rows[name] += len(lines)

    def write_receipt(self, text: str) -> None:
        """Leave a note of what this folder holds beside its deliveries."""
        try:
            (self._part / RECEIPT).write_text(text, encoding="utf-8")
        except OSError as error:
            raise self._cannot_write(error) from error

    def rows(self) -> dict[str, int]:
        """Data lines written so far per file name, over all deliveries."""
        return dict(self._rows)

    def _open(self, place: int, name: str, header: bytes) -> None:
        path = self._part / self.dates[place].isoformat() / f"{name}.csv.gz"
        handle = path.open("wb")
        self._handles.append(handle)
        # Neither name nor time of writing goes into the file: the same rows are the same bytes.
        stream = gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=handle, mtime=0)
        stream.write(header + b"\n")
        self._files[place, name] = stream

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


def deliver_town(deliveries: Deliveries, town: Town, number: int) -> None:
    """Write all rows of a town, each in the delivery after its day, with this town's flaws."""
    rng = np.random.Generator(np.random.PCG64([deliveries.seed, number, _FLAWS_STREAM]))
    for table, file in FILES.items():
        rows = _numbered(town.journal.frame(table), table)
        if rows.empty:
            continue
        places = np.searchsorted([day_number(day) for day in deliveries.dates], rows["day"] + 1)
        rows["delivery"] = places
        rows = _flawed(rows, table, rng, last=len(deliveries.dates) - 1)
        for place in range(len(deliveries.dates)):
            _write_rows(deliveries, file, rows[rows["delivery"] == place], town=town, number=number, place=place)


def _numbered(rows: pd.DataFrame, table: str) -> pd.DataFrame:
    """Rows in the order of time with their rank within the day, and their order on the account or loan that day."""
    if rows.empty:
        return rows
    owner = {"transactions": "account", "repayments": "loan"}.get(table)
    if owner:
        rows["sequence"] = rows.groupby([owner, "day"]).cumcount() + 1
    rows = rows.sort_values(["day", "second"], kind="stable", ignore_index=True)
    rows["rank"] = rows.groupby("day").cumcount()
    rows["deleted"] = 0
    return rows


def _flawed(rows: pd.DataFrame, table: str, rng: np.random.Generator, *, last: int) -> pd.DataFrame:
    """Late rows in every delivery but the last; in each daily one a correction, a retraction and a repeated row."""
    extra = [rows]
    if table in ("transactions", "social"):
        late = (rng.random(len(rows)) < _LATE_SHARE) & (rows["delivery"] < last) & _is_newest_day(rows)
        rows.loc[late, "delivery"] += 1
        for place in range(1, last + 1):
            settled = rows[rows["delivery"] == place - 1].tail(400)
            extra += _afterthoughts(settled, table, rng, place=place)
    if table == "accounts" and last >= 2:
        # One account of a daily delivery comes a day after its opening deposit.
        rows.loc[rows.index[rows["delivery"].between(1, last - 1)][:1], "delivery"] += 1
    return pd.concat(extra, ignore_index=True)


def _is_newest_day(rows: pd.DataFrame) -> pd.Series:
    """Whether a row is of the last day of its delivery: only those can come late without becoming history."""
    newest: pd.Series = rows["day"] == rows.groupby("delivery")["day"].transform("max")
    return newest


def _afterthoughts(settled: pd.DataFrame, table: str, rng: np.random.Generator, *, place: int) -> list[pd.DataFrame]:
    """What a delivery says about rows of the one before: a changed row, one taken back, one repeated unchanged."""
    if len(settled) < 10:
        return []
    chosen = settled.iloc[np.sort(rng.choice(len(settled), 3, replace=False))].assign(delivery=place)
    repeated, changed, gone = chosen.iloc[[0]], chosen.iloc[[1]], chosen.iloc[[2]]
    if table == "transactions":
        # The category of a booking is put right; the money stays as it was, so balances still add up.
        right = np.where(changed["category"] == CATEGORY["food"], CATEGORY["shopping"], CATEGORY["food"])
        return [repeated, changed.assign(category=right)]
    return [repeated, gone.assign(deleted=1)]


def _write_rows(
    deliveries: Deliveries, file: SupplierFile, rows: pd.DataFrame, *, town: Town, number: int, place: int
) -> None:
    for begin in range(0, len(rows), _SLICE_ROWS):
        lines = file.lines(rows.iloc[begin : begin + _SLICE_ROWS], town, number)
        deliveries.write(place, file.name, lines, encoding=file.encoding)
        if begin == 0 and number == 0:
            deliveries.write(place, file.name, _broken_lines(file, lines), encoding=file.encoding)


def _broken_lines(file: SupplierFile, lines: Sequence[str]) -> list[str]:
    """Copies of good lines with one field spoilt, under numbers of their own."""
    broken: list[str] = []
    for table, column, text in _BROKEN:
        if table == file.table and len(lines) >= _LEAST_LINES:
            fields = lines[len(broken)].split(file.delimiter)
            fields[0] = f"{fields[0][:-5]}{99_000 + len(broken)}"
            fields[file.header.index(column)] = text
            broken.append(file.delimiter.join(fields))
    return broken
