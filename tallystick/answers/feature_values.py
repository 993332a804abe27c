"""One customer's feature values at the start of a date, and those of them that are stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from tallystick.answers.shelves import Customer, Shelf, bounds_of
from tallystick.answers.staleness import Outdated, Redeclared, Stale
from tallystick.spec.observations import OBSERVATION_COLUMNS
from tallystick.spec.tables import TableContract
from tallystick.tables.store.customer_rows import CustomerFiles, instants_of

Value = int | float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerVector:
    """The features of one customer at the local midnight that begins ``as_of``.

    ``features`` are values by name, group by group: 0 from counts and sums of nothing, None from other statistics of
    nothing. ``stored`` and ``computed`` are the groups that came from tables and those that were computed for this
    answer. ``is_known`` is false where no table held a row of the customer by that date: then the values are those of
    nothing, as they also are of a mistyped id. ``stale`` says what the answer lacks because it was not loaded yet,
    which graph is old, and which stored features were computed before rows came that count on the date, or are declared
    otherwise by now.
    """

    customer_id: str
    as_of: date
    features: Mapping[str, Value]
    stored: tuple[str, ...] = ()
    computed: tuple[str, ...] = ()
    stale: tuple[Stale | Outdated | Redeclared, ...] = ()
    is_known: bool = True


def stored_features(
    shelf: Shelf, files: CustomerFiles, customer: Customer, *, observations: str, day: date
) -> dict[str, Value] | None:
    """What a feature table holds of the customer at the start of the date; None where it holds nothing."""
    instant = customer.midnight(day)
    chosen = []
    for file in shelf.files(customer, observations=observations):
        low, high = bounds_of(file)
        if low <= instant <= high:
            chosen.append(file)
    rows = files.read(chosen, customer.id)
    if rows is None:
        return None
    held = instants_of(rows["as_of"])
    if instant not in held:
        return None
    place = held.index(instant)
    return {name: rows[name][place].as_py() for name in rows.column_names if name not in OBSERVATION_COLUMNS}


def knows_of(
    shelves: Iterable[tuple[TableContract, Shelf]], files: CustomerFiles, customer: Customer, *, day: date
) -> bool:
    """Whether any of the tables holds a row of the customer that decisions of ``day`` may use."""
    for contract, shelf in shelves:
        rows = files.read(shelf.files(customer), customer.id, [contract.known_on])
        known = [] if rows is None else rows[contract.known_on].to_pylist()
        if any(known_on is not None and known_on <= day for known_on in known):
            return True
    return False
