"""A looked-up value is what was known at as_of of the row that was the latest then: drawn from the definition."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from tallystick.errors import ContractError, DeclarationError
from tallystick.features import GroupWork, compute_local
from tallystick.spec.features import Lookup
from tallystick.spec.tables import TableContract
from tests.lib.feature_cases import CONTRACTS, make_events, make_group, make_measure, make_observations, utc
from tests.lib.lookup_cases import CODES, FACTS, SCHEMA

GROUP = make_group(
    make_measure("last", name="fee", value="fee_minor"),
    windows=("all",),
    lookups=(Lookup(table=FACTS.name, on="channel", columns=("fee_minor",)),),
)
EVENT = {"event_at": utc(2026, 3, 2), "known_on": date(2026, 3, 5), "channel": "card"}


def fee(amount: int, at: datetime, known: int, **parts: Any) -> dict[str, Any]:
    """A row of the other table, known and loaded on a day of March unless the parts say more."""
    day = date(2026, 3, known)
    made = {"fact_id": "f1", "channel": "card", "event_at": at, "known_on": day, "loaded_on": day}
    return {**made, "is_retracted": False, "fee_minor": amount, "brand": None, "source": "bank", **parts}


def fees_at(
    rows: list[dict[str, Any]], *moments: datetime, event: dict[str, Any] = EVENT, contract: TableContract = FACTS
) -> list[int | None]:
    """The fee that the event is seen with at each moment."""
    work = GroupWork.of(GROUP, {**CONTRACTS, contract.name: contract})
    asked = make_observations(*(("bank:1", moment) for moment in moments))
    other = pa.Table.from_pylist(rows, schema=SCHEMA)
    found = compute_local(work, make_events([event]), asked, dimensions={contract.name: other}, zone="UTC")
    return found["txn_fee_last_all"].to_pylist()


def days(*numbers: int) -> list[datetime]:
    return [utc(2026, 3, number) for number in numbers]


def test_a_row_that_was_known_before_the_event_is_seen_with_it() -> None:
    assert fees_at([fee(7, utc(2026, 1, 1), 1)], *days(4, 5, 9)) == [None, 7, 7]


def test_a_row_is_not_seen_before_it_is_known_and_its_correction_replaces_it() -> None:
    at = utc(2026, 1, 1)
    assert fees_at([fee(7, at, 8), fee(9, at, 10)], *days(5, 7, 8, 9, 10)) == [None, None, 7, 7, 9]


@pytest.mark.parametrize("moved_to", ["cash", None])
def test_a_correction_that_gives_a_fact_another_key_or_none_takes_it_away(moved_to: str | None) -> None:
    at = utc(2026, 1, 1)
    rows = [fee(7, at, 8), fee(7, at, 10, channel=moved_to)]
    assert fees_at(rows, *days(8, 9, 10, 12)) == [7, 7, None, None]


def test_a_correction_wins_from_its_own_date_on_whatever_date_the_older_version_named() -> None:
    at = utc(2026, 1, 1)
    ahead = fee(7, at, 12, loaded_on=date(2026, 3, 6))
    assert fees_at([ahead, fee(9, at, 8)], *days(7, 8, 12, 13)) == [None, 9, 9, 9]


def test_a_retracted_row_is_not_seen() -> None:
    at = utc(2026, 1, 1)
    assert fees_at([fee(7, at, 1), fee(7, at, 8, is_retracted=True)], *days(7, 8)) == [7, None]


def test_a_row_that_is_dated_after_as_of_is_not_seen_to_the_microsecond() -> None:
    noon = utc(2026, 3, 9, 12)
    rows = [fee(7, utc(2026, 1, 1), 1), fee(9, noon, 1, fact_id="f2")]
    later = noon.replace(microsecond=1)
    assert fees_at(rows, utc(2026, 3, 9, 11), noon, later) == [7, 7, 9]


def test_a_late_correction_of_an_older_fact_does_not_displace_the_newer_fact() -> None:
    older, newer = utc(2026, 1, 1), utc(2026, 2, 1)
    rows = [fee(7, older, 1), fee(9, newer, 1, fact_id="f2"), fee(8, older, 10)]
    assert fees_at(rows, *days(9, 11)) == [9, 9]
    # Where the newer fact is taken back, the older one counts again, as it is corrected by then.
    assert fees_at([*rows, fee(9, newer, 12, fact_id="f2", is_retracted=True)], *days(9, 12)) == [9, 8]


def test_two_sources_with_one_code_do_not_mix() -> None:
    at = utc(2026, 1, 1)
    rows = [fee(7, at, 1), fee(99, utc(2026, 2, 1), 2, source="other")]
    assert fees_at(rows, *days(9)) == [7]
    assert fees_at(rows[1:], *days(9)) == [None]


def test_a_key_that_nothing_meets_gives_null() -> None:
    rows = [fee(7, utc(2026, 1, 1), 1), fee(9, utc(2026, 1, 1), 1, fact_id="f2", channel=None)]
    for channel in ("cash", None):
        assert fees_at(rows, *days(9), event={**EVENT, "channel": channel}) == [None]
    assert fees_at([], *days(9)) == [None]


def test_the_versions_of_an_event_meet_the_row_of_their_own_key() -> None:
    # The event is corrected to another channel, whose fee changes later.
    at = utc(2026, 1, 1)
    rows = [fee(7, at, 1), fee(20, at, 1, channel="cash", fact_id="f2"), fee(21, at, 12, channel="cash", fact_id="f2")]
    work = GroupWork.of(GROUP, {**CONTRACTS, FACTS.name: FACTS})
    moved = {**EVENT, "channel": "cash", "known_on": date(2026, 3, 8), "transaction_id": "t000"}
    gone = {**moved, "known_on": date(2026, 3, 14), "is_retracted": True}
    asked = make_observations(*(("bank:1", moment) for moment in days(5, 8, 12, 14)))
    other = pa.Table.from_pylist(rows, schema=SCHEMA)
    events = make_events([EVENT, moved, gone])
    found = compute_local(work, events, asked, dimensions={FACTS.name: other}, zone="UTC")
    assert found["txn_fee_last_all"].to_pylist() == [7, 20, 21, None]


def test_what_cannot_be_dated_is_refused() -> None:
    at = utc(2026, 1, 1)
    with pytest.raises(ContractError, match="rows to look up have a null event_at"):
        fees_at([fee(7, at, 1, event_at=None)], *days(9))
    with pytest.raises(ContractError, match="have no loaded_on that tells which came last"):
        fees_at([fee(7, at, 1), fee(8, at, 2, loaded_on=None)], *days(9))


def test_on_must_be_a_key_of_the_other_table_and_of_no_other_customer() -> None:
    contracts = {**CONTRACTS, FACTS.name: FACTS}
    GroupWork.of(GROUP, contracts)
    GroupWork.of(GROUP, {**contracts, CODES.name: CODES})
    by_brand = make_group(
        make_measure("last", value="fee_minor"),
        lookups=(Lookup(table=FACTS.name, on="channel", columns=("fee_minor",)),),
    )
    with pytest.raises(DeclarationError, match="channel does not tell the rows of clean.fees apart"):
        GroupWork.of(by_brand, {**contracts, FACTS.name: replace(FACTS, lookup_key="")})
    with pytest.raises(DeclarationError, match="rows of other customers would be missing"):
        GroupWork.of(by_brand, {**contracts, FACTS.name: replace(FACTS, entity="brand")})


def test_a_table_that_is_kept_by_customer_is_looked_up_by_the_customer() -> None:
    own = replace(FACTS, entity="channel", lookup_key="channel")
    columns = tuple(replace(c, name="customer_id") if c.name == "channel" else c for c in own.columns)
    own = replace(own, columns=columns, entity="customer_id", lookup_key="customer_id")
    lookup = Lookup(table=own.name, on="customer_id", columns=("fee_minor",))
    group = make_group(make_measure("last", name="fee", value="fee_minor"), windows=("all",), lookups=(lookup,))
    work = GroupWork.of(group, {**CONTRACTS, own.name: own})
    other = pa.Table.from_pylist([fee(7, datetime(2026, 1, 1, tzinfo=UTC), 1, channel="bank:1")], schema=SCHEMA)
    other = other.rename_columns(["customer_id" if name == "channel" else name for name in other.column_names])
    asked = make_observations(("bank:1", utc(2026, 3, 9)), ("bank:2", utc(2026, 3, 9)))
    events = make_events([EVENT, {**EVENT, "customer_id": "bank:2"}])
    found = compute_local(work, events, asked, dimensions={own.name: other}, zone="UTC")
    assert found["txn_fee_last_all"].to_pylist() == [7, None]
