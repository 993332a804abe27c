"""How large a run is.

Every other part of the benchmark derives its numbers from these.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

SOURCE = "bench"
ZONE = "Asia/Shanghai"
# The zone has had no change of clocks since 1991: SQL may add a fixed offset where tallystick asks the zone.
OFFSET_HOURS = 8
FIRST_DAY = dt.date(2025, 1, 1)
DAYS = 365
MONTHS = 12
SNAPSHOT_DAY = dt.date(2026, 1, 1)
LOADED_ON = dt.date(2026, 1, 10)
SEED = 20_250_101

# A bucket of so many events keeps a worker's memory small and its files large, whatever the bank's size.
EVENTS_PER_BUCKET = 625_000
EVENTS_PER_CUSTOMER = 200
OBSERVATIONS_PER_CUSTOMER = 1.5

# Contenders that do not end on everything get the largest of these shares of the customers that they end on.
FRACTIONS = (1, 10, 40, 100)


@dataclass(frozen=True, kw_only=True, slots=True)
class Scale:
    """Numbers of events, customers, observations and buckets; a seed makes the rest. Equal scales give equal data."""

    events: int
    customers: int
    observations: int
    buckets: int
    seed: int = SEED

    @classmethod
    def of(cls, events: int) -> Scale:
        """The bank with so many events a year: all other numbers grow with it."""
        customers = max(2, events // EVENTS_PER_CUSTOMER)
        return cls(
            events=events,
            customers=customers,
            observations=max(2, int(customers * OBSERVATIONS_PER_CUSTOMER)),
            buckets=max(2, round(events / EVENTS_PER_BUCKET)),
        )

    def times(self, factor: float) -> Scale:
        """A bank ``factor`` times as large, with buckets of the same size."""
        return replace(
            self,
            events=max(1, int(self.events * factor)),
            customers=max(2, int(self.customers * factor)),
            observations=max(2, int(self.observations * factor)),
            buckets=max(2, round(self.buckets * factor)),
        )

    @property
    def name(self) -> str:
        """The folder of this scale's data."""
        return f"{self.events}_{self.customers}_{self.observations}_{self.buckets}_{self.seed}"
