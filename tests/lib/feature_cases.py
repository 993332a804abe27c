"""Small made-up banks for tests of features: a contract, rows, and Hypothesis strategies for both kinds of tables."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tallystick.spec.features import Change, FeatureGroup, Measure, Ratio, Share, ZScore
from tallystick.spec.months import Months
from tallystick.spec.tables import Column, TableContract

# Always the same examples in a normal run, so that no failure is a matter of luck; `make soak` draws new ones.
_ANY_SIZE = [HealthCheck.too_slow, HealthCheck.data_too_large]
SOME_EXAMPLES = settings(
    max_examples=12, derandomize=True, deadline=None, database=None, suppress_health_check=_ANY_SIZE
)
MANY_EXAMPLES = settings(max_examples=3000, deadline=None, suppress_health_check=_ANY_SIZE)

_COLUMNS = (
    ("customer_id", "string"),
    ("transaction_id", "string"),
    ("event_at", "timestamp"),
    ("known_on", "date"),
    ("loaded_on", "date"),
    ("sequence", "int64"),
    ("is_retracted", "boolean"),
    ("channel", "string"),
    ("amount_minor", "int64"),
    ("rate", "double"),
    ("is_night", "boolean"),
    ("due_date", "date"),
    ("small", "int32"),
)
_ARROW = {
    "string": pa.string(), "timestamp": pa.timestamp("us", "UTC"), "date": pa.date32(), "int64": pa.int64(),
    "int32": pa.int32(), "boolean": pa.bool_(), "double": pa.float64(),
}  # fmt: skip

TRANSACTIONS = TableContract(
    name="clean.transactions",
    description="Made-up transactions",
    grain="one row per transaction and version",
    owner="tests",
    columns=tuple(Column(name=name, type=kind) for name, kind in (*_COLUMNS, ("source", "string"))),
    key=("source", "transaction_id", "known_on"),
    partition_by=("source",),
    entity="customer_id",
    event_id="transaction_id",
    event_at="event_at",
    known_on="known_on",
    sequence="sequence",
)
CONTRACTS = {TRANSACTIONS.name: TRANSACTIONS}
SCHEMA = pa.schema([(name, _ARROW[kind]) for name, kind in _COLUMNS])
OBSERVED = pa.schema(
    [("customer_id", pa.string()), ("as_of", pa.timestamp("us", "UTC")), ("observation_id", pa.string())]
)

DEFAULTS: dict[str, Any] = {
    "customer_id": "bank:1", "sequence": None, "is_retracted": False, "channel": None, "amount_minor": None,
    "rate": None, "is_night": None, "due_date": None, "small": None,
}  # fmt: skip


def make_events(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Events from rows; ``transaction_id`` defaults to the row's number, ``known_on`` to the day after, UTC."""
    made = []
    for number, row in enumerate(rows):
        known = row["event_at"].date() + dt.timedelta(days=1)
        full = {**DEFAULTS, "transaction_id": f"t{number:03}", "known_on": known, **row}
        made.append({"loaded_on": full["known_on"], **full})
    return pa.Table.from_pylist(made, schema=SCHEMA)


def make_observations(*asked: tuple[str, dt.datetime]) -> pa.Table:
    """Observations from pairs of customer and instant; the customer is the key."""
    rows = [{"observation_id": who, "customer_id": who, "as_of": at} for who, at in asked]
    return pa.Table.from_pylist(rows, schema=OBSERVED)


def make_group(*measures: Measure, **parts: Any) -> FeatureGroup:
    """A group over the made-up transactions with what every group must have."""
    return FeatureGroup(
        **{
            "name": "txn", "table": TRANSACTIONS.name, "owner": "tests", "windows": ("7d",), "measures": measures,
            **parts,
        }
    )  # fmt: skip


def make_measure(ops: str, **parts: Any) -> Measure:
    """A measure called ``m`` with what every measure must have."""
    return Measure(**{"name": "m", "ops": ops, "reason": "a reason", **parts})


