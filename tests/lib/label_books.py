"""Loans, payments and applications for tests of labels: single ones, random books, and much corrected ones."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.lib import dpd_oracle, label_oracle

ZONE = "Asia/Shanghai"
DAY = timedelta(days=1)
LOAN_SCHEMA = (
    "source string, bucket int, period string, loan_id string, application_id string, customer_id string, "
    "event_at timestamp, known_on date, loaded_on date, is_retracted boolean, term_months int, "
    "instalment_minor bigint, first_due_date date"
)
PAYMENT_SCHEMA = (
    "source string, repayment_id string, loan_id string, customer_id string, event_at timestamp, known_on date, "
    "loaded_on date, is_retracted boolean, amount_minor bigint"
)
APPLICATION_SCHEMA = (
    "source string, bucket int, period string, application_id string, customer_id string, event_at timestamp, "
    "known_on date, loaded_on date, is_retracted boolean"
)
OBSERVATION_SCHEMA = (
    "source string, bucket int, period string, observation_id string, customer_id string, as_of timestamp, "
    "known_on date"
)
OUTCOME_SCHEMA = (
    "source string, outcome_id string, application_id string, loan_id string, outcome string, "
    "status_code string, observed_on date, event_at timestamp, known_on date, loaded_on date, is_retracted boolean"
)


def at(day: date, hour: int = 12) -> datetime:
    """An instant of that local day: Shanghai is eight hours ahead of UTC."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC) - timedelta(hours=8)


def a_loan(
    name: str, granted: date, *, term: int = 6, instalment: int = 100, first_due: date | None = None
) -> dict[str, Any]:
    due = first_due or dpd_oracle.add_months(granted, 1)
    return {
        "source": "s", "bucket": 0, "period": str(granted.year), "loan_id": f"l{name}", "application_id": f"a{name}",
        "customer_id": f"s:{name}", "event_at": at(granted), "known_on": granted + timedelta(days=1),
        "is_retracted": False, "term_months": term, "instalment_minor": instalment, "first_due_date": due,
    }  # fmt: skip


def a_payment(
    name: str, loan: str, paid: date, amount: int, *, known: date | None = None, retracted: bool = False, hour: int = 12
) -> dict[str, Any]:
    return {
        "source": "s", "repayment_id": name, "loan_id": f"l{loan}", "customer_id": f"s:{loan}",
        "event_at": at(paid, hour), "known_on": known or paid + timedelta(days=1),
        "is_retracted": retracted, "amount_minor": amount,
    }  # fmt: skip


def an_application(loan: dict[str, Any]) -> dict[str, Any]:
    keys = ("source", "bucket", "period", "application_id", "customer_id", "event_at", "known_on", "is_retracted")
    return {key: loan[key] for key in keys}


def an_observation(name: str, customer: str, as_of: datetime, *, known: date | None = None) -> dict[str, Any]:
    return {
        "source": "s", "bucket": 0, "period": str(as_of.year), "observation_id": name, "customer_id": customer,
        "as_of": as_of, "known_on": known,
    }  # fmt: skip


def applications_known(book: label_oracle.Book, cutoff: date) -> list[dict[str, Any]]:
    """The observations of all applications as known on a cut-off: in the version decided on, by the oracle."""
    names = sorted({row["application_id"] for row in book.applications})
    versions = {name: [row for row in book.applications if row["application_id"] == name] for name in names}
    found = {name: label_oracle.decided(rows, cutoff, book.zone) for name, rows in versions.items()}
    return [
        an_observation(name, row["customer_id"], row["event_at"], known=row["known_on"])
        for name, row in found.items()
        if row is not None
    ]


