"""Customers whose spending was planted: each belongs to a kind, and the kinds are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tallystick.spec.segments import Segmentation

PARTS = {"amount_food": "food", "amount_leisure": "leisure", "amount_travel": "travel", "amount_bills": "bills"}

# The mean shares of three kinds, far apart.
FOOD, LEISURE, BILLS = (0.7, 0.1, 0.1, 0.1), (0.1, 0.6, 0.2, 0.1), (0.1, 0.1, 0.1, 0.7)
KINDS = (FOOD, LEISURE, BILLS)

SEGMENTATION = Segmentation(
    name="kinds",
    title="Kinds",
    observations="months",
    group="amount",
    parts=PARTS,
    activity="payments",
    min_activity=5,
    segments=(2, 5),
    min_share=0.05,
    repeats=5,
)


def spend(
    kinds: Sequence[Sequence[float]] = KINDS, *, each: int = 80, seed: int = 1, width: float = 80.0
) -> pd.DataFrame:
    """``each`` customers of each kind: amounts whose shares scatter around the kind's (less with more ``width``).

    What a customer spends in all has nothing to do with the kind. Column ``kind`` is the truth; no stage reads it.
    """
    rng = np.random.default_rng(seed)
    shares = np.vstack([rng.dirichlet(np.array(kind) * width, size=each) for kind in kinds])
    total = rng.lognormal(10, 1, size=len(shares))
    frame = pd.DataFrame(np.round(shares * total[:, None]), columns=list(PARTS))
    frame["payments"] = 30
    frame["customer_id"] = [f"bank:{number:05d}" for number in rng.permutation(len(frame))]
    frame["kind"] = np.repeat(np.arange(len(kinds)), each)
    return frame
