"""Early warning: which running loans, not late today, will be ninety days late within half a year.

The list that the bank's people work on is made of this model's ranking and of rules: docs/early_warning.md. The model
decides nothing alone, so it has no policy.
"""

from __future__ import annotations

from tallystick.spec.algorithms import GradientBoosting, Scorecard, Selection
from tallystick.spec.labels import DelinquencyLabel
from tallystick.spec.recipes import Ablation, Audit, Gates, Recipe, RequestFeature, Scale, Split
from tallystick.spec.watch_lists import WatchList

DPD90_IN_6_MONTHS = DelinquencyLabel(
    name="dpd90_in_6_months",
    dpd=90,
    window="6m",
    anchor="as_of",
    already_bad_dpd=1,  # who is late today needs no early warning
    occurs="ever",
    lag_days=1,  # a payment of the last day is known on the next
    description="Ninety days past due at any time within six months, of loans that are not late today",
)

EARLY_WARNING = Recipe(
    name="early_warning",
    title="Early warning",
    description="Probability that a running loan, not late today, is ninety days late within six months",
    permitted_use="early warning",
    groups=(
        "loan_terms",
        "loan_payments",
        "borrowing",
        "transactions",
        "consumption",
        "income",
        "spending",
        "warning_signs",
        "accounts",
        "orders",
        "inquiries",
        "social",
        "relationships",
        "chains",
        "chats",
        "employment",
        "trajectory",
        "devices",
    ),
    observations="running",
    also_scored=("running_nights",),
    leave_out=(
        # Where a customer lives and works: distances between such places are enough.
        "trajectory_latitude_*",
        "trajectory_longitude_*",
        "trajectory_north_*",
        "trajectory_east_*",
    ),
    allow_protected={
        "trajectory_*_distance_*": "Kilometres tell of a move and of the way to work, and do not tell where",
        "trajectory_about_gyration_*": "Kilometres tell how wide somebody's days are, and do not tell where",
    },
    label=DPD90_IN_6_MONTHS.name,
    request=(
        RequestFeature(
            name="instalments_left",
            expression="term_months - loan_payments_paid_sum_all / instalment_minor",
            description="Instalments of this loan that are not paid yet",
            reason="How long the loan still runs",
            permitted_use="early warning",
        ),
        RequestFeature(
            name="last_late_days",
            # Instalment n is due n months after the grant; a month is 30.44 days on average.
            expression="loan_terms_granted_days_since_last_all - loan_payments_paid_days_since_last_all"
            " - 30.44 * loan_payments_instalments_max_all",
            sign=1,
            description="Days from the due date to the last payment of this loan, give or take two",
            reason="Instalments paid late",
            permitted_use="early warning",
        ),
        RequestFeature(
            name="instalment_to_income",
            expression="3 * instalment_minor",
            per="consumption_earned_sum_90d",
            sign=1,
            description="Monthly instalment as a share of the monthly income of 90 days",
            reason="Instalment compared with your income",
            permitted_use="early warning",
        ),
        RequestFeature(
            name="balance_to_instalment",
            expression="transactions_balance_last_all",
            per="instalment_minor",
            sign=-1,
            description="Balance in instalments",
            reason="Balance compared with the instalment",
            permitted_use="early warning",
        ),
    ),
    # A list wants the best ranking at its top, and its reasons come from the rules beside it.
    algorithms=(
        GradientBoosting(
            selection=Selection(max_missing=0.8, min_iv=0.01, max_correlation=0.95, max_features=150),
            trees=200,
            learning_rate=0.04,
            leaves=8,
            min_leaf_rows=60,
            feature_share=0.2,
            row_share=0.8,
            l2=10.0,
            extra_trees=False,
        ),
        Scorecard(selection=Selection(max_missing=0.7, min_vintage_gap=0.01, max_correlation=0.7, max_features=18)),
    ),
    ablations=(
        Ablation(
            name="loan",
            title="the loan and how it is paid",
            groups=("loan_terms", "loan_payments", "borrowing"),
            is_base=True,
        ),
        Ablation(name="request", title="the loan against income and balance", drop=("request_*",)),
        Ablation(name="transactions", title="movements and balances", groups=("transactions",)),
        Ablation(name="consumption", title="income and spending", groups=("consumption", "income", "spending")),
        Ablation(name="warning_signs", title="signs on the account", groups=("warning_signs",)),
        Ablation(name="products", title="accounts and orders", groups=("accounts", "orders")),
        Ablation(name="inquiries", title="what other lenders asked", groups=("inquiries",)),
        Ablation(name="social", title="messages, calls and chats", groups=("social", "chats")),
        Ablation(name="relationships", title="ties to people", groups=("relationships",)),
        Ablation(name="chains", title="the customers around a customer", groups=("chains",)),
        Ablation(name="employment", title="the declared job and its traces", groups=("employment",)),
        Ablation(name="trajectory", title="places", groups=("trajectory",)),
        Ablation(name="devices", title="telephones", groups=("devices",)),
    ),
    split=Split(test_share=0.25, folds=4, repeats=1),
    scale=Scale(base_score=60.0, base_odds=10.0, pdo=8.0),
    audit=Audit(max_auc=0.9, max_missing_auc=0.8, max_joint_auc=0.95, sample=40),
    gates=Gates(min_auc=0.65, calibration_slope=(0.4, 2.5), max_psi=0.5, min_bad=10),
)

WATCH_LIST = WatchList(
    name="early_warning",
    title="Watch list of running loans",
    recipe=EARLY_WARNING.name,
    observations="running_nights",
    family="early_warning",
    capacity=0.05,  # as many as the collectors of the bank can call
    act=0.2,
    keep_within=2.0,
    stay_days=28,
    baseline="transactions_balance_last_all",
)
