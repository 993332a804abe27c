"""Any text, cut into blocks anywhere, is read as the definition reads it record by record."""

from __future__ import annotations

import random
from pathlib import Path
from unittest import mock

import pytest

from tallystick.ingest import csv_records, delivered_files
from tallystick.spec.sources import SourceFile
from tests.lib.row_by_row import Record, read_records

COLUMNS = ("a", "b", "c")
# What breaks readers of text, beside what does not: quotes, line ends, marks, bytes that are no text.
PIECES = [*'aab,,;""\n\n\r ä\0', '""', "\r\n", "NULL", "\ufeff", '","', '"\n']
BROKEN = [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf0\x9f"]
PLAIN = ["1", "22", "x", "y z", "", "NULL", "ä€"]
ODD = ['"q"', '""', '"a,b"', '"a ""b"""', '"two\nlines"', '5" pipe', '"open', "a\rb", '"shut"x', '"\n\n"']
ENDS = ["\n", "\n", "\n", "\r\n", "\n\n", "\r\r\n"]


def random_text(draw: random.Random) -> bytes:
    """Rows of which most are whole and many are not; or pieces in any order."""
    if draw.random() < 0.3:
        pieces = [piece.encode() for piece in PIECES] + (BROKEN if draw.random() < 0.5 else [])
        return b"".join(draw.choices(pieces, k=draw.randrange(60)))
    oddness = draw.choice((0, 0, 0.1, 0.5))
    text = b""
    for _ in range(draw.randrange(12)):
        width = draw.choice((2, 4)) if draw.random() < 0.1 else 3
        fields = [draw.choice(ODD if draw.random() < oddness else PLAIN) for _ in range(width)]
        text += ",".join(fields).encode() + draw.choice(ENDS).encode()
        text += draw.choice(BROKEN) if draw.random() < oddness / 10 else b""
    return text


def read(path: Path, file: SourceFile) -> list[Record]:
    layout = csv_records.FileLayout.of(file, file.columns)
    batches = list(delivered_files.read_batches(path, "rows.csv", file, layout))
    found = [row for batch in batches for row in batch.to_pylist()]
    assert not [row for row in found if row["_fault"]]
    return [(row["_line"], row["_raw"], row["_problem"], tuple(row[name] for name in COLUMNS)) for row in found]


@pytest.mark.parametrize("seed", range(12))
def test_blocks_are_read_as_the_definition_reads_the_whole(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    path = tmp_path / "rows.csv"
    for _ in range(20):
        content = random_text(draw)
        path.write_bytes(content)
        form = {"delimiter": draw.choice(",,,;ä"), "quote": draw.choice(('"', '"', "")), "nulls": ("", "NULL")}
        file = SourceFile(view="rows", file="rows.csv", columns=COLUMNS, header=False, **form)
        block, longest = draw.choice((1, 3, 20, 1 << 20, 1 << 20)), draw.choice((2, 3, 200))
        with (
            mock.patch.object(delivered_files, "BLOCK", block),
            mock.patch.object(csv_records, "LONGEST_RECORD", longest),
        ):
            found = read(path, file)
        assert found == read_records(content, width=len(COLUMNS), longest_record=longest, **form), content
