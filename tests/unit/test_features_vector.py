"""One customer's features in plain Python: rows as dictionaries, a group by its name, and clear refusals."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import tallystick
from tallystick.errors import ContractError, InputError, NotFound
from tallystick.features import GroupWork
from tallystick.kernel import prepare_group
from tests.lib.shipped import shipped_project


@pytest.fixture(autouse=True)
def in_the_project(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project_root)


def payment(at: dt.datetime, amount: int, **parts: Any) -> dict[str, Any]:
    return {
        "customer_id": "simbank:1", "transaction_id": f"t{amount}", "event_at": at, "direction": "out",
        "known_on": at.date() + dt.timedelta(days=1), "amount_minor": amount, "is_retracted": False, **parts,
    }  # fmt: skip


ROWS = [payment(dt.datetime(2026, 3, day, 14, tzinfo=dt.UTC), day) for day in (1, 8, 9)]


def test_a_date_is_the_midnight_of_the_customers_source() -> None:
    # 10 March begins at 16:00 UTC of the 9th in Shanghai, where the simulated bank is, and at 11:00 UTC in Auckland.
    by_date = tallystick.compute_vector(ROWS, dt.date(2026, 3, 10), "transactions")
    by_instant = tallystick.compute_vector(ROWS, dt.datetime(2026, 3, 9, 16, tzinfo=dt.UTC), "transactions")
    assert by_date == by_instant
    assert by_date["transactions_debit_sum_30d"] == 18
    elsewhere = tallystick.compute_vector(ROWS, dt.date(2026, 3, 10), "transactions", zone="Pacific/Auckland")
    assert elsewhere["transactions_debit_sum_30d"] == 9


def test_a_group_its_declaration_and_its_plan_give_the_same() -> None:
    project = shipped_project()
    group = project.feature_groups["transactions"]
    as_of = dt.datetime(2026, 3, 9, 16, tzinfo=dt.UTC)
    by_name = tallystick.compute_vector(ROWS, as_of, "transactions")
    assert tallystick.compute_vector(ROWS, as_of, group) == by_name
    plan, zone = prepare_group(group, project.contracts), "Asia/Shanghai"
    kinds = {"int64": pa.int64(), "string": pa.string(), "boolean": pa.bool_(), "date": pa.date32(),
             "timestamp": pa.timestamp("us", "UTC"), "int32": pa.int32(), "double": pa.float64()}  # fmt: skip
    schema = pa.schema([(c.name, kinds[c.type]) for c in project.contracts[group.table].columns])
    table = pa.Table.from_pylist(ROWS, schema=schema)
    assert tallystick.compute_vector(table, as_of, plan, zone=zone) == by_name
    assert tallystick.compute_vector(table, as_of, "transactions") == by_name
    # Its work: the payment of the 9th, 22:00 local time, was known on the 10th.
    night = dt.datetime(2026, 3, 9, 15, tzinfo=dt.UTC)
    seen = [
        tallystick.compute_vector(ROWS, night, GroupWork.of(group, project.contracts, review_days=days))
        for days in (0, 1)
    ]
    assert [vector["transactions_debit_sum_30d"] for vector in seen] == [9, 18]


def test_columns_are_looked_up_in_the_rows_that_are_handed_in() -> None:
    fact = {
        "customer_id": "simbank:1", "customer_fact_id": "1", "event_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        "known_on": dt.date(2020, 1, 2), "is_retracted": False, "birth_date": dt.date(1990, 3, 10), "region_id": "r",
    }  # fmt: skip
    regions = [
        {"region_id": "r", "event_at": fact["event_at"], "known_on": day, "loaded_on": day, "crimes": crimes}
        for day, crimes in ((dt.date(2019, 1, 1), 5), (dt.date(2026, 3, 10), 7), (dt.date(2026, 3, 11), 9))
    ]
    found = tallystick.compute_vector([fact], dt.date(2026, 3, 10), "customers", lookups={"clean.regions": regions})
    assert found["customers_region_crimes_last_all"] == 7
    assert found["customers_birth_age_days_all"] == (dt.date(2026, 3, 10) - dt.date(1990, 3, 10)).days
    with pytest.raises(ContractError, match=r"clean\.regions"):
        tallystick.compute_vector([fact], dt.date(2026, 3, 10), "customers")


def test_what_cannot_be_computed_is_refused() -> None:
    with pytest.raises(InputError, match="as_of has no offset"):
        tallystick.compute_vector(ROWS, dt.datetime(2026, 3, 10), "transactions")  # noqa: DTZ001 - what is tested
    with pytest.raises(InputError, match="business zone is not known"):
        tallystick.compute_vector([], dt.date(2026, 3, 10), "transactions")
    with pytest.raises(NotFound, match="did you mean transactions"):
        tallystick.compute_vector(ROWS, dt.date(2026, 3, 10), "transaction")
    with pytest.raises(ContractError, match="a value has not the type") as caught:
        tallystick.compute_vector([ROWS[0] | {"amount_minor": "secret"}], dt.date(2026, 3, 10), "transactions")
    assert "secret" not in str(caught.value)


def test_whole_numbers_that_came_as_floats_count_as_such_and_others_are_refused() -> None:
    contract = shipped_project().contracts["clean.transactions"]
    columns = dict.fromkeys(column.name for column in contract.columns)
    day, table = dt.date(2026, 3, 10), pa.Table.from_pylist([columns | row for row in ROWS])
    amounts = table.schema.get_field_index("amount_minor")
    floats = table.set_column(amounts, "amount_minor", pa.array([1.0, 8.0, 9.0]))
    assert tallystick.compute_vector(floats, day, "transactions") == tallystick.compute_vector(
        ROWS, day, "transactions"
    )
    parts = table.set_column(amounts, "amount_minor", pa.array([1.0, 8.25, 9.0]))
    with pytest.raises(ContractError, match="amount_minor is double, the contract says int64") as caught:
        tallystick.compute_vector(parts, day, "transactions")
    assert "8.25" not in str(caught.value)


@pytest.mark.parametrize(
    ("column", "values", "kind"),
    [
        ("is_retracted", pa.array([0.0, 2.5, 0.0]), "bool"),
        ("is_retracted", pa.array([0, 1, 0]), "bool"),
        ("event_at", pa.array([1, 2, 3], pa.int64()), "timestamp"),
        ("known_on", pa.array([dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)] * 3, pa.timestamp("us", "UTC")), "date32"),
    ],
)
def test_what_arrow_would_make_another_value_of_is_refused(column: str, values: pa.Array, kind: str) -> None:
    contract = shipped_project().contracts["clean.transactions"]
    columns = dict.fromkeys(c.name for c in contract.columns)
    table = pa.Table.from_pylist([columns | row for row in ROWS])
    place = table.schema.get_field_index(column)
    with pytest.raises(ContractError, match=f"column {column} is .*, the contract says {kind}"):
        tallystick.compute_vector(table.set_column(place, column, values), dt.date(2026, 3, 10), "transactions")


def test_dates_that_came_as_midnights_are_dates() -> None:
    contract = shipped_project().contracts["clean.transactions"]
    columns = dict.fromkeys(c.name for c in contract.columns)
    table = pa.Table.from_pylist([columns | row for row in ROWS])
    place = table.schema.get_field_index("known_on")
    midnights = table.set_column(place, "known_on", table.column(place).cast(pa.timestamp("ns")))
    day = dt.date(2026, 3, 10)
    assert tallystick.compute_vector(midnights, day, "transactions") == tallystick.compute_vector(
        ROWS, day, "transactions"
    )


@pytest.mark.parametrize(
    "amounts",
    [
        pa.array([1, 8, 9], pa.decimal128(18, 2)),
        pa.array([1, 8, 9], pa.int32()),
        pa.array([1, 8, 9]).dictionary_encode(),
    ],
    ids=["decimals", "short numbers", "codes"],
)
def test_whole_numbers_of_other_forms_are_those_numbers(amounts: pa.Array) -> None:
    contract = shipped_project().contracts["clean.transactions"]
    columns = dict.fromkeys(c.name for c in contract.columns)
    table = pa.Table.from_pylist([columns | row for row in ROWS])
    given = table.set_column(table.schema.get_field_index("amount_minor"), "amount_minor", amounts)
    day = dt.date(2026, 3, 10)
    assert tallystick.compute_vector(given, day, "transactions") == tallystick.compute_vector(ROWS, day, "transactions")


NOON = dt.datetime(2026, 3, 1, 12)  # noqa: DTZ001 - on a clock that nobody names
# Column, value, and what becomes of it: the same for dictionaries and, where Arrow can hold the value, for its table.
HANDED_IN = [
    ("known_on", pd.NaT, "known_on is null in 1 of 3 rows"),
    ("known_on", None, "known_on is null in 1 of 3 rows"),
    ("known_on", NOON, "known_on is .*the contract says date32"),
    ("known_on", NOON.replace(tzinfo=dt.UTC), "known_on is .*the contract says date32"),
    ("known_on", 20514, "known_on is .*the contract says date32"),
    ("known_on", "20260301", "known_on is .*the contract says date32"),
    ("known_on", "2026-03-01", None),
    ("event_at", None, "event_at is null in 1 of 3 rows"),
    ("event_at", 1772366400, "event_at is .*the contract says timestamp"),
    ("event_at", 1772366400.0, "event_at is .*the contract says timestamp"),
    ("event_at", dt.date(2026, 3, 1), "event_at is .*the contract says timestamp"),
    ("event_at", NOON, "event_at is .*the contract says timestamp"),
    ("event_at", "2026-03-01 12:00", "event_at is .*the contract says timestamp"),
    ("event_at", "2026-03-01T12:00:00Z", None),
    ("event_at", pd.Timestamp("2026-03-01T12:00:00.000000001Z"), "event_at is .*the contract says timestamp"),
    ("amount_minor", 1.5, "amount_minor is .*the contract says int64"),
    ("amount_minor", Decimal("1.5"), "amount_minor is .*the contract says int64"),
    ("amount_minor", Decimal(5), None),
    ("amount_minor", 5.0, None),
    ("amount_minor", float("nan"), None),
    ("amount_minor", float("inf"), "amount_minor is .*the contract says int64"),
    ("amount_minor", 2**63, "amount_minor is .*the contract says int64"),
    ("amount_minor", -(2**63) - 1, "amount_minor is .*the contract says int64"),
    ("amount_minor", True, "amount_minor is .*the contract says int64"),
    ("amount_minor", "5", "amount_minor is .*the contract says int64"),
    ("amount_minor", "0x10", "amount_minor is .*the contract says int64"),
    ("is_retracted", 1, "is_retracted is .*the contract says bool"),
    ("is_retracted", "true", "is_retracted is .*the contract says bool"),
    ("transaction_id", 7, "transaction_id is .*the contract says string"),
    ("transaction_id", b"7", "transaction_id is .*the contract says string"),
    ("direction", ["out"], "direction is .*the contract says string"),
    ("amount_mino", 5, "no column amount_mino .did you mean amount_minor"),
]


@pytest.mark.parametrize(("column", "value", "told"), HANDED_IN)
def test_every_form_of_rows_goes_through_one_typed_door(column: str, value: Any, told: str | None) -> None:
    names = [one.name for one in shipped_project().contracts["clean.transactions"].columns]
    day = dt.date(2026, 3, 10)
    # Each value alone in its column, too: a column of one odd kind has a type of its own.
    odd = {**ROWS[0], column: value}
    for rows in ([odd, *ROWS[1:]], [odd]) if not isinstance(value, str) else ([odd],):
        forms: list[Any] = [rows]
        whole = {**dict.fromkeys(names), **rows[0]}
        with suppress(pa.ArrowException, OverflowError):  # no Arrow table can hold some of these columns
            forms.append(pa.Table.from_pandas(pd.DataFrame({key: [row.get(key) for row in rows] for key in whole})))
        for form in forms:
            if told is None:
                tallystick.compute_vector(form, day, "transactions")
                continue
            with pytest.raises(ContractError, match=told.replace("1 of 3", f"1 of {len(rows)}")) as caught:
                tallystick.compute_vector(form, day, "transactions")
            assert "1772366400" not in str(caught.value)
            assert "2026" not in str(caught.value)


def test_what_is_no_rows_at_all_is_refused() -> None:
    for rows in (pd.DataFrame(ROWS), "rows", {"customer_id": ["simbank:1"]}, [1, 2], None):
        with pytest.raises(ContractError, match="rows are a|a row is no dictionary"):
            tallystick.compute_vector(rows, dt.date(2026, 3, 10), "transactions")  # type: ignore[arg-type]


def test_looked_up_rows_go_through_the_same_door() -> None:
    fact = {
        "customer_id": "simbank:1", "customer_fact_id": "1", "event_at": dt.datetime(2020, 1, 1, tzinfo=dt.UTC),
        "known_on": dt.date(2020, 1, 2), "is_retracted": False, "region_id": "r",
    }  # fmt: skip
    for region in ({"region_id": "r", "known_on": None}, {"region_id": None, "known_on": dt.date(2019, 1, 1)}):
        with pytest.raises(ContractError, match="is null in 1 of 1 rows"):
            tallystick.compute_vector([fact], dt.date(2026, 3, 10), "customers", lookups={"clean.regions": [region]})
