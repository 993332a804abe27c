"""Hypothesis strategies for the rows of a made-up bank and its observations, around the turns of a zone's clock."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests.lib.feature_cases import make_events, make_observations, utc

# Always the same examples in a normal run, so that no failure is a matter of luck; `make soak` draws new ones.
_ANY_SIZE = [HealthCheck.too_slow, HealthCheck.data_too_large]
SOME_EXAMPLES = settings(
    max_examples=12, derandomize=True, deadline=None, database=None, suppress_health_check=_ANY_SIZE
)
MANY_EXAMPLES = settings(max_examples=3000, deadline=None, suppress_health_check=_ANY_SIZE)

# Moments at which clocks, months and years turn; each zone has its own. Observations and events gather around them.
ZONES: dict[str, tuple[dt.datetime, ...]] = {
    "UTC": (utc(2024, 2, 29), utc(2023, 3, 31)),
    "Asia/Shanghai": (utc(2024, 2, 29, 16), utc(2023, 3, 30, 16)),
    "Europe/Prague": (utc(2024, 3, 31, 1), utc(2024, 10, 27, 1), utc(2024, 3, 30, 23)),
    "America/New_York": (utc(2024, 3, 10, 7), utc(2024, 11, 3, 6)),
    "America/St_Johns": (utc(2006, 10, 29, 2, 31), utc(2007, 3, 11, 3, 31)),
    "America/Santiago": (utc(2024, 9, 8, 4), utc(2024, 4, 7, 3)),
    "Australia/Lord_Howe": (utc(2024, 4, 6, 15), utc(2024, 10, 5, 15, 30)),
    "Pacific/Apia": (utc(2011, 12, 30, 10), utc(2011, 12, 31, 10)),
}

_MINUTES = st.sampled_from([0, 0, 0, 1, 29, 30, 59, 60, 61, 90, 720, 1439])
_DAYS = st.sampled_from([0, 0, 1, 1, 2, 3, 6, 7, 8, 14, 27, 28, 29, 30, 31, 32, 60, 61, 62, 91, 92, 400])
_TICKS = st.sampled_from([0, 0, 0, -1, 1])
CUSTOMERS = ("bank:1", "bank:2", "bank:3")


@st.composite
def instants(draw: st.DrawFn, zone: str, *, latest: int) -> dt.datetime:
    """An instant some days around a turn of the zone's clock; at most ``latest`` days after it."""
    centre = draw(st.sampled_from(ZONES[zone]))
    days = draw(st.integers(-latest, latest)) if draw(st.booleans()) else -draw(_DAYS)
    return centre + dt.timedelta(days=days, minutes=draw(_MINUTES), microseconds=draw(_TICKS))


@st.composite
def event_tables(draw: st.DrawFn, zone: str) -> pa.Table:
    """Up to some twenty events of three customers, many of them with ties, nulls, late, corrected or retracted."""
    rows: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 18))):
        event = {"transaction_id": f"t{draw(st.integers(0, 9))}{number:02}", "customer_id": draw(_CUSTOMER)}
        event |= {"event_at": draw(instants(zone, latest=3)), **draw(_VALUES)}
        lags = draw(st.sampled_from([(1,), (1,), (1,), (0,), (2,), (40,), (1, 2), (1, 30), (0, 1, 5)]))
        for version, lag in enumerate(lags):
            if version:
                event |= draw(st.sampled_from([{}, {"is_retracted": True}, {"is_retracted": False}]))
                event |= draw(_VALUES) if draw(st.booleans()) else {}
                if draw(st.booleans()):
                    event["event_at"] = draw(instants(zone, latest=3))
            known = rows_known(event, lag)
            # A load may bring what is known later, and a later load what was known before.
            loaded = known + dt.timedelta(days=draw(st.sampled_from([0, 0, 0, -9, 9, 40])))
            rows.append({**event, "known_on": known, "loaded_on": loaded})
    rows = _with_distinct_versions(rows)
    return make_events(draw(st.permutations(rows)))


def rows_known(event: Mapping[str, Any], lag: int) -> dt.date:
    """``lag`` days after the event, by the UTC calendar: near midnight too early or late, which must not matter."""
    at: dt.datetime = event["event_at"]
    return at.date() + dt.timedelta(days=lag)


def _with_distinct_versions(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without rows that repeat an event's known_on within a load: ingest refuses those."""
    return list({(row["transaction_id"], row["known_on"], row["loaded_on"]): row for row in rows}.values())


_CUSTOMER = st.sampled_from([CUSTOMERS[0], CUSTOMERS[0], CUSTOMERS[1]])
_AMOUNTS = st.one_of(st.none(), st.integers(-5, 5), st.integers(-(10**12), 10**12))
_RATES = st.one_of(
    st.none(), st.sampled_from([0.0, -0.0, 0.1, 0.3, 1.5]), st.floats(-1000, 1000, allow_subnormal=False)
)
_VALUES = st.fixed_dictionaries(
    {
        "sequence": st.sampled_from([None, 1, 2]),
        "channel": st.sampled_from([None, "cash", "card", "Card", "mobile", "strange one"]),
        "amount_minor": _AMOUNTS,
        "rate": _RATES,
        "is_night": st.sampled_from([None, True, False]),
        "due_date": st.sampled_from([None, dt.date(1980, 2, 29), dt.date(2024, 3, 1), dt.date(2030, 1, 1)]),
        "small": st.one_of(st.none(), st.integers(-(2**31), 2**31 - 1)),
    }
)


@st.composite
def observation_tables(draw: st.DrawFn, zone: str) -> pa.Table:
    """A few observations, some repeated, some of a customer without rows, on and off midnight."""
    count = draw(st.integers(1, 6))
    pairs = [(draw(st.sampled_from(CUSTOMERS)), draw(instants(zone, latest=40))) for _ in range(count)]
    return make_observations(*pairs, *pairs[: draw(st.integers(0, 1))])
