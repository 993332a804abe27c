"""The edges of ties as of a date: the stage against an oracle from the definition, and the rules one by one."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tallystick.spec.tables import Column, TableContract
from tallystick.spec.ties import Through, Tie
from tallystick.ties.seen_rows import Moment, see_rows
from tallystick.ties.tie_edges import TieEdges, join_tie, tie_part
from tests.lib.tie_oracle import Edge, Row, between, counted, midnight, sharing, strengths, visible

ZONE = "Europe/Prague"
DAY = dt.date(2026, 3, 30)  # the clock was put forward the night before


def contract(name: str, *columns: Column) -> TableContract:
    """A clean table of customers' events."""
    return TableContract(
        name=f"clean.{name}", description="d", grain="g", owner="tests",
        columns=(
            Column(name="customer_id", type="string"), Column(name="event_id", type="string"),
            Column(name="event_at", type="timestamp"), Column(name="known_on", type="date"),
            Column(name="loaded_on", type="date"), Column(name="is_retracted", type="boolean"), *columns,
        ),
        key=("event_id",), entity="customer_id", event_id="event_id", event_at="event_at", known_on="known_on",
    )  # fmt: skip


CONTRACTS = {
    "clean.meetings": contract(
        "meetings",
        Column(name="other_id", type="string"),
        Column(name="kind", type="string"),
        Column(name="weight", type="double"),
    ),
    "clean.owners": contract("owners", Column(name="account_id", type="string")),
}
SCHEMA = pa.schema(
    [("customer_id", pa.string()), ("event_id", pa.string()), ("event_at", pa.timestamp("us", "UTC")),
     ("known_on", pa.date32()), ("loaded_on", pa.date32()), ("is_retracted", pa.bool_()), ("other_id", pa.string()),
     ("account_id", pa.string()), ("kind", pa.string()), ("weight", pa.float64())]
)  # fmt: skip


def tie(**parts: Any) -> Tie:
    return Tie(**{"name": "t", "title": "t", "kind": "k", "table": "clean.meetings", "owner": "tests", **parts})


def edges_of(
    declared: Tie, rows: Sequence[Row], members: Sequence[str], *, day: dt.date = DAY, owners: Sequence[Row] = ()
) -> tuple[dict[tuple[str, str], Edge], dict[str, int]]:
    """The stage's edges between members, added up by pair, and the hubs of each member that has some."""
    customers = pa.array(sorted({row["customer_id"] for row in [*rows, *owners]} | set(members)), pa.string())
    parts = []
    for bucket in (0, 1):  # a customer's rows lie in one bucket
        held = [row for row in rows if PEOPLE.index(row["customer_id"]) % 2 == bucket]
        seen = see_rows(pa.Table.from_pylist(held, schema=SCHEMA), CONTRACTS["clean.meetings"], customers)
        parts.append(tie_part(declared, seen, CONTRACTS["clean.meetings"], zone=ZONE))
    owned = CONTRACTS["clean.owners"]
    named = see_rows(pa.Table.from_pylist(list(owners), schema=SCHEMA), owned, customers).in_order(owned)
    ready = join_tie(declared, parts, named if declared.through else None, customers=customers)
    ids = customers.to_pylist()
    is_member = np.array([one in set(members) for one in ids])
    made: TieEdges = ready.edges(Moment.of(day, ZONE), is_member)
    found: dict[tuple[str, str], Edge] = {}
    epoch = dt.date(1970, 1, 1)
    for source, target, weight, first, last in zip(
        made.source, made.target, made.weight, made.first_day, made.last_day, strict=True
    ):
        pair = ids[source], ids[target]
        edge = (float(weight), epoch + dt.timedelta(days=int(first)), epoch + dt.timedelta(days=int(last)))
        old = found.get(pair, (0.0, *edge[1:]))
        found[pair] = (old[0] + edge[0], min(old[1], edge[1]), max(old[2], edge[2]))
    return found, {ids[place]: int(count) for place, count in enumerate(made.hubs) if count}


def drawn_rows(seed: int, *, others: Sequence[str | None], count: int = 120) -> list[dict[str, Any]]:
    """Rows around the snapshot with ties in time, nulls, late rows, corrections and retractions."""
    draw, rows = random.Random(seed), []
    for number in range(count):
        at = midnight(DAY, ZONE) + dt.timedelta(hours=draw.choice([-2400, -800, -100, -24, -1, 0, 1, 30]))
        row = {
            "customer_id": f"b:{draw.randrange(7)}", "event_id": f"e{number}", "event_at": at,
            "known_on": at.date() + dt.timedelta(days=draw.choice([0, 1, 1, 1, 40])), "is_retracted": False,
            "other_id": draw.choice(others), "kind": draw.choice(["a", "a", "b", None]),
            "weight": draw.choice([1.0, 2.5, 0.0, -1.0, None]), "account_id": draw.choice(others),
        }  # fmt: skip
        row["loaded_on"] = row["known_on"]
        rows.append(row)
        while draw.random() < 0.25:
            later = row["loaded_on"] + dt.timedelta(days=draw.choice([1, 30, 70]))
            row = {
                **row, "loaded_on": later, "known_on": later - dt.timedelta(days=draw.choice([0, 0, 1])),
                "event_at": draw.choice([at, midnight(DAY, ZONE)]), "other_id": draw.choice(others),
                "is_retracted": draw.random() < 0.3, "weight": draw.choice([1.0, 3.0]),
            }  # fmt: skip
            rows.append(row)
    draw.shuffle(rows)
    return rows


