"""What commands print: JSON that every parser reads, CSV that no spreadsheet computes, texts that steer no terminal."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from tallystick.cli import main
from tallystick.cli.printing import print_record, print_table, visible
from tallystick.errors import InputError

TEXTS = ["=1+1", "+49", "-2", "@SUM(A1)", "\tx", "\rx", "a=1", "", None, "12"]


def test_json_has_no_value_that_json_has_not(capsys: pytest.CaptureFixture[str]) -> None:
    table = pa.table(
        {
            "x": [float("nan"), float("inf"), float("-inf"), 1.5, None],
            "y": [[1.0, float("nan")], [], None, [2.0], [3.0]],
            "m": [Decimal("1.20")] * 5,
            "d": [date(2026, 4, 1)] * 5,
        }
    )
    print_table(table, as_json=True)

    def refuse(word: str) -> None:
        raise AssertionError(word)

    read = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert [row["x"] for row in read] == ["NaN", "Infinity", "-Infinity", 1.5, None]
    assert read[0]["y"] == [1.0, "NaN"]
    assert (read[0]["m"], read[0]["d"]) == ("1.20", "2026-04-01")
    print_record({"x": float("nan")}, as_json=True)
    assert json.loads(capsys.readouterr().out, parse_constant=refuse) == {"x": "NaN"}


def test_csv_gives_a_formula_an_apostrophe_and_leaves_numbers_as_they_are(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    print_table(pa.table({"t": TEXTS, "n": [-1, *range(9)], "f": [-0.5] * 10}), as_csv=True)
    rows = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode(), newline="")))
    assert [row["t"] for row in rows] == ["'=1+1", "'+49", "'-2", "'@SUM(A1)", "'\tx", "'\rx", "a=1", "", "", "12"]
    assert (rows[0]["n"], rows[0]["f"]) == ("-1", "-0.5")


def test_csv_escapes_names_and_writes_lists_and_categories(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    kinds = pa.array(["=1", "b"]).dictionary_encode()
    print_table(pa.table({"=2+2": [1, 2], "k": kinds, "l": [[1, 2], None]}), as_csv=True)
    rows = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode(), newline="")))
    assert [list(row.values())[:2] for row in rows] == [["1", "'=1"], ["2", "b"]]
    assert list(rows[0]) == ["'=2+2", "k", "l"]
    assert [json.loads(row["l"]) if row["l"] else None for row in rows] == [[1, 2], None]


def test_a_whole_number_is_a_number_as_far_as_every_parser_holds_it(capsys: pytest.CaptureFixture[str]) -> None:
    most = 2**53
    sums = pa.array([Decimal(most), Decimal(-most), Decimal(most + 1), None], pa.decimal128(38, 0))
    counts = pa.array([most, -most, -most - 1, 0], pa.int64())
    print_table(pa.table({"sum": sums, "count": counts, "is": [True] * 4}), as_json=True)
    read = json.loads(capsys.readouterr().out)
    assert [row["sum"] for row in read] == [most, -most, str(most + 1), None]
    assert [row["count"] for row in read] == [most, -most, str(-most - 1), 0]
    assert [row["is"] for row in read] == [True] * 4


@pytest.mark.parametrize("value", [9007199254740992.0, 0.1 + 0.2, 1e-300, 2.0])
def test_people_see_all_digits_of_a_query_that_tell_a_double_from_others(
    value: float, capsys: pytest.CaptureFixture[str]
) -> None:
    print_table(pa.table({"x": [value]}), is_exact=True)
    assert float(capsys.readouterr().out.split()[-1]) == value
    print_table(pa.table({"x": [value]}))
    assert capsys.readouterr().out.split()[-1] == f"{value:.6g}"


@pytest.mark.parametrize("form", [{}, {"as_json": True}])
def test_a_date_that_nothing_can_show_is_told_in_a_sentence(form: dict[str, bool]) -> None:
    days = pa.array([0, 2**31 - 1], pa.int32()).cast(pa.date32())
    with pytest.raises(InputError, match="column day has a date or time outside the years 1 to 9999"):
        print_table(pa.table({"day": days}), **form)


@pytest.mark.parametrize("form", [{}, {"as_json": True}, {"as_csv": True}])
def test_two_columns_of_one_name_are_refused_since_one_of_them_would_be_lost(form: dict[str, bool]) -> None:
    with pytest.raises(InputError, match="two columns are called a"):
        print_table(pa.table([[1], [2]], names=["a", "a"]), **form)


def test_a_text_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    steering = "a\x1b[2Jb\x07c\u202ed\x9b"
    print_table(pa.table({"t": [steering], "n\x1b[2J": [1]}))
    print_record({"t": steering})
    printed = capsys.readouterr().out
    assert not set(printed) & set("\x1b\x07\u202e\x9b")
    assert "\\x1b[2Jb\\x07c\\u202ed\\x9b" in printed
    assert visible("a\tb\nc ü 元") == "a\tb\nc ü 元"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("score bank:1 --as-of 2026-13-01", "--as-of: '2026-13-01' cannot be read (give a date"),
        ("tables --nope", "No such option: --nope"),
        ("score", "Missing argument"),
        ("", ""),
    ],
)
def test_a_mistyped_option_is_one_sentence_and_no_lack_of_the_machine(
    typed: str, told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["tally", *typed.split()])
    monkeypatch.setattr("tallystick.cli.end_at_interrupt", lambda: None)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    printed = capsys.readouterr()
    assert told in printed.err
    assert len(printed.err.splitlines()) == (1 if told else 0)
    assert ("Usage" in printed.out) == (not typed)


def test_a_table_that_is_wider_than_the_screen_is_a_block_per_row(capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"a_rather_long_name_{number}" for number in range(12)]
    print_table(pa.table({name: [f"simbank:{row}" for row in range(2)] for name in names}))
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        line
        for row in range(2)
        for line in (f"-- row {row + 1}", *(f"{name:{len(names[-1])}}  simbank:{row}" for name in names))
    ]
    print_table(pa.table({name: ["simbank:1"] for name in names[:3]}))  # this one fits
    assert capsys.readouterr().out.splitlines()[0].split() == names[:3]


def test_long_sentences_are_wrapped_in_their_column(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(pa.table({"id": ["a"], "told": ["some words " * 40]}))
    assert "-- row" not in capsys.readouterr().out


def test_a_list_that_is_whole_is_printed_whole(capsys: pytest.CaptureFixture[str]) -> None:
    many = pa.table({"n": list(range(84))})
    print_table(many, is_whole=True)
    assert len(capsys.readouterr().out.splitlines()) == 84 + 2  # the header and its line
    print_table(many)
    printed = capsys.readouterr()
    assert (len(printed.out.splitlines()), printed.err) == (50 + 2, "50 of 84 rows; --csv or --json prints all\n")
