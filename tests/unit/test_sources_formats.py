"""Every format that may be delivered gives the same rows, and what is wrong with a file is told in one sentence."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest

from tallystick.errors import DeclarationError, InputError
from tallystick.ingest import delivered_files
from tallystick.ingest.delivered_files import inspect_file, split_raw
from tallystick.ingest.deliveries import is_of_view, match_files
from tallystick.project.sources import read_source
from tallystick.spec.frozen import FrozenMap
from tallystick.spec.sources import Source
from tests.lib.deliveries import SOURCE_YAML, write_source
from tests.lib.written_files import (
    PACKERS,
    ROWS,
    WRITERS,
    ending,
    read,
    spec,
    values,
    written,
)


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("form", WRITERS)
def test_the_same_rows_come_out_of_every_format_and_packing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, packing: str
) -> None:
    declared, write = WRITERS[form]
    draw = random.Random(f"{form}{packing}")
    words = ["a", "Žlutý", '"', "x, y", "a;b", "\t", "q\\", "{[", "null", "ž" * 9]
    rows = ROWS + [(str(n), draw.choice(words), str(draw.randrange(-999, 999))) for n in range(30)]
    if form.startswith("fixed"):
        rows = [tuple((text and text.strip()) or None for text in row) for row in rows]
    file, path = spec(**declared), written(tmp_path, PACKERS[packing](write(rows)), f"rows.txt{packing}")
    for block in (3, 1 << 20):
        monkeypatch.setattr(delivered_files, "BLOCK", block)
        found = read(path, file)
        assert values(found) == rows, block
        assert {row["_problem"] for row in found} == {row["_fault"] for row in found} == {None}
    layout, _ = inspect_file(path, file)
    columns, problems = split_raw([row["_raw"] for row in found], layout, file)
    assert list(zip(*(column.to_pylist() for column in columns), strict=True)) == rows
    assert problems.null_count == len(rows)


def test_a_format_is_told_by_the_end_of_a_name_where_that_is_enough() -> None:
    ends = {
        "a.csv": "csv",
        "a.txt.gz": "csv",
        "a_*.jsonl.gz": "jsonl",
        "a.ndjson": "jsonl",
        "a": "csv",
    }
    assert {name: spec(file=name).format for name in ends} == ends
    assert spec(file="a.jsonl", format="csv").format == "csv"
    with pytest.raises(DeclarationError, match="a .json file has no format .format: json for one array, format: jsonl"):
        spec(file="a.json.gz")
    with pytest.raises(DeclarationError, match="a workbook is not read .save its sheet as CSV"):
        spec(file="a.xlsx")


def test_a_separator_line_is_read_over_and_held_against_the_declared_one(tmp_path: Path) -> None:
    path = written(tmp_path, "sep=;\nid;name;amount\n1;a;2,5\n")
    assert [(row["_line"], row["amount"]) for row in read(path, spec(delimiter=";"))] == [(3, "2,5")]
    bare = written(tmp_path, '\ufeff"SEP=;"\r\n1;a;2\r\n')
    assert [(row["_line"], row["id"]) for row in read(bare, spec(delimiter=";", header=False))] == [(2, "1")]
    with pytest.raises(InputError, match="not separated by a comma, as declared; the first line has a semicolon"):
        read(path, spec())
    assert read(written(tmp_path, "sep=\n"), spec(columns=("sep=",))) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"id": 1,}', "not_json"),
        ('{"id": 1 "name": 2}', "not_json"),
        ('{"id": 1}}', "not_json"),
        ('{"id": 1, "id": 2}', "key_twice"),
        ('{"id": "\\ud800"}', "not_text"),
        ('"text, with ] and }"', "not_json"),
        ("12", "not_json"),
        ("", "not_json"),
        ("[1, [2], {}]", "not_json"),
        ('{"id": NaN}', "not_json"),
        ("[" * 5000 + "]" * 5000, "not_json"),
    ],
)
@pytest.mark.parametrize("block", [1, 7, 1 << 20])
def test_an_element_that_is_no_record_is_one_reject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, text: str, problem: str
) -> None:
    monkeypatch.setattr(delivered_files, "BLOCK", block if len(text) < 100 else 1000)
    good = '{"id": 1, "name": "a", "amount": null}'
    found = read(written(tmp_path, f"[{good},{text}, \n{good} ]\n"), spec(format="json"))
    assert [(row["_line"], row["_problem"], row["id"]) for row in found] == [
        (1, None, "1"),
        (2, problem, None),
        (3, None, "1"),
    ]
    assert found[1]["_raw"] == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"id": 1}\n{"id": 2}', "no JSON array at record 1 (deliver it again, or declare format: jsonl"),
        ('[{"id": 1}, {"id": 2}', "the array is not closed at record 2: the file ends early"),
        (
            '[{"id": 1}, {"id": "2}\n, {"id": 3}]',
            "not closed at record 2: the file ends early, or a quote or bracket has",
        ),
        ("[", "not closed at record 1"),
        ('[{"id": "1', "not closed at record 1"),
        ('[{"id": 1}] []', "no JSON array at record 2"),
        (" \n", "no JSON array at record 1"),
        ('[{"id": "' + "x" * 200 + '"}]', "record 1 is longer than 100 characters, the declared longest_line"),
        ('[{"id": 1}, "' + "x" * 200, "record 2 is longer than 100 characters"),
    ],
)
def test_what_is_no_whole_array_stops_with_the_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    monkeypatch.setattr(delivered_files, "BLOCK", 10)
    assert told in ending(written(tmp_path, text), spec(format="json", longest_line=100))


def test_an_array_declared_as_lines_is_told_and_an_empty_one_has_no_rows(tmp_path: Path) -> None:
    for text in ("[\n{}\n]", '[{"id": 1}]', " [ {}]"):
        with pytest.raises(InputError, match="the file is one JSON array .declare format: json"):
            inspect_file(written(tmp_path, text), spec(format="jsonl"))
    assert read(written(tmp_path, " [ ] \n"), spec(format="json")) == []
    with pytest.raises(InputError, match="0 bytes .a file without records is"):
        inspect_file(written(tmp_path, ""), spec(format="json"))


def test_keys_of_an_array_are_told_as_those_of_lines(tmp_path: Path) -> None:
    found = read(written(tmp_path, '[{"id": 1, "other": 2}]'), spec(format="json"))
    assert found[0]["_keys"] == '["id", "other"]'


def test_a_line_of_another_length_is_a_reject(tmp_path: Path) -> None:
    file = spec(format="fixed", places=("1-2", "3", "5-6"), line_length=7)
    text = "12a 34 \n12a 345\n\n12a 34\n12a 34  \n       \r\n\xff\n"
    found = read(written(tmp_path, text.encode("latin-1")), file)
    assert [(row["_line"], row["_problem"], row["id"], row["name"], row["amount"]) for row in found] == [
        (1, None, "12", "a", "34"),
        (2, None, "12", "a", "34"),
        (4, "wrong_line_length", None, None, None),
        (5, "wrong_line_length", None, None, None),
        (6, None, None, None, None),
        (7, "not_text", None, None, None),
    ]
    assert found[2]["_raw"] == "12a 34"


def test_places_are_counted_in_characters_or_bytes_as_declared(tmp_path: Path) -> None:
    text = "\u4e2d\u6587 ab1\n\u4e2d ab12\n".encode("gb18030")
    wide = spec(format="fixed", places=("1-4", "5-7", "8"), encoding="gb18030", counted_in="bytes")
    found = read(written(tmp_path, text), wide)
    assert values(found) == [("\u4e2d\u6587", "ab", "1"), (None, None, None)]
    assert found[1]["_problem"] == "wrong_line_length"
    found = read(written(tmp_path, text), spec(format="fixed", places=("1-2", "4-5", "6"), encoding="gb18030"))
    assert values(found) == [("\u4e2d\u6587", "ab", "1"), ("\u4e2d", "b1", "2")]
    cut = read(written(tmp_path, "a\u4e2d1\n".encode("gb18030")), spec(**{**CUT, "encoding": "gb18030"}))
    assert cut[0]["_problem"] == "not_text"


CUT = {"format": "fixed", "places": ("1-2", "3", "4"), "counted_in": "bytes"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"format": "fixed"}, "3 columns have 0 places"),
        ({"format": "fixed", "places": ("1", "0-2", "3")}, "0-2 is no place"),
        ({"format": "fixed", "places": ("1", "3-2", "3")}, "3-2 is no place"),
        ({"format": "fixed", "places": ("1", "2", "9"), "line_length": 8}, "behind the line's length of 8"),
        ({"format": "fixed", "places": ("1", "2", "9"), "line_length": "8"}, "line_length is not a whole number"),
        ({**CUT, "encoding": "utf-16"}, "bytes of utf-16 are not counted"),
        ({**CUT, "counted_in": "words"}, "counted_in is not one of"),
        ({"places": ("1", "2", "3")}, "places are of a fixed width file"),
        ({"types": FrozenMap({"id": "int64"})}, "columns of a csv file are text"),
        ({"format": "parquet", "types": FrozenMap({"id": "int64"})}, "column name of a parquet file has no known type"),
        ({"format": "parquet", "file": "a.parquet.gz"}, "a Parquet file is not read out of an archive"),
    ],
)
def test_declarations_that_no_file_can_fit_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(DeclarationError, match=told):
        spec(**changes)


def test_a_folder_of_parquet_files_is_one_view_and_hidden_files_are_none(tmp_path: Path) -> None:
    file = spec(file="rows.parquet", columns=("id",), types=FrozenMap({"id": "int64"}))
    source = Source(name="s", zone="UTC", files=FrozenMap({"rows": file}), tables=FrozenMap())
    for name in ("day=1/b.parquet", "day=1/.b.crc", "_SUCCESS", "_temporary/x.parquet", "a.parquet"):
        path = tmp_path / "rows.parquet" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    names = match_files(tmp_path, source)["rows"]
    assert names == ("rows.parquet/a.parquet", "rows.parquet/day=1/b.parquet")
    assert all(is_of_view(f"2024-01-31/{name}", file) for name in names)
    assert not is_of_view("2024-01-31/other.parquet", file)


def test_the_declarations_that_the_page_shows_are_whole(project_root: Path, tmp_path: Path) -> None:
    page = (project_root / "docs/sources.md").read_text()
    rows = page.partition("## Formats of files")[2].partition("\n\n**")[0]
    entries = re.findall(r"`(trades: \{.*?\})` \|", rows)
    formats = []
    for entry in entries:
        write_source(tmp_path, files={"source.yaml": SOURCE_YAML.replace("files:\n", f"files:\n  {entry}\n")})
        source, problems, _ = read_source(tmp_path, "village")
        assert not problems
        assert source is not None
        formats.append(source.files["trades"].format)
    assert formats == ["csv", "csv", "jsonl", "json", "fixed", "parquet"]
