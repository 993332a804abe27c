"""How fast, how often and to whom money moves within minutes, hours and a day: what reviews of transfers look at.

One row of clean.transactions is one movement on an account of the customer. For the set ``transfers`` the last row that
is seen is the transfer under review itself; for days and applications it is the last one before.

Why fraud review cares: a stolen account is emptied before its owner notices, so many payments, new payees and the
largest sums fall into minutes; a stolen card is tried with a small amount first; money that was never the customer's
leaves as fast as it came (FATF, Professional Money Laundering, 2018; European Banking Authority, guidelines on fraud
reporting under PSD2, 2020). Every sign has a harmless twin, so none is proof. For fraud review only.
"""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup, Measure

NEAR = ("10min", "1h", "24h")
OUT, INTO = "direction = 'out'", "direction = 'in'"
# What the set of transfers observes: money sent to others, and cash.
SENT = f"{OUT} AND COALESCE(category, 'transfer') IN ('transfer', 'cash')"
LARGE_SENT = f"{SENT} AND amount_minor >= 100000"
# The customer's payments by hand: standing orders of one second are one act.
PAID = f"{OUT} AND COALESCE(category, 'none') NOT IN ('fee', 'interest', 'penalty_interest', 'loan_payment')"
SINCE = "EPOCH(event_at) - EPOCH(LAG(event_at) OVER (PARTITION BY {key}))"
HOUR, DAY = 3_600, 86_400
# One yuan to ten: what a thief tries a card with.
TRIAL = "amount_minor BETWEEN 1 AND 1000"
BEFORE_TRIAL = "LAST_VALUE(CASE WHEN {trial} THEN EPOCH(event_at) END IGNORE NULLS)".format(trial=f"{OUT} AND {TRIAL}")
LAST_SALARY = "LAST_VALUE(CASE WHEN category = 'salary' THEN EPOCH(event_at) END IGNORE NULLS)"
LAST_LOAN = (
    "LAST_VALUE(CASE WHEN category IN ('loan_disbursal', 'other_loan_disbursal') THEN EPOCH(event_at) END IGNORE NULLS)"
)

FAST = "Several payments in a short time"
AMOUNT = "The amount of your payments"
PAYEES = "Payments to new recipients"
HOURS = "Payments at unusual hours"

