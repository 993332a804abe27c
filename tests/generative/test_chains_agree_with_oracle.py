"""Snapshots of a graph of customers against an oracle from the definitions, on small random banks.

With late, corrected and retracted rows, nulls, people who are no customers yet, and tables that a source does not fill.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
import pytest

from tallystick.spec.graphs import ANY, CustomerGraph, NodeMeasure, NodeOutcome, NodeValue
from tallystick.spec.labels import DelinquencyLabel
from tallystick.spec.node_ops import NODE_OPS
from tallystick.spec.tables import Column, TableContract
from tallystick.spec.ties import Tie
from tallystick.ties.graph_snapshots import prepare_graph
from tests.lib import chain_oracle
from tests.lib.tie_oracle import Edge, Row, between, counted, midnight, sharing, strengths, visible

ZONE = "Europe/Prague"
DAY = dt.date(2026, 3, 30)
COLUMNS = (
    Column(name="customer_id", type="string"),
    Column(name="event_id", type="string"),
    Column(name="event_at", type="timestamp"),
    Column(name="known_on", type="date"),
    Column(name="loaded_on", type="date"),
    Column(name="is_retracted", type="boolean"),
    Column(name="other_id", type="string"),
    Column(name="thing_id", type="string"),
    Column(name="amount", type="double"),
)
SCHEMA = pa.schema(
    [("customer_id", pa.string()), ("event_id", pa.string()), ("event_at", pa.timestamp("us", "UTC")),
     ("known_on", pa.date32()), ("loaded_on", pa.date32()), ("is_retracted", pa.bool_()), ("other_id", pa.string()),
     ("thing_id", pa.string()), ("amount", pa.float64())]
)  # fmt: skip
CONTRACTS = {
    f"clean.{name}": TableContract(
        name=f"clean.{name}", description="d", grain="g", owner="tests", columns=COLUMNS, key=("event_id",),
        entity="customer_id", event_id="event_id", event_at="event_at", known_on="known_on",
    )
    for name in ("people", "talks", "phones", "reports")
}  # fmt: skip
TIES = {
    "talks": Tie(name="talks", title="t", kind="talk", table="clean.talks", owner="tests", to="other_id",
                 direction="out", weight="amount", half_life="20d", window="60d"),
    "phones": Tie(name="phones", title="t", kind="shared", table="clean.phones", owner="tests", thing="thing_id",
                  hub_cap=5),
}  # fmt: skip
LABEL = DelinquencyLabel(name="late", dpd=30, window="90d", anchor="first_due")
VALUED = ("count", "sum", "mean", "highest", "weighted_mean")
ALONE = tuple(op for op, rule in NODE_OPS.items() if not rule.takes_value and not rule.takes_payments)
FLAGGED = ("distance", "bridge", "rank", "spread", "component_sum", "component_mean")


def graph(**parts: Any) -> CustomerGraph:
    kinds = ("talk", "shared", ANY)
    return CustomerGraph(
        name="people", title="t", owner="tests", every="month", tables=("clean.people",), ties=("talks", "phones"),
        kinds={"talk": "talks", "shared": "phones"}, payments="talks", growth_days=25, cycle_days=4,
        values=(NodeValue(name="income", table="clean.people", value="amount"),
                NodeValue(name="fraud", table="clean.reports", where="amount > 0", window="60d")),
        outcome=NodeOutcome(label=LABEL, table="clean.people"),
        measures=(
            *(NodeMeasure(op=op, kinds=kinds) for op in ALONE),
            *(NodeMeasure(op=op, kinds=kinds, of=of, steps=steps)
              for op in VALUED for of in ("income", "bad", "fraud") for steps in (1, 2)),
            *(NodeMeasure(op=op, kinds=kinds, of="fraud") for op in FLAGGED),
            NodeMeasure(op="cycle_length", kinds=("talk",)), NodeMeasure(op="cycle_age", kinds=("talk",)),
            NodeMeasure(op="cycle_cut", kinds=("talk",)),
        ),
        **parts,
    )  # fmt: skip


def drawn(seed: int, table: str, *, people: int, count: int) -> list[dict[str, Any]]:
    draw, rows = random.Random(f"{table} {seed}"), []
    names = [f"b:{number}" for number in range(people)]
    for number in range(count):
        at = midnight(DAY, ZONE) + dt.timedelta(hours=draw.choice([-1500, -700, -100, -50, -49, -48, -1, 0, 30]))
        row = {
            "customer_id": draw.choice(names), "event_id": f"{table}{number}", "event_at": at,
            "known_on": at.date() + dt.timedelta(days=draw.choice([0, 1, 1, 40])), "is_retracted": False,
            "other_id": draw.choice([*names, "b:elsewhere", None]), "amount": draw.choice([1.0, 2.0, 0.5, 0.0, None]),
            "thing_id": draw.choice([*(f"d{n}" for n in range(people // 3 + 1)), None]),
        }  # fmt: skip
        row["loaded_on"] = row["known_on"]
        rows.append(row)
        if draw.random() < 0.2:
            later = row["loaded_on"] + dt.timedelta(days=draw.choice([1, 30, 70]))
            rows.append({**row, "loaded_on": later, "known_on": later, "is_retracted": draw.random() < 0.5})
    draw.shuffle(rows)
    return rows


def a_bank(seed: int, *, people: int = 14, rows: int = 60) -> dict[str, list[dict[str, Any]]]:
    counts = {"people": people * 2, "talks": rows, "phones": rows // 2, "reports": people // 2}
    return {f"clean.{name}": drawn(seed, name, people=people, count=count) for name, count in counts.items()}


def bad_of(day: dt.date) -> pa.Table:
    """Outcomes as a run tells them; that they are those of the day is for its own test."""
    assert day == DAY
    return pa.table({"customer_id": ["b:1", "b:2", "b:3", "b:nobody"], "bad": [1.0, 0.0, 0.5, 1.0]})


def in_pieces(rows: Sequence[Row]) -> Iterator[pa.Table]:
    """The rows as they lie in two buckets, by customer."""
    for bucket in (0, 1):
        held = [row for row in rows if int(row["customer_id"][2:]) % 2 == bucket]
        yield pa.Table.from_pylist(held, schema=SCHEMA)


def measured(bank: Mapping[str, Sequence[Row]], declared: CustomerGraph | None = None) -> pa.Table:
    pieces = {name: partial(in_pieces, held) for name, held in bank.items()}
    prepared = prepare_graph(declared or graph(), TIES, pieces, contracts=CONTRACTS, zone=ZONE, outcomes=bad_of)
    return prepared.snapshot(DAY)


def expected_ties(bank: Mapping[str, Sequence[Row]], members: set[str]) -> tuple[dict[str, Any], dict[str, int]]:
    """The ties of each kind by the oracle, those of any kind counting once a kind, and the hubs of each member."""
    how: dict[str, Any] = {"event_id": "event_id", "day": DAY, "zone": ZONE}
    now = midnight(DAY, ZONE)
    talks = [{**row, "weight": row["amount"]} for row in counted(bank["clean.talks"], window=60, **how)]
    phones = [{**row, "weight": 1.0} for row in counted(bank["clean.phones"], **how)]
    talk = between(strengths(talks, "other_id", now=now, zone=ZONE, half_life=20), members, "out")
    shared, hubs = sharing(strengths(phones, "thing_id", now=now, zone=ZONE), members, 5)
    together: dict[tuple[str, str], Edge] = {}
    for kind in (talk, shared):
        for pair, (_, first, last) in kind.items():
            weight, *days = together.get(pair, (0.0, first, last))
            together[pair] = (weight + 1.0, min(days[0], first), max(days[1], last))
    return {"talk": talk, "shared": shared, ANY: together}, hubs


def expected_values(bank: Mapping[str, Sequence[Row]]) -> dict[str, dict[str, float | None]]:
    people = visible(bank["clean.people"], "event_id", DAY, ZONE)
    income = {row["customer_id"]: row["amount"] for row in people if row["amount"] is not None}
    reports = counted(bank["clean.reports"], event_id="event_id", day=DAY, zone=ZONE, window=60)
    fraud = {row["customer_id"]: 1.0 for row in reports if (row["amount"] or 0) > 0}
    bad = {row["customer_id"]: row["bad"] for row in bad_of(DAY).to_pylist()}
    return {"income": income, "fraud": {f"b:{n}": fraud.get(f"b:{n}", 0.0) for n in range(14)}, "bad": bad}


@pytest.mark.parametrize("seed", range(8))
def test_every_measure_is_that_of_its_definition(seed: int) -> None:
    bank = a_bank(seed)
    found = measured(bank)
    members = sorted({row["customer_id"] for row in visible(bank["clean.people"], "event_id", DAY, ZONE)})
    assert found["customer_id"].to_pylist() == members
    ties, hubs = expected_ties(bank, set(members))
    values = expected_values(bank)
    expected: dict[str, Mapping[str, Any]] = {f"{kind}_hubs": {} for kind in ties}
    expected |= {"shared_hubs": hubs, "any_hubs": hubs}
    for kind, of_kind in ties.items():
        alone = chain_oracle.measure(of_kind, members, day=DAY, growth_days=25)
        expected |= {f"{kind}_{name}": column for name, column in alone.items()}
        for of, value in values.items():
            for steps, end in ((1, ""), (2, "_two")):
                around = chain_oracle.measure_value(of_kind, members, value, steps=steps)
                expected |= {f"{kind}_{of}_{name}{end}": column for name, column in around.items()}
        flags = chain_oracle.measure_flag(of_kind, members, values["fraud"])
        expected |= {f"{kind}_fraud_{name}": column for name, column in flags.items()}
    for name, column in expected.items():
        default = 0 if name.endswith("_hubs") else None
        wanted = [column.get(one, default) for one in members]
        # Weights are kept with the seven digits of a float32, and ranks are iterated until they change by 1e-9 in all.
        near = {"rel": 2e-6, "abs": 2e-6 if "rank" in name else 1e-7}
        assert found[name].to_pylist() == [None if v is None else pytest.approx(v, **near) for v in wanted], name


@pytest.mark.parametrize("seed", range(4))
def test_cycles_of_payments_are_in_order_of_time(seed: int) -> None:
    bank = a_bank(seed, people=5, rows=26)
    found = measured(bank)
    members = found["customer_id"].to_pylist()
    paid = [
        (row["customer_id"], row["other_id"], row["event_at"])
        for row in counted(bank["clean.talks"], event_id="event_id", day=DAY, zone=ZONE, window=60)
        if {row["customer_id"], row["other_id"]} <= set(members) and (row["amount"] or 0.0) > 0
    ]
    shortest = chain_oracle.shortest_cycles(paid, longest=4, span=dt.timedelta(days=4))
    assert found["talk_cycle_length"].to_pylist() == [shortest.get(one, 0) for one in members]
    assert [age is None for age in found["talk_cycle_age"].to_pylist()] == [one not in shortest for one in members]
    assert found["talk_cycle_cut"].to_pylist() == [0] * len(members)


@pytest.mark.parametrize("seed", range(4))
def test_rows_that_are_not_visible_change_nothing(seed: int) -> None:
    bank = a_bank(seed)
    seen = {name: visible(rows, "event_id", DAY, ZONE) for name, rows in bank.items()}
    assert measured(bank).equals(measured(seen))
    assert measured(bank).equals(measured({name: rows[::-1] for name, rows in bank.items()}))


def test_what_a_source_does_not_fill_is_null() -> None:
    bank = a_bank(1)
    found = measured({name: bank[name] for name in ("clean.people", "clean.talks")})
    assert found["shared_neighbours"].null_count == found.num_rows
    assert found["talk_fraud_sum"].null_count == found.num_rows  # nobody tells of fraud
    assert found["any_neighbours"].equals(found["talk_neighbours"])
    for outcomes in (None, lambda _: None):  # no table of loans at the source; no loan that is visible
        pieces = {name: partial(in_pieces, held) for name, held in bank.items()}
        untold = prepare_graph(graph(), TIES, pieces, contracts=CONTRACTS, zone=ZONE, outcomes=outcomes).snapshot(DAY)
        about = [name for name in untold.column_names if "_bad_" in name]
        assert about
        assert all(untold[name].null_count == untold.num_rows > 0 for name in about)
        assert untold["talk_income_count"].null_count == 0
    unsettled = prepare_graph(
        graph(), TIES, pieces, contracts=CONTRACTS, zone=ZONE, outcomes=lambda day: bad_of(day).slice(0, 0)
    )
    assert set(unsettled.snapshot(DAY)["talk_bad_count"].to_pylist()) == {0}
    alone = measured({"clean.people": bank["clean.people"]})
    assert alone["any_neighbours"].null_count == alone.num_rows > 0


def test_nobody_is_a_customer_without_a_visible_row() -> None:
    bank = a_bank(1) | {"clean.people": []}
    assert measured(bank).num_rows == 0


def test_hubs_keep_their_strongest_ties_and_say_how_many_were_cut() -> None:
    found = measured(a_bank(2), graph(most_ties=2))
    whole = measured(a_bank(2))
    cut, ties = found["any_cut"].to_pylist(), found["any_neighbours"].to_pylist()
    assert cut == [max(count - 2, 0) for count in ties]
    assert any(cut)
    assert max(found["any_income_count"].to_pylist()) <= 2 < max(whole["any_income_count"].to_pylist())
