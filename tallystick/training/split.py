"""Which labelled rows teach the model that is tested, and which test it.

Kept apart from the training set, which is the same whatever the split; the audit checks the outcome by code of its own.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from tallystick.errors import ModelError
from tallystick.spec.model_tables import LATE, OVERLAPPING, TEST, TRAIN
from tallystick.spec.recipes import Recipe, Split

# Below this many bad or good rows no model is fitted: folds would have classes with nothing in them.
LEAST_PER_CLASS = 10

# What names the thing observed, across its observations.
UNIT = "observation_id"


def find_test_start(keys: pd.DataFrame, split: Split) -> pd.Timestamp | None:
    """The first local date of the test; None for a random split.

    Without ``test_from`` the cut lies between two dates, so that the test holds about ``test_share`` of the labelled
    rows.
    """
    if not split.is_by_time:
        return None
    if split.test_from is not None:
        return pd.Timestamp(split.test_from)
    days = np.sort(keys.loc[keys["label"].notna(), "day"].to_numpy())
    return pd.Timestamp(days[min(int(np.ceil(len(days) * (1 - split.test_share))), len(days) - 1)])


def split_rows(keys: pd.DataFrame, recipe: Recipe, *, start: pd.Timestamp | None) -> pd.Series:
    """The part of each labelled row (``spec.model_tables.PARTS``); empty text for rows without a label.

    ``keys`` are those of a training set, ``start`` the first date of a test by time (``find_test_start``).
    """
    if start is None:
        drawn = draw_customers(keys["customer_id"], share=recipe.split.test_share, seed=recipe.seed)
        part = pd.Series(np.where(drawn, TEST, TRAIN), index=keys.index, name="part")
    else:
        part = pd.Series(np.where(keys["day"] >= start, TEST, TRAIN), index=keys.index, name="part")
        if not recipe.is_retrospective:
            part = part.mask((part == TRAIN) & is_late(keys, start), LATE)
        is_tested = (part == TEST) & keys["label"].notna()
        part = part.mask((part == TRAIN) & _overlaps_the_test(keys, is_tested), OVERLAPPING)
    return part.where(keys["label"].notna(), "")


def is_late(keys: pd.DataFrame, start: pd.Timestamp) -> pd.Series:
    """Whether a row's label was not known on the first date of the test, so that nobody could have learned from it."""
    return ~(keys["known_on"] <= start)


def draw_customers(customers: pd.Series, *, share: float, seed: int) -> np.ndarray:
    """Whether each row's customer is drawn for the test.

    By a hash of the customer and the seed: the rows beside it do not matter, so a customer of the test never becomes
    one that a later model learns from.
    """
    below = int(share * 2**64)
    drawn = {
        customer: int.from_bytes(hashlib.blake2b(f"{seed}|{customer}".encode(), digest_size=8).digest()) < below
        for customer in customers.unique()
    }
    return customers.map(drawn).to_numpy(dtype=bool)


def check_parts(keys: pd.DataFrame, part: pd.Series, *, recipe: Recipe) -> None:
    """ModelError unless both parts have rows of both classes, enough of them to learn from in the training part."""
    for name, least in ((TRAIN, LEAST_PER_CLASS), (TEST, 1)):
        labels = keys.loc[part == name, "label"]
        counts = {"bad": int((labels == 1.0).sum()), "good": int((labels == 0.0).sum())}
        for word, count in counts.items():
            if count < least:
                late = int((part == LATE).sum())
                told = f"; the labels of {late} older rows became known after the test began" if late else ""
                what = f"the {name} part has {count} {word} rows, at least {least} are needed{told}"
                raise ModelError(what, where=f"recipe {recipe.name}", fix=_mend(keys, recipe))


def _mend(keys: pd.DataFrame, recipe: Recipe) -> str:
    if not recipe.split.is_by_time:
        return "another test_share, or wait for more labels"
    if keys.loc[keys["label"].notna(), "day"].nunique() == 1:
        return 'all rows have one as_of: declare Split(method="random_by_customer")'
    return "move the split's test_from or test_share"


def _overlaps_the_test(keys: pd.DataFrame, is_test: pd.Series) -> pd.Series:
    """Whether a row's label window overlaps the span of the label windows that the same unit has in the test."""
    unit = ["source", UNIT]
    tested = keys[is_test].groupby(unit).agg(_from=("window_from", "min"), _to=("window_to", "max"))
    joined = keys[[*unit, "window_from", "window_to"]].join(tested, on=unit)
    return (joined["window_from"] < joined["_to"]) & (joined["window_to"] > joined["_from"])
