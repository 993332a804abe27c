"""Customers who may ask again: scored each night, so that a decision within seconds is a look-up.

The model learns from what was known at the midnight before each application, and scores every customer at every
midnight: both see the same. It reads nothing of an application, since the night does not know what will be asked for;
the limit says up to which amount the answer holds.
"""

from __future__ import annotations

from tallystick.spec.algorithms import GradientBoosting, Scorecard, Selection
from tallystick.spec.recipes import Audit, Band, Gates, Policy, Recipe, RequestFeature, Scale, Split

RETURNING = Recipe(
    name="returning",
    title="Returning customers",
    description="Probability that a small loan, granted today, is thirty days late in its first months",
    groups=(
        "transactions",
        "consumption",
        "income",
        "spending",
        "social",
        "rhythm",
        "relationships",
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
    ),
    observations="applicants",
    also_scored=("daily",),
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
    ),
    allow_protected={
        "trajectory_*_distance_*": "Kilometres tell of a move and of the way to work, and do not tell where",
        "trajectory_about_gyration_*": "Kilometres tell how wide somebody's days are, and do not tell where",
    },
    label="dpd30_in_90_days",
    request=(
        RequestFeature(
            name="told_to_inferred_income",
            expression="3 * applicant_income_last_all",
            per="income_pay_sum_90d",
            sign=1,
            description="Income as told last, as a multiple of that inferred from the bookings of 90 days",
            reason="Income that you told us compared with what comes in",
        ),
    ),
    algorithms=(
        Scorecard(selection=Selection(max_missing=0.7, min_vintage_gap=0.01, max_correlation=0.7, max_features=18)),
        GradientBoosting(
            selection=Selection(max_missing=0.7, max_correlation=0.85, max_features=40),
            trees=250,
            leaves=6,
            min_leaf_rows=15,
        ),
    ),
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
    audit=Audit(max_auc=0.9, max_missing_auc=0.8, max_joint_auc=0.9, sample=40),
    gates=Gates(min_auc=0.6, calibration_slope=(0.4, 2.5), max_psi=0.5, min_bad=10),
)
