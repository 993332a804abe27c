"""Text becomes records with the right line and raw text, and a broken record costs no other."""

from __future__ import annotations

import pytest

from tallystick.ingest.csv_records import LONGEST_RECORD, split_block
from tallystick.ingest.json_records import read_json_lines
from tallystick.ingest.records import FileLayout, Records

PLAIN = FileLayout(names=("a", "b", "c"), wanted=("a", "c"), nulls=("", "NULL"))


def rows(records: Records) -> list[tuple[int, str, str | None, tuple[str | None, ...]]]:
    columns = [column.to_pylist() for column in records.columns]
    origin = zip(records.lines.to_pylist(), records.raw.to_pylist(), records.problems.to_pylist(), strict=True)
    return [(*place, tuple(column[at] for column in columns)) for at, place in enumerate(origin)]


def split(text: str, layout: FileLayout = PLAIN, *, is_last: bool = True) -> Records:
    if layout.format == "jsonl":
        return read_json_lines(text.encode(), layout, first_line=2)
    return split_block(text.encode(), layout, first_line=2, is_last=is_last)


def test_fields_are_taken_by_name_and_lines_are_counted_from_the_first() -> None:
    assert rows(split("1,2,3\n4,5,6\n")) == [(2, "1,2,3", None, ("1", "3")), (3, "4,5,6", None, ("4", "6"))]


@pytest.mark.parametrize("quoted", ["", '"9",9,9\n'], ids=["without quotes", "with quotes"])
def test_texts_that_mean_nothing_are_null_and_empty_lines_are_no_rows(quoted: str) -> None:
    found = rows(split("1,2,\n\nNULL,5,nullable\r\n\r\n" + quoted))
    assert found[:2] == [(2, "1,2,", None, ("1", None)), (4, "NULL,5,nullable", None, (None, "nullable"))]


@pytest.mark.parametrize("quoted", ["", '"9",9,9\n'], ids=["without quotes", "with quotes"])
def test_a_row_of_another_width_is_rejected_and_its_neighbours_are_not(quoted: str) -> None:
    found = rows(split("1,2,3\n4,5\n6,7,8,9\n10,11,12\n" + quoted))
    assert [(line, problem, values) for line, _, problem, values in found][:4] == [
        (2, None, ("1", "3")),
        (3, "wrong_field_count", (None, None)),
        (4, "wrong_field_count", (None, None)),
        (5, None, ("10", "12")),
    ]


def test_a_quoted_field_may_hold_delimiters_quotes_and_line_breaks() -> None:
    found = rows(split('1,2,"x, ""y""\r\nz"\n4,5,6\n'))
    assert found == [(2, '1,2,"x, ""y""\nz"', None, ("1", 'x, "y"\nz')), (4, "4,5,6", None, ("4", "6"))]


def test_a_quote_inside_an_unquoted_field_is_a_character() -> None:
    assert rows(split('1,2,5" pipe\n')) == [(2, '1,2,5" pipe', None, ("1", '5" pipe'))]


def test_a_quote_that_is_never_closed_costs_its_own_line_only() -> None:
    found = rows(split('1,2,"x\n4,5,6\n7,8,"y"\n10,11,12\n'))
    assert [(line, problem) for line, _, problem, _ in found] == [(2, "bad_quoting"), (3, None), (4, None), (5, None)]
    assert found[0][1] == '1,2,"x'


def test_a_stray_quote_that_meets_a_later_one_costs_the_broken_lines_only() -> None:
    # Read together, lines 2 to 4 have too few fields; read one by one, only the first and the last are broken.
    found = rows(split('1,"2,3\n4,5,6\n7,8",9,0\n1,2,3\n'))
    assert [(line, problem) for line, _, problem, _ in found] == [
        (2, "wrong_field_count"),
        (3, None),
        (4, "wrong_field_count"),
        (5, None),
    ]


def test_a_record_may_go_on_in_the_next_block_but_not_for_ever() -> None:
    assert split('1,2,3\n4,5,"x\n', is_last=False).left == 1
    far = '4,5,"x\n' + "1,2,3\n" * LONGEST_RECORD
    records = split(far, is_last=False)
    assert records.left == 0
    assert len(records.lines) == LONGEST_RECORD + 1


def test_a_file_without_quoting_takes_quotes_as_characters() -> None:
    layout = FileLayout(names=("a", "b", "c"), wanted=("a", "c"), nulls=(), quote="", delimiter=";")
    assert rows(split('"1;2;3"\n', layout)) == [(2, '"1;2;3"', None, ('"1', '3"'))]


def test_json_lines_give_text_and_keep_the_digits_of_numbers() -> None:
    layout = FileLayout(names=("a", "c"), wanted=("a", "c"), nulls=("",), format="jsonl")
    found = rows(split('{"a": 1.50, "c": true}\n{"a": {"x": 1}, "c": null}\nnonsense\n[1]\n\n{"a": ""}\n', layout))
    assert [(line, problem, values) for line, _, problem, values in found] == [
        (2, None, ("1.50", "true")),
        (3, None, ('{"x": "1"}', None)),
        (4, "not_json", (None, None)),
        (5, "not_json", (None, None)),
        (7, None, (None, None)),
    ]


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ('{"a": "\\ud800", "c": "2"}', "not_text"),
        ('{"a": "1", "c": ["\\udc00"]}', "not_text"),
        ('{"a": "1", "\\ud83d": "2"}', "not_text"),
        ('{"a": "\\ud83d\\ude00", "c": "2"}', None),
        ('{"a": "1", "a": "2"}', "key_twice"),
        ('{"a": {"b": 1, "b": 2}}', "key_twice"),
        ('{"a": NaN}', "not_json"),
        ('{"a": -Infinity}', "not_json"),
        ("[" * 100_000, "not_json"),
        ('{"a": ' * 100_000, "not_json"),
        ('{"a": ' + "[" * 5_000 + "]" * 5_000 + "}", "not_json"),
        ('{"a": ' + "9" * 10_000 + "}", None),
        ('{"a": "1"', "not_json"),
        ("\0", "not_json"),
    ],
)
def test_a_record_that_no_parser_takes_is_one_reject(record: str, problem: str | None) -> None:
    layout = FileLayout(names=("a", "c"), wanted=("a", "c"), nulls=("",), format="jsonl")
    good = '{"a": "1", "c": "2"}'
    found = rows(split(f"{good}\n{record}\n{good}\n", layout))
    assert [told for _, _, told, _ in found] == [None, problem, None]
    assert found[0][3] == found[2][3] == ("1", "2")


def test_a_long_field_is_read_beside_quoted_ones() -> None:
    long = "x" * 300_000
    assert [values for *_, values in rows(split(f'"1",b,{long}\n2,b,c\n'))] == [("1", long), ("2", "c")]
