"""Rows of two tables in one order of time: what is refused, and the declared feature counted by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tallystick
from tallystick.errors import DeclarationError
from tallystick.features import GroupWork, compute_local
from tallystick.spec.among import Among
from tallystick.spec.columns import group_columns
from tallystick.spec.meaning import column_fingerprint
from tests.lib.feature_cases import CONTRACTS, TRANSACTIONS, make_events, make_group, make_measure, make_observations
from tests.lib.hand_made import Rows, differing

CALLS = replace(TRANSACTIONS, name="clean.calls")
KNOWN = {**CONTRACTS, CALLS.name: CALLS, "clean.regions": replace(CALLS, name="clean.regions", entity="")}
WAIT = make_measure("mean", name="wait", value="EPOCH(event_at) - EPOCH(LAG(event_at))", where="LAG(row_of) = 'calls'")
AMONG = Among(table="clean.calls")


def declared(**more: Any) -> str:
    """The fingerprint of the one feature of a group; DeclarationError where the group is refused."""
    group = make_group(**{"among": (AMONG,), **more, "measures": more.get("measures", (WAIT,))})
    return column_fingerprint(group, group_columns(group, KNOWN)[0])


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"among": (Among(table="clean.call"),)}, "unknown table clean.call .*did you mean clean.calls"),
        ({"among": (Among(table="clean.regions"),)}, "clean.regions has no events of a customer_id"),
        ({"among": (AMONG, AMONG)}, "rows of calls stand there already"),
        ({"among": (Among(table="clean.transactions"),)}, "rows of transactions stand there already"),
        ({"among": (replace(AMONG, where="chanel = 'card'"),)}, "rows of clean.calls, where: unknown column chanel"),
        ({"among": (replace(AMONG, where="known_on > event_at"),)}, "unknown column known_on"),
        ({"per": "transaction_id"}, "rows of other tables belong to no transaction_id"),
        ({"measures": (make_measure("slope", value="amount_minor"),)}, "slope looks at whole days"),
        ({"among": ()}, "unknown column row_of"),
    ],
)
def test_rows_that_cannot_stand_among_others_are_refused(more: dict[str, Any], says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        declared(**more)


def test_what_stands_among_the_rows_is_a_part_of_the_meaning() -> None:
    spelt = declared(among=(replace(AMONG, where="channel = 'card'"),))
    assert declared(among=(replace(AMONG, where="channel='card'"),)) == spelt
    assert declared(among=(replace(AMONG, where="channel = 'cash'"),)) != spelt


def test_rows_of_two_tables_with_one_id_are_two_events() -> None:
    texts = replace(TRANSACTIONS, name="clean.texts")
    group = make_group(
        make_measure("count", name="called", where="LAG(row_of) = 'calls'"),
        make_measure("count", name="texted", where="LAG(row_of) = 'texts'"),
        windows=("7d",),
        among=(AMONG, Among(table=texts.name)),
    )

    def row(day: int, hour: int, **more: Any) -> dict[str, Any]:
        return {"event_at": dt.datetime(2026, 3, day, hour, tzinfo=dt.UTC), **more}

    paid = make_events([row(1, 10), row(2, 11)])
    # The same id in both tables and in the group's own; the later text is no version of the call.
    called = make_events([row(1, 9, transaction_id="t000")])
    texted = make_events([row(2, 10, transaction_id="t000"), row(2, 10, transaction_id="t001", is_retracted=True)])
    asked = make_observations(("bank:1", dt.datetime(2026, 3, 5, tzinfo=dt.UTC)))
    work = GroupWork.of(group, {**KNOWN, texts.name: texts})
    found = compute_local(work, paid, asked, dimensions={CALLS.name: called, texts.name: texted}, zone="UTC")
    assert found.select(["txn_called_count_7d", "txn_texted_count_7d"]).to_pylist() == [
        {"txn_called_count_7d": 1, "txn_texted_count_7d": 1}
    ]


def test_the_first_transfer_after_each_change_counts(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project_root)
    changes, money = Rows("device_event_id"), Rows("transaction_id")
    paid = {"direction": "out", "category": "transfer", "amount_minor": 500}
    changes.add("2026-03-01", "10:00", kind="sim_change")
    money.add("2026-03-01", "10:00", **paid)  # in the same second: the change comes first
    money.add("2026-03-01", "10:01", **paid | {"amount_minor": 900})  # not the first any more
    changes.add("2026-03-03", "10:00", kind="login")
    money.add("2026-03-03", "10:01", **paid)
    changes.add("2026-03-05", "10:00", kind="new_device")
    money.add("2026-03-05", "10:10", **paid | {"category": "food"})
    money.add("2026-03-05", "12:00", **paid | {"amount_minor": 700})
    as_of = dt.date(2026, 3, 10)
    found = tallystick.compute_vector(
        list(money), as_of, "after_change", lookups={"clean.device_events": list(changes)}
    )
    expected = {"seconds_min_30d": 0, "hasty_count_30d": 1, "hasty_max_30d": 500, "seconds_min_7d": 7200,
                "hasty_count_7d": 0, "hasty_max_7d": None}  # fmt: skip
    assert not differing(found, "after_change", expected)
