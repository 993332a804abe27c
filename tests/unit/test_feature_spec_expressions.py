"""The SQL of declarations: what is allowed, what type it has, and what is refused."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tallystick.errors import DeclarationError
from tallystick.kernel.row_values import evaluate_expression
from tallystick.spec.expressions import columns_used, expression_text, parse_expression

COLUMNS = {
    "amount": "int64",
    "small": "int32",
    "rate": "double",
    "kind": "string",
    "is_open": "boolean",
    "due": "date",
    "event_at": "timestamp",
}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("amount", "int64"),
        ("small", "int64"),
        ("-3", "int64"),
        ("1.5", "double"),
        ("amount + small * 2 - 1", "int64"),
        ("amount * 0.5", "double"),
        ("amount / 2", "double"),
        ("rate / small", "double"),
        ("NULL / amount", "double"),
        ("ABS(-rate)", "double"),
        ("COALESCE(amount, NULL, 0)", "int64"),
        ("COALESCE(amount, 0.0)", "double"),
        ("COALESCE(kind, 'none')", "string"),
        ("CASE WHEN is_open THEN 1 WHEN amount > 2 THEN 2.5 END", "double"),
        ("CASE kind WHEN 'a' THEN 'b' ELSE kind END", "string"),
        ("HOUR(event_at)", "int64"),
        ("EXTRACT(year FROM due)", "int64"),
        ("ISODOW(event_at)", "int64"),
        ("due < DATE '2024-01-31'", "boolean"),
        ("amount BETWEEN 1 AND rate", "boolean"),
        ("kind IN ('a', 'b') AND NOT is_open OR kind IS NULL", "boolean"),
        ("kind NOT LIKE 'a%'", "boolean"),
        ("kind NOT IN ('a')", "boolean"),
        ("(is_open)", "boolean"),
        ("is_open = TRUE", "boolean"),
    ],
)
def test_what_is_allowed_has_a_type(text: str, kind: str) -> None:
    assert parse_expression(text, COLUMNS).type == kind


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind / 2", "do not mix"),
        ("amount // 2", "INTDIV is not allowed"),
        ("amount % 2", "MOD is not allowed"),
        ("amuont", "did you mean amount?"),
        ("t.amount", "unknown column"),
        ("kind + 1", "do not mix"),
        ("kind || 'x'", "not allowed"),
        ("amount = 'x'", "do not mix"),
        ("due = '2024-01-01'", "do not mix"),
        ("kind = NULL", "IS NULL"),
        ("kind IN ('a', NULL)", "OR x IS NULL"),
        ("kind IN (SELECT 1)", "without a list"),
        ("amount IN (1, small)", "literals only"),
        ("amount AND is_open", "compare it with a value"),
        ("is_open IS TRUE", "IS takes NULL only"),
        ("kind LIKE kind", "literal pattern"),
        (r"kind LIKE 'a\_b'", "no escapes"),
        ("kind ILIKE 'a'", "not allowed"),
        ("CAST(amount AS DOUBLE)", "CAST is not allowed"),
        ("DATE '2024-02-30'", "impossible date"),
        ("HOUR(due)", "HOUR of date"),
        ("EXTRACT(dow FROM due)", "date part dow"),
        ("RANDOM()", "not allowed"),
        ("NOW()", "not allowed"),
        ("SUM(amount)", "not allowed"),
        ("COALESCE(NULL, NULL)", "only NULL"),
        ("9223372036854775808", "outside int64"),
        ("", "not SQL"),
        ("amount >", "not SQL"),
        ("amount; DROP TABLE x", "not allowed"),
    ],
)
def test_anything_else_is_refused(text: str, said: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_expression(text, COLUMNS, where="feature x")
    assert said in str(caught.value)
    assert str(caught.value).startswith("feature x")


def test_a_quotient_is_a_double_and_null_where_its_divisor_is_zero_or_null() -> None:
    amounts, rates = [7, -7, 0, 5, None, 6], [2.0, 0.5, 0.0, -0.0, 1.0, None]
    smalls = [2, 0, 0, -2, 3, None]
    rows = pa.table({"amount": amounts, "rate": rates, "small": pa.array(smalls, pa.int32())})
    for text, wanted in (
        ("amount / small", [3.5, None, None, -2.5, None, None]),
        ("amount / rate", [3.5, -14.0, None, None, None, None]),
        ("amount / 2", [3.5, -3.5, 0.0, 2.5, None, 3.0]),
        ("1 / 0", [None] * 6),
        ("amount / NULL", [None] * 6),
    ):
        assert evaluate_expression(parse_expression(text, COLUMNS), rows).to_pylist() == wanted, text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("LAG(amount)", "int64"),
        ("LAG(amount, 3) OVER ()", "int64"),
        ("amount - LAG(amount) OVER (PARTITION BY kind, due)", "int64"),
        ("COALESCE(LAG(rate), 0) / 2", "double"),
        ("LAG(kind) = 'a'", "boolean"),
        ("HOUR(LAG(event_at))", "int64"),
        ("EPOCH(event_at) - EPOCH(LAG(event_at))", "double"),
        ("LAST_VALUE(due IGNORE NULLS) OVER (PARTITION BY kind)", "date"),
        ("LAST_VALUE(CASE WHEN LAG(kind) IS NULL THEN amount END IGNORE NULLS) * 2", "int64"),
    ],
)
def test_the_row_before_has_the_type_of_its_value_where_rows_have_an_order(text: str, kind: str) -> None:
    assert parse_expression(text, COLUMNS, has_lag=True).type == kind
    with pytest.raises(DeclarationError, match="(LAG|NULLS) is not allowed"):
        parse_expression(text, COLUMNS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("LAG(amount, 0)", "k from 1 to 99"),
        ("LAG(amount, 100)", "k from 1 to 99"),
        ("LAG(amount, small)", "a fixed number"),
        ("LAG(amount, 1, 0)", "COALESCE"),
        ("LAG(LAG(amount))", "a value and a number of rows"),
        ("LAG(NULL)", "a value and a number of rows"),
        ("LAG(amount) OVER (ORDER BY due)", "the order of rows is given"),
        ("SUM(amount) OVER (PARTITION BY kind)", "OVER is not allowed"),
        ("LAG(amount) OVER (PARTITION BY small + 1)", "PARTITION BY takes columns"),
        ("LAG(amount) OVER (PARTITION BY knd)", "did you mean kind?"),
        ("LEAD(amount)", "not allowed"),
        ("LAG(amount) IGNORE NULLS", "not allowed"),
        ("LAST_VALUE(amount)", "not allowed"),
        ("LAST_VALUE(NULL IGNORE NULLS)", "a value that is not one itself"),
        ("LAST_VALUE(1 + LAST_VALUE(amount IGNORE NULLS) IGNORE NULLS)", "a value that is not one itself"),
        ("LAST_VALUE(amount IGNORE NULLS) OVER (ORDER BY due)", "the order of rows is given"),
        ("EPOCH(due)", "it takes an instant"),
    ],
)
def test_any_other_window_is_refused(text: str, said: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_expression(text, COLUMNS, has_lag=True)
    assert said in str(caught.value)


def test_columns_are_told_once_in_order_of_use() -> None:
    node = parse_expression("CASE WHEN kind = 'a' THEN amount ELSE amount - small END", COLUMNS)
    assert columns_used(node) == ("kind", "amount", "small")


def test_spellings_of_one_meaning_have_one_text() -> None:
    texts = {
        expression_text(parse_expression(t, COLUMNS)) for t in ("amount>=1 and (amount<=2)", "amount BETWEEN 1 AND 2")
    }
    assert len(texts) == 1
