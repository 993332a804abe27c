"""A made-up training set: some features carry the risk, one is noise, one is mostly null, one gives the date away."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tallystick.model.fitting import Part
from tallystick.model.inputs import Feature
from tallystick.spec.algorithms import Algorithm, Blend, GradientBoosting, OrdinalScorecard, Scorecard, Selection
from tallystick.spec.recipes import (
    Ablation,
    Band,
    Gates,
    Policy,
    Recipe,
    Split,
    Variant,
)
from tallystick.training.data import TrainingSet

FEATURES = (
    Feature(name="txn_balance_min_90d", reason="Level of your account balance", sign=-1),
    Feature(name="txn_balance_mean_90d", reason="Level of your account balance", sign=-1),
    Feature(name="txn_overdrawn_count_90d", reason="Overdrawn account", sign=1),
    Feature(name="orders_sum_all", reason="Standing orders", assumed=True),
    Feature(name="txn_noise_mean_30d", reason="Noise", sign=1),
    Feature(name="txn_rare_mean_30d", reason="Rarely known"),
)

SMALL = Selection(max_missing=0.5, min_iv=0.0, max_correlation=1.0)

ALGORITHMS: tuple[Algorithm, ...] = (
    OrdinalScorecard(selection=SMALL),
    Scorecard(selection=SMALL),
    GradientBoosting(selection=SMALL, trees=30),
    Blend(weights={"ordinal_scorecard": 2.0, "boosting": 1.0}),
)


def make_recipe(*algorithms: Algorithm) -> Recipe:
    """A recipe over the made-up features."""
    return Recipe(
        name="small_loan", title="Small loan", groups=("txn",), observations="applications", label="outcome",
        variants=(Variant(name="strict", label="outcome_strict", title="strict"),),
        algorithms=algorithms or ALGORITHMS,
        ablations=(
            Ablation(name="assumed", title="without assumed", drop_assumed=True),
            Ablation(name="balance", title="without balances", drop=("*balance*",)),
        ),
        split=Split(test_share=0.3, folds=3, repeats=1),
        policy=Policy(
            currency="CNY", limit_min_minor=50_000, limit_max_minor=30_000_000,
            bands=(Band(pd_below=0.1, decision="approve", limit_minor=30_000_000),
                   Band(pd_below=0.3, decision="refer", limit_minor=50_000)),
        ),
        gates=Gates(min_auc=0.6, calibration_slope=(0.1, 10.0), max_psi=5.0),
    )  # fmt: skip


def make_set(rows: int = 300, *, unlabelled: int = 40, seed: int = 5) -> TrainingSet:
    """``rows`` labelled observations over three years and ``unlabelled`` newer ones, one customer each."""
    rng = np.random.default_rng(seed)
    total = rows + unlabelled
    risk = rng.normal(size=total)
    vectors = pd.DataFrame(
        {
            "txn_balance_min_90d": np.round(-risk * 1000 + rng.normal(scale=800, size=total)),
            "txn_balance_mean_90d": np.round(-risk * 1500 + rng.normal(scale=900, size=total) + 5000),
            "txn_overdrawn_count_90d": rng.poisson(np.exp(risk - 1)).astype(float),
            "orders_sum_all": np.where(risk + rng.normal(size=total) < 0, 4000.0, 0.0),
            "txn_noise_mean_30d": rng.normal(size=total),
            "txn_rare_mean_30d": np.where(rng.random(total) < 0.8, np.nan, risk),
        }
    )
    vectors.loc[rng.random(total) < 0.05, "txn_balance_mean_90d"] = np.nan
    bad = (risk + rng.logistic(scale=0.7, size=total) > 1.2).astype(float)
    day = pd.Timestamp("2022-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 1095, total)), unit="D")
    label = np.where(np.arange(total) < rows, bad, np.nan)
    keys = pd.DataFrame(
        {
            "observation_id": [f"a{n:04d}" for n in range(total)],
            "customer_id": [f"bank:{n:04d}" for n in range(total)],
            "as_of": day.tz_localize("UTC"), "source": "bank", "bucket": 0, "period": day.year.astype(str),
            "day": day, "label": label, "label:strict": np.where(rng.random(total) < 0.8, label, np.nan),
        }
    )  # fmt: skip
    # Each label is decided within the 30 days after the observation, and known on the next day.
    window = {"known_on": day + pd.Timedelta(days=31), "window_from": day, "window_to": day + pd.Timedelta(days=30)}
    keys = keys.assign(**window, **{f"{name}:strict": dates for name, dates in window.items()})
    segments = pd.DataFrame({"gender": rng.choice(["female", "male"], total), "age_band": "26-35"})
    return TrainingSet(keys=keys, vectors=vectors, features=FEATURES, segments=segments)


def make_part(data: TrainingSet) -> Part:
    """All labelled rows of the set as one part."""
    rows = data.label.notna().to_numpy()
    return Part(
        vectors=data.vectors[rows],
        label=data.label.to_numpy()[rows],
        customer=data.keys["customer_id"].to_numpy()[rows],
        vintage=data.vintage.to_numpy()[rows],
        features=data.features,
    )
