"""The drawn tables of versions hold in every rendering of the rule: kernel, oracle, Arrow, population.

SQL answers the same tables in ``tests/spark/test_visibility_sql.py``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pyarrow as pa
import pytest

from tallystick.kernel import compute_group, prepare_group
from tallystick.observations import ObservationSpec, observe
from tallystick.spec.observations import Customers, ObservationSet
from tallystick.visibility.rows import rows_in_force
from tests.lib.feature_cases import CONTRACTS, make_group, make_measure, make_observations
from tests.lib.oracle import compute_with_oracle
from tests.spec.drawn_tables import VersionCase
from tests.spec.drawn_versions import CUSTOMER, days_of, midnight, told_of, versions_of
from tests.spec.version_cases import VERSIONS

GROUP = make_group(make_measure("sum", value="amount_minor"), windows=("all",))

EVERYBODY = ObservationSet(name="daily", key="customer_id", population=Customers(tables=(GROUP.table,)))

# Of the versions of a case, the numbers of those that are visible at a day's local midnight.
Engine = Callable[[VersionCase, pa.Table, dt.date], set[int]]


def in_kernel(case: VersionCase, versions: pa.Table, day: dt.date) -> set[int]:
    asked = make_observations((CUSTOMER, midnight(case, day)))
    found = compute_group(versions, asked, prepare_group(GROUP, CONTRACTS), zone=case.zone)
    return bits_of(found["txn_m_sum_all"][0].as_py())


def in_oracle(case: VersionCase, versions: pa.Table, day: dt.date) -> set[int]:
    asked = make_observations((CUSTOMER, midnight(case, day)))
    return bits_of(int(compute_with_oracle(versions, asked, GROUP, CONTRACTS, zone=case.zone)["txn_m_sum_all"][0] or 0))


def in_arrow(case: VersionCase, versions: pa.Table, day: dt.date) -> set[int]:
    found = rows_in_force(versions, "transaction_id", on=day).filter(pa.compute.field("event_at") < midnight(case, day))
    return {number for amount in found["amount_minor"].to_pylist() for number in bits_of(amount)}


def bits_of(total: int) -> set[int]:
    """Each version's amount is a power of two, so that a sum tells which versions it is made of."""
    return {number for number in range(total.bit_length()) if total >> number & 1}


@pytest.mark.parametrize("engine", [in_kernel, in_oracle, in_arrow])
@pytest.mark.parametrize("case", VERSIONS, ids=lambda case: case.title)
def test_the_version_in_force_is_what_the_table_says(case: VersionCase, engine: Engine) -> None:
    versions = versions_of(case)
    for column, day in days_of(case).items():
        assert told_of(case, engine(case, versions, day)) == [row[column] for row in case.rows], column


@pytest.mark.parametrize("case", VERSIONS, ids=lambda case: case.title)
def test_a_customer_is_observed_while_a_version_of_theirs_is_visible(case: VersionCase) -> None:
    # Each event is a customer of its own: then who is observed tells which event is seen.
    versions = versions_of(case)
    rows = versions.set_column(
        versions.schema.get_field_index("customer_id"), "customer_id", versions["transaction_id"]
    )
    for column, day in days_of(case).items():
        spec = ObservationSpec.of(EVERYBODY, CONTRACTS, first=day, last=day)
        seen = observe(spec, lambda _: rows, zone=case.zone)
        assert set(seen["customer_id"].to_pylist()) == {row["event"] for row in case.rows if row[column]}, column
