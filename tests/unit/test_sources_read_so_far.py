"""How much of a delivery has been read: noted by whoever reads a file, added up by whoever waits."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from tallystick.ingest.read_so_far import ReadingNote, place_in, share_read


@pytest.fixture
def half_read(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_bytes(bytes(1000))
    return path


def test_the_place_in_a_file_is_that_of_its_packed_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(os.urandom(3_000_000)))
    with gzip.open(path) as handle:
        handle.read(1_500_000)
        assert 0.45 < place_in(path) / path.stat().st_size < 0.6
    assert place_in(path) == 0


def test_what_is_noted_is_added_up_by_size(tmp_path: Path, half_read: Path) -> None:
    sizes, now = {"2026-01-01/a.csv": 1000, "2026-01-01/b.csv": 3000}, [0.0]
    note = ReadingNote(half_read, "2026-01-01/a.csv", tmp_path, clock=lambda: now[0])
    with half_read.open("rb", buffering=0) as handle:
        handle.read(500)
        note.update()
        assert share_read(tmp_path, sizes) == 0, "a second has not passed"
        now[0] = 1.0
        note.update()
        assert share_read(tmp_path, sizes) == 0.125
        handle.read(250)
        note.update()
        assert share_read(tmp_path, sizes) == 0.125, "the next second has not passed"
    note.end()
    assert share_read(tmp_path, sizes) == 0.25


def test_an_empty_note_and_empty_files_count_as_nothing(tmp_path: Path) -> None:
    (tmp_path / "_read").mkdir()
    (tmp_path / "_read" / "a.csv").touch()
    assert share_read(tmp_path, {"a.csv": 10}) == 0
    assert share_read(tmp_path, {"a.csv": 0}) == 0
