"""Events between two customers against an oracle from the definitions, on small random banks.

With late, corrected and retracted rows, nulls, payments to oneself, events on the day of a snapshot, accounts that
change hands, and people who are no customers yet.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tallystick.spec.graph_pairs import CustomerPairs, PairMeasure, pair_ties
from tallystick.spec.graphs import ANY, CustomerGraph
from tallystick.spec.pair_ops import PAIR_OPS
from tallystick.spec.ties import Through, Tie
from tallystick.ties.graph_snapshots import prepare_graph
from tallystick.ties.pair_events import NO_DAY, EventReader, PairEvents
from tallystick.ties.pair_measures import measure_events
from tests.generative.test_chains_agree_with_oracle import CONTRACTS, in_pieces
from tests.lib import pair_oracle as oracle
from tests.lib.tie_oracle import Row, between, counted, midnight, sharing, strengths, visible

ZONE = "Europe/Prague"
SNAPSHOTS = [dt.date(2026, 3, day) for day in (2, 9, 16, 23, 30)]
LAST = dt.date(2026, 4, 3)
MOST = 4
TIES = {
    "paid": Tie(name="paid", title="t", kind="money", table="clean.talks", owner="tests", to="thing_id",
                through=Through(table="clean.people", key="thing_id"), direction="out", half_life="20d", window="21d",
                where="amount <> 3 OR amount IS NULL"),
    "phones": Tie(name="phones", title="t", kind="shared", table="clean.phones", owner="tests", thing="other_id",
                  hub_cap=5),
}  # fmt: skip
KINDS = ("money", "shared", ANY)
PAIRS = CustomerPairs(
    graph=CustomerGraph(name="people", title="t", owner="tests", every="week", tables=("clean.people",),
                        ties=tuple(TIES), kinds={"money": "m", "shared": "s"}, most_ties=MOST, measures=()),
    events="paid", title="t", owner="tests", value="amount",
    measures=tuple(PairMeasure(op=op, kinds=KINDS if rule.takes_kind else ()) for op, rule in PAIR_OPS.items()),
)  # fmt: skip


def drawn(seed: int, table: str, *, count: int, people: int = 9) -> list[dict[str, Any]]:
    draw, rows = random.Random(f"{table} {seed}"), []
    names = [f"b:{number}" for number in range(people)]
    for number in range(count):
        # On the hour of a snapshot's midnight, the microsecond before, and anywhere in March.
        edge = midnight(draw.choice(SNAPSHOTS), ZONE)
        at = draw.choice(
            [edge, edge - dt.timedelta(microseconds=1), edge + dt.timedelta(hours=draw.randrange(-700, 120))]
        )
        known = at.date() + dt.timedelta(days=draw.choice([-3, 0, 1, 1, 1, 9]))
        row = {
            "customer_id": draw.choice(names), "event_id": f"{table}{number}", "event_at": at, "known_on": known,
            "loaded_on": known, "is_retracted": False, "other_id": draw.choice([*names, None]),
            "thing_id": draw.choice([*(f"a{n}" for n in range(people)), "elsewhere", None]),
            "amount": draw.choice([1.0, 2.5, 3.0, -1.0, None]),
        }  # fmt: skip
        rows.append(row)
        for _ in range(draw.choice([0, 0, 1, 2])):
            later = rows[-1]["loaded_on"] + dt.timedelta(days=draw.choice([1, 8, 15]))
            back = draw.choice([0, 0, 4])
            rows.append({**rows[-1], "loaded_on": later, "known_on": later - dt.timedelta(days=back),
                         "is_retracted": draw.random() < 0.3, "amount": draw.choice([1.0, 3.0]),
                         "event_at": at + dt.timedelta(days=draw.choice([0, 0, 6]))})  # fmt: skip
    draw.shuffle(rows)
    return rows


def a_bank(seed: int) -> dict[str, list[dict[str, Any]]]:
    counts = {"people": 24, "talks": 60, "phones": 24}
    return {f"clean.{name}": drawn(seed, name, count=count) for name, count in counts.items()}


def built(bank: Mapping[str, Sequence[Row]], *, since: dt.date = dt.date.min) -> tuple[pa.Table, PairEvents]:
    """The rows that the stage makes, as a table, and their events."""
    pieces = {name: partial(in_pieces, held) for name, held in bank.items()}
    ties = pair_ties(PAIRS, TIES)
    rows = prepare_graph(PAIRS.structure, ties, pieces, contracts=CONTRACTS, zone=ZONE)
    reader = EventReader(pairs=PAIRS, ties=TIES, contract=CONTRACTS["clean.talks"], days=SNAPSHOTS, last=LAST)
    events = reader.read(pieces["clean.talks"], rows, since=since)
    assert events is not None
    ids, days = pa.array(rows.customers), pa.date32()
    return pa.table({
        "customer_id": ids.take(pa.array(events.source)), "event_id": events.ids,
        "known_on": pa.array(events.known, days), "loaded_on": pa.array(events.loaded, days),
        "is_retracted": events.is_retracted, "value": events.value,
        "measured_on": pa.array(events.measured, days, mask=events.measured == NO_DAY),
        "other": ids.take(pa.array(events.target, mask=events.is_retracted)), **measure_events(PAIRS, events, rows),
    }), events  # fmt: skip


def expected(
    bank: Mapping[str, Sequence[Row]], row: Row, snapshot: dt.date | None, *, day: dt.date
) -> dict[str, Any] | None:
    """All of one event as it counts from ``day`` on; None where it is no event between two customers."""
    people, events = bank["clean.people"], bank["clean.talks"]
    other = oracle.owners_on(people, day, ZONE).get(row["thing_id"])
    known = oracle.members_on(people, day, ZONE)
    if row["amount"] == 3.0 or other == row["customer_id"] or not {row["customer_id"], other} <= known:
        return None
    assert other is not None
    if snapshot is None:
        return {"other": other, "measured_on": None, **{column: None for _, _, column in PAIRS.columns}}
    one, members = row["customer_id"], oracle.members_on(people, snapshot, ZONE)
    owners = oracle.owners_on(people, snapshot, ZONE)
    how: dict[str, Any] = {"event_id": "event_id", "day": snapshot, "zone": ZONE}
    paid = counted(events, window=21, where=lambda row: row["amount"] != 3.0, **how)
    told = [{**paying, "to": owners.get(paying["thing_id"]), "weight": 1.0} for paying in paid]
    mutual = [paying for paying in told if {paying["customer_id"], paying["to"]} <= members]
    found = oracle.history(mutual, one, other, owner=lambda row: row["to"], snapshot=snapshot, zone=ZONE)
    now = midnight(snapshot, ZONE)
    by_owner = strengths(told, "to", now=now, zone=ZONE)
    money = between({pair: edge for pair, edge in by_owner.items() if pair[1]}, members, "out")
    phones = [{**paying, "weight": 1.0} for paying in counted(bank["clean.phones"], **how)]
    shared, _ = sharing(strengths(phones, "other_id", now=now, zone=ZONE), members, 5)
    together = {pair: (1.0, min(edges, key=lambda e: e[1])[1], now.date()) for pair in {*money, *shared}
                if (edges := [kind[pair] for kind in (money, shared) if pair in kind])}  # fmt: skip
    for kind, ties in (("money", money), ("shared", shared), (ANY, together)):
        close = oracle.closeness(ties, sorted(members), one, other, day=snapshot, most=MOST)
        found |= {f"{kind}_{name}": value for name, value in close.items()}
    return {"other": other, "measured_on": snapshot, **found}


@pytest.mark.parametrize("seed", range(6))
def test_on_every_date_each_event_has_the_row_of_its_definition(seed: int) -> None:
    bank = a_bank(seed)
    table, _ = built(bank)
    events = {(row["customer_id"], row["event_id"]) for row in bank["clean.talks"]}
    assert all(visible(bank["clean.talks"], "event_id", day, ZONE) for day in SNAPSHOTS)  # else null, not 0
    assert any(table["is_retracted"].to_pylist())
    labels = zip(table["any_same_community"].to_pylist(), table["any_same_component"].to_pylist(), strict=True)
    assert all(community <= component for community, component in labels if component is not None)
    compared = 0
    for day in (*SNAPSHOTS, *(SNAPSHOTS[-1] + dt.timedelta(days=number) for number in range(1, 5))):
        stored = {key: row for key, row in oracle.as_of(table.to_pylist(), day).items() if not row["is_retracted"]}
        for event in events:
            found = oracle.event_on(bank["clean.talks"], event, day, snapshots=SNAPSHOTS, zone=ZONE)
            counts_from = max(found[0]["known_on"], found[1] or dt.date.min) if found else day
            wanted = expected(bank, *found, day=counts_from) if found else None
            assert (event in stored) == (wanted is not None), (event, day)
            for name, value in (wanted or {}).items():
                near = pytest.approx(value, rel=1e-9, abs=1e-12) if isinstance(value, float) else value
                assert stored[event][name] == near, (event, day, name)
                compared += 1
    assert compared > 1000


@pytest.mark.parametrize("seed", range(3))
def test_rows_since_a_date_are_those_of_all_rows(seed: int) -> None:
    bank = a_bank(seed)
    table, _ = built(bank)
    later, _ = built(bank, since=SNAPSHOTS[3])
    whole = [row for row in table.to_pylist() if row["known_on"] >= SNAPSHOTS[3]]
    order = lambda row: (row["event_id"], row["customer_id"], row["loaded_on"], row["known_on"])  # noqa: E731
    assert len({order(row) for row in whole}) == len(whole) > 3
    assert sorted(later.drop(["value"]).to_pylist(), key=order) == sorted(
        ({name: value for name, value in row.items() if name != "value"} for row in whole), key=order
    )


def test_before_the_first_snapshot_nothing_is_measured() -> None:
    early = [table.filter(pc.and_(pc.is_null(table["measured_on"]), pc.invert(table["is_retracted"])))
             for table, _ in map(built, map(a_bank, range(6)))]  # fmt: skip
    rows = pa.concat_tables(early)
    assert rows.num_rows > 0
    assert all(rows[column].null_count == rows.num_rows for _, _, column in PAIRS.columns)