def random_book(seed: int, size: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Loans and payments with ties, parts, overpayments, late arrivals, corrections and retractions."""
    rng = random.Random(seed)
    loans, payments = [], []
    for number in range(size):
        granted = date(2026, 1, 1) + timedelta(days=rng.randrange(90))
        term, instalment = rng.choice([1, 3, 6, 12]), rng.choice([1, 100, 333])
        due = granted + timedelta(days=rng.choice([0, 14, 30, 31]))
        loans.append(a_loan(str(number), granted, term=term, instalment=instalment, first_due=due))
        for index in range(rng.randrange(0, 9)):
            paid = granted + timedelta(days=rng.randrange(0, 200))
            amount = rng.choice(
                [1, instalment // 2, instalment, instalment, instalment, 2 * instalment + 1, 5 * instalment]
            )
            late = rng.choice([1, 1, 1, 0, 10, 60])
            name = f"{number}_{index}"
            payments.append(
                a_payment(
                    name, str(number), paid, amount, known=paid + timedelta(days=late), hour=rng.choice([0, 12, 23])
                )
            )
            if rng.random() < 0.2:
                payments.append(
                    a_payment(
                        name, str(number), paid, rng.choice([0, amount + 7]), known=paid + timedelta(days=late + 20)
                    )
                )
            if rng.random() < 0.15:
                known = paid + timedelta(days=late + rng.choice([1, 40]))
                payments.append(a_payment(name, str(number), paid, amount, known=known, retracted=True))
            if rng.random() < 0.15:
                payments.append(a_payment(f"{name}t", str(number), paid, instalment, known=paid + timedelta(days=late)))
    return loans, payments


def much_corrected_book(seed: int, size: int) -> label_oracle.Book:
    """A random book in which every kind of row is corrected, moved and taken back, and becomes known late."""
    rng = random.Random(seed)
    loans, payments = random_book(seed, size)
    applications = []
    for loan in list(loans):
        name = loan["loan_id"][1:]
        granted = dpd_oracle.local_date(loan["event_at"], ZONE)
        asked = an_application(loan) | {"event_at": at(granted - timedelta(days=rng.randrange(4)), 9)}
        asked["known_on"] = granted + timedelta(days=rng.choice([-3, 0, 1, 1, 150]))
        applications.append(asked)
        if rng.random() < 0.3:
            late = asked["known_on"] + timedelta(days=rng.choice([1, 7, 120]))
            moved = asked["event_at"] - timedelta(days=rng.randrange(3))
            applications.append({**asked, "event_at": moved, "known_on": late, "is_retracted": rng.random() < 0.2})
        other = f"a{rng.randrange(size)}"
        for fault in rng.sample(
            ["first", "second", "moved", "schedule", "retracted", "other"], k=rng.choice([0, 1, 2])
        ):
            later = granted + timedelta(days=rng.choice([2, 40, 130, 200]))
            if fault in {"first", "second"}:
                # Another loan of the same application: it comes first, or not, until it is taken back.
                day = granted - timedelta(days=1) if fault == "first" else granted
                extra = {**loan, "loan_id": f"l{name}{fault}", "event_at": at(day), "known_on": later}
                gone = {**extra, "known_on": later + timedelta(days=rng.choice([1, 30])), "is_retracted": True}
                loans += [extra, gone] if rng.random() < 0.7 else [extra]
                continue
            change: dict[str, Any] = {"known_on": later}
            if fault == "moved":
                change |= {"event_at": at(granted + timedelta(days=rng.choice([-5, 3])))}
            elif fault == "schedule":
                change |= {"instalment_minor": loan["instalment_minor"] + 1}
            elif fault == "retracted":
                change |= {"is_retracted": True}
            else:
                change |= {"application_id": other}
            if not any(row["loan_id"] == loan["loan_id"] and row["known_on"] == later for row in loans):
                loans.append({**loan, **change})
    for number, payment in enumerate(list(payments)):
        if rng.random() < 0.15:
            # Dated ahead: what was delivered says itself from when on it counts, and a correction may come sooner.
            payments[number] = {**payment, "loaded_on": payment["known_on"], "known_on": payment["known_on"] + 45 * DAY}
        if rng.random() < 0.2:
            known = date(2026, 6, 1) + timedelta(days=rng.randrange(200))
            away = {"event_at": payment["event_at"] + timedelta(days=rng.choice([-40, 150]))}
            change = rng.choice([away, {"loan_id": f"l{rng.randrange(size)}"}, {"is_retracted": True}])
            if not any(r["repayment_id"] == payment["repayment_id"] and r["known_on"] == known for r in payments):
                payments.append({**payment, **change, "known_on": known})
    return label_oracle.Book(applications=applications, loans=loans, repayments=payments, zone=ZONE)
