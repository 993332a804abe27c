"""Kinds of fraud: how often each occurs, how much of it the bank finds out, and how late.

Apart from the schemes, so that every number that is assumed stands in one table. docs/simulation.md has the sources.
"""

from __future__ import annotations

from dataclasses import dataclass

DEVICE_FARM, SYNTHETIC, RING, TAKE_OVER, MULE, STRUCTURING, BUST_OUT = range(7)
KINDS = ("device_farm", "synthetic_identity", "ring", "take_over", "mule", "structuring", "bust_out")
VICTIM, PERPETRATOR, NEITHER = range(3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """``yearly`` cases for each 1,000 customers; ``caught`` is the share of cases, and among them of people in it, that
    the bank confirms, half of them ``lag`` days after the last act or sooner.
    """

    yearly: float
    caught: float
    lag: float


TERMS = {
    DEVICE_FARM: Terms(yearly=0.65, caught=0.75, lag=45),
    SYNTHETIC: Terms(yearly=1.0, caught=0.35, lag=120),
    RING: Terms(yearly=0.65, caught=0.6, lag=90),
    TAKE_OVER: Terms(yearly=1.2, caught=0.9, lag=4),
    MULE: Terms(yearly=1.2, caught=0.55, lag=30),
    STRUCTURING: Terms(yearly=0.65, caught=0.4, lag=60),
    BUST_OUT: Terms(yearly=0.8, caught=0.65, lag=100),
}

# What resembles a kind, for each 1,000 customers and year. Families with one telephone, second accounts and people who
# move house are there without it.
LOOKALIKES_YEARLY = {TAKE_OVER: 3.0, MULE: 3.0, STRUCTURING: 1.5, BUST_OUT: 2.0}
