"""Money that passes through an account, and sums that keep below what is reported: mules and structuring.

One row of clean.transactions is one movement on an account of the customer.

Why fraud review cares: a mule lets money of others pass and keeps a fee, so what comes in leaves within a day, by cash
or to new recipients, and the balance stays near zero (Europol, European Money Mule Action; FATF, Professional Money
Laundering, 2018). Who wants no report keeps below the sum from which one is made: 50,000 yuan of cash a day, 500,000 of
transfers by a person (People's Bank of China, order 3 of 2016), the oldest of FATF's indicators. Shops, shared flats
and savings moved from another bank do the same for good reasons. For fraud review only.
"""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup, Measure, Ratio, Share

OUT, INTO = "direction = 'out'", "direction = 'in'"
DAY = 86_400
# Fen: cash of a day and transfers of a person that a Chinese bank reports (People's Bank, order 3 of 2016), and the
# band of a tenth below each.
CASH_REPORTED, TRANSFER_REPORTED = 5_000_000, 50_000_000
JUST_BELOW = f"amount_minor BETWEEN {CASH_REPORTED * 9 // 10} AND {CASH_REPORTED - 1}"
JUST_BELOW_LARGE = f"amount_minor BETWEEN {TRANSFER_REPORTED * 9 // 10} AND {TRANSFER_REPORTED - 1}"
# Money of others: what no employer, shop or lender sent, and no savings of one's own.
GIVEN = f"{INTO} AND COALESCE(category, 'transfer') IN ('transfer', 'cash', 'family_support')"
SENT = f"{OUT} AND COALESCE(category, 'transfer') IN ('transfer', 'cash')"
LAST_GIVEN = f"LAST_VALUE(CASE WHEN {GIVEN} THEN EPOCH(event_at) END IGNORE NULLS)"
LAST_GIVEN_SUM = f"LAST_VALUE(CASE WHEN {GIVEN} THEN amount_minor END IGNORE NULLS)"
# A thousand yuan and its round multiples.
ROUND = ", ".join(str(100_000 * n) for n in (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500))
_FIRST_ONE = " OR ".join(f"amount_minor BETWEEN {10**n} AND {2 * 10**n - 1}" for n in range(11))

THROUGH = "Money that passes through your account"
SENDERS = "Many people who send you money, or get it from you"
SUMS = "The pattern of sums on your account"
CASH = "Cash on your account"

