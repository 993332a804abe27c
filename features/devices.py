"""Which telephones a customer uses, and how well the checks of identity went.

One row of clean.device_events is a login or a change of telephone or SIM card, one of clean.identity_checks a check of
a face against a document; never a picture. How many customers share one telephone is no count over one customer's rows:
``relationships`` counts the other customers on it where a source tells of them, and a graph counts the rest.

Why a lender cares: who takes over another's account comes with a new telephone or SIM card shortly before, and after
failed logins; who makes up identities reuses tampered telephones and shows a face that matches badly, again and again
(the signals of the fraud teams of banks: FATF, Digital Identity, 2020; ENISA, Countering SIM-Swapping, 2021). An old
telephone, used for years, is the quiet opposite. Each of these has a harmless look-alike (a broken telephone, bad
light), so none is proof. Of purchases, those made by night are paid less often (Berg et al.,
Review of Financial Studies 33, 2020).
"""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup, Measure, Ratio, Share

NEAR = ("7d", "30d", "90d")
LONG = ("30d", "90d", "180d")
IS_LOGIN = "kind IN ('login', 'failed_login')"
# The telephone that the customer used before this row, null at the first one.
BEFORE = "LAG(device_id)"
SWITCHES = f"device_id IS NOT NULL AND {BEFORE} IS NOT NULL AND device_id <> {BEFORE}"
# Never seen with this customer before, although others were.
UNSEEN = f"device_id IS NOT NULL AND {BEFORE} IS NOT NULL AND LAG(kind) OVER (PARTITION BY device_id) IS NULL"
SINCE_SIM = "EPOCH(event_at) - LAST_VALUE(CASE WHEN kind = 'sim_change' THEN EPOCH(event_at) END IGNORE NULLS)"
WEEK = 7 * 86_400

PHONE = "The telephone that you use"
CHANGED = "A recent change of telephone or SIM card"
SIGNED_IN = "How you log in"
FAILED = "Failed logins"
TAMPERED = "A telephone whose protection was removed"
FACE = "How well your face matched your document"
CHECKED = "Checks of your identity"

DEVICES = FeatureGroup(
    name="devices",
    table="clean.device_events",
    owner="credit-risk",
    description="Logins, telephones and SIM cards of the customer",
    windows=LONG,
    pii="personal",
    permitted_use="credit decisions, fraud review, early warning",
    measures=(
        Measure(
            name="login",
            ops="count active_days",
            where=IS_LOGIN,
            description="Logins over {window}: a customer who looks after the account, or who is worried about it",
            reason=SIGNED_IN,
        ),
        Measure(
            name="login",
            ops="days_since_last",
            where=IS_LOGIN,
            windows=("all",),
            description="Days since the last login: a sleeping account that wakes for a loan",
            reason=SIGNED_IN,
        ),
        Measure(
            name="login",
            ops="mean_gap max_gap",
            where=IS_LOGIN,
            windows=("180d",),
            description="Days between logins over {window}: a habit, or a sudden interest",
            reason=SIGNED_IN,
        ),
        Measure(
            name="failed",
            ops="count",
            where="kind = 'failed_login'",
            windows=("7d", *LONG),
            sign=1,
            description="Failed logins over {window}: somebody who does not know the password, or forgets it",
            reason=FAILED,
        ),
        Measure(
            name="failed_again",
            ops="count",
            where="kind = 'failed_login' AND LAG(kind) = 'failed_login'",
            sign=1,
            description="Failed logins right after another one, over {window}: trying out passwords",
            reason=FAILED,
        ),
        Measure(
            name="night",
            ops="count",
            where=f"{IS_LOGIN} AND HOUR(event_at) < 6",
            sign=1,
            description="Logins between midnight and six over {window}: a life off its usual hours, or another's hand",
            reason="Activity at night",
        ),
        Measure(
            name="hours",
            value="HOUR(event_at)",
            ops="entropy",
            where=IS_LOGIN,
            windows=("180d",),
            description="How evenly logins are spread over the hours of a day, over {window}: a routine is low",
            reason=SIGNED_IN,
        ),
        Measure(
            name="used",
            value="device_id",
            ops="distinct",
            windows=("30d", "90d", "180d", "all"),
            sign=1,
            description="Telephones used over {window}: one person rarely needs many",
            reason=PHONE,
        ),
        Measure(
            name="used",
            value="device_id",
            ops="top_share",
            windows=("180d",),
            sign=-1,
            description="Share of the telephone used most over {window}: one that is clearly the customer's own",
            reason=PHONE,
        ),
        Measure(
            name="used",
            value="device_id",
            ops="old_top_share",
            base="180d",
            windows=("7d", "30d"),
            sign=-1,
            description="Share of logins and changes over {window} on the usual telephone of the half-year before",
            reason=PHONE,
        ),
        Measure(
            name="new_phone",
            ops="count",
            where="kind = 'new_device'",
            windows=NEAR,
            sign=1,
            description="Telephones registered over {window}: the first step of whoever takes over an account",
            reason=CHANGED,
        ),
        Measure(
            name="new_phone",
            ops="days_since_first days_since_last",
            where="kind = 'new_device'",
            windows=("all",),
            sign=-1,
            description="Days since a telephone was registered, the first and the latest: age of the present one",
            reason=CHANGED,
        ),
        Measure(
            name="switch",
            ops="count",
            where=SWITCHES,
            sign=1,
            description="Times another telephone than before was used, over {window}: two hands on one account",
            reason=PHONE,
        ),
        Measure(
            name="switch",
            ops="days_since_last",
            where=SWITCHES,
            windows=("all",),
            sign=-1,
            description="Days since another telephone than before was used: how long it has been the same",
            reason=PHONE,
        ),
        Measure(
            name="unseen",
            ops="count",
            where=f"{UNSEEN} AND kind <> 'new_device'",
            windows=NEAR,
            sign=1,
            description="Logins from a telephone that was never registered nor seen before, over {window}",
            reason=PHONE,
        ),
        Measure(
            name="new_sim",
            ops="count",
            where="kind = 'sim_change'",
            windows=NEAR,
            sign=1,
            description="Changes of SIM card over {window}: a number taken over, or a lost telephone",
            reason=CHANGED,
        ),
        Measure(
            name="new_sim",
            ops="days_since_last",
            where="kind = 'sim_change'",
            windows=("all",),
            sign=-1,
            description="Days since the SIM card was changed",
            reason=CHANGED,
        ),
        Measure(
            name="new_phone_after_sim",
            ops="count",
            where=f"kind = 'new_device' AND {SINCE_SIM} < {WEEK}",
            windows=("30d", "180d"),
            sign=1,
            description="Telephones registered within a week of a new SIM card, over {window}: taken over step by step",
            reason=CHANGED,
        ),
        Measure(
            name="tampered",
            ops="count",
            where="is_tampered",
            windows=("30d", "180d"),
            sign=1,
            description="Logins and changes on an emulator or a rooted telephone over {window}: made for many accounts",
            reason=TAMPERED,
        ),
        Measure(
            name="tampered",
            value="is_tampered",
            ops="last",
            windows=("all",),
            sign=1,
            description="1 where the telephone used last is an emulator or rooted",
            reason=TAMPERED,
        ),
    ),
    derived=(
        Share(
            name="failed",
            a="failed_count",
            b="login_count",
            windows=LONG,
            sign=1,
            description="Share of logins that failed over {window}: somebody who does not know the password",
            reason=FAILED,
        ),
        Share(
            name="night",
            a="night_count",
            b="login_count",
            sign=1,
            description="Share of logins between midnight and six over {window}",
            reason="Activity at night",
        ),
        Ratio(
            of="login_count",
            window="30d",
            against="180d",
            description="Logins per day over {window} against 180 days: a sudden interest in the account",
            reason=SIGNED_IN,
        ),
    ),
)

