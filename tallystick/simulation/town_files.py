"""The files of one town: its rows as lines, each in the delivery after its day, packed.

Nothing is decided here about the rows: ``supplier`` spells them, ``flaws`` decides which come late, twice or broken.
Apart from ``delivery_files``, which puts the towns' files together, because each process packs those of its own towns.
"""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO

import numpy as np
import pandas as pd
import pyarrow as pa

from tallystick.simulation import truth
from tallystick.simulation.day_numbers import day_number
from tallystick.simulation.flaws import MOST_BROKEN, Flaws
from tallystick.simulation.spelling import text_bytes
from tallystick.simulation.supplier import FILES
from tallystick.simulation.town import Town

# Rows are put into text in slices of this many: memory stays flat whatever a town does.
_SLICE_ROWS = 50_000
# A third less time than level 5, for files that are a twentieth larger.
_GZIP_LEVEL = 4


@dataclass(kw_only=True, slots=True)
class TownFiles:
    """What a town adds to the files of the bank.

    ``packed`` has the bytes by folder and name, ``rows`` the data lines by name, ``planted`` the flawed ones by place
    of the delivery, table and kind of flaw.
    """

    packed: dict[tuple[str, str], bytes] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    planted: Counter[tuple[int, str, str]] = field(default_factory=Counter)


def pack(texts: Sequence[bytes]) -> bytes:
    """Texts as one member of a gzip file; a file may have many."""
    target = BytesIO()
    # Neither name nor time of writing goes in: the same rows are the same bytes.
    with gzip.GzipFile(filename="", mode="wb", compresslevel=_GZIP_LEVEL, fileobj=target, mtime=0) as stream:
        for text in texts:
            stream.write(text)
    return target.getvalue()


def pack_town(town: Town, number: int, *, dates: Sequence[date], seed: int) -> TownFiles:
    """All rows of a town, with its flaws, and the truth about it; ``dates`` are the load dates."""
    files, last = TownFiles(), len(dates) - 1
    flaws_of = {
        stream: Flaws(
            np.random.Generator(np.random.PCG64([seed, number, stream])), last=last, has_broken_lines=number == 0
        )
        for stream in sorted({file.flaws_stream for file in FILES.values()})
    }
    accounts = _placed_rows(town, "accounts", dates)
    # Which account comes late is chosen by its bookings.
    for table in sorted(FILES, key=lambda table: table == "accounts"):
        rows = _placed_rows(town, table, dates)
        if rows.empty:
            continue
        file, flaws = FILES[table], flaws_of[FILES[table].flaws_stream]
        rows = flaws.spoil(rows, table, accounts=accounts)
        for place, day in enumerate(dates):
            mine, texts = rows[rows["delivery"] == place], []
            for begin in range(0, len(mine), _SLICE_ROWS):
                lines = file.lines(mine.iloc[begin : begin + _SLICE_ROWS], town, number)
                first = [] if begin else lines[:MOST_BROKEN].to_pylist()
                broken = flaws.break_lines(file, place, first, rows=len(mine))
                files.rows[file.name] += len(lines) + len(broken)
                texts += [text_bytes(lines, file.encoding), text_bytes(pa.array(broken, pa.string()), file.encoding)]
            if texts:
                files.packed[day.isoformat(), file.name] = pack(texts)
    for flaws in flaws_of.values():
        files.planted.update(flaws.planted)
    for name, (_, write) in truth.TRUTHS.items():
        if len(lines := write(town, number)):
            files.packed[truth.FOLDER, name] = pack([text_bytes(lines, "utf-8")])
    return files


def _placed_rows(town: Town, table: str, dates: Sequence[date]) -> pd.DataFrame:
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
    rows["delivery"] = np.searchsorted([day_number(day) for day in dates], rows["day"] + 1)
    return rows
