"""Identifiers are recognised by their hashes, whatever their length, type and place in a buffer."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from tallystick.errors import ContractError
from tallystick.kernel import compute_group, prepare_group, required_columns
from tallystick.kernel.same_events import find_version_ends, identifier_hashes
from tallystick.visibility import NEVER
from tallystick.visibility.arrays import Ints
from tests.lib.feature_cases import CONTRACTS, make_events, make_group, make_measure, make_observations, utc

IDS = ["", "a", "b", "ab", "a\0", "12345678", "123456789", "1234567890123456", "12345678901234567", "é", "x" * 63]


def test_equal_identifiers_have_equal_hashes_and_different_ones_do_not() -> None:
    hashes = identifier_hashes(pa.array(IDS + IDS))
    assert hashes[: len(IDS)].tolist() == hashes[len(IDS) :].tolist()
    assert len(set(hashes.tolist())) == len(IDS)


def test_many_identifiers_hardly_ever_collide() -> None:
    ids = pa.array([f"2026-{number:09}-{number % 7}" for number in range(100_000)])
    assert np.unique(identifier_hashes(ids)).size == 100_000


@pytest.mark.parametrize("ids", [IDS, [*IDS, "y" * 200]])
def test_the_form_of_the_column_does_not_matter(ids: list[str]) -> None:
    plain = pa.array(ids * 2)
    same = identifier_hashes(plain)[:, None] == identifier_hashes(plain)[None, :]
    forms = [plain.dictionary_encode(), plain.cast(pa.large_string()), pa.array(["zzz", *ids, *ids])[1:]]
    for form in forms:
        hashes = identifier_hashes(form)
        assert ((hashes[:, None] == hashes[None, :]) == same).all()


def test_numbers_may_be_identifiers() -> None:
    assert len(set(identifier_hashes(pa.array([-1, 0, 1, 2**40])).tolist())) == 4


def ends(ids: pa.Array, entity: Ints, known: Ints, *, loaded: list[int | None] | None) -> list[int] | None:
    """The ends of versions; without ``loaded`` the rows have no load dates."""
    columns = (
        {"id": ids} if loaded is None else {"id": ids, "loaded_on": pa.array(loaded, pa.int32()).cast(pa.date32())}
    )
    found = find_version_ends(pa.table(columns), "id", entity=entity, known=known, where="t")
    return None if found is None else found.tolist()


@pytest.mark.parametrize("kind", [pa.string(), pa.int64(), pa.dictionary(pa.int32(), pa.string())])
def test_a_version_ends_when_one_that_was_delivered_later_is_known(kind: pa.DataType) -> None:
    ids = pa.array(["7", "8", "7", "7", "8", "9", "9", "9"]).cast(kind)
    entity, known = np.array([0, 0, 0, 0, 1, 1, 1, 1]), np.array([5, 5, 9, 7, 6, 5, 9, 7])
    assert ends(ids, entity, known, loaded=[1, 1, 3, 2, 1, 1, 2, 3]) == [7, NEVER, NEVER, 9, NEVER, 7, 7, NEVER]


def test_without_second_versions_there_is_nothing_to_end() -> None:
    ids = pa.array(["1", "2"])
    assert ends(ids, np.array([0, 0]), np.array([1, 1]), loaded=[1, 1]) is None
    assert ends(ids.slice(0, 0), np.array([], dtype=int), np.array([], dtype=int), loaded=[]) is None
    filtered = pa.array(["1", "2", "1"]).dictionary_encode().take(pa.array([0, 2]))
    assert ends(filtered, np.array([0, 0]), np.array([1, 2]), loaded=[1, 2]) == [2, NEVER]


def test_versions_without_a_load_date_are_refused() -> None:
    known = np.array([5, 6])
    for dates in (None, [1, None]):
        with pytest.raises(ContractError, match="the date on which they were delivered"):
            ends(pa.array(["7", "7"]), np.array([0, 0]), known, loaded=dates)
    assert ends(pa.array(["7", "8"]), np.array([0, 0]), known, loaded=None) is None


def test_two_versions_of_one_load_with_one_known_on_are_refused() -> None:
    ids, entity, known = pa.array(["7", "7"]), np.array([0, 0]), np.array([5, 5])
    assert ends(ids, entity, known, loaded=[1, 2]) == [5, NEVER]
    with pytest.raises(ContractError, match="two versions of one event came in one load"):
        ends(ids, entity, known, loaded=[2, 2])


def test_who_knows_that_there_are_no_versions_needs_no_identifiers() -> None:
    rows = [{"event_at": utc(2026, 3, day), "amount_minor": day} for day in (3, 4, 4)]
    events, asked = make_events(rows), make_observations(("bank:1", utc(2026, 3, 9)))
    plan = prepare_group(make_group(make_measure("sum max distinct", value="amount_minor")), CONTRACTS)
    needed = required_columns(plan, has_versions=False)
    assert needed == ("customer_id", "event_at", "known_on", "is_retracted", "amount_minor")
    expected = compute_group(events, asked, plan, zone="UTC")
    assert compute_group(events.select(needed), asked, plan, zone="UTC", has_versions=False).equals(expected)

    picks = prepare_group(make_group(make_measure("last", value="amount_minor")), CONTRACTS)
    assert {"sequence", "transaction_id"} <= set(required_columns(picks, has_versions=False))


def test_customers_that_nobody_asks_for_change_nothing() -> None:
    rows = [{"event_at": utc(2026, 3, 3), "amount_minor": n, "customer_id": f"bank:{n % 9}"} for n in range(90)]
    late = {"known_on": dt.date(2026, 3, 20), "transaction_id": "t003", "amount_minor": 0}
    events = make_events([*rows, {**rows[3], **late}])
    plan = prepare_group(make_group(make_measure("sum count last", value="amount_minor"), windows=("all",)), CONTRACTS)
    pairs = [(f"bank:{n}", at) for n in range(9) for at in (utc(2026, 3, 9), utc(2026, 3, 21))]
    whole = compute_group(events, make_observations(*pairs), plan, zone="UTC").to_pylist()
    alone = [compute_group(events, make_observations(pair), plan, zone="UTC").to_pylist()[0] for pair in pairs]
    assert alone == whole
