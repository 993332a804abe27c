"""An algorithm of a kind of its own takes five files: it is added to a copy of the package, fitted, and scored with."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.lib.adding import CHECKOUT, file_digests, touched

MOST_FILES = 5

# Logistic regression on values as they are: a member of a kind that no other algorithm makes.
FIT = '''"""Plain logistic regression on standardised values."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from tallystick.model.members import Member


def fit_linear(algorithm, vectors, label, features):
    """Fit on all rows given; a null counts as the mean."""
    names = [feature.name for feature in features]
    values = vectors[names].to_numpy()
    means, spreads = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    filled = np.where(np.isnan(values), means, values)
    fitted = LogisticRegression(C=algorithm.c).fit((filled - means) / spreads, label)
    coefficients = fitted.coef_[0] / spreads
    payload = {
        "features": names,
        "intercept": float(fitted.intercept_[0] - coefficients @ means),
        "coefficients": [float(value) for value in coefficients],
        "means": [float(value) for value in means],
    }
    return Member(kind="linear", features=tuple(names), payload=payload)
'''

DECLARED = '''@dataclass(frozen=True, kw_only=True, slots=True)
class Linear:
    """Logistic regression on values as they are."""

    name: str = "linear"
    features: tuple[str, ...] = ("*",)
    selection: Selection = Selection()
    c: float = 1.0


'''

CHOICE = """    if isinstance(algorithm, Linear):
        from tallystick.model.linear import fit_linear

        return fit_linear(algorithm, part.vectors, part.label, kept), table
"""

LOG_ODDS = """        if self.kind == "linear":
            values = vectors[list(self.features)].to_numpy()
            filled = np.where(np.isnan(values), self.payload["means"], values)
            return self.payload["intercept"] + filled @ np.array(self.payload["coefficients"])
"""

EXPLAIN = """def _explain_linear(member, boosters, values):
    columns = values[member["features"]].to_numpy()
    filled = np.where(np.isnan(columns), member["means"], columns)
    coefficients = np.array(member["coefficients"])
    parts = {n: (filled[:, i] - member["means"][i]) * coefficients[i] for i, n in enumerate(member["features"])}
    return member["intercept"] + filled @ coefficients, parts


"""

# File: what is put where: before a text that stands in it once.
EDITS = {
    "spec/algorithms.py": [("Fitted = ", DECLARED), (" | GradientBoosting\nAlgorithm", " | Linear")],
    "model/fitting.py": [
        ("    if isinstance(algorithm, OrdinalScorecard):\n", CHOICE),
        (", OrdinalScorecard, Scorecard\n", ", Linear"),
    ],
    "model/members.py": [('        total = np.full(len(vectors), float(self.payload["intercept"]))\n', LOG_ODDS)],
    "model/scorer.py": [("_EXPLAINERS = ", EXPLAIN), ('"lightgbm": _explain_lightgbm}', '"linear": _explain_linear, ')],
}

USE = """
import numpy as np
import pandas as pd

from tallystick.model.fitting import Part, fit_models
from tallystick.model.inputs import Feature
from tallystick.model.scorer import explain
from tallystick.spec.algorithms import Linear, Selection
from tallystick.spec.recipes import Split

rng = np.random.default_rng(7)
vectors = pd.DataFrame(rng.normal(size=(400, 3)), columns=["a", "b", "c"])
label = (vectors["a"] + rng.normal(size=400) > 0.8).astype(int).to_numpy()
vectors = vectors.mask(rng.random(vectors.shape) < 0.05)
features = tuple(Feature(name=name, sign=0, reason=name) for name in vectors)
part = Part(vectors=vectors, label=label, customer=np.arange(400).astype(str), vintage=np.full(400, "2026-01"),
            features=features)
algorithm = Linear(selection=Selection(min_iv=0.0))
model = fit_models([algorithm], part, split=Split(folds=3, repeats=1), seed=1)["linear"]
member = model.members[0][0]
written = {"features": list(model.features), "members": [{"kind": member.kind, "weight": 1.0, **member.payload}]}
log_odds, contributions = explain(written, {}, vectors[list(model.features)])
assert np.allclose(log_odds, member.log_odds(vectors), rtol=0, atol=1e-12)
assert np.isfinite(contributions).all()
assert model.predict(vectors)[label == 1].mean() > model.predict(vectors)[label == 0].mean() + 0.1
print("fitted and scored")
"""


def insert_before(text: str, anchor: str, addition: str) -> str:
    """The text with the addition before the anchor, which stands in it once."""
    assert text.count(anchor) == 1, f"{anchor!r} stands {text.count(anchor)} times"
    return text.replace(anchor, addition + anchor)


def test_an_algorithm_of_a_kind_of_its_own_takes_at_most_five_files(tmp_path: Path) -> None:
    package = tmp_path / "tallystick"
    shutil.copytree(CHECKOUT / "tallystick", package, ignore=shutil.ignore_patterns("__pycache__"))
    before = file_digests(package)
    for name, edits in EDITS.items():
        text = (package / name).read_text(encoding="utf-8")
        for anchor, addition in edits:
            text = insert_before(text, anchor, addition)
        (package / name).write_text(text, encoding="utf-8")
    (package / "model" / "linear.py").write_text(FIT, encoding="utf-8")
    changed = touched(before, file_digests(package))
    assert changed == sorted([*EDITS, "model/linear.py"])
    assert len(changed) <= MOST_FILES
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "ignore", "-c", USE]
    outcome = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert outcome.stdout == "fitted and scored\n", outcome.stderr