def assert_same(found: Mapping[tuple[str, str], Edge], expected: Mapping[tuple[str, str], Edge]) -> None:
    assert found.keys() == expected.keys()
    for pair, (weight, *days) in expected.items():
        assert found[pair][0] == pytest.approx(weight, rel=1e-12)
        assert list(found[pair][1:]) == days


PEOPLE = [*(f"b:{number}" for number in range(7)), "b:gone", None]
MEMBERS = [f"b:{number}" for number in range(6)]  # b:6 is no customer yet


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("direction", ["out", "in", "both"])
def test_rows_that_name_another_customer(seed: int, direction: str) -> None:
    rows = drawn_rows(seed, others=PEOPLE)
    how: dict[str, Any] = {"where": lambda row: row["kind"] == "a", "window": 34}
    expected = between(
        strengths(
            counted(rows, event_id="event_id", day=DAY, zone=ZONE, **how),
            "other_id",
            now=midnight(DAY, ZONE),
            zone=ZONE,
            half_life=10,
        ),
        set(MEMBERS),
        direction,
    )
    declared = tie(
        to="other_id", where="kind = 'a'", weight="weight", half_life="10d", window="34d", direction=direction
    )
    found, _ = edges_of(declared, rows, MEMBERS)
    assert_same(found, expected)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("last_of", ["", "pair", "customer"])
def test_rows_that_name_a_thing(seed: int, last_of: str) -> None:
    rows = drawn_rows(seed, others=["x", "y", "z", "u", None])
    pairs = strengths(
        counted(rows, event_id="event_id", day=DAY, zone=ZONE),
        "other_id",
        now=midnight(DAY, ZONE),
        zone=ZONE,
        last_of=last_of,
        active=lambda row: row["kind"] == "a",
    )
    expected, hubs = sharing(pairs, set(MEMBERS), 4)
    active = {"active": "kind = 'a'"} if last_of else {}
    declared = tie(thing="other_id", weight="weight", last_of=last_of, hub_cap=4, **active)
    found, told = edges_of(declared, rows, MEMBERS)
    assert_same(found, expected)
    assert told == hubs


@pytest.mark.parametrize("seed", range(4))
def test_an_account_stands_for_its_owner_of_that_day(seed: int) -> None:
    rows = drawn_rows(seed, others=["k1", "k2", "k3", None])
    owners = drawn_rows(seed + 100, others=["k1", "k2", "k4", None], count=12)
    named = {row["account_id"]: row["customer_id"] for row in visible(owners, "event_id", DAY, ZONE)}
    weights = [{**row, "weight": 1.0} for row in rows]
    pairs = strengths(
        counted(weights, event_id="event_id", day=DAY, zone=ZONE), "other_id", now=midnight(DAY, ZONE), zone=ZONE
    )
    of_owners: dict[tuple[str, str], Edge] = {}
    for (one, account), edge in sorted(pairs.items()):
        owner = named.get(account)
        if owner is not None:
            of = of_owners.get((one, owner))
            of_owners[one, owner] = edge if of is None else (of[0] + edge[0], min(of[1], edge[1]), max(of[2], edge[2]))
    declared = tie(to="other_id", through=Through(table="clean.owners", key="account_id"), direction="out")
    found, _ = edges_of(declared, rows, MEMBERS, owners=owners)
    assert_same(found, between(of_owners, set(MEMBERS), "out"))


@pytest.mark.parametrize("seed", range(3))
def test_only_visible_rows_matter(seed: int) -> None:
    rows = drawn_rows(seed, others=PEOPLE)
    declared = tie(to="other_id", weight="weight", half_life="10d")
    assert edges_of(declared, rows, MEMBERS) == edges_of(declared, visible(rows, "event_id", DAY, ZONE), MEMBERS)


def test_a_payment_without_weight_is_no_step_of_a_cycle() -> None:
    at = midnight(DAY, ZONE) - dt.timedelta(days=2)
    rows = [
        {"customer_id": "b:0", "event_id": f"e{n}", "event_at": at + dt.timedelta(hours=n), "known_on": at.date(),
         "loaded_on": at.date(), "is_retracted": False, "other_id": "b:1", "weight": weight}
        for n, weight in enumerate([0.0, None, -1.0, 0.5])
    ]  # fmt: skip
    customers = pa.array(["b:0", "b:1"], pa.string())
    seen = see_rows(pa.Table.from_pylist(rows, schema=SCHEMA), CONTRACTS["clean.meetings"], customers)
    declared = tie(to="other_id", weight="weight")
    part = tie_part(declared, seen, CONTRACTS["clean.meetings"], zone=ZONE)
    source, target, instants = join_tie(declared, [part], None, customers=customers).payments(
        Moment.of(DAY, ZONE), np.ones(2, dtype=np.bool_)
    )
    paid = at + dt.timedelta(hours=3)
    assert (source.tolist(), target.tolist(), instants.tolist()) == ([0], [1], [int(paid.timestamp()) * 1_000_000])


def test_no_rows_tie_nobody() -> None:
    for declared in (tie(to="other_id"), tie(thing="other_id"), tie(thing="other_id", last_of="pair")):
        assert edges_of(declared, [], MEMBERS) == ({}, {})
