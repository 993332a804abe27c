"""Which files make a table's rows: held against a database in which each delivered file has one row that all match."""

from __future__ import annotations

from itertools import chain, combinations
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pytest
import sqlglot

from tallystick.ingest.looked_up import ViewTypes
from tallystick.spec.row_sources import makes_rows

FILES = ("a", "b", "c")
QUERIES = [
    "SELECT a.k FROM a",
    "SELECT a.k FROM a LEFT JOIN b ON b.k = a.k",
    "SELECT a.k FROM a JOIN b ON b.k = a.k",
    "SELECT a.k FROM a, b WHERE a.k = b.k",
    "SELECT a.k FROM a CROSS JOIN b LEFT JOIN c ON c.k = b.k",
    "SELECT b.k FROM a RIGHT JOIN b ON b.k = a.k",
    "SELECT b.k FROM a JOIN c ON c.k = a.k RIGHT JOIN b ON b.k = a.k",
    "SELECT COALESCE(a.k, b.k) AS k FROM a FULL JOIN b ON b.k = a.k",
    "SELECT a.k FROM a LEFT SEMI JOIN b ON b.k = a.k",
    "SELECT a.k FROM a UNION ALL SELECT b.k FROM b LEFT JOIN c ON c.k = b.k",
    "SELECT k FROM a INTERSECT SELECT k FROM b",
    "WITH x AS (SELECT a.k FROM a LEFT JOIN b ON b.k = a.k), y AS (SELECT x.k FROM x JOIN c ON 1 = 1) SELECT k FROM y",
    "SELECT x.k FROM (SELECT a.k FROM a UNION SELECT b.k FROM b) x LEFT JOIN c ON c.k = x.k",
    "SELECT a.k FROM a JOIN (VALUES (1)) v (k) ON v.k = a.k",
    "SELECT a.k FROM (VALUES (1)) v (k) LEFT JOIN a ON a.k = v.k JOIN b ON b.k = v.k",
    "SELECT a.k FROM a LEFT JOIN (b JOIN c ON c.k = b.k) ON b.k = a.k",
]  # fmt: skip


@pytest.mark.parametrize("query", QUERIES)
def test_a_view_is_fed_where_the_delivered_files_make_rows_of_it(query: str) -> None:
    tree = sqlglot.parse_one(query, dialect="spark")
    asked = tree.sql(dialect="duckdb")
    with duckdb.connect() as connection:
        for name in FILES:
            connection.execute(f"CREATE TABLE {name} (k INT)")
        for held in chain.from_iterable(combinations(FILES, size) for size in range(len(FILES) + 1)):
            for name in FILES:
                connection.execute(f"DELETE FROM {name}")
                if name in held:
                    connection.execute(f"INSERT INTO {name} VALUES (1)")
            assert makes_rows(tree, held.__contains__) == bool(connection.execute(asked).fetchall()), held


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a.k FROM a LEFT ANTI JOIN b ON b.k = a.k",
        "SELECT k FROM a EXCEPT SELECT k FROM b",
        "SELECT k FROM a WHERE NOT EXISTS (SELECT * FROM b WHERE b.k = a.k)",
    ],
)
def test_what_takes_rows_away_is_looked_up(query: str) -> None:
    tree = sqlglot.parse_one(query, dialect="spark")
    fed = [held for held in ((), ("a",), ("b",), ("a", "b")) if makes_rows(tree, held.__contains__)]
    assert fed == [("a",), ("a", "b")]


def test_a_view_of_views_is_fed_by_the_files_at_its_root() -> None:
    parsed = {
        "booked": "SELECT b.k FROM bookings b LEFT JOIN people p ON p.k = b.k",
        "told": "SELECT x.k FROM booked x JOIN accounts a ON a.k = x.k",
    }
    views = {name: sqlglot.parse_one(sql, dialect="spark") for name, sql in parsed.items()}
    source = SimpleNamespace(files=("bookings", "people", "accounts"))
    types = ViewTypes(cast(Any, source), cast(Any, SimpleNamespace(views=views)), {})
    files = {"bookings": ["b.csv"], "people": [], "accounts": []}
    assert [types.is_fed(name, files) for name in ("bookings", "people", "booked", "told")] == [
        True,
        False,
        True,
        False,
    ]
    assert types.is_fed("told", {**files, "accounts": ["a.csv"]})
    assert not types.is_fed("booked", {**files, "bookings": [], "people": ["p.csv"]})


def test_constants_alone_are_no_file() -> None:
    assert not makes_rows(sqlglot.parse_one("SELECT k FROM (VALUES (1)) v (k)", dialect="spark"), lambda name: True)
