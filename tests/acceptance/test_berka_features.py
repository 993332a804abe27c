"""Features of the Czech bank against questions asked straight of the supplier's files, without any of our code."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tallystick.project import load_project
from tallystick.spec.columns import group_columns
from tallystick.tables import Warehouse, query

# Each feature, and the question it answers in terms of the raw files: t is a transaction dated strictly before the
# loan l, which is all that was known on the morning of the loan's date.
QUESTIONS = {
    "transactions_credit_sum_90d": "sum(t.amount * 100) FILTER (type = 'PRIJEM' AND t.date >= l.date - 90)",
    "transactions_debit_count_365d": "count(*) FILTER (type <> 'PRIJEM' AND t.date >= l.date - 365)",
    "transactions_penalty_count_all": "count(*) FILTER (k_symbol = 'SANKC. UROK')",
    "transactions_balance_min_180d": "min(balance * 100) FILTER (t.date >= l.date - 180)",
    "transactions_activity_active_days_30d": "count(DISTINCT t.date) FILTER (t.date >= l.date - 30)",
    "transactions_history_days_since_first_all": "max(date_diff('day', t.date, l.date))",
    "transactions_low_balance_below_10000_share_365d": (
        "count(*) FILTER (balance < 10000 AND t.date >= l.date - 365)"
        " / nullif(count(*) FILTER (t.date >= l.date - 365), 0)"
    ),
    "transactions_household_cash_count_all": "count(*) FILTER (operation = 'VYBER' AND k_symbol = 'SIPO')",
    "transactions_income_min_60d": (
        "min(t.amount * 100) FILTER (type = 'PRIJEM' AND coalesce(k_symbol, '') <> 'UROK' AND t.date >= l.date - 60)"
    ),
    "transactions_counterparty_distinct_all": "count(DISTINCT nullif(t.account, 0))",
    "transactions_balance_std_365d": "stddev_samp(balance * 100) FILTER (t.date >= l.date - 365)",
    "transactions_balance_q10_all": "quantile_cont(balance * 100, 0.1)",
}
ZERO_WHEN_EMPTY = ("_sum_", "_count_", "_distinct_", "_active_days_")


@pytest.fixture(scope="module")
def expected(data_dir: Path) -> dict[int, dict[str, float | None]]:
    """The answers from the raw files, by loan."""
    asked = ", ".join(f"({question})::DOUBLE AS {name}" for name, question in QUESTIONS.items())
    files = data_dir / "berka"
    rows = duckdb.sql(
        f"SELECT l.loan_id, {asked} FROM read_csv('{files}/loan.csv.gz') l "
        f"LEFT JOIN read_csv('{files}/trans.csv.gz') t ON t.account_id = l.account_id AND t.date < l.date "
        "GROUP BY l.loan_id"
    ).to_arrow_table()
    return {row.pop("loan_id"): row for row in rows.to_pylist()}


def test_features_are_what_the_files_say_before_each_loan(
    berka: Warehouse, expected: dict[int, dict[str, float | None]]
) -> None:
    names = ", ".join(f"f.{name}" for name in QUESTIONS)
    found = query(
        berka,
        f"SELECT a.application_id, {names} FROM feature.transactions f "
        "JOIN clean.applications a ON a.customer_id = f.customer_id AND a.event_at = f.as_of",
    ).to_pylist()
    assert len(found) == len(expected) == 682
    for row in found:
        answers = expected[int(row.pop("application_id"))]
        for name, value in row.items():
            answer = answers[name]
            if answer is None and any(part in name for part in ZERO_WHEN_EMPTY):
                answer = 0
            assert value == (None if answer is None else pytest.approx(answer, rel=1e-9)), name


def test_at_least_120_features_are_stored_for_every_loan(berka: Warehouse, project_root: Path) -> None:
    project = load_project(project_root)
    groups = [project.feature_groups[name] for name in project.recipes["consumer_loan"].groups]
    assert sum(len(group_columns(group)) for group in groups) >= 120
    for group in groups:
        rows = query(
            berka, f"SELECT count(*) AS n, count(DISTINCT (customer_id, as_of)) AS d FROM {group.feature_table}"
        )
        assert rows.to_pylist() == [{"n": 682, "d": 682}], group.name


def test_the_loans_own_standing_order_is_in_no_table(berka: Warehouse, data_dir: Path) -> None:
    raw = duckdb.sql(
        f"SELECT count(*), count(*) FILTER (trim(k_symbol) = 'UVER') FROM read_csv('{data_dir}/berka/order.csv.gz')"
    ).fetchall()[0]
    stored = query(berka, "SELECT count(*) AS n FROM clean.orders").to_pylist()[0]["n"]
    assert raw[1] > 0
    assert stored == raw[0] - raw[1]