VELOCITY = FeatureGroup(
    name="velocity",
    table="clean.transactions",
    owner="fraud-desk",
    description="Speed and reach of the customer's payments, for fraud review",
    windows=NEAR,
    pii="personal",
    permitted_use="fraud review",
    measures=(
        Measure(
            name="paid",
            value="amount_minor",
            where=PAID,
            ops="count sum",
            description="Payments made over {window}: an account is emptied in minutes",
            reason=FAST,
        ),
        Measure(
            name="payee",
            value="counterparty_id",
            where=PAID,
            ops="distinct",
            description="Different recipients over {window}",
            reason=FAST,
        ),
        Measure(
            name="sent",
            value="amount_minor",
            where=SENT,
            ops="count sum max",
            windows=(*NEAR, "30d", "90d"),
            description="Money sent to others and cash drawn over {window}",
            reason=AMOUNT,
        ),
        Measure(
            name="sent",
            value="amount_minor",
            where=SENT,
            ops="mean std quantile(0.9)",
            windows=("90d",),
            description="Usual sums sent to others or drawn over {window}",
            reason=AMOUNT,
        ),
        Measure(
            name="sent",
            value="amount_minor",
            where=LARGE_SENT,
            ops="last last_2 last_3",
            windows=("all",),
            description="The last sums of 1,000 or more that were sent or drawn",
            reason=AMOUNT,
        ),
        Measure(
            name="sent_before",
            value="LAST_VALUE(CASE WHEN {sent} THEN amount_minor END IGNORE NULLS)".format(sent=f"NOT ({LARGE_SENT})"),
            where=LARGE_SENT,
            ops="last",
            windows=("all",),
            description="The last other movement before the last large sum",
            reason=AMOUNT,
        ),
        Measure(
            name="payee_is_new",
            value=f"{SINCE.format(key='counterparty_id')} IS NULL AND counterparty_id IS NOT NULL",
            where=LARGE_SENT,
            ops="last",
            windows=("all",),
            description="1 where the last large sum went to somebody the account never had to do with before",
            reason=PAYEES,
        ),
        Measure(
            name="payee_is_new",
            value=f"{SINCE.format(key='counterparty_id')} IS NULL AND counterparty_id IS NOT NULL",
            where=LARGE_SENT,
            ops="sum",
            windows=("1h", "24h", "7d"),
            description="Large sums to recipients that were new, over {window}",
            reason=PAYEES,
        ),
        Measure(
            name="payee_days",
            value=f"({SINCE.format(key='counterparty_id')}) / {DAY}",
            where=LARGE_SENT,
            ops="last",
            windows=("all",),
            description="Days since the recipient of the last large sum had to do with the account before",
            reason=PAYEES,
        ),
        Measure(
            name="channel_is_new",
            value="LAG(event_at) OVER (PARTITION BY channel, direction) IS NULL AND LAG(event_at, 20) IS NOT NULL",
            where=LARGE_SENT,
            ops="last",
            windows=("all",),
            description="1 where the last large sum left in a way that was never used before, after 20 movements",
            reason=PAYEES,
        ),
        Measure(
            name="again",
            ops="count",
            where=(
                f"{PAID} AND counterparty_id IS NOT NULL"
                " AND amount_minor = LAG(amount_minor) OVER (PARTITION BY counterparty_id)"
                f" AND {SINCE.format(key='counterparty_id')} < 600"
            ),
            description="Payments of the same sum to the same recipient within ten minutes, over {window}",
            reason=FAST,
        ),
        Measure(
            name="trial",
            ops="count",
            where=f"{OUT} AND {TRIAL} AND channel IN ('card', 'mobile')",
            description="Payments of up to ten yuan over {window}: a card is tried before it is used",
            reason=FAST,
        ),
        Measure(
            name="after_trial",
            value="amount_minor",
            where=f"{PAID} AND amount_minor >= 100000 AND EPOCH(event_at) - {BEFORE_TRIAL} BETWEEN 1 AND {HOUR}",
            ops="sum",
            windows=("24h",),
            description="Payments of 1,000 or more within an hour after one of up to ten yuan, over {window}",
            reason=AMOUNT,
        ),
        Measure(
            name="rushed",
            value=SINCE.format(key="direction, channel"),
            where=f"{PAID} AND channel IN ('card', 'mobile') AND category <> 'savings'",
            ops="min",
            windows=("24h",),
            description="Seconds between two payments in a row, at least, over {window}",
            reason=FAST,
        ),
        Measure(
            name="night",
            ops="count",
            where=f"{PAID} AND HOUR(event_at) < 6",
            windows=("24h", "90d"),
            description="Payments between midnight and six over {window}",
            reason=HOURS,
        ),
        Measure(
            name="hour",
            value="HOUR(event_at)",
            where=SENT,
            ops="usual_share",
            base="all",
            windows=("24h",),
            description="Share of what was sent over {window} at hours at which the customer usually sends",
            reason=HOURS,
        ),
        Measure(
            name="shops",
            value="counterparty_id",
            where=f"{OUT} AND channel IN ('card', 'mobile') AND category IN ('shopping', 'food', 'entertainment')",
            ops="distinct",
            windows=("1h", "24h"),
            description="Different shops paid over {window}",
            reason=FAST,
        ),
        Measure(
            name="kinds",
            value="category",
            where=OUT,
            ops="new",
            base="all",
            windows=("24h",),
            description="Kinds of spending over {window} that the account never had before",
            reason=FAST,
        ),
        Measure(
            name="banks",
            value="counterparty_bank",
            where=f"{SENT} AND counterparty_bank IS NOT NULL",
            ops="distinct new",
            base="all",
            windows=("24h",),
            description="Banks that money was sent to over {window}, and those that were never sent to before",
            reason=PAYEES,
        ),
        Measure(
            name="after_salary",
            value="amount_minor",
            where=f"{SENT} AND EPOCH(event_at) - {LAST_SALARY} BETWEEN 0 AND {DAY}",
            ops="sum",
            windows=("24h",),
            description="Money sent or drawn within a day after a salary came in, over {window}",
            reason=AMOUNT,
        ),
        Measure(
            name="salary",
            value="amount_minor",
            where="direction = 'in' AND category = 'salary'",
            ops="sum",
            windows=("24h", "90d"),
            description="Salary over {window}",
            reason="Your income",
        ),
        Measure(
            name="salary",
            ops="days_since_last",
            where="direction = 'in' AND category = 'salary'",
            windows=("all",),
            description="Days since the last salary",
            reason="Your income",
        ),
        Measure(
            name="after_loan",
            value="amount_minor",
            where=f"{SENT} AND EPOCH(event_at) - {LAST_LOAN} BETWEEN 0 AND {3 * DAY}",
            ops="sum",
            windows=("24h", "7d"),
            description="Money sent or drawn within three days after a loan was paid out, over {window}",
            reason=AMOUNT,
        ),
        Measure(
            name="balance",
            value="balance_minor",
            ops="last",
            windows=("all",),
            description="Balance after the last movement",
            reason="The balance of your account",
        ),
        Measure(
            name="balance_before",
            value="LAG(balance_minor) OVER (PARTITION BY account_id)",
            where=LARGE_SENT,
            ops="last",
            windows=("all",),
            description="Balance before the last large sum was sent or drawn",
            reason="The balance of your account",
        ),
        Measure(
            name="asleep",
            value=f"({SINCE.format(key='direction, category')}) / {DAY}",
            where=LARGE_SENT,
            ops="last",
            windows=("all",),
            description="Days since money was last sent, or drawn, before the last large sum",
            reason="An account that was not used for long",
        ),
        Measure(
            name="known",
            ops="days_since_first count",
            windows=("all",),
            description="Days since the first movement of the account, and movements in all",
            reason="Length of your history with us",
        ),
        Measure(
            name="cash",
            value="amount_minor",
            where=f"{OUT} AND channel = 'cash'",
            ops="count sum",
            windows=("1h", "24h", "7d"),
            description="Cash drawn over {window}",
            reason="Withdrawals of cash",
        ),
    ),
)
