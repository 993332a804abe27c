"""What a mapping lacks is told before any data is read, with file and line, all of it at once."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tallystick.errors import DeclarationError, NotFound
from tallystick.project.contracts import load_contracts
from tallystick.project.sources import check_source, load_source, load_sources
from tallystick.spec.sources import SourceFile
from tallystick.spec.tables import TableContract
from tests.lib.deliveries import ACCOUNTS_SQL, CHECKOUT, CUSTOMERS_SQL, SOURCE_YAML, TRANSACTIONS_SQL, write_source


@cache
def contracts() -> dict[str, TableContract]:
    """The real contracts, read once: reading them is most of a test's time."""
    return load_contracts(CHECKOUT)


def problems(root: Path, name: str = "village") -> list[str]:
    """The problems of a source as ``file:line: what``, without folders and advice."""
    found = check_source(root, name, contracts=contracts())
    return [f"{Path(problem.where).name}: {problem.what}" for problem in found]


def test_the_projects_own_sources_lack_nothing(project_root: Path) -> None:
    names = sorted(path.parent.name for path in (project_root / "sources").glob("*/source.yaml"))
    assert {"berka", "copenhagen"} <= set(names)
    assert {name: check_source(project_root, name, contracts=contracts()) for name in names} == {
        name: [] for name in names
    }


def test_a_whole_source_lacks_nothing_and_is_loaded(tmp_path: Path) -> None:
    write_source(tmp_path)
    assert problems(tmp_path) == []
    source = load_sources(tmp_path)["village"]
    assert (source.zone, source.currency, source.layout.period, source.layout.buckets) == (
        *("Europe/Prague", "CZK", "month"),
        2,
    )
    assert source.assumed_tables == ("clean.customers",)
    assert source.tables["accounts"].reject_rate == 0.5
    assert source.files["bookings"].nulls == ("", "NULL")
    assert str(source.tables["transactions"].known_on) == "event_date + 1 day"


