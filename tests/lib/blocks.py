"""A made-up training set of blocks: what is true, what says it again, and what is planted noise."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tallystick.model.inputs import Feature
from tallystick.spec.algorithms import Algorithm, OrdinalScorecard, Selection
from tallystick.spec.recipes import Ablation, Recipe, Split, ThinFile
from tallystick.training.data import TrainingSet

BLOCKS = ("base", "true", "redundant", "noise")
COLUMNS = 4

OPEN = Selection(max_missing=1.0, min_iv=0.0, max_correlation=1.0, drop_against_sign=False, max_features=40)


def block_recipe(*algorithms: Algorithm) -> Recipe:
    """A recipe whose dimensions are the blocks; ``redundant`` holds what ``true`` holds, with an error on it."""
    return Recipe(
        name="blocks", title="Blocks", groups=("base", "true", "redundant", "noise"), observations="applications",
        label="outcome", algorithms=algorithms or (OrdinalScorecard(selection=OPEN),),
        ablations=tuple(Ablation(name=name, title=name, groups=(name,), is_base=name == "base") for name in BLOCKS),
        thin_file=ThinFile(title="little is known", where="base_0 < 0"),
        split=Split(test_share=0.3, folds=4, repeats=1),
    )  # fmt: skip


def block_set(rows: int = 600, *, seed: int = 1, per_customer: int = 1, signal: float = 0.9) -> TrainingSet:
    """``rows`` labelled observations over two years, ``per_customer`` of each customer.

    The risk is a base part and a true part. Each of a block's columns is the part with an error of its own; those of
    ``redundant`` are the true ones with another error, those of ``noise`` are errors alone.
    """
    rng = np.random.default_rng(seed)
    base, true = rng.normal(size=(2, rows))
    error = rng.normal(size=(len(BLOCKS), COLUMNS, rows))
    shown = {"base": base, "true": true, "redundant": true + 0.5 * rng.normal(size=rows), "noise": np.zeros(rows)}
    vectors = pd.DataFrame(
        {f"{name}_{n}": shown[name] + error[b, n] for b, name in enumerate(BLOCKS) for n in range(COLUMNS)}
    )
    bad = (signal * (base + true) + rng.logistic(size=rows) > 1.5).astype(float)
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 730, rows)), unit="D")
    keys = pd.DataFrame(
        {
            "observation_id": [f"a{n}" for n in range(rows)],
            "customer_id": [f"bank:{n % (rows // per_customer)}" for n in range(rows)],
            "as_of": day.tz_localize("UTC"), "source": "bank", "bucket": 0, "period": day.year.astype(str),
            "day": day, "label": bad, "known_on": day + pd.Timedelta(days=31), "window_from": day,
            "window_to": day + pd.Timedelta(days=30),
        }
    )  # fmt: skip
    features = tuple(Feature(name=name, reason=name, group=name.split("_")[0]) for name in vectors.columns)
    return TrainingSet(keys=keys, vectors=vectors, features=features, segments=pd.DataFrame(index=keys.index))
