"""All observations of a source: bucket by bucket, with their place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa

from tallystick.buckets import BucketTask
from tallystick.observations import ObservationSpec, observe_source
from tallystick.spec.observations import ObservationSet, Rows
from tests.lib.backfills import LocalSession
from tests.lib.feature_cases import CONTRACTS, TRANSACTIONS, make_events, utc

PAYMENTS = ObservationSet(name="payments", key="transaction_id", population=Rows(table=TRANSACTIONS.name))
EVENTS = {
    0: make_events([{"event_at": utc(2024, 12, 31, 17), "amount_minor": 5, "transaction_id": "b"},
                    {"event_at": utc(2024, 12, 30), "amount_minor": 6, "transaction_id": "a"}]),
    1: make_events([{"event_at": utc(2025, 2, 1), "amount_minor": 7, "customer_id": "bank:2"}]),
}  # fmt: skip


class Files:
    """A storage whose files are named by bucket."""

    def read(
        self, table: str, paths: Sequence[str], columns: Sequence[str], *, coded: Collection[str] = ()
    ) -> pa.Table:
        (path,) = paths
        return EVENTS[int(path)].select(list(columns))

    def write(self, table: str, partition: Mapping[str, str], rows: pa.Table) -> Any:
        raise AssertionError("nothing is written here")


def tasks() -> list[BucketTask]:
    return [
        BucketTask(source="bank", bucket=n, zone="Asia/Shanghai", period="month", files={TRANSACTIONS.name: (str(n),)})
        for n in EVENTS
    ]


def test_every_observation_has_its_place_and_the_columns_asked_for() -> None:
    spec = ObservationSpec.of(PAYMENTS, CONTRACTS, columns=("amount_minor",))
    found = observe_source(None, tasks(), spec, storage=Files())
    assert found.column_names == [
        "source", "observations", "bucket", "period", "observation_id", "customer_id", "as_of", "amount_minor",
    ]  # fmt: skip
    rows = [(row["bucket"], row["period"], row["observation_id"], row["amount_minor"]) for row in found.to_pylist()]
    # 17:00 UTC of the last day of the year is the first of January in Shanghai.
    assert rows == [(0, "2024-12", "a", 6), (0, "2025-01", "b", 5), (1, "2025-02", "t000", 7)]
    assert set(found["observations"].to_pylist()) == {"payments"}
    session: Any = LocalSession()
    assert observe_source(session, tasks(), spec, storage=Files()).equals(found)


def test_what_became_known_later_is_not_there() -> None:
    spec = ObservationSpec.of(PAYMENTS, CONTRACTS, known_by=dt.date(2025, 1, 1))
    found = observe_source(None, tasks(), spec, storage=Files())
    assert found["observation_id"].to_pylist() == ["a", "b"]


def test_a_source_without_buckets_has_none() -> None:
    spec = ObservationSpec.of(PAYMENTS, CONTRACTS, columns=("amount_minor",))
    none, some = (observe_source(None, listed, spec, storage=Files()) for listed in ([], tasks()))
    assert none.num_rows == 0
    assert none.column_names == some.column_names