def utc(*parts: int) -> dt.datetime:
    """An instant."""
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[misc,arg-type]


def differences(found: pa.Table, expected: Mapping[str, Sequence[Any]], *, scale: float = 1.0) -> list[str]:
    """What differs, in words: whole numbers and nulls exactly, doubles beyond 1e-9 relative (or of ``scale``)."""
    told = []
    if found.column_names != list(expected):
        told.append(f"columns {found.column_names} instead of {list(expected)}")
    for name, values in expected.items():
        for row, (got, wanted) in enumerate(zip(found.column(name).to_pylist(), values, strict=True)):
            if not _alike(got, wanted, scale):
                told.append(f"{name}, row {row}: {got} instead of {wanted}")
    return told


def _alike(got: Any, wanted: Any, scale: float) -> bool:
    if got is None or wanted is None or isinstance(got, int):
        return bool(got == wanted)
    return math.isclose(got, wanted, rel_tol=1e-9, abs_tol=1e-9 * scale)


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


_WINDOWS = st.lists(
    st.sampled_from(["1d", "2d", "7d", "30d", "365d", "1m", "2m", "12m", "all"]), min_size=1, max_size=3, unique=True
)
_NUMBERS = (
    "CASE WHEN HOUR(event_at) >= 22 OR HOUR(event_at) < 6 THEN 1 ELSE 0 END",
    "amount_minor", "rate", "is_night", "small * 3 - amount_minor", "ABS(amount_minor)", "rate * 0.5 - 1",
    "LAST_VALUE(small IGNORE NULLS)", "EPOCH(event_at) - EPOCH(LAG(event_at) OVER (PARTITION BY channel))",
    "LAG(amount_minor)", "amount_minor / 3 - LAG(amount_minor, 2) OVER (PARTITION BY channel)",
    "amount_minor / small", "rate / (ISODOW(event_at) - 4)", "COALESCE(amount_minor, small, 7)",
    "CASE channel WHEN 'cash' THEN amount_minor WHEN 'card' THEN -amount_minor END", "ISODOW(event_at)",
)  # fmt: skip
_WHOLE = ("amount_minor", "is_night", "small", "1", "LAG(small)")
_KEYS = ("channel", "is_night", "ISODOW(event_at)", "due_date", "LAST_VALUE(small IGNORE NULLS)")
_ANYTHING = (*_NUMBERS, "channel", "due_date", "event_at", "COALESCE(channel, 'none')")
_CONDITIONS = (
    "", "", "amount_minor > 0", "channel = 'cash'", "channel IN ('card', 'Card')", "NOT channel LIKE '%a%d'",
    "channel IS NULL OR rate BETWEEN 0 AND 1", "amount_minor <> small", "channel >= 'card' AND NOT is_night",
    "channel NOT LIKE 'c%' OR is_night", "due_date < DATE '2024-06-01'", "MONTH(event_at) = 3",
    "LAG(channel) = 'cash' OR LAG(event_at) OVER (PARTITION BY is_night, small) IS NULL",
    "LAST_VALUE(CASE WHEN LAG(channel) = 'cash' THEN channel END IGNORE NULLS) OVER (PARTITION BY is_night) = 'card'",
    "amount_minor * 2 < 3.5", "small / amount_minor < 1.5",
    "EXTRACT(DAY FROM event_at) IN (1, 29, 30, 31)", "QUARTER(due_date) = 1 AND YEAR(event_at) > 2000",
)  # fmt: skip
_FILTERS = {"cash": "channel = 'cash'", "paid": "amount_minor < 0", "odd": "small IS NOT NULL AND NOT is_night"}
_CATEGORY = {"channel": ("cash", "card", "strange one")}

