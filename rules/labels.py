"""When an application, a transfer, a login or a customer's day counts as fraud, for judging and weighing rules."""

from __future__ import annotations

from tallystick.spec.fraud_labels import FraudLabel

# What is done to get a loan that nobody will repay. Whoever lends an account to thieves, or loses one, may well mean
# to repay. A case begins with its first act, and an application made in the month before prepares it.
APPLICATION_FRAUD = FraudLabel(
    observations="applications",
    kinds=("device_farm", "synthetic_identity", "ring", "bust_out"),
    roles=("perpetrator",),
    lead_days=30,
    value="amount_minor",
)

# From the day on which somebody else had the account, or on which it was lent, until that was confirmed. Nobody says
# which of the transfers of those days were the customer's own, so some that are no fraud count as fraud.
TRANSFER_FRAUD = FraudLabel(
    observations="transfers",
    kinds=("take_over", "mule", "structuring"),
    roles=("perpetrator", "victim"),
    value="amount_minor",
)

# Whoever takes an account over comes by a login, and a farm logs in to many accounts.
LOGIN_FRAUD = FraudLabel(observations="logins", kinds=("take_over", "device_farm"), roles=("perpetrator", "victim"))

# What goes on for days or weeks in an account of the customer's own.
DAILY_FRAUD = FraudLabel(observations="daily", kinds=("mule", "structuring", "bust_out"), roles=("perpetrator",))