FLOWS = FeatureGroup(
    name="flows",
    table="clean.transactions",
    owner="fraud-desk",
    description="Money of others that comes in and leaves again, for fraud review",
    windows=("24h", "7d", "30d", "90d"),
    pii="personal",
    permitted_use="fraud review",
    measures=(
        Measure(
            name="given",
            value="amount_minor",
            where=GIVEN,
            ops="count sum max",
            description="Money that others sent or that was paid in as cash, over {window}",
            reason=THROUGH,
        ),
        Measure(
            name="sent",
            value="amount_minor",
            where=SENT,
            ops="count sum",
            description="Money sent to others or drawn as cash, over {window}",
            reason=THROUGH,
        ),
        Measure(
            name="sender",
            value="counterparty_id",
            where=GIVEN,
            ops="distinct new",
            base="all",
            windows=("24h", "7d", "30d"),
            description="People who sent money over {window}, and those who never did before",
            reason=SENDERS,
        ),
        Measure(
            name="payee",
            value="counterparty_id",
            where=f"{SENT} AND counterparty_id IS NOT NULL",
            ops="distinct new top_share",
            base="all",
            windows=("24h", "7d", "30d"),
            description="Recipients over {window}: how many, how many new ones, and the share of the most frequent one",
            reason=SENDERS,
        ),
        Measure(
            name="passed",
            value="amount_minor",
            where=(
                f"{SENT} AND EPOCH(event_at) - {LAST_GIVEN} BETWEEN 0 AND {DAY}"
                f" AND amount_minor >= 0.8 * {LAST_GIVEN_SUM}"
            ),
            ops="count sum active_days",
            windows=("24h", "30d", "90d"),
            description="Sums sent on or drawn within a day of a gift that was about as large, over {window}",
            reason=THROUGH,
        ),
        Measure(
            name="passed_cash",
            ops="count",
            where=f"{OUT} AND channel = 'cash' AND EPOCH(event_at) - {LAST_GIVEN} BETWEEN 0 AND {DAY}"
            f" AND amount_minor >= 0.8 * {LAST_GIVEN_SUM}",
            windows=("30d", "90d"),
            description="Cash drawn within a day of a gift that was about as large, over {window}",
            reason=CASH,
        ),
        Measure(
            name="back",
            ops="count",
            where=f"{SENT} AND LAG(direction) OVER (PARTITION BY counterparty_id) = 'in'"
            " AND ABS(amount_minor - LAG(amount_minor) OVER (PARTITION BY counterparty_id)) < amount_minor / 5"
            f" AND EPOCH(event_at) - EPOCH(LAG(event_at) OVER (PARTITION BY counterparty_id)) < {7 * DAY}"
            " AND amount_minor >= 50000 AND counterparty_id IS NOT NULL",
            windows=("30d", "90d"),
            description="Sums that went back within a week to whoever had sent about as much, over {window}",
            reason=THROUGH,
        ),
        Measure(
            name="emptied",
            ops="count",
            where=f"{SENT} AND balance_minor < 10000 AND amount_minor >= 100000",
            windows=("30d", "90d"),
            description="Sums of 1,000 or more after which less than 100 was left, over {window}",
            reason=THROUGH,
        ),
        Measure(
            name="salary_gone",
            ops="count",
            where=f"{SENT} AND LAG(category) = 'salary' AND amount_minor >= 0.9 * LAG(amount_minor)",
            windows=("90d",),
            description="Salaries that left at once, nine tenths or more of them, over {window}",
            reason=THROUGH,
        ),
        Measure(
            name="movement",
            ops="count max_gap",
            windows=("7d", "90d"),
            description="Movements over {window}, and the longest silence in days",
            reason="How your account is used",
        ),
        Measure(
            name="living",
            ops="count",
            where=f"{OUT} AND category IN ('food', 'utilities', 'household', 'transport', 'shopping', 'insurance')",
            windows=("30d", "90d"),
            description="Payments of ordinary life over {window}",
            reason="How your account is used",
        ),
        Measure(
            name="other_loan",
            value="amount_minor",
            where=f"{INTO} AND category = 'other_loan_disbursal'",
            ops="count sum",
            windows=("7d", "30d"),
            description="Loans of other lenders paid out over {window}",
            reason="Loans of other lenders",
        ),
        Measure(
            name="gambled",
            value="amount_minor",
            where=f"{OUT} AND category = 'gambling'",
            ops="sum",
            windows=("7d", "30d"),
            description="Money spent on bets over {window}",
            reason="Money spent on bets",
        ),
        Measure(
            name="bought",
            value="amount_minor",
            where=f"{OUT} AND category = 'shopping' AND amount_minor >= 200000",
            ops="count sum",
            windows=("7d",),
            description="Purchases of 2,000 and more over {window}: goods that can be sold again",
            reason="Large purchases",
        ),
        Measure(
            name="bank",
            value="counterparty_bank",
            where=GIVEN,
            ops="distinct",
            windows=("7d",),
            description="Banks that money came from over {window}",
            reason=SENDERS,
        ),
    ),
    derived=(
        Share(
            name="through",
            a="sent_sum",
            b="given_sum",
            description="What was sent or drawn, over what others gave, over {window}: about 1 is passed on",
            reason=THROUGH,
        ),
        Ratio(
            of="movement_count",
            window="7d",
            against="90d",
            description="Movements per day over {window} against 90 days: a burst after silence",
            reason="How your account is used",
        ),
    ),
)

