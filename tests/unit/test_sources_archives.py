"""Packed files are read as if they were not, and what is wrong with one is told in one sentence."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tallystick.errors import InputError
from tallystick.ingest.delivered_files import fault_error
from tallystick.spec.frozen import FrozenMap
from tests.lib.written_files import (
    COLUMNS,
    PACKERS,
    PLACES,
    ROWS,
    WRITERS,
    as_csv,
    ending,
    read,
    spec,
    values,
    written,
    zipped,
    zstd,
)


def test_members_of_an_archive_are_read_one_after_the_other_and_have_one_header(tmp_path: Path) -> None:
    one, two = as_csv(ROWS[:2]).encode().removesuffix(b"\n"), as_csv(ROWS[2:]).encode()
    path = written(tmp_path, zipped(("b/2.csv", two), ("a/1.csv", one), ("readme.txt", b"hello")), "rows.zip")
    found = read(path, spec(member="*.csv"))
    assert values(found) == ROWS
    assert [row["_line"] for row in found] == [2, 3, 5]
    assert values(read(path, spec(member="2.csv"))) == ROWS[2:]
    with pytest.raises(InputError, match="the files in the archive have not one header .declare as member"):
        read(path, spec())
    with pytest.raises(InputError, match=r"holds no file that is called \*\.tsv .correct member"):
        read(path, spec(member="*.tsv"))


def test_arrays_in_an_archive_are_counted_on(tmp_path: Path) -> None:
    path = written(tmp_path, zipped(("1", b'[{"id": 1}, {"id": 2}]'), ("2", b'[{"id": 3}]')), "rows.zip")
    assert [(row["_line"], row["id"]) for row in read(path, spec(format="json"))] == [(1, "1"), (2, "2"), (3, "3")]


def test_an_archive_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    good = zipped(("rows.csv", as_csv(ROWS * 100).encode()))
    locked = bytearray(good)
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[good.index(sign) + place] |= 1
    packed = bytearray(good)
    packed[good.index(b"PK\x01\x02") + 10] = 9
    newer = bytearray(good)
    newer[good.index(b"PK\x01\x02") + 6] = 99
    told = {
        bytes(newer): "the archive is packed in a way that is not read",
        bytes(locked): "the archive needs a password (deliver it without one)",
        bytes(packed): "the archive is packed in a way that is not read",
        good[:-30]: "the file is damaged or no .zip file",
        good[:60] + b"xx" + good[62:]: "damaged",
        b"not a zip": "the file is damaged or no .zip file",
        zipped(("a.csv", b"id,name,amount\n"), ("b.csv", b"")): "have not one header",
    }
    for content, sentence in told.items():
        assert sentence in ending(written(tmp_path, content, "rows.zip"), spec()), sentence
    bomb = zipped(*((f"{n}.csv", b"id,name,amount\n" + b"1,2,3\n" * 50_000) for n in range(4)))
    assert "unpacks to more than 0.001 GB" in ending(written(tmp_path, bomb, "rows.zip"), spec(largest_gb=0.001))


def test_a_zstd_file_that_ends_early_or_is_none_is_told(tmp_path: Path) -> None:
    lines = "".join(f"{n},{n * n},{n**5}\n" for n in range(20_000))
    whole = zstd(("id,name,amount\n" + lines).encode())
    assert "the file ends early" in ending(written(tmp_path, whole[:-50], "rows.zst"), spec())
    assert "damaged or no .zst file" in ending(written(tmp_path, as_csv(ROWS), "rows.zst"), spec())
    assert "unpacks to more than" in ending(written(tmp_path, whole, "rows.zst"), spec(largest_gb=0.0001))


@pytest.mark.parametrize("form", [{}, {"format": "json"}, {"format": "jsonl"}, {"format": "fixed", "places": PLACES}])
def test_a_file_whose_name_lies_about_its_kind_is_told(tmp_path: Path, form: Any) -> None:
    text = as_csv(ROWS).encode()
    kinds = {
        gzip.compress(text): "a gzip archive",
        zipped(("a", text)): "a zip archive or a workbook",
        zstd(text): "a zstd",
    }
    kinds |= {
        bz2.compress(text): "a bzip2 archive",
        lzma.compress(text): "an xz archive",
        b"PAR1" + text: "a Parquet file",
    }
    for content, kind in kinds.items():
        assert f"the file is {kind}" in ending(written(tmp_path, content, "rows.csv"), spec(**form))


def damaged(draw: random.Random, content: bytes) -> bytes:
    """The content with some bytes changed, lost, or added, or cut off."""
    for _ in range(draw.choice((1, 1, 2, 5))):
        at = draw.randrange(len(content) or 1)
        added = draw.randbytes(draw.randrange(8))
        content = draw.choice((content[:at] + added + content[at + draw.randrange(20) :], content[:at] or content))
    return content


@pytest.mark.parametrize("form", [*WRITERS, "parquet"])
def test_whatever_is_wrong_with_a_file_it_is_read_or_told(tmp_path: Path, form: str) -> None:
    draw = random.Random(form)
    if form == "parquet":
        sink, types = io.BytesIO(), FrozenMap(dict.fromkeys(COLUMNS, "string"))
        pq.write_table(pa.table(dict(zip(COLUMNS, zip(*ROWS * 20, strict=True), strict=True))), sink)
        whole = {"rows.parquet": (sink.getvalue(), spec(format=form, types=types))}
    else:
        declared, write = WRITERS[form]
        whole = {f"rows.txt{end}": (pack(write(ROWS * 20)), spec(**declared)) for end, pack in PACKERS.items()}
    ends = set()
    for name, (content, file) in whole.items():
        for _ in range(60 // len(whole)):
            path = written(tmp_path, damaged(draw, content), name)
            try:
                rows = read(path, file)
            except InputError:
                ends.add("refused")
                continue
            fault = rows[-1]["_fault"] if rows else None
            ends.add(fault_error(fault, file, where="x").what if fault else "read")
    assert {"read", "refused"} <= ends
