"""When an application counts as fraud, for judging and weighing rules."""

from __future__ import annotations

from tallystick.spec.fraud_labels import FraudLabel

# What is done to get a loan that nobody will repay. Whoever lends an account to thieves, or loses one, may well borrow
# honestly. A case begins with its first act, and an application made in the month before prepares it.
APPLICATION_FRAUD = FraudLabel(
    observations="applications",
    kinds=("device_farm", "synthetic_identity", "ring", "bust_out"),
    roles=("perpetrator",),
    lead_days=30,
    value="amount_minor",
)
