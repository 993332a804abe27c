"""The bank's rows, made from a seed: the same scale gives the same rows on every machine.

Rows only; ``layouts`` writes them to files.

Events come in the order of time, as they would arrive. One event in 500 becomes known some days late; no event has a
second version. Customers differ in how much they do (the busiest tenth makes about a sixth of the events). One
observed customer in a thousand has no events.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from benchmarks.groups import CATEGORIES, CHANNELS, DIRECTIONS
from benchmarks.scale import DAYS, FIRST_DAY, LOADED_ON, MONTHS, OFFSET_HOURS, SOURCE, ZONE, Scale
from tallystick.kernel.zones import DAY, zone_offsets

Ints = npt.NDArray[np.int64]

EPOCH = dt.date(1970, 1, 1)
INSTANT = pa.timestamp("us", "UTC")
# Spark's xxhash64 starts from this.
HASH_SEED = 42
SKEW = 1.25
LATE_SHARE, LATEST_DAYS = 0.002, 6
SILENT_SHARE = 0.001
# The first month of the year has no observations: their windows would be almost empty.
FIRST_OBSERVED_DAY = 31


@dataclass(frozen=True, slots=True, eq=False)
class Customers:
    """All customers by number: ``names``, ``bucket``, and ``place`` in the order of (bucket, name)."""

    names: pa.StringArray
    bucket: Ints
    place: Ints


@lru_cache(maxsize=4)
def customers(scale: Scale) -> Customers:
    """The customers with events, and behind them some without."""
    count = scale.customers + max(1, int(scale.customers * SILENT_SHARE))
    texts = [f"{SOURCE}:{number}" for number in range(count)]
    bucket = np.array([bucket_of(text, scale.buckets) for text in texts], dtype=np.int64)
    names = pa.array(texts)
    order = pc.sort_indices(
        pa.table({"bucket": bucket, "name": names}), sort_keys=[("bucket", "ascending"), ("name", "ascending")]
    ).to_numpy()
    place = np.empty(count, dtype=np.int64)
    place[order] = np.arange(count)
    return Customers(names, bucket, place)


def bucket_of(customer_id: str, buckets: int) -> int:
    """``pmod(xxhash64(customer_id), buckets)``, as Spark computes it."""
    number = xxhash.xxh64_intdigest(customer_id.encode(), seed=HASH_SEED)
    return (number - (number >= 2**63) * 2**64) % buckets


def month_days(month: int) -> tuple[int, int]:
    """First day and end of a month (from 0), as day numbers of the year."""
    starts = [(dt.date(FIRST_DAY.year, number + 1, 1) - FIRST_DAY).days for number in range(MONTHS)] + [DAYS]
    return starts[month], starts[month + 1]


def month_bounds(month: int) -> tuple[dt.datetime, dt.datetime]:
    """The instants at which a month begins and ends in the bank's zone."""
    began, ended = (dt.datetime.fromtimestamp(_midnight(day) / 1e6, dt.UTC) for day in month_days(month))
    return began, ended


def month_name(month: int) -> str:
    """The period of a month, as partitions name it."""
    return f"{FIRST_DAY.year}-{month + 1:02}"


