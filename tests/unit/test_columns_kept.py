"""The columns of a group are made once for the same contracts, and again when a contract is another one."""

from __future__ import annotations

from dataclasses import replace

from tallystick import FeatureGroup, Measure, group_columns
from tallystick.spec.tables import Column, TableContract

GROUP = FeatureGroup(
    name="visit",
    table="clean.visits",
    owner="tests",
    windows=("7d",),
    measures=(Measure(name="longest", ops="max", value="seconds", reason="A visit that lasts."),),
)


def visits(seconds: str) -> TableContract:
    columns = {"customer_id": "string", "visit_id": "string", "event_at": "timestamp", "known_on": "date"}
    return TableContract(
        name="clean.visits",
        description="Visits",
        grain="one row per visit",
        owner="tests",
        columns=tuple(Column(name=n, type=t, description=n) for n, t in {**columns, "seconds": seconds}.items()),
        key=("visit_id",),
        entity="customer_id",
        event_id="visit_id",
        event_at="event_at",
        known_on="known_on",
    )


def test_a_contract_that_was_replaced_in_the_same_mapping_changes_the_types() -> None:
    contracts = {"clean.visits": visits("int64")}
    before = group_columns(GROUP, contracts)
    contracts["clean.visits"] = visits("double")
    after = group_columns(GROUP, contracts)
    assert ([c.type for c in before], [c.type for c in after]) == (["int64"], ["double"])


def test_a_group_that_differs_in_one_measure_has_its_own_columns() -> None:
    contracts = {"clean.visits": visits("int64")}
    other = replace(
        GROUP,
        measures=(*GROUP.measures, Measure(name="shortest", ops="min", value="seconds", reason="A visit that lasts.")),
    )
    assert len(group_columns(other, contracts)) == len(group_columns(GROUP, contracts)) + 1
