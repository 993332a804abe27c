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
KEYS = {
    "loans": ("loan",),
    "parts": ("loan", "part"),
    "lines": (),
    "more": (),
    "made": (),
    "clean.accounts": ("account_id",),
}

CLOSED = (
    """
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
SELECT LAG(v) OVER (ORDER BY d, _file, _line) AS n FROM (SELECT v, d, _file, _line FROM lines WHERE v > 1) s
SELECT LAG(l.v) OVER (ORDER BY l._file, l._line) AS n FROM lines l LEFT JOIN loans o ON o.loan = l.loan
WITH w AS (SELECT l.*, UPPER(l.a) AS u FROM loans l) SELECT ROW_NUMBER() OVER (ORDER BY loan) AS n FROM w
SELECT a, ROW_NUMBER() OVER (ORDER BY a) AS n FROM lines GROUP BY 1
SELECT UPPER(a) AS a, ROW_NUMBER() OVER (ORDER BY UPPER(a)) AS n FROM lines GROUP BY UPPER(a)
SELECT l.loan, ROW_NUMBER() OVER (ORDER BY l.loan) AS n FROM loans l JOIN clean.accounts USING (account_id)
SELECT part, ROW_NUMBER() OVER (ORDER BY loan, part) AS n FROM loans l JOIN parts p USING (loan)
WITH u AS (SELECT v FROM lines UNION SELECT v FROM more) SELECT v, ROW_NUMBER() OVER (ORDER BY v) AS n FROM u
SELECT a FROM lines UNION SELECT a FROM more ORDER BY a LIMIT 3
SELECT 'a' AS k, loan FROM loans UNION ALL SELECT 'b', loan FROM loans ORDER BY k, loan LIMIT 3
SELECT LAG(v) OVER (ORDER BY k, _file, _line) AS n FROM (SELECT 'a' AS k, v, _file, _line FROM lines UNION ALL
  SELECT 'b' AS k, v, _file, _line FROM more) u
(SELECT loan, paid FROM loans) ORDER BY paid, loan LIMIT 1
SELECT loan AS id, paid FROM loans ORDER BY id LIMIT 1
SELECT branch, FIRST_VALUE(paid) OVER (PARTITION BY branch ORDER BY paid) AS n FROM lines
SELECT LAG(l.v) OVER (ORDER BY l._file, l._line) AS n FROM lines l LEFT JOIN (VALUES ('a', 'x'), ('b', 'x')) c
  (k, t) ON c.k = l.k
SELECT LAG(l.loan) OVER (ORDER BY l.loan, p.loan, p.part) AS n FROM loans l FULL JOIN parts p ON p.loan = l.loan
SELECT LAG(loan) OVER (ORDER BY loan) AS n FROM loans l LEFT SEMI JOIN lines m ON m.a = l.a
WITH w (id) AS (SELECT loan FROM loans) SELECT LAG(id) OVER (ORDER BY id) AS n FROM w
SELECT STRING_AGG(a, ',') WITHIN GROUP (ORDER BY a) AS x, LISTAGG(b, ',') WITHIN GROUP (ORDER BY d, loan) AS y
  FROM loans GROUP BY c
""".strip()
    .replace("\n  ", " ")
    .splitlines()
)

OPEN = (
    """
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
SELECT branch, paid FROM loans UNION ALL SELECT branch, paid FROM lines ORDER BY branch LIMIT 1
SELECT loan FROM loans UNION ALL SELECT loan FROM loans ORDER BY loan LIMIT 1
(SELECT branch, paid FROM loans) ORDER BY branch LIMIT 1
SELECT s.paid FROM ((SELECT branch, paid FROM loans) ORDER BY branch LIMIT 1) s
SELECT branch AS loan, paid FROM loans ORDER BY loan LIMIT 1
SELECT *, branch AS loan FROM lines ORDER BY loan LIMIT 1
SELECT LAG(paid) OVER (ORDER BY l.loan, p.part) AS n FROM loans l JOIN parts p ON p.branch = l.branch
SELECT ROW_NUMBER() OVER (ORDER BY p.loan, p.part) AS n, l.loan FROM parts p RIGHT JOIN loans l ON l.loan = p.loan
SELECT ROW_NUMBER() OVER (ORDER BY a.loan) AS n FROM loans a FULL JOIN loans b ON b.loan = a.other
WITH w AS (SELECT _file, _line, EXPLODE(SPLIT(x, ',')) AS p FROM lines) SELECT LAG(p) OVER (ORDER BY _file,
  _line) AS n FROM w
WITH w AS (SELECT '1' AS _file, '1' AS _line, v FROM lines) SELECT v, ROW_NUMBER() OVER (ORDER BY _file, _line)
  AS n FROM w
WITH w (loan) AS (SELECT branch FROM loans) SELECT LAG(loan) OVER (ORDER BY loan) AS n FROM w
WITH w AS (WITH loans AS (SELECT branch AS loan FROM lines) SELECT loan FROM loans) SELECT LAG(loan) OVER
  (ORDER BY loan) AS n FROM w
SELECT LAG(loan) OVER (ORDER BY loan) AS n FROM loans x (branch, loan)
SELECT LAG(v) OVER (ORDER BY _file, _line) AS n FROM (SELECT v, _file, _line FROM lines UNION ALL SELECT v,
  _file, _line FROM more) u
SELECT LAG(made) OVER (ORDER BY _file, _line) AS n FROM made
SELECT STRING_AGG(a, ',') WITHIN GROUP (ORDER BY b) AS x FROM lines GROUP BY c
SELECT branch, LEAD(paid) OVER (PARTITION BY branch ORDER BY paid) AS n, day FROM lines
SELECT FIRST_VALUE(paid) OVER (ORDER BY paid ROWS 1 PRECEDING) AS n, day FROM lines
SELECT LAG(l.v) OVER (ORDER BY l._file, l._line) AS n FROM lines l JOIN (VALUES ('a', 'x'), ('a', 'y')) c (k,
  t) ON c.k = l.k
SELECT LAG(l.loan) OVER (ORDER BY l.loan) AS n FROM loans l LEFT JOIN clean.accounts a ON a.account_id = account
SELECT branch, EXPLODE(SPLIT(branch, ',')) AS p, ROW_NUMBER() OVER (ORDER BY branch) AS n FROM lines GROUP BY branch
SELECT branch, ROW_NUMBER() OVER (ORDER BY branch) AS n FROM lines GROUP BY ROLLUP(branch, v)
""".strip()
    .replace("\n  ", " ")
    .splitlines()
)


def orders(query: str) -> list[tuple[str, str]]:
    tree, problems = parse_query(query, "source.yaml")
    assert tree is not None, problems
    return list(open_orders(tree, KEYS, files=("loans", "parts", "lines", "more")))


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
