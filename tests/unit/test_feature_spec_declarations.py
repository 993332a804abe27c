"""Declarations of features: what they expand to, and what is refused with which advice."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from tallystick.errors import DeclarationError
from tallystick.spec.columns import group_columns, group_contract
from tallystick.spec.features import Change, FeatureGroup, Lookup, Measure, Ratio, Share, ZScore
from tallystick.spec.names import nearest_name, quantile_name, value_name
from tallystick.spec.ops import OP_RULES, parse_op
from tallystick.spec.tables import Column, TableContract
from tallystick.spec.windows import parse_window
from tests.lib.feature_cases import CONTRACTS, make_group, make_measure


def names_of(group: FeatureGroup) -> list[str]:
    return [column.name for column in group_columns(group, CONTRACTS)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1d", "the last day"),
        ("30d", "the last 30 days"),
        ("6m", "the last 6 months"),
        ("all", "the whole history"),
        ("1min", "the last minute"),
        ("90min", "the last 90 minutes"),
        ("1h", "the last hour"),
        ("24h", "the last 24 hours"),
    ],
)
def test_a_window_has_one_spelling(text: str, words: str) -> None:
    window = parse_window(text)
    assert (window.text, window.words) == (text, words)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0d",
        "07d",
        "-7d",
        "7",
        "7D",
        "1w",
        "7 d",
        "d",
        "99999d",
        "ALL",
        "all ",
        "1201m",
        "60min",
        "1440min",
        "0h",
        "1.5h",
    ],
)
def test_another_spelling_of_a_window_is_refused(text: str) -> None:
    with pytest.raises(DeclarationError):
        parse_window(text)


def test_whole_days_are_not_looked_for_in_hours() -> None:
    with pytest.raises(DeclarationError, match="slope looks at whole days, and window 24h has none for sure"):
        names_of(make_group(make_measure("slope", value="amount_minor"), windows=("7d", "24h")))
    with pytest.raises(DeclarationError, match="of two units"):
        names_of(make_group(make_measure("kept", value="channel", base="7d"), windows=("24h",)))


def test_operations_that_take_an_argument_have_one_spelling() -> None:
    assert parse_op("quantile(0.9)").token == "q90"
    assert parse_op("quantile(.975)").token == "q97_5"
    assert parse_op("pareto(0.8)").token == "pareto80"
    with pytest.raises(DeclarationError, match="looks at no sums"):
        make_measure("last", value="amount_minor", each="channel")
    assert parse_op("last_3").token == "last_3"
    for text in ("last_1", "last_k", "quantile", "quantile(0)", "quantile(1)", "quantile(0.0)", "median", "Sum"):
        with pytest.raises(DeclarationError):
            parse_op(text)


def test_every_operation_can_be_declared_and_says_what_nothing_gives() -> None:
    for name, rule in OP_RULES.items():
        op = {"quantile": "quantile(0.5)", "pareto": "pareto(0.8)", "last_k": "last_2"}.get(name, name)
        value = {"none": "", "date": "due_date"}.get(rule.takes, "amount_minor")
        column = group_columns(make_group(make_measure(op, value=value)), CONTRACTS)[0]
        assert column.type in ("int64", "double")
        assert column.empty in ("0", "null")
        assert column.description


def test_names_are_made_of_group_measure_filter_operation_and_window() -> None:
    group = make_group(
        make_measure("sum quantile(0.5)", name="out", value="amount_minor", filters=("cash",), unfiltered=True),
        make_measure("count", name="kind", by="channel", previous=True, windows=("30d", "all")),
        filters={"cash": "channel = 'cash'"},
        by={"channel": ("card", "Bank transfer")},
        derived=(
            Share(name="cash", a="out_cash_sum", b="out_sum"),
            Ratio(of="out_sum", window="7d", against="1m"),
            Change(of="kind_card_count"),
            ZScore(of="kind_other_count", windows=("7d",), k=4),
        ),
    )
    assert names_of(group) == [
        "txn_out_sum_7d",
        "txn_out_q50_7d",
        "txn_out_cash_sum_7d",
        "txn_out_cash_q50_7d",
        "txn_kind_card_count_30d",
        "txn_kind_card_count_30d_prev",
        "txn_kind_card_count_all",
        "txn_kind_bank_transfer_count_30d",
        "txn_kind_bank_transfer_count_30d_prev",
        "txn_kind_bank_transfer_count_all",
        "txn_kind_other_count_30d",
        "txn_kind_other_count_30d_prev",
        "txn_kind_other_count_all",
        "txn_cash_share_7d",
        "txn_out_sum_ratio_7d_1m",
        "txn_kind_card_count_change_30d",
        "txn_kind_other_count_zscore_7d",
    ]


def test_four_hundred_and_fifty_features_fit_a_page() -> None:
    filters = {f"kind_{number}": f"amount_minor > {number}" for number in range(18)}
    group = make_group(
        make_measure("count sum mean min max", value="amount_minor", filters=tuple(filters)),
        filters=filters,
        windows=("7d", "30d", "90d", "180d", "365d"),
    )
    assert len(set(names_of(group))) == 450


def test_types_follow_the_value() -> None:
    group = make_group(
        make_measure("sum mean max", name="whole", value="amount_minor"),
        make_measure("sum mean max", name="real", value="rate * 2"),
        make_measure("sum max", name="flag", value="is_night"),
    )
    kinds = {column.name: column.type for column in group_columns(group, CONTRACTS)}
    assert [kinds[f"txn_whole_{op}_7d"] for op in ("sum", "mean", "max")] == ["int64", "double", "int64"]
    assert [kinds[f"txn_real_{op}_7d"] for op in ("sum", "mean", "max")] == ["double"] * 3
    assert [kinds[f"txn_flag_{op}_7d"] for op in ("sum", "max")] == ["int64", "int64"]


def test_reasons_are_told_in_words() -> None:
    measure = make_measure("sum", value="amount_minor", filters=("card",), reason="Spending by {filter} in {window}")
    group = make_group(measure, filters={"card": "channel = 'card'"}, words={"card": "payment card"})
    column = group_columns(group)[0]
    assert column.reason == "Spending by payment card in the last 7 days"
    assert (column.owner, column.pii, column.sign) == ("tests", "pseudonymous", 0)


def test_a_derived_feature_inherits_the_reason_of_its_measure() -> None:
    group = make_group(make_measure("count"), derived=(Change(of="m_count", sign=1),))
    column = group_columns(group, CONTRACTS)[-1]
    assert (column.reason, column.sign, column.empty, column.type) == ("a reason", 1, "null", "double")


def test_a_group_is_a_value() -> None:
    group = make_group(make_measure("count"), filters={"cash": "channel = 'cash'"})
    assert pickle.loads(pickle.dumps(group)) == group
    assert hash(group) == hash(make_group(make_measure("count"), filters={"cash": "channel = 'cash'"}))


def test_the_feature_table_has_its_partition_and_key() -> None:
    contract = group_contract(make_group(make_measure("count mean", value="amount_minor")), CONTRACTS)
    assert contract.name == "feature.txn"
    assert contract.partition_by == ("observations", "source", "bucket", "period")
    assert contract.key == ("source", "observations", "observation_id", "as_of")
    assert [column.name for column in contract.file_columns][3:] == ["txn_m_count_7d", "txn_m_mean_7d"]
    assert contract.column("txn_m_count_7d").filled
    assert not contract.column("txn_m_mean_7d").required
    assert contract.derived_from == ("clean.transactions",)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"ops": "sum", "value": "amount"}, "did you mean amount_minor?"),
        ({"ops": "sum", "value": "channel"}, "sum of string"),
        ({"ops": "sum", "value": "due_date"}, "sum of date"),
        ({"ops": "age_days", "value": "amount_minor"}, "age_days of int64"),
        ({"ops": "sum"}, "sum needs a value"),
        ({"ops": "summ", "value": "amount_minor"}, "did you mean sum?"),
        ({"ops": ""}, "no operation"),
        ({"ops": "count count"}, "count is named twice"),
        ({"ops": "count", "where": "chanel = 'x'"}, "did you mean channel?"),
        ({"ops": "count", "where": "amount_minor"}, "not a condition"),
        ({"ops": "count", "where": "known_on > DATE '2024-01-01'"}, "unknown column known_on"),
        ({"ops": "count", "filters": ("cahs",)}, "did you mean cash?"),
        ({"ops": "count", "by": "chanel"}, "did you mean channel?"),
        ({"ops": "count", "by": "channel", "filters": ("cash",)}, "exclude each other"),
        ({"ops": "count", "windows": ("7d", "7d")}, "7d is named twice"),
        ({"ops": "count", "windows": ("1w",)}, "write 10min, 24h, 7d, 3m or all"),
        ({"ops": "count", "reason": " "}, "reason is empty"),
        ({"ops": "count", "sign": 2}, "+1 more risk"),
        ({"ops": "count", "pii": "secret"}, "unknown PII class secret"),
        ({"ops": "count", "name": "Out"}, "is not a name"),
    ],
)
def test_a_wrong_measure_is_refused_with_advice(parts: dict[str, Any], said: str) -> None:
    def declare() -> None:
        measure = Measure(**{"name": "m", "reason": "r", **parts})
        group = make_group(measure, filters={"cash": "channel = 'cash'"}, by={"channel": ("card",)})
        group_columns(group, CONTRACTS)

    with pytest.raises(DeclarationError) as caught:
        declare()
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"table": "clean.transaction"}, "did you mean clean.transactions?"),
        ({"windows": ()}, "needs windows"),
        ({"owner": ""}, "owner is empty"),
        ({"by": {"channel": ("other",)}}, "without other"),
        ({"by": {"amount_minor": ("1",)}}, "categories are text"),
        ({"filters": {"f": "channel ="}}, "is not SQL"),
        ({"derived": (Share(name="s", a="m_cuont", b="m_count"),)}, "did you mean m_count?"),
        ({"derived": (Change(of="m_count"), Change(of="m_count"))}, "two features are called"),
        ({"lookups": (Lookup(table="clean.regions", on="region_id", columns=("x",)),)}, "unknown column region_id"),
        ({"lookups": (Lookup(table="clean.regions", on="channel", columns=("x",)),)}, "unknown table clean.regions"),
    ],
)
def test_a_wrong_group_is_refused_with_advice(parts: dict[str, Any], said: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        group_columns(make_group(make_measure("count"), **parts), CONTRACTS)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Ratio(of="m_count", window="7d", against="all"),
        lambda: Ratio(of="m_count", window="7d", against="7d"),
        lambda: Change(of="m_count", windows=("all",)),
        lambda: ZScore(of="m_count", windows=("7d",), k=2),
        lambda: Lookup(table="clean.regions", on="region_id", columns=()),
    ],
)
def test_a_derived_feature_without_meaning_is_refused(make: Any) -> None:
    with pytest.raises(DeclarationError):
        make()


def test_two_measures_that_make_one_name_are_refused() -> None:
    group = make_group(
        make_measure("count", name="out_cash"),
        make_measure("count", name="out", filters=("cash",)),
        filters={"cash": "channel = 'cash'"},
    )
    with pytest.raises(DeclarationError, match="two measures make out_cash_count"):
        group_columns(group)


def test_looked_up_columns_can_be_used_and_count_among_what_the_group_reads() -> None:
    regions = TableContract(
        name="clean.regions",
        description="",
        grain="one row per region",
        owner="tests",
        columns=(Column(name="channel", type="string"), Column(name="inhabitants", type="int64")),
        key=("channel",),
        event_id="channel",
    )
    lookup = Lookup(table="clean.regions", on="channel", columns=("inhabitants",))
    group = make_group(make_measure("last", value="inhabitants"), lookups=(lookup,))
    column = group_columns(group, {**CONTRACTS, "clean.regions": regions})[0]
    assert column.type == "int64"
    assert group.reads == {group.table, "clean.regions"}


def test_help_names_the_nearest_or_some() -> None:
    assert nearest_name("amuont", ["amount", "rate"]) == "did you mean amount?"
    assert nearest_name("zzz", ["amount", "rate"]) == "known: amount, rate"
    # Alike in a common ending alone: a guess would be read as knowledge.
    assert nearest_name("call_count", ["card_amount", "visit_count"]) == "known: card_amount, visit_count"
    assert nearest_name("calls", ["cards"]) == "known: cards"
    assert nearest_name("zzz", []) == "none is declared"


def test_parts_of_names_are_lower_case_words() -> None:
    assert value_name("Loan payment") == "loan_payment"
    assert value_name("UVER (loan)") == "uver_loan"
    assert quantile_name(0.05) == "q5"
