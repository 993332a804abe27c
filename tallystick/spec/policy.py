"""What a probability leads to: the score's scale, and the policy that turns a pd into a decision and a limit.

Money is in minor units of the policy's currency; pd is a probability of 0 to 1.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from tallystick.errors import DeclarationError
from tallystick.spec.field_types import check_types

DECISIONS = ("approve", "refer")

_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """score = clip(offset + factor * ln((1 - pd) / pd), 0, 100).

    The score is ``base_score`` where the odds of good to bad are ``base_odds``, and rises by ``pdo`` points each time
    the odds double. ``offset`` and ``factor`` follow from these three.
    """

    base_score: float = 60.0
    base_odds: float = 10.0
    pdo: float = 8.0

    def __post_init__(self) -> None:
        check_types(self, where="scale")
        if not 0.0 <= self.base_score <= 100.0 or self.base_odds <= 0.0 or self.pdo <= 0.0:
            raise DeclarationError("a scale needs base_score in 0..100 and positive base_odds and pdo", where="scale")

    @property
    def factor(self) -> float:
        """Points per unit of ln(odds)."""
        return self.pdo / math.log(2.0)

    @property
    def offset(self) -> float:
        """Points at even odds."""
        return self.base_score - self.factor * math.log(self.base_odds)


@dataclass(frozen=True, kw_only=True, slots=True)
class Band:
    """The decision and the limit for pds below ``pd_below`` that no earlier band holds.

    ``decision`` is ``approve`` or ``refer``. ``limit_minor`` is in the currency's smallest unit, such as cents.
    """

    pd_below: float
    decision: str
    limit_minor: int

    def __post_init__(self) -> None:
        check_types(self, where="band")
        if not 0.0 < self.pd_below <= 1.0:
            raise DeclarationError(
                f"pd_below = {self.pd_below} is out of range", where="band", fix="above 0, at most 1"
            )
        if self.decision not in DECISIONS:
            raise DeclarationError(
                f"unknown decision {self.decision}", where="band", fix=f"one of {DECISIONS}", texts=(self.decision,)
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """Which decision and limit follow from a pd: ``bands`` in the order of rising pd.

    The first band whose ``pd_below`` is above the pd decides. If there is none, the decision is ``decline`` with limit
    0. Limits lie between ``limit_min_minor`` and ``limit_max_minor`` and do not rise from band to band.
    """

    currency: str
    limit_min_minor: int
    limit_max_minor: int
    bands: tuple[Band, ...]

    def __post_init__(self) -> None:
        check_types(self, where="policy")
        if not _CURRENCY.fullmatch(self.currency):
            raise DeclarationError(
                f"{self.currency!r} is not a currency code", where="policy", fix="such as CNY", texts=(self.currency,)
            )
        if not 0 < self.limit_min_minor <= self.limit_max_minor:
            raise DeclarationError("limits need 0 < min <= max", where="policy")
        edges = [band.pd_below for band in self.bands]
        limits = [band.limit_minor for band in self.bands]
        if not edges or edges != sorted(set(edges)):
            raise DeclarationError("bands must rise in pd_below", where="policy")
        if limits != sorted(limits, reverse=True):
            raise DeclarationError("limits must not rise with risk", where="policy")
        if not all(self.limit_min_minor <= limit <= self.limit_max_minor for limit in limits):
            what = f"a limit outside {self.limit_min_minor} to {self.limit_max_minor}"
            raise DeclarationError(what, where="policy")
