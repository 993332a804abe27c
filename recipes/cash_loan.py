"""Small cash loans of an internet bank: no collateral, a thin file, and what a customer's days say about them.

The label is made from instalments and payments: thirty days past due within ninety days of the first due date. Limits
are 500 to 300,000 yuan.
"""

from __future__ import annotations

from tallystick.spec.algorithms import GradientBoosting, Scorecard, Selection
from tallystick.spec.labels import DelinquencyLabel
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
)

DPD30_IN_90_DAYS = DelinquencyLabel(
    name="dpd30_in_90_days",
    dpd=30,
    window="90d",
    anchor="first_due",
    occurs="ever",
    lag_days=1,  # a payment of the last day is known on the next
    description="Thirty days past due at any time in the ninety days from the first due date",
)

CASH_LOAN = Recipe(
    name="cash_loan",
    title="Cash loan",
    description="Probability that a small loan without collateral is thirty days late in its first months",
    groups=(
        "transactions",
        "consumption",
        "income",
        "spending",
        "social",
        "rhythm",
        "relationships",
        "chains",
        "chats",
        "chat_groups",
        "hobbies",
        "trajectory",
        "employment",
        "devices",
        "identity",
        "applicant",
        "households",
        "accounts",
        "holders",
        "cards",
        "orders",
        "customers",
        "wallpaper",  # planted noise: whatever finds some worth in it is wrong
    ),
    observations="applications",
    leave_out=(
        "customers_birth_age_days_all",  # age is a protected attribute
        # Where a customer lives and works: distances between such places are enough.
        "trajectory_latitude_*",
        "trajectory_longitude_*",
        "trajectory_north_*",
        "trajectory_east_*",
        # Many applicants are known for less than half a year. Compared with a longer past, they only tell that.
        "*_ratio_*_180d",
        "*_ratio_*_365d",
        "*_zscore_28d",
        "*_zscore_30d",
        "chains_*_fraud_*",  # what the fraud desk confirmed of others is not for credit
    ),
    allow_protected={
        "trajectory_*_distance_*": "Kilometres tell of a move and of the way to work, and do not tell where",
        "trajectory_about_gyration_*": "Kilometres tell how wide somebody's days are, and do not tell where",
    },
    label=DPD30_IN_90_DAYS.name,
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
            name="instalment_to_income",
            expression="instalment_minor",
            per="consumption_earned_sum_90d",
            sign=1,
            description="Monthly instalment as a share of what was earned over 90 days",
            reason="Instalment compared with your income",
        ),
        RequestFeature(
            name="amount_to_income",
            expression="amount_minor",
            per="consumption_earned_sum_180d",
            sign=1,
            description="Amount asked for as a multiple of what was earned over 180 days",
            reason="Amount compared with your income",
        ),
        RequestFeature(
            name="told_to_inferred_income",
            expression="3 * applicant_income_last_all",
            per="income_pay_sum_90d",
            sign=1,
            description="Income as told, as a multiple of that inferred from the bookings of 90 days",
            reason="Income that you told us compared with what comes in",
        ),
        RequestFeature(
            name="balance_to_instalment",
            expression="transactions_balance_mean_30d",
            per="instalment_minor",
            sign=-1,
            description="Mean balance of 30 days in instalments",
            reason="Savings compared with the instalment",
        ),
        RequestFeature(
            name="is_for_debt",
            expression="CASE WHEN purpose = 'debt' THEN 1 ELSE 0 END",
            sign=1,
            description="1 where the loan is to pay other debt",
            reason="Purpose of the loan",
        ),
    ),
    # The scorecard comes first: within the tolerance of the best it is the model, because its points can be read.
    algorithms=(
        Scorecard(selection=Selection(max_missing=0.7, min_vintage_gap=0.01, max_correlation=0.7, max_features=18)),
        GradientBoosting(
            selection=Selection(max_missing=0.7, max_correlation=0.85, max_features=40),
            trees=250,
            leaves=6,
            min_leaf_rows=15,
        ),
    ),
    ablations=(
        # Ratios of the loan to income and balance need the account, so they are not of the base.
        Ablation(
            name="request",
            title="what is asked for",
            drop=("request_amount", "request_term", "request_is_for_debt"),
            is_base=True,
        ),
        Ablation(name="burden", title="the loan against income and balance", drop=("request_*_to_*",)),
        Ablation(name="customers", title="region of the customer", groups=("customers",), is_base=True),
        Ablation(name="applicant", title="forms and household", groups=("applicant", "households"), is_base=True),
        Ablation(name="transactions", title="movements and balances", groups=("transactions",)),
        Ablation(name="consumption", title="income and spending", groups=("consumption", "income", "spending")),
        Ablation(
            name="products", title="accounts, cards and orders", groups=("accounts", "holders", "cards", "orders")
        ),
        Ablation(name="social", title="messages, calls and chats", groups=("social", "rhythm", "chats", "chat_groups")),
        Ablation(name="relationships", title="ties to people", groups=("relationships",)),
        Ablation(name="chains", title="the customers around a customer", groups=("chains",)),
        Ablation(name="employment", title="the declared job and its traces", groups=("employment",)),
        Ablation(name="trajectory", title="places", groups=("trajectory",)),
        Ablation(name="hobbies", title="interests", groups=("hobbies",)),
        Ablation(name="devices", title="telephones and checks of identity", groups=("devices", "identity")),
        Ablation(name="noise", title="the planted noise", groups=("wallpaper",)),
    ),
    thin_file=ThinFile(title="an account younger than a year", where="accounts_held_days_since_first_all < 365"),
    split=Split(test_share=0.25, folds=5, repeats=1),
    scale=Scale(base_score=60.0, base_odds=10.0, pdo=8.0),
    policy=Policy(
        currency="CNY",
        limit_min_minor=50_000,
        limit_max_minor=30_000_000,
        bands=(
            Band(pd_below=0.02, decision="approve", limit_minor=30_000_000),
            Band(pd_below=0.04, decision="approve", limit_minor=10_000_000),
            Band(pd_below=0.08, decision="approve", limit_minor=3_000_000),
            Band(pd_below=0.14, decision="approve", limit_minor=800_000),
            Band(pd_below=0.22, decision="refer", limit_minor=200_000),
            Band(pd_below=0.32, decision="refer", limit_minor=50_000),
        ),
    ),
    audit=Audit(max_auc=0.9, max_missing_auc=0.8, max_joint_auc=0.9, sample=40, snapshots=2),
    gates=Gates(min_auc=0.65, calibration_slope=(0.4, 2.5), max_psi=0.5, min_bad=10),
)
