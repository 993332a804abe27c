"""A delivered file is opened as declared, or refused with the file's and the column's name."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path
from typing import Any

import pytest

from tallystick.errors import InputError
from tallystick.ingest import delivered_files
from tallystick.ingest.delivered_files import fault_error, inspect_file, read_batches, view_schema
from tallystick.ingest.headers import list_names
from tallystick.spec.sources import SourceFile

TEXT = "a,b,c\n1,2,3\n4,5,6\n"


def spec(**changes: Any) -> SourceFile:
    return SourceFile(**{"view": "rows", "file": "rows.csv", "columns": ("a", "c"), **changes})


def written(folder: Path, content: str | bytes, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, file: SourceFile) -> list[dict[str, Any]]:
    layout, _ = inspect_file(path, file)
    return [row for batch in read_batches(path, path.name, file, layout) for row in batch.to_pylist()]


def values(path: Path, file: SourceFile) -> list[tuple[Any, ...]]:
    return [tuple(row[column] for column in (*file.columns, "_line")) for row in read(path, file)]


def test_every_row_says_which_file_and_line_it_is_from(tmp_path: Path) -> None:
    rows = read(written(tmp_path, TEXT), spec())
    assert rows[1] == {
        "a": "4", "c": "6", "_file": "rows.csv", "_line": 3, "_raw": "4,5,6", "_problem": None, "_fault": None,
        "_keys": None,
    }  # fmt: skip
    assert view_schema(spec()).names == list(rows[0])


@pytest.mark.parametrize(("suffix", "pack"), [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress)])
def test_a_file_may_be_compressed(tmp_path: Path, suffix: str, pack: Any) -> None:
    assert values(written(tmp_path, pack(TEXT.encode()), f"rows.csv{suffix}"), spec()) == [("1", "3", 2), ("4", "6", 3)]


def test_columns_are_found_by_name_whatever_their_order_and_blanks_around_names(tmp_path: Path) -> None:
    assert values(written(tmp_path, " c ,b,a\n3,2,1\n"), spec()) == [("1", "3", 2)]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert values(written(tmp_path, b"\xef\xbb\xbf" + TEXT.encode()), spec())[0] == ("1", "3", 2)


def test_a_file_without_header_has_its_columns_in_the_declared_order(tmp_path: Path) -> None:
    file = spec(header=False, columns=("a", "b", "c"))
    assert values(written(tmp_path, "1,2,3\n4,5,6"), file) == [("1", "2", "3", 1), ("4", "5", "6", 2)]
    with pytest.raises(InputError, match="first line has 2 fields, 3 columns are declared"):
        inspect_file(written(tmp_path, "1,2\n"), file)


def test_a_header_alone_is_a_file_of_no_rows(tmp_path: Path) -> None:
    assert read(written(tmp_path, "a,b,c\n"), spec()) == []
    assert read(written(tmp_path, "a,b,c"), spec()) == []


def test_blocks_may_end_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'a,b,c\n1,2,"x\ny\nz"\n4,5,6\r\n\n7,8,"ä"\n10,11,12'
    expected = [("1", "x\ny\nz", 2), ("4", "6", 5), ("7", "ä", 7), ("10", "12", 8)]
    for size in (1, 2, 3, 5, 7, 11, 1000):
        monkeypatch.setattr(delivered_files, "BLOCK", size)
        assert values(written(tmp_path, text), spec()) == expected, size


def test_zero_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"rows\.csv: the file is empty: 0 bytes"):
        inspect_file(written(tmp_path, b""), spec())
    with pytest.raises(InputError, match=r"rows\.csv\.gz: the file has no header line"):
        inspect_file(written(tmp_path, gzip.compress(b""), "rows.csv.gz"), spec())


@pytest.mark.parametrize("form", [{"format": "jsonl"}, {"header": False}])
def test_a_file_without_header_and_rows_is_an_empty_line_and_zero_bytes_say_so(tmp_path: Path, form: Any) -> None:
    file = spec(**form)
    for name, content in (("a.csv", b"\n"), ("b.csv", b"\r\n\n"), ("c.csv.gz", gzip.compress(b""))):
        assert read(written(tmp_path, content, name), file) == [], name
    with pytest.raises(InputError, match=r"0 bytes .a file of one empty line is one without rows; one that may be abs"):
        inspect_file(written(tmp_path, b""), file)


def test_the_keys_of_all_json_records_are_told_once_and_only_so_many_of_the_undeclared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivered_files, "BLOCK", 1)
    monkeypatch.setattr(delivered_files, "MOST_KEYS", 2)
    text = 'no\n{}\n{"a": 1}\n{"a": null, "x": 1}\n{"y": 1, "z": 2, "c": 3}\n{"w": 1, "a": 1}\n'
    rows = read(written(tmp_path, text), spec(format="jsonl"))
    assert [row["_keys"] for row in rows] == [None, "[]", '["a"]', '["x"]', '["c", "y"]', None]
    assert {row["_fault"] for row in rows} == {None}


def test_utf_8_read_as_a_single_byte_encoding_is_told_by_its_column(tmp_path: Path) -> None:
    path = written(tmp_path, "início,c\n1,2\n")
    with pytest.raises(
        InputError, match="the file is utf-8, not latin-1 as declared: column início reads in.*correct enc"
    ):
        inspect_file(path, spec(columns=("início", "c"), encoding="latin-1"))
    assert values(path, spec(columns=("início", "c"))) == [("1", "2", 2)]


def test_what_to_do_fits_the_fault() -> None:
    assert str(fault_error("truncated|", spec(), where="x")) == (
        "x: the file ends early: it is truncated (deliver it again)"
    )
    assert "correct encoding" in str(fault_error("not_text|3", spec(), where="x"))
    assert "a greater longest_line" in str(fault_error("long_line|3", spec(), where="x"))
    assert "a greater largest_gb" in str(fault_error("too_large|", spec(), where="x"))


def test_a_missing_column_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"rows\.csv, column c: column c is missing from the header \("):
        inspect_file(written(tmp_path, "a\n1\n"), spec())


def test_a_renamed_column_is_refused_and_the_new_name_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="column c is missing from the header; the file has b, d, which is not"):
        inspect_file(written(tmp_path, "a,b,d\n1,2,3\n"), spec())
    with pytest.raises(InputError, match="column customer is missing from the header; the file has Customers, which"):
        inspect_file(written(tmp_path, "a,b,Customers\n1,2,3\n"), spec(columns=("a", "customer")))


def test_a_first_row_where_a_header_is_declared_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        inspect_file(written(tmp_path, "Jane Doe,1970-05-01,north\n"), spec())
    assert "column a is missing from the header, nor any other that is declared" in str(caught.value)
    assert "set header: false" in caught.value.fix
    assert "Jane" not in str(caught.value)
    assert list_names([f"person {n}" for n in range(21)]) == "more than 20 others"
    assert list_names(["a", "b"]) == "a, b"


def test_a_column_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="column b: the header has a column twice"):
        inspect_file(written(tmp_path, "a,b,b,c\n1,2,3,4\n"), spec())


def test_an_extra_column_is_noted_refused_or_ignored_as_declared(tmp_path: Path) -> None:
    path = written(tmp_path, TEXT)
    assert inspect_file(path, spec())[1] == ["b"]
    assert inspect_file(path, spec(extra_columns="ignore"))[1] == []
    with pytest.raises(InputError, match=r"rows\.csv, column b: a column that is not declared"):
        inspect_file(path, spec(extra_columns="refuse"))


@pytest.mark.parametrize("header", [True, False])
def test_another_delimiter_is_named(tmp_path: Path, header: bool) -> None:
    with pytest.raises(InputError, match="not separated by a comma, as declared; the first line has a semicolon"):
        inspect_file(written(tmp_path, TEXT.replace(",", ";")), spec(header=header))


def test_another_encoding_in_the_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"rows\.csv: not utf-8 text \(correct encoding in source\.yaml\)"):
        inspect_file(written(tmp_path, "ä,a,c\n1,2,3\n".encode("latin-1")), spec())
    with pytest.raises(InputError, match="not latin-1 text"):
        inspect_file(written(tmp_path, TEXT.encode("utf-16-le")), spec(encoding="latin-1"))


def test_bytes_that_are_no_text_cost_their_own_record_unless_most_lines_have_them(tmp_path: Path) -> None:
    broken = "7,8,Köln\n".encode("latin-1")
    rows = read(written(tmp_path, TEXT.encode() + broken + b'"x\n\xff",8,9\n' + b"1,2,3\n"), spec())
    assert [(row["_line"], row["_problem"], row["a"]) for row in rows] == [
        (2, None, "1"), (3, None, "4"), (4, "not_text", None), (5, "not_text", None), (7, None, "1"),
    ]  # fmt: skip
    assert rows[2]["_raw"] == "7,8,K\ufffdln"
    assert {row["_fault"] for row in rows} == {None}
    with pytest.raises(InputError, match="not utf-8 text"):
        inspect_file(written(tmp_path, b"a,b,c\n" + broken * 2 + b"1,2,3\n"), spec())


@pytest.mark.parametrize("quote", ['"', ""])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32-le", "gb18030"])
def test_a_byte_order_mark_is_no_data_with_or_without_a_header(tmp_path: Path, encoding: str, quote: str) -> None:
    text = "\ufeff1,A,2\n2,B,3\n".encode(encoding.removesuffix("-sig"))
    bare = spec(header=False, columns=("a", "b", "c"), encoding=encoding, quote=quote)
    assert values(written(tmp_path, text), bare) == [("1", "A", "2", 1), ("2", "B", "3", 2)]
    titled = "\ufeffa,b,c\n1,A,2\n".encode(encoding.removesuffix("-sig"))
    assert values(written(tmp_path, titled), spec(encoding=encoding, quote=quote)) == [("1", "2", 2)]


def test_a_byte_order_mark_inside_files_that_were_put_together_is_no_data(tmp_path: Path) -> None:
    part = "\ufeff1,A,2\n".encode()
    bare = spec(header=False, columns=("a", "b", "c"))
    assert values(written(tmp_path, part * 2), bare) == [("1", "A", "2", 1), ("1", "A", "2", 2)]
    record = '\ufeff{"a": "1", "c": "2"}\n'.encode()
    assert values(written(tmp_path, record * 2), spec(format="jsonl")) == [("1", "2", 1), ("1", "2", 2)]


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize(
    ("given", "declared"),
    [
        ("utf-8", "cp1250"),
        ("utf-8", "utf-16-le"),
        ("utf-16-le", "utf-8"),
        ("utf-16-be", "utf-16-le"),
        ("utf-32-le", "utf-16"),
    ],
)
def test_the_byte_order_mark_of_another_encoding_is_told(
    tmp_path: Path, given: str, declared: str, header: bool
) -> None:
    path = written(tmp_path, ("\ufeff" + TEXT).encode(given))
    file = spec(header=header, columns=("a", "b", "c"), encoding=declared)
    with pytest.raises(InputError, match=f"begins with the byte order mark of {given}, not {declared} as declared"):
        inspect_file(path, file)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_line_without_an_end_stops_at_the_declared_length(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(delivered_files, "BLOCK", 64)
    first = "a,b,c\n" if kind == "csv" else '{"a": "1", "c": "2"}\n'
    file = spec(format=kind, longest_line=100)
    rows = read(written(tmp_path, first + "1,2,3\n" * 30 + "x" * 1000), file)
    told = str(fault_error(rows[-1]["_fault"], file, where="x"))
    assert told.startswith("x: line 32 is longer than 100 characters, the declared longest_line (")
    for quoted in ("", '"q",2,3\n'):
        monkeypatch.setattr(delivered_files, "BLOCK", 1 << 20)
        rows = read(written(tmp_path, first + quoted + "ž" * 101 + "\n" + "ž" * 100 + "\n"), file)
        assert rows[-1]["_fault"] == f"long_line|{3 if quoted else 2}"
    zeros = written(tmp_path, gzip.compress(bytes(10_000_000)), "rows.csv.gz")
    with pytest.raises(InputError, match="line 1 is longer than 100 characters"):
        inspect_file(zeros, file)


def test_a_file_that_unpacks_to_more_than_declared_stops(tmp_path: Path) -> None:
    path = written(tmp_path, gzip.compress(b"a,b,c\n" + b"1,2,3\n" * 500_000), "rows.csv.gz")
    rows = read(path, spec(largest_gb=0.001))
    told = str(fault_error(rows[-1]["_fault"], spec(largest_gb=0.001), where="x"))
    assert told.startswith("x: the file unpacks to more than 0.001 GB, the declared largest_gb (")
    assert read(path, spec(largest_gb=0.003))[-1]["_fault"] is None


def test_a_declared_encoding_is_read(tmp_path: Path) -> None:
    for encoding in ("cp1250", "utf-16"):
        path = written(tmp_path, "a,b,c\nžluť,2,3\n".encode(encoding))
        assert values(path, spec(encoding=encoding)) == [("žluť", "3", 2)]


def test_a_truncated_or_damaged_archive_is_a_fault_and_never_fewer_rows(tmp_path: Path) -> None:
    whole = gzip.compress(("a,b,c\n" + "".join(f"{n},{n * n},x\n" for n in range(3000))).encode(), mtime=0)
    short = read(written(tmp_path, whole[:-40], "rows.csv.gz"), spec())
    assert short[-1]["_fault"] == "truncated|"
    wrong_sum = whole[:-8] + b"\0\0\0\0" + whole[-4:]
    assert read(written(tmp_path, wrong_sum, "rows.csv.gz"), spec())[-1]["_fault"] == "damaged|"
    with pytest.raises(InputError, match=r"rows\.csv\.gz: the file is damaged or no \.gz file"):
        inspect_file(written(tmp_path, TEXT, "rows.csv.gz"), spec())
    with pytest.raises(InputError, match="truncated"):
        inspect_file(written(tmp_path, whole[:12], "rows.csv.gz"), spec())