NUMBER_OPS = [
    "sum",
    "mean",
    "std",
    "std_pop",
    "min",
    "max",
    "quantile(0.5)",
    "quantile(0.9)",
    "first",
    "last",
    "last_2",
    "last_3",
    "slope",
]
ROW_OPS = ["count", "active_days", "longest_streak", "days_since_first", "days_since_last", "mean_gap", "max_gap"]
WHOLE_OPS = ["pareto(0.8)", "pareto(0.5)"]
EACH_OPS = ["mean", "std", "std_pop", "min", "max", "quantile(0.5)"]
VALUE_OPS = ["distinct", "entropy", "top_share", "hhi"]


@st.composite
def feature_groups(draw: st.DrawFn) -> FeatureGroup:
    """A group with a few measures of any kind, and derived features over them."""
    measures = []
    for number in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["numbers", "rows", "values", "dates", "whole", "each"]))
        ops, values = {
            "numbers": (NUMBER_OPS, _NUMBERS), "rows": (ROW_OPS, ("",)), "values": (VALUE_OPS, _ANYTHING),
            "dates": (["age_days"], ("due_date",)), "whole": (WHOLE_OPS, _WHOLE),
            "each": ([*EACH_OPS, *WHOLE_OPS], _WHOLE) if draw(st.booleans()) else (EACH_OPS, _NUMBERS),
        }[kind]  # fmt: skip
        families = draw(
            st.sampled_from([{}, {}, {"filters": ("cash", "odd"), "unfiltered": True}, {"filters": ("paid",)},
                             {"by": "channel"}])
        )  # fmt: skip
        measures.append(
            make_measure(
                " ".join(draw(st.lists(st.sampled_from(ops), min_size=min(2, len(ops)), max_size=4, unique=True))),
                name=f"m{number}",
                value=draw(st.sampled_from(values)),
                where=draw(st.sampled_from(_CONDITIONS)),
                each=draw(st.sampled_from(_KEYS)) if kind == "each" else "",
                previous=draw(st.booleans()),
                **families,
            )
        )
    parts = {"filters": _FILTERS, "by": _CATEGORY, "windows": tuple(draw(_WINDOWS))}
    group = make_group(*measures, where=draw(st.sampled_from(("", "", "small <> 0"))), **parts)
    return make_group(*measures, where=group.where, derived=draw(_derived(group)), **parts)


@st.composite
def _derived(draw: st.DrawFn, group: FeatureGroup) -> tuple[Any, ...]:
    from tallystick.spec.columns import group_bases

    stems = [stem for stem, base in group_bases(group).items()]
    first, second = draw(st.sampled_from(stems)), draw(st.sampled_from(stems))
    made: list[Any] = [Share(name="part", a=first, b=second)] if draw(st.booleans()) else []
    if draw(st.booleans()):
        made.append(Ratio(of=first, window=draw(st.sampled_from(["1d", "1m"])), against="90d"))
    if draw(st.booleans()):
        made.append(Change(of=second, windows=(draw(st.sampled_from(["1d", "7d", "1m"])),)))
    if draw(st.booleans()):
        value, ops = draw(st.sampled_from(_monthly(first, second)))
        made.append(Months(name="by", value=value, ops=ops, windows=tuple(draw(_MONTHS))))
    if draw(st.booleans()):
        made.append(ZScore(of=first, windows=(draw(st.sampled_from(["1d", "7d", "1m"])),), k=draw(st.integers(3, 5))))
    return tuple(made)


_MONTHS = st.lists(st.sampled_from(["1m", "3m", "14m"]), min_size=1, max_size=2, unique=True)
_OF_CONDITION = "count longest_streak current_streak"


def _monthly(first: str, second: str) -> list[tuple[str, str]]:
    """Values of a month over two stems, with operations over the months."""
    return [
        (f"{first} > 0", _OF_CONDITION),
        (f"{first} = 0 OR {second} IS NULL", _OF_CONDITION),
        (f"{first} < LAG({first})", _OF_CONDITION),
        (f"NOT {first} >= 2 * LAG({second}, 2)", _OF_CONDITION),
        (f"{first} / {second}", "mean std min max last"),
        (f"{first} * 0.5 - LAG({first})", "mean min last"),
    ]