STRUCTURING = FeatureGroup(
    name="structuring",
    table="clean.transactions",
    owner="fraud-desk",
    description="Sums that keep below what is reported, and patterns that few sums have, for fraud review",
    windows=("24h", "7d", "30d"),
    pii="personal",
    permitted_use="fraud review",
    measures=(
        Measure(
            name="below",
            value="amount_minor",
            where=f"{INTO} AND {JUST_BELOW}",
            ops="count sum active_days",
            windows=("24h", "7d", "30d", "90d"),
            description="Sums of 45,000 to just below 50,000 that came in over {window}",
            reason=SUMS,
        ),
        Measure(
            name="below_way",
            value="channel",
            where=f"{INTO} AND {JUST_BELOW}",
            ops="distinct",
            windows=("7d", "30d"),
            description="Ways in which sums just below 50,000 came in, over {window}",
            reason=SUMS,
        ),
        Measure(
            name="below_sender",
            value="counterparty_id",
            where=f"{INTO} AND {JUST_BELOW}",
            ops="distinct",
            windows=("30d",),
            description="Senders of sums just below 50,000 over {window}",
            reason=SUMS,
        ),
        Measure(
            name="below_out",
            ops="count",
            where=f"{OUT} AND {JUST_BELOW}",
            windows=("7d", "30d"),
            description="Sums of 45,000 to just below 50,000 that left over {window}",
            reason=SUMS,
        ),
        Measure(
            name="below_large",
            ops="count",
            where=JUST_BELOW_LARGE,
            windows=("30d", "90d"),
            description="Sums of 450,000 to just below 500,000, either way, over {window}",
            reason=SUMS,
        ),
        Measure(
            name="above",
            ops="count",
            where=f"{INTO} AND amount_minor >= {CASH_REPORTED}",
            windows=("90d",),
            description="Sums of 50,000 and more that came in over {window}",
            reason=SUMS,
        ),
        Measure(
            name="cash_in",
            value="amount_minor",
            where=f"{INTO} AND channel = 'cash'",
            ops="count sum max",
            windows=("24h", "7d", "30d", "90d"),
            description="Cash paid in over {window}",
            reason=CASH,
        ),
        Measure(
            name="cash_then",
            value="amount_minor",
            where=f"{INTO} AND channel = 'cash'",
            ops="count",
            windows=("30d",),
            previous=True,
            description="Times cash was paid in over {window}",
            reason=CASH,
        ),
        Measure(
            name="wire_then",
            value="amount_minor",
            where=f"{GIVEN} AND channel IN ('transfer', 'mobile')",
            ops="count",
            windows=("30d",),
            previous=True,
            description="Times others transferred money over {window}",
            reason=SUMS,
        ),
        Measure(
            name="given",
            ops="count",
            where=GIVEN,
            windows=("7d", "30d", "90d"),
            description="Times money of others came in over {window}",
            reason=SUMS,
        ),
        Measure(
            name="round",
            ops="count",
            where=f"{GIVEN} AND amount_minor IN ({ROUND})",
            windows=("30d",),
            description="Round sums of 1,000 and more among what others gave, over {window}",
            reason=SUMS,
        ),
        Measure(
            name="small_sender",
            value="counterparty_id",
            where=f"{GIVEN} AND amount_minor < 100000 AND counterparty_id IS NOT NULL",
            ops="distinct",
            windows=("7d",),
            description="Senders of less than 1,000 over {window}",
            reason=SENDERS,
        ),
        Measure(
            name="same_sum",
            value="amount_minor",
            where=f"{GIVEN} AND amount_minor >= 100000",
            ops="top_share",
            windows=("30d",),
            description="Share of the most frequent sum among gifts of 1,000 and more, over {window}",
            reason=SUMS,
        ),
        Measure(
            name="large_given",
            ops="count active_days",
            where=f"{GIVEN} AND amount_minor >= 100000",
            windows=("24h", "7d", "30d"),
            description="Gifts of 1,000 and more over {window}, and the days on which there was one",
            reason=SUMS,
        ),
        Measure(
            name="large_given",
            ops="longest_streak",
            where=f"{GIVEN} AND amount_minor >= 100000",
            windows=("30d",),
            description="Days in a row with a gift of 1,000 and more, over {window}",
            reason=SUMS,
        ),
        Measure(
            name="pace",
            value=f"(EPOCH(event_at) - EPOCH(LAG(event_at) OVER (PARTITION BY direction, category))) / {DAY}",
            where=f"{GIVEN} AND amount_minor >= 100000",
            ops="std mean",
            windows=("30d",),
            description="Days between gifts of 1,000 and more, their mean and spread over {window}",
            reason=SUMS,
        ),
        Measure(
            name="first_one",
            ops="count",
            where=f"{GIVEN} AND ({_FIRST_ONE})",
            windows=("180d",),
            description="Sums that begin with 1 among what others gave, over {window} (Benford's law: 30 in a hundred)",
            reason=SUMS,
        ),
        Measure(
            name="any_first",
            ops="count",
            where=GIVEN,
            windows=("180d",),
            description="Sums that others gave, over {window}",
            reason=SUMS,
        ),
        Measure(
            name="ways",
            value="channel",
            where=GIVEN,
            ops="distinct",
            windows=("24h", "7d"),
            description="Ways in which money of others came in over {window}",
            reason=SUMS,
        ),
    ),
    derived=(
        Share(
            name="round",
            a="round_count",
            b="given_count",
            windows=("30d",),
            description="Share of round sums of 1,000 and more among what others gave, over {window}",
            reason=SUMS,
        ),
        Share(
            name="first_one",
            a="first_one_count",
            b="any_first_count",
            description="Share of sums that begin with 1 among what others gave, over {window}",
            reason=SUMS,
        ),
    ),
)