def month_customers(scale: Scale, month: int) -> tuple[np.random.Generator, Ints]:
    """The month's random numbers, and the customer of each of its events."""
    rng = np.random.default_rng([scale.seed, scale.events, month])
    low, high = (scale.events * day // DAYS for day in month_days(month))
    return rng, (rng.random(high - low) ** SKEW * scale.customers).astype(np.int64)


def month_events(scale: Scale, month: int) -> tuple[pa.Table, Ints]:
    """The month's rows of the clean table without its partition columns, and the number of each row's customer."""
    rng, numbers = month_customers(scale, month)
    first = scale.events * month_days(month)[0] // DAYS
    return _event_rows(scale, month, rng, numbers, first=first), numbers


def hot_events(scale: Scale, month: int, *, events: int) -> pa.Table:
    """The month's rows of one more customer, who has ``events`` in a year: the first without events is taken."""
    rng = np.random.default_rng([scale.seed, events, month, 1])
    low, high = (events * day // DAYS for day in month_days(month))
    numbers = np.full(high - low, scale.customers, dtype=np.int64)
    return _event_rows(scale, month, rng, numbers, first=scale.events + low)


def _event_rows(scale: Scale, month: int, rng: np.random.Generator, numbers: Ints, *, first: int) -> pa.Table:
    count = numbers.size
    begin, end = (_midnight(day) for day in month_days(month))
    at = np.sort(rng.integers(begin, end, count))
    known = (at + OFFSET_HOURS * DAY // 24) // DAY + 1
    is_late = rng.random(count) < LATE_SHARE
    known[is_late] += rng.integers(1, LATEST_DAYS, np.count_nonzero(is_late))
    amount = np.exp(rng.normal(9.0, 1.4, count)).astype(np.int64) + 1
    ids = pc.binary_join_element_wise("t", pa.array(np.arange(first, first + count)).cast(pa.string()), "")
    names = customers(scale).names
    return pa.table(
        {
            "customer_id": _texts(numbers, names),
            "transaction_id": ids,
            "event_at": pa.array(at).cast(INSTANT),
            "known_on": _dates(known),
            "loaded_on": _dates(np.full(count, (LOADED_ON - EPOCH).days)),
            "sequence": pa.nulls(count, pa.int64()),
            "is_retracted": pa.array(np.zeros(count, dtype=np.bool_)),
            "account_id": _texts(numbers, names),
            "direction": _drawn(rng, count, DIRECTIONS),
            "channel": _drawn(rng, count, CHANNELS, missing=0.02),
            "category": _drawn(rng, count, CATEGORIES, missing=0.05),
            "amount_minor": pa.array(amount),
            "balance_minor": pa.nulls(count, pa.int64()),
            "counterparty_bank": pa.nulls(count, pa.string()),
            "counterparty_id": pa.nulls(count, pa.string()),
            "currency": _texts(np.zeros(count, dtype=np.int64), pa.array(["CNY"])),
        }
    )


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """Distinct (customer, instant) pairs, sorted by them: number of the customer, UTC microseconds, business date."""

    customer: Ints
    as_of: Ints
    day: Ints

    def table(self, scale: Scale) -> pa.Table:
        """The observations as contenders read them."""
        return pa.table(
            {
                "asked_id": pa.array(np.arange(self.customer.size, dtype=np.int32)),
                "customer_id": customers(scale).names.take(pa.array(self.customer)),
                "as_of": pa.array(self.as_of).cast(INSTANT),
                "as_of_date": _dates(self.day),
            }
        )


@lru_cache(maxsize=2)
def observations(scale: Scale) -> Observations:
    """The training set's observations: half of them at a local midnight, half inside a day."""
    rng = np.random.default_rng([scale.seed, scale.observations])
    count = scale.observations
    customer = rng.integers(0, len(customers(scale).names), count)
    days = rng.integers(FIRST_OBSERVED_DAY, DAYS, count)
    as_of = _midnights(days) + (rng.random(count) < 0.5) * rng.integers(1, DAY, count)
    pairs = np.unique(np.stack((customer, as_of), axis=1), axis=0)
    customer, as_of = pairs[:, 0], pairs[:, 1]
    return Observations(customer, as_of, zone_offsets(ZONE).dates(as_of))


def _texts(codes: Ints, texts: pa.StringArray) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), texts)


def _drawn(
    rng: np.random.Generator, count: int, values: tuple[str, ...], *, missing: float = 0.0
) -> pa.DictionaryArray:
    codes = rng.integers(0, len(values), count, dtype=np.int32)
    mask = rng.random(count) < missing if missing else None
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=mask), pa.array(values))


def _dates(days: Ints) -> pa.Array:
    return pa.array(days.astype(np.int32)).cast(pa.date32())


def _midnights(days: Ints) -> Ints:
    return zone_offsets(ZONE).midnights(days + (FIRST_DAY - EPOCH).days)


def _midnight(day: int) -> int:
    return int(_midnights(np.array([day], dtype=np.int64))[0])
