"""Consumer loans of a bank whose outcomes were recorded once, on the day of an extract.

The shortlist and the algorithm were decided on labelled loans alone; docs/berka.md says how, and what the label can
and cannot claim.
"""

from __future__ import annotations

from datetime import date

from tallystick.spec.algorithms import Blend, GradientBoosting, OrdinalScorecard, Scorecard, Selection
from tallystick.spec.labels import OutcomeLabel
from tallystick.spec.recipes import (
    Ablation,
    Audit,
    Band,
    Gates,
    Policy,
    Recipe,
    RequestFeature,
    Scale,
    Split,
    ThinFile,
    Variant,
)

IN_ORDER_AT_EXTRACT = OutcomeLabel(
    name="in_order_at_extract",
    min_months_on_book=24,
    description="Bad: finished unpaid, or running in debt, on the day of the extract",
)

FINISHED_OR_IN_DEBT = OutcomeLabel(
    name="finished_or_in_debt",
    where="status_code IN ('A', 'B', 'D')",
    min_months_on_book=24,
    description="As the main label, without loans that still run in order and may yet go bad",
)

# What each signal is and why it should last is told in docs/berka.md. A pattern that matches nothing is an error.
SHORTLIST = (
    "holders_people_authorised_count_all",
    "orders_standing_household_sum_all",
    "cards_issued_count_all",
    "transactions_low_balance_below_*_share_180d",
    "transactions_low_balance_below_10000_share_365d",
    "transactions_low_balance_below_15000_share_365d",
    "transactions_overdrawn_count_all",
    "transactions_penalty_count_all",
    "transactions_household_cash_count_all",
    "transactions_household_transfer_count_180d",
    "transactions_debit_transfer_count_90d",
    "transactions_credit_transfer_mean_180d",
    "transactions_income_min_60d",
    "transactions_income_std_180d",
    "transactions_debit_cash_mean_180d",
)

# The shortlist is correlated on purpose: the ridge averages related columns instead of betting on one of them.
KEEP_RELATED = Selection(max_missing=0.9, min_iv=0.0, drop_against_sign=False, max_correlation=1.0, max_features=30)

CONSUMER_LOAN = Recipe(
    name="consumer_loan",
    title="Consumer loan",
    description="Probability that a loan is not repaid in order, from the account's history before it was asked for",
    groups=("transactions", "accounts", "holders", "cards", "orders", "customers"),
    observations="applications",
    leave_out=("customers_birth_age_days_all",),  # age is a protected attribute
    label=IN_ORDER_AT_EXTRACT.name,
    variants=(
        Variant(
            name="finished_or_in_debt",
            label=FINISHED_OR_IN_DEBT.name,
            title="A, B and D only: loans still running in order are left out",
        ),
    ),
    retrospective=(
        "The outcome is the loan's state on the day of the extract, known on that day only. No model could have been "
        "trained on it when the test loans were granted: the test shows how the ranking holds over time, not what a "
        "bank would have earned."
    ),
    request=(
        RequestFeature(
            name="amount",
            expression="amount_minor",
            sign=1,
            description="Amount asked for, minor units",
            reason="Amount of the loan",
        ),
        RequestFeature(
            name="term",
            expression="term_months",
            description="Term asked for, months",
            reason="Term of the loan",
        ),
        RequestFeature(
            name="instalment",
            expression="instalment_minor",
            sign=1,
            description="Monthly instalment, minor units",
            reason="Size of the instalment",
        ),
        RequestFeature(
            name="instalment_to_income",
            expression="instalment_minor",
            per="transactions_credit_sum_180d",
            sign=1,
            description="Monthly instalment as a share of what came in over 180 days",
            reason="Instalment compared with your income",
        ),
        RequestFeature(
            name="balance_to_instalment",
            expression="transactions_balance_min_180d",
            per="instalment_minor",
            sign=-1,
            description="Lowest balance of 180 days in instalments",
            reason="Savings compared with the instalment",
        ),
        RequestFeature(
            name="amount_to_balance",
            expression="amount_minor",
            per="transactions_balance_mean_180d",
            sign=1,
            description="Amount asked for as a multiple of the mean balance of 180 days",
            reason="Amount compared with your savings",
        ),
    ),
    algorithms=(
        OrdinalScorecard(features=SHORTLIST, selection=KEEP_RELATED),
        Scorecard(selection=Selection(min_vintage_gap=0.03, max_correlation=0.75, max_features=12)),
        GradientBoosting(selection=Selection(min_vintage_gap=0.03, max_correlation=0.85, max_features=25)),
        Blend(weights={"ordinal_scorecard": 2.0, "boosting": 1.0}),
    ),
    ablations=(
        # Ratios of the loan to income and balance need the account, so they are not of the base.
        Ablation(
            name="request",
            title="what is asked for",
            drop=("request_amount", "request_term", "request_instalment"),
            is_base=True,
        ),
        Ablation(name="burden", title="the loan against income and balance", drop=("request_*_to_*",)),
        Ablation(name="customers", title="region of the customer", groups=("customers",), is_base=True),
        Ablation(name="assumed", title="undated sources (known_on assumed)", drop_assumed=True),
        Ablation(name="accounts", title="age and kind of the account", groups=("accounts",)),
        Ablation(name="orders", title="standing orders", groups=("orders",)),
        Ablation(name="holders", title="joint holders", groups=("holders",)),
        Ablation(name="cards", title="cards", groups=("cards",)),
        Ablation(name="balances", title="balances", drop=("*balance*", "*overdrawn*", "*penalty*")),
        Ablation(name="household", title="household payments", drop=("*household*",)),
        Ablation(name="income", title="income", drop=("*income*", "*credit*")),
    ),
    thin_file=ThinFile(title="an account younger than a year", where="accounts_held_days_since_first_all < 365"),
    split=Split(test_from=date(1996, 1, 1), folds=5, repeats=3),
    scale=Scale(base_score=60.0, base_odds=10.0, pdo=8.0),
    policy=Policy(
        currency="CZK",
        limit_min_minor=500_000,
        limit_max_minor=30_000_000,
        bands=(
            Band(pd_below=0.02, decision="approve", limit_minor=30_000_000),
            Band(pd_below=0.05, decision="approve", limit_minor=20_000_000),
            Band(pd_below=0.10, decision="approve", limit_minor=10_000_000),
            Band(pd_below=0.20, decision="refer", limit_minor=4_000_000),
            Band(pd_below=0.30, decision="refer", limit_minor=1_000_000),
        ),
    ),
    audit=Audit(max_auc=0.95, max_missing_auc=0.9, sample=50),
    gates=Gates(min_auc=0.7, calibration_slope=(0.4, 2.5), max_psi=0.5, min_bad=10),
)