def test_the_check_needs_no_spark(project_root: Path) -> None:
    code = (
        "import sys, pathlib; from tallystick.project import load_project;"
        "from tallystick.project.sources import check_source;"
        f"project = load_project(pathlib.Path({str(project_root)!r}));"
        "check_source(project.root, 'berka', contracts=project.contracts);"
        "print('pyspark' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


def test_an_unknown_source_names_the_known_ones(tmp_path: Path) -> None:
    write_source(tmp_path)
    with pytest.raises(NotFound, match="there is no source town .known sources: village"):
        problems(tmp_path, "town")


YAML_MISTAKES = {
    "zone: Europe/Prague": ("zone: Europe/Nowhere", "source.yaml:2: unknown time zone Europe/Nowhere"),
    "zone: Europe/Prague\n": ("", "source.yaml:1: zone is missing"),
    "reject_rate: 0.5\n": ("reject_rates: 0.5\n", "source.yaml:6: unknown key reject_rates"),
    "encoding: utf-8,": ("encoding: utf-9,", "source.yaml:8: unknown encoding utf-9"),
    "key: [account], optional": ("key: [accont], optional", "source.yaml:11: file accounts: key column accont is not"),
    "columns: [person, born, village]": ("columns: person", "source.yaml:10: columns is not a list of names"),
    "file: people.csv, col": (
        "file: people.csv, sparse: [born], col",
        "source.yaml:10: file people: sparse column born is not a declared key of a jsonl or json file",
    ),
    "reading: {encoding: utf-8,": ("reading: {encoding: rot13,", "source.yaml:8: rot13 is no encoding of text"),
    "file: people.csv": (
        "file: _manifest.json",
        "source.yaml:10: file people: file _manifest.json is a name",
    ),
    "{known_on: event_date + 1 day}": (
        "{known_on: event_date + 99999999 days}",
        "source.yaml:15: known_on: at most",
    ),
    'nulls: ["", "NULL"]': ("nulls: NULL.", "source.yaml:8: nulls is not a list of texts"),
    "file: people.csv,": ("", "source.yaml:10: file people has no file"),
    "buckets: 2": ("buckets: 0", "source.yaml:7: layout.buckets is not a whole number"),
    "load_date: 2024-01-31": ("load_date: January", "source.yaml:4: load_date is not a date"),
    "known_on: assumed": ("known_on: perhaps", "source.yaml:14: known_on is no rule"),
    "{known_on: assumed}": ("{}", "source.yaml:14: table customers has no known_on rule"),
    "reject_rate: 0.9": ("reject_rate: 90", "source.yaml:16: table transactions: reject_rate is not a share"),
    "tables:": ("tables:\n  loans: {known_on: load_date}", "source.yaml:14: loans.sql is missing"),
    "  customers: {known_on: assumed}\n": ("", "customers.sql:1: nothing reads this file"),
    "title: A village bank": ("title: [", "source.yaml:3: not YAML: expected"),
    "files:\n": ("files:\n  people: {}\n", "source.yaml:11: people stands twice"),
    "reading: {": ("reading: {delimiter: ';;', ", "source.yaml:8: delimiter is not one character"),
    "reading: {enc": ("parameters: {zone: x}\nreading: {enc", "source.yaml:8: parameter zone is set by the machinery"),
}


@pytest.mark.parametrize("mistake", sorted(YAML_MISTAKES))
def test_a_mistake_in_the_yaml_file_is_told_with_its_line(tmp_path: Path, mistake: str) -> None:
    wrong, told = YAML_MISTAKES[mistake]
    assert mistake in SOURCE_YAML
    write_source(tmp_path, files={"source.yaml": SOURCE_YAML.replace(mistake, wrong, 1)})
    assert any(problem.startswith(told) for problem in problems(tmp_path)), problems(tmp_path)
    with pytest.raises(DeclarationError):
        load_source(tmp_path, "village")


@pytest.mark.parametrize(
    "name", ["hex", "zlib", "base64", "bz2", "idna", "punycode", "unicode_escape", "utf-7", "undefined"]
)
def test_what_is_no_encoding_of_text_is_refused(name: str) -> None:
    with pytest.raises(DeclarationError, match="is no encoding of text"):
        SourceFile(view="a", file="a.csv", columns=("a",), encoding=name)


@pytest.mark.parametrize(
    "name", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1250", "cp037", "gb18030", "shift_jis", "big5"]
)
def test_encodings_of_text_are_taken(name: str) -> None:
    assert SourceFile(view="a", file="a.csv", columns=("a",), encoding=name).encoding == name


SQL_MISTAKES = {
    "an unknown column": ("b.booking AS", "b.bookin AS", "3: view bookings has no column bookin; booking is near"),
    "an unknown alias": ("b.booking AS", "c.booking AS", "3: unknown view c"),
    "an unknown view": ("FROM bookings b", "FROM booking b", "14: unknown view booking"),
    "an unknown clean table": ("JOIN clean.accounts", "JOIN clean.accnts", "15: unknown view clean.accnts"),
    "a name in two views": ("a.customer_id,", "a.customer_id, account,", "2: clean.transactions has no column account"),
    "an unknown target": ("AS category", "AS categories", "8: clean.transactions has no column categories"),
    "a missing target": ("  b.note AS category,\n", "", "13: category is not selected"),
    "a missing required target": ("  b.booked AS event_at,\n", "", "13: event_at is not selected"),
    "a target of the machinery": (
        "b.note AS category",
        "b.note AS category, 1 AS bucket",
        "8: bucket is filled by the",
    ),
    "known_on beside a rule": ("b.note AS category", "b.note AS category, 1 AS known_on", "8: known_on is filled by"),
    "an expression without a name": ("b.note AS category", "LOWER(b.note)", "8: an expression has no name"),
    "a name twice": ("b.note AS category", "b.note AS channel", "8: column channel is selected twice"),
    "no SQL": ("SELECT\n", "SELECT (\n", "14: not SQL: Expecting )"),
    "an open quote": ("'VOID'", "'VOID", "1: not SQL: a quote or comment is not closed"),
    "two queries": ("WHERE", "; SELECT 1 AS x FROM bookings WHERE", "1: not one query"),
    "an unknown parameter": ("${currency}", "${money}", "13: unknown parameter money"),
    "an aggregate": ("LOWER(b.kind)", "MAX(b.kind)", "7: an aggregate in a mapping"),
    "a window": ("LOWER(b.kind)", "LAG(b.kind) OVER (ORDER BY b.kind)", "7: a window function in a mapping"),
    "a query inside": ("b.kind <> 'VOID'", "b.kind IN (SELECT 'a' FROM people)", "16: a query inside the query in a"),
    "the clock": ("b.note AS", "CAST(CURRENT_DATE AS STRING) AS", "8: the clock may not be read"),
    "chance": ("b.note AS", "UUID() AS", "8: UUID answers differently each time"),
    "grouping": ("WHERE b.kind <> 'VOID'", "GROUP BY 1", "2: GROUP BY in a mapping"),
    "a limit": ("WHERE b.kind <> 'VOID'", "LIMIT 5", "2: LIMIT in a mapping"),
    "DISTINCT": ("SELECT\n", "SELECT DISTINCT\n", "2: DISTINCT in a mapping"),
    "a star": ("b.note AS category", "*", "8: * in a mapping"),
    "a union that loses rows": ("WHERE b.kind", "UNION SELECT 1 FROM people WHERE b.kind", "2: UNION loses count"),
    "a join on half a key": (
        "a.account_id = b.account",
        "a.currency = b.account",
        "15: the join of clean.accounts does",
    ),
    "a join without a key": (
        "JOIN clean.accounts a ON a.account_id",
        "JOIN people a ON a.person",
        "15: view people is",
    ),
    "a join without ON": ("ON a.account_id = b.account", "", "15: the join of clean.accounts does not compare"),
    "an outer join": ("JOIN clean", "FULL JOIN clean", "15: a join that is neither JOIN nor LEFT JOIN"),
    "one alias for two views": ("accounts a ON", "accounts b ON", "14: two views have one alias"),
    "a clean table that drives": (
        "FROM bookings b\n",
        "FROM clean.accounts b\n",
        "14: clean.accounts drives a mapping",
    ),
    "text used as a number": ("LOWER(b.kind)", "b.amount * 2", "7: column amount is text and is used as a number"),
    "text compared with a number": ("b.kind <> 'VOID'", "b.amount > 2", "16: column amount is text and is used as a"),
    "text used as a time": ("b.booked AS", "TO_UTC_TIMESTAMP(b.booked, 'UTC') AS", "4: column booked is text and is"),
    "local time read as UTC": ("b.booked AS", "CAST(b.booked AS TIMESTAMP) AS", "4: event_at would read local time as"),
    "a number of unknown unit": ("b.booked AS", "CAST(b.booked AS BIGINT) AS", "4: event_at is a number, not a time"),
    "a sum of unknown unit": ("b.booked AS", "UNIX_TIMESTAMP('2024-01-01') + 5 AS", "4: event_at is a number, not a"),
    "an instant told as text": ("b.booked AS", "FROM_UNIXTIME(5) AS", "4: event_at would read text in UTC as local"),
    "months as minutes": ("b.booked AS", "TO_DATE(b.booked, 'yyyy-mm-dd') AS", "4: format yyyy-mm-dd: mm is minutes"),
    "half a day's hours": (
        "b.booked AS",
        "TO_TIMESTAMP_NTZ(b.booked, 'd.M.yyyy hh:mm') AS",
        "4: format d.M.yyyy hh",
    ),
    "a week's year": ("b.booked AS", "TO_DATE(b.booked, 'YYYYMMdd') AS", "4: format YYYYMMdd: Y is the year of a week"),
    "no century": ("b.booked AS", "TO_DATE(b.booked, 'yyMMdd') AS", "4: format yyMMdd: two digits do not say"),
    "no year": ("b.booked AS", "TO_DATE(b.booked, 'dd.MM.') AS", "4: format dd.MM.: there is no year"),
    "a zone forgotten": (
        "b.booked AS",
        "TO_TIMESTAMP_NTZ(b.booked, 'yyyyMMdd HHX') AS",
        "4: format yyyyMMdd HHX: TO",
    ),
    "few digits": ("LOWER(b.kind)", "CAST(b.amount AS FLOAT)", "7: FLOAT keeps seven digits"),
    "an unknown function": ("LOWER(b.kind)", "LOWERR(b.kind)", "7: unknown function LOWERR"),
    "text between numbers": ("b.kind <> 'VOID'", "b.amount BETWEEN 1 AND 2", "16: column amount is text and is used"),
    "text among numbers": ("b.kind <> 'VOID'", "b.amount IN (1, 2)", "16: column amount is text and is used as a"),
    "text in a case of numbers": ("LOWER(b.kind)", "CASE b.kind WHEN 1 THEN 'a' END", "7: column kind is text and is"),
    "a pattern read as UTC": ("b.booked AS", "TO_TIMESTAMP(b.booked, 'd.M.y') AS", "4: event_at would read local time"),
}


@pytest.mark.parametrize("mistake", sorted(SQL_MISTAKES))
def test_a_mistake_in_a_mapping_is_told_with_its_line(tmp_path: Path, mistake: str) -> None:
    right, wrong, told = SQL_MISTAKES[mistake]
    assert right in TRANSACTIONS_SQL
    write_source(tmp_path, files={"transactions.sql": TRANSACTIONS_SQL.replace(right, wrong, 1)})
    found = problems(tmp_path)
    assert any(problem.startswith(f"transactions.sql:{told}") for problem in found), found


def test_all_problems_are_told_at_once_and_the_first_stops_a_load(tmp_path: Path) -> None:
    files = {
        "accounts.sql": ACCOUNTS_SQL.replace("opened", "open_date"),
        "customers.sql": CUSTOMERS_SQL.replace("born", "birth").replace("village", "town"),
    }
    write_source(tmp_path, files=files)
    assert problems(tmp_path) == [
        "accounts.sql:4: no view here has a column open_date; opened is near",
        "customers.sql:5: no view here has a column birth",
        "customers.sql:7: no view here has a column town",
    ]


def test_a_table_that_is_in_no_schema_is_told(tmp_path: Path) -> None:
    yaml = SOURCE_YAML.replace("tables:", "tables:\n  taxes: {known_on: load_date}")
    write_source(tmp_path, files={"source.yaml": yaml, "taxes.sql": "SELECT person FROM people"})
    assert problems(tmp_path) == ["source.yaml:14: there is no clean table taxes"]


def test_a_misspelt_table_is_told_once_with_the_name_that_was_meant(tmp_path: Path) -> None:
    write_source(tmp_path, files={"source.yaml": SOURCE_YAML.replace("  accounts: {known", "  acounts: {known")})
    found = check_source(tmp_path, "village", contracts=contracts())
    assert [(problem.what, problem.fix) for problem in found] == [
        ("there is no clean table acounts", "did you mean accounts?"),
    ]


ONE_CAUSE = {
    "reading: {encoding: utf-8": ("reading: {encoding: utf-9", ["source.yaml:8: unknown encoding utf-9"]),
    "columns: [person, born, village]": (
        "columns: [person, born, Born]",
        ["source.yaml:10: file people: a column is declared twice"],
    ),
    "zone: Europe/Prague": ("zone: Prague", ["source.yaml:2: unknown time zone Prague"]),
    "{known_on: assumed}": ("{known_on: known}", ["source.yaml:14: known_on is no rule"]),
    "{known_on: event_date + 1 day, reject_rate: 0.9}": (
        "{known_on: load_date, reject_rate: 9}",
        ["source.yaml:16: table transactions: reject_rate is not a share"],
    ),
}


@pytest.mark.parametrize("mistake", sorted(ONE_CAUSE))
@pytest.mark.parametrize("is_alone", [True, False])
def test_one_mistake_is_told_once_and_hides_no_other(tmp_path: Path, mistake: str, is_alone: bool) -> None:
    wrong, told = ONE_CAUSE[mistake]
    assert mistake in SOURCE_YAML
    sql = TRANSACTIONS_SQL if is_alone else TRANSACTIONS_SQL.replace("  b.note AS category,\n", "")
    write_source(tmp_path, files={"source.yaml": SOURCE_YAML.replace(mistake, wrong), "transactions.sql": sql})
    assert problems(tmp_path) == [*told, *([] if is_alone else ["transactions.sql:13: category is not selected"])]


def test_views_that_read_an_unread_file_are_not_judged_by_it(tmp_path: Path) -> None:
    views = """views:
  villages: {sql: "SELECT village, COUNT(*) AS heads FROM people GROUP BY village", key: [village]}
"""
    yaml = SOURCE_YAML.replace("tables:", views + "tables:").replace("columns: [person, born, village]", "columns: no")
    write_source(tmp_path, files={"source.yaml": yaml})
    assert problems(tmp_path) == ["source.yaml:10: columns is not a list of names"]


def test_a_column_missing_in_the_first_of_several_selects_is_told_a_line_for_each(tmp_path: Path) -> None:
    short = TRANSACTIONS_SQL.replace("  b.note AS category,\n", "")
    write_source(tmp_path, files={"transactions.sql": "UNION ALL\n".join([short, *[TRANSACTIONS_SQL] * 3])})
    found = problems(tmp_path)
    assert found[0] == "transactions.sql:13: category is not selected"
    assert [told.partition(": ")[2] for told in found[1:]] == ["12 columns where the first SELECT has 11"] * 3


def test_the_whole_key_is_told_as_people_write_it(tmp_path: Path) -> None:
    sql = TRANSACTIONS_SQL.replace("a.account_id = b.account", "a.currency = b.account")
    write_source(tmp_path, files={"transactions.sql": sql})
    (found,) = check_source(tmp_path, "village", contracts=contracts())
    assert found.fix == "only a join on the whole key account_id keeps one row one row"


def test_derived_views_and_parents_are_checked(tmp_path: Path) -> None:
    views = """views:
  villages:
    sql: |
      SELECT village,
        COUNT(*) AS heads FROM people GROUP BY village
    key: [town]
  round: {sql: SELECT a FROM trip, key: [a]}
  trip: {sql: SELECT a FROM round, key: [a]}
"""
    yaml = SOURCE_YAML.replace("tables:", views + "tables:").replace(
        "accounts: {known_on: event_date + 1 day",
        "accounts: {known_on: load_date, parents: {person: customers, region_id: regions}",
    )
    write_source(tmp_path, files={"source.yaml": yaml})
    assert problems(tmp_path) == [
        "source.yaml:1: parents of accounts: it has no column person",
        "source.yaml:1: parents of accounts: unknown table regions",
        "source.yaml:1: views read each other: round < trip < round",
    ]


def test_tables_that_look_each_other_up_are_told(tmp_path: Path) -> None:
    sql = ACCOUNTS_SQL + "JOIN clean.transactions t ON t.transaction_id = account\n"
    write_source(tmp_path, files={"accounts.sql": sql})
    assert [told for told in problems(tmp_path) if "circle" in told] != []