def _sums_and_rows_before(**family: Any) -> list[Measure]:
    """Every operation over sums, and values that reach over several rows."""
    sums = " ".join([*EACH_OPS, *WHOLE_OPS])
    measures = [make_measure(sums, name="each", value="amount_minor", each=_KEYS[0], previous=True, **family)]
    for number, each in enumerate(_KEYS[1:]):
        measures.append(make_measure("std_pop max", name=f"each{number}", value="rate * 0.5", each=each))
    measures.append(
        make_measure(
            "mean std_pop", name="hours", filters=("odd",), unfiltered=True,
            value="(EPOCH(event_at) - EPOCH(LAG(event_at) OVER (PARTITION BY channel))) / 3600",
        )
    )  # fmt: skip
    # Runs of rows that a row in cash ends, each with the name of the row it began with.
    run = "CASE WHEN LAG(channel) = 'cash' OR LAG(event_at) IS NULL THEN transaction_id END"
    measures.append(make_measure("distinct", name="run", value=f"LAST_VALUE({run} IGNORE NULLS)", previous=True))
    return measures


def every_op_group() -> FeatureGroup:
    """Each operation over windows in days, months and of all history, filtered, by category, before, and derived."""
    families: tuple[dict[str, Any], ...] = ({"filters": ("odd",), "unfiltered": True}, {"by": "channel"})
    values = {"rows": "", "number": "amount_minor", "real": "rate * 0.5", "flag": "is_night", "text": "channel"}
    ops = {
        "rows": ROW_OPS, "number": [*NUMBER_OPS, *WHOLE_OPS], "real": ("sum", "mean", "std", "max"),
        "flag": ("sum", "mean", "last"),
        "text": VALUE_OPS,
    }  # fmt: skip
    measures = [
        make_measure(" ".join(ops[name]), name=f"{name}{number}", value=value, previous=True, **family)
        for name, value in values.items()
        for number, family in enumerate(families)
    ]
    measures.append(make_measure("age_days", name="due", value="due_date", previous=True))
    measures.append(
        make_measure("sum", name="late", value="small * 3 - amount_minor", where="HOUR(event_at) >= 12 OR is_night")
    )
    measures.append(make_measure("sum mean", name="part", value="amount_minor / (small - 1)"))
    measures.append(
        make_measure(
            "sum max last", name="step", previous=True,
            value="amount_minor - LAG(amount_minor) OVER (PARTITION BY channel)",
            where="LAG(is_night, 2) IS NOT NULL OR ISODOW(LAG(event_at)) < 6", filters=("odd",), unfiltered=True,
        )
    )  # fmt: skip
    measures += _sums_and_rows_before(**families[0])
    measures.append(make_measure("distinct", name="before", value="LAG(channel)"))
    derived = (
        Share(name="odd", a="number0_odd_sum", b="number0_sum"),
        Ratio(of="rows0_count number0_sum", window="2d", against="1m"),
        Ratio(of="rows0_count", window="1m", against="30d"),
        Change(of="number0_mean", windows=("2d", "1m")),
        ZScore(of="rows0_count number0_sum number0_max", windows=("2d", "1m"), k=4),
        Months(
            name="fewer",
            value="rows0_count < LAG(rows0_count) OR rows0_count = 0",
            ops=_OF_CONDITION,
            windows=("1m", "5m"),
        ),
        Months(
            name="odd", value="number0_odd_sum / number0_sum - 1", ops="mean std min max last last_2", windows=("5m",)
        ),
        Months(
            name="shape",
            value="text0_entropy + number0_last * LAG(number0_q50) - rows0_longest_streak",
            ops="max last",
            windows=("2m",),
        ),
    )
    parts = {"filters": _FILTERS, "by": _CATEGORY, "windows": ("2d", "1m", "all")}
    return make_group(*measures, derived=derived, where="COALESCE(small, 1) <> 0", **parts)
