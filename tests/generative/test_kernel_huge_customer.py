"""One customer with a million events, between two with a few: the same answers as plain SQL over all rows."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from tallystick.kernel import compute_group, prepare_group
from tests.lib.feature_cases import CONTRACTS, SCHEMA, make_events, make_group, make_measure, make_observations, utc

EVENTS = 1_000_000
AS_OF = utc(2026, 3, 10)


def huge_customer() -> pa.Table:
    """Events some 30 seconds apart over a year, in no order."""
    number = np.random.default_rng(20260310).permutation(EVENTS)
    micros = np.datetime64(AS_OF.replace(tzinfo=None), "us").astype(np.int64) - 1 - number * 31_536_000
    columns = {
        "customer_id": pa.DictionaryArray.from_arrays(np.zeros(EVENTS, dtype=np.int8), ["bank:huge"]).cast(pa.string()),
        "transaction_id": pa.array(number).cast(pa.string()),
        "event_at": pa.array(micros, pa.timestamp("us", "UTC")),
        "known_on": pa.array(micros // 86_400_000_000 + 1, pa.int32()).cast(pa.date32()),
        "amount_minor": pa.array(number * 7919 % 100_003),
        "is_retracted": pa.array(np.zeros(EVENTS, dtype=np.bool_)),
    }
    filled = [columns.get(field.name, pa.nulls(EVENTS, field.type)) for field in SCHEMA]
    return pa.table(filled, schema=SCHEMA)


def test_a_customer_with_a_million_events_is_exact() -> None:
    few = make_events([{"customer_id": f"bank:{n}", "event_at": utc(2026, 3, 9), "amount_minor": n} for n in (1, 2)])
    events = pa.concat_tables([few.slice(0, 1), huge_customer(), few.slice(1)])
    ops = "count sum mean std min max distinct active_days longest_streak quantile(0.9) hhi"
    plan = prepare_group(make_group(make_measure(ops, value="amount_minor"), windows=("7d", "all")), CONTRACTS)
    asked = make_observations(("bank:1", AS_OF), ("bank:huge", AS_OF), ("bank:2", AS_OF))
    found = compute_group(events, asked, plan, zone="UTC").to_pylist()
    assert [row["txn_m_sum_all"] for row in found][::2] == [1, 2]

    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.register("events", events.select(["customer_id", "event_at", "amount_minor"]))
    for window, low in (("7d", "TIMESTAMP '2026-03-03'"), ("all", "TIMESTAMP '1970-01-01'")):
        sql = """
            SELECT count(*), sum(a), avg(a), stddev_samp(a), min(a), max(a), count(DISTINCT a), count(DISTINCT day),
                   count(DISTINCT day), quantile_cont(a::DOUBLE, 0.9),
                   (SELECT sum((n / (SELECT sum(n) FROM v)) ** 2) FROM v)
            FROM kept"""
        kept = f"""
            WITH kept AS (SELECT amount_minor AS a, epoch_us(event_at) // 86400000000 AS day FROM events
                          WHERE customer_id = 'bank:huge' AND epoch_us(event_at) >= epoch_us({low})),
                 v AS (SELECT a, count(*) AS n FROM kept GROUP BY a)"""
        expected = connection.execute(kept + sql).fetchall()[0]
        names = [column.name for column in plan.columns if column.window == window]
        assert [found[1][name] for name in names] == pytest.approx(list(expected), rel=1e-9)
