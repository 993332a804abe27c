"""A view that depends on the order of its rows must say an order in which no two of them tie."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.project.contracts import load_contracts
from tallystick.project.sources import check_source
from tallystick.spec.mappings import parse_query
from tallystick.spec.row_order import open_orders
from tests.lib.deliveries import CHECKOUT, SOURCE_YAML, write_source

# The views and what is declared as their keys.
KEYS = {"loans": ("loan",), "parts": ("loan", "part"), "lines": (), "clean.accounts": ("account_id",)}

CLOSED = """
SELECT ROW_NUMBER() OVER (ORDER BY paid, loan) AS n FROM loans
SELECT ROW_NUMBER() OVER (PARTITION BY loan ORDER BY paid) AS n FROM loans
SELECT ROW_NUMBER() OVER (PARTITION BY LOAN ORDER BY paid DESC, Part) AS n FROM parts
SELECT RANK() OVER (ORDER BY paid) AS n, DENSE_RANK() OVER (ORDER BY paid) AS m FROM lines
SELECT SUM(paid) OVER (PARTITION BY branch) AS n, SUM(paid) OVER (ORDER BY day) AS m FROM lines
SELECT LAG(paid) OVER (ORDER BY _file, _line) AS n FROM lines
SELECT FIRST_VALUE(paid) IGNORE NULLS OVER w AS n FROM loans WINDOW w AS (PARTITION BY branch ORDER BY day, loan)
SELECT l.loan FROM loans l LEFT JOIN clean.accounts a ON a.account_id = l.account ORDER BY l.loan LIMIT 3
SELECT LAG(p.paid) OVER (ORDER BY l.day, l.loan, p.part) AS n FROM loans l JOIN parts p ON p.loan = l.loan
SELECT branch, ROW_NUMBER() OVER (ORDER BY COUNT(*) DESC, branch) AS n FROM lines GROUP BY branch
WITH w AS (SELECT loan AS id, SUM(paid) AS s FROM parts GROUP BY loan) SELECT LAG(s) OVER (ORDER BY s, id) AS n FROM w
SELECT LAG(s) OVER (ORDER BY s, branch) AS n FROM (SELECT DISTINCT branch, s FROM lines) d
SELECT SORT_ARRAY(COLLECT_LIST(paid)) AS n FROM lines GROUP BY branch
SELECT SUM(paid) OVER (ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS n FROM lines
""".strip().splitlines()

OPEN = """
SELECT ROW_NUMBER() OVER (ORDER BY paid) AS n FROM loans
SELECT ROW_NUMBER() OVER (PARTITION BY loan ORDER BY paid) AS n FROM parts
SELECT LAG(paid) OVER (ORDER BY day) AS n FROM lines
SELECT LEAD(paid, 2) OVER (PARTITION BY branch ORDER BY day) AS n FROM loans
SELECT NTILE(4) OVER (ORDER BY paid) AS n FROM loans
SELECT FIRST_VALUE(paid) IGNORE NULLS OVER w AS n FROM loans WINDOW w AS (PARTITION BY branch ORDER BY day)
SELECT COLLECT_LIST(paid) OVER (PARTITION BY branch ORDER BY day) AS n FROM loans
SELECT SUM(paid) OVER (ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS n FROM loans
SELECT loan FROM loans QUALIFY ROW_NUMBER() OVER (PARTITION BY branch ORDER BY day) = 1
SELECT paid FROM loans ORDER BY paid LIMIT 3
SELECT LAG(p.paid) OVER (ORDER BY l.day, l.loan) AS n FROM loans l JOIN parts p ON p.loan = l.loan
SELECT LAG(l.day) OVER (ORDER BY l.loan) AS n FROM loans l CROSS JOIN lines
SELECT LAG(_line) OVER (ORDER BY _file, _line) AS n FROM lines l JOIN loans o ON o.branch = l.branch
SELECT branch, ROW_NUMBER() OVER (ORDER BY COUNT(*)) AS n FROM lines GROUP BY branch
SELECT ROW_NUMBER() OVER (ORDER BY loan) AS n, EXPLODE(SPLIT(tags, ',')) AS tag FROM loans
SELECT ROW_NUMBER() OVER (ORDER BY loan) AS n FROM loans LATERAL VIEW EXPLODE(SPLIT(tags, ',')) x AS tag
SELECT LAG(a) OVER (ORDER BY a) AS n FROM (SELECT loan AS a FROM loans UNION ALL SELECT loan AS a FROM loans) u
WITH sums AS (SELECT loan AS id, paid FROM parts) SELECT LAG(paid) OVER (ORDER BY id) AS n FROM sums
""".strip().splitlines()


def orders(query: str) -> list[tuple[str, str]]:
    tree, problems = parse_query(query, "source.yaml")
    assert tree is not None, problems
    return list(open_orders(tree, KEYS))


@pytest.mark.parametrize("query", CLOSED)
def test_an_order_in_which_no_rows_tie_is_taken(query: str) -> None:
    assert orders(query) == []


@pytest.mark.parametrize("query", OPEN)
def test_an_order_in_which_rows_may_tie_is_refused(query: str) -> None:
    (told,) = orders(query)
    assert "depends on which of two rows that tie comes first" in told[0]


def test_what_to_write_is_told() -> None:
    assert orders(OPEN[1])[0][1] == "end its ORDER BY with what makes a row unique: loan, part"
    assert "_file, _line" in orders(OPEN[2])[0][1]


def test_the_check_of_a_source_tells_it_with_the_view(tmp_path: Path) -> None:
    query = "SELECT account, LAG(kind) OVER (PARTITION BY account ORDER BY booked) AS k FROM bookings"
    view = f"views:\n  last:\n    key: [account]\n    sql: {query}\nfiles:\n"
    write_source(tmp_path, files={"source.yaml": SOURCE_YAML.replace("files:\n", view, 1)})
    found = check_source(tmp_path, "village", contracts=load_contracts(CHECKOUT))
    assert [str(one.what) for one in found] == ["LAG depends on which of two rows that tie comes first"]
    assert ":" in found[0].where
