"""How well columns separate the classes together: one cross-validated AUC for a set of columns.

For the leakage audit: it must judge any columns, hundreds at once and a few alone, in about a second and without the
recipe's algorithms, whose selection might leave out the column that leaks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from tallystick.model.evaluation import auc

FOLDS = 5

# Small trees, few of them: enough for a leak, which is strong, and quick at 700 columns. Columns are sampled per tree,
# so one strong column does not hide what its siblings know.
_TREES = 40
_PARAMS = {
    "objective": "binary",
    "num_leaves": 4,
    "learning_rate": 0.1,
    "min_data_in_leaf": 10,
    "feature_fraction": 0.3,
    "max_bin": 63,
    "lambda_l2": 1.0,
    "num_threads": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}


# Each fold as the rows to learn from and the rows to predict.
Folds = Sequence[tuple[np.ndarray, np.ndarray]]


def split_customers(label: np.ndarray, customer: np.ndarray, *, seed: int) -> Folds:
    """Folds that share no customer, none unless both classes have enough rows for two.

    Apart from the AUC because all sets of columns of the same rows share them, and dealing customers out takes as long
    as the trees of a few columns.
    """
    count = int(min(FOLDS, label.sum(), (1 - label).sum()))
    if count < 2:
        return []
    splitter = StratifiedGroupKFold(n_splits=count, shuffle=True, random_state=seed)
    return list(splitter.split(label, label, customer))


def cross_validated_auc(columns: np.ndarray, label: np.ndarray, folds: Folds, *, seed: int) -> float:
    """The AUC of rows by trees that did not see the row's fold; nulls stay nulls. NaN without folds."""
    import lightgbm

    if not folds:
        return float("nan")
    score = np.zeros(len(label))
    for learned, held in folds:
        data = lightgbm.Dataset(columns[learned], label[learned])
        score[held] = lightgbm.train({**_PARAMS, "seed": seed}, data, num_boost_round=_TREES).predict(columns[held])
    return auc(label, score)