IDENTITY = FeatureGroup(
    name="identity",
    table="clean.identity_checks",
    owner="credit-risk",
    description="Checks of whether the customer is who the documents say",
    windows=("30d", "180d", "all"),
    pii="personal",
    permitted_use="credit decisions, fraud review",
    measures=(
        Measure(
            name="check",
            ops="count",
            description="Checks of identity over {window}: many in a short time are many attempts",
            reason=CHECKED,
        ),
        Measure(
            name="check",
            ops="days_since_first days_since_last",
            windows=("all",),
            description="Days since identity was checked, the first time and the last",
            reason=CHECKED,
        ),
        Measure(
            name="face",
            value="face_match_score",
            ops="last first",
            windows=("all",),
            sign=-1,
            description="How well the face matched the document, the last time and the first",
            reason=FACE,
        ),
        Measure(
            name="face",
            value="face_match_score",
            ops="min mean",
            windows=("180d", "all"),
            sign=-1,
            description="How well the face matched the document over {window}, at worst and on average",
            reason=FACE,
        ),
        Measure(
            name="face",
            value="face_match_score",
            ops="std",
            windows=("all",),
            sign=1,
            description="Spread of how well the face matched: one face matches about as well every time",
            reason=FACE,
        ),
        Measure(
            name="face_step",
            value="face_match_score - LAG(face_match_score)",
            ops="last min",
            windows=("all",),
            sign=-1,
            description="How much better the face matched than at the check before, last and at worst: another face",
            reason=FACE,
        ),
        Measure(
            name="retries",
            value="retry_count",
            ops="last max",
            windows=("all",),
            sign=1,
            description="Attempts after the first of a check, the last time and at most: trying until it passes",
            reason=CHECKED,
        ),
        Measure(
            name="retries",
            value="retry_count",
            ops="sum mean",
            windows=("180d", "all"),
            sign=1,
            description="Attempts after the first of a check over {window}",
            reason=CHECKED,
        ),
        Measure(
            name="failed",
            ops="count",
            where="NOT is_passed",
            sign=1,
            description="Checks of identity that were not passed, over {window}",
            reason=CHECKED,
        ),
        Measure(
            name="night",
            ops="count",
            where="HOUR(event_at) < 6",
            sign=1,
            description="Checks of identity between midnight and six over {window}: whoever asks then pays less often",
            reason="Activity at night",
        ),
        Measure(
            name="phones",
            value="device_id",
            ops="distinct",
            windows=("180d", "all"),
            sign=1,
            description="Telephones that identity was checked with, over {window}",
            reason=PHONE,
        ),
        Measure(
            name="other_phone",
            value="device_id <> LAG(device_id)",
            ops="last",
            windows=("all",),
            sign=1,
            description="1 where the last check was made with another telephone than the one before",
            reason=PHONE,
        ),
    ),
    derived=(
        Share(
            name="failed",
            a="failed_count",
            b="check_count",
            windows=("180d", "all"),
            sign=1,
            description="Share of checks of identity that were not passed, over {window}",
            reason=CHECKED,
        ),
    ),
)
