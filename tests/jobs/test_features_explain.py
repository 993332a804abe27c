"""Passports of features: the SQL they show computes the feature, and their words are right.

The printed SQL, run by DuckDB, against the kernel.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tallystick.cli import explaining
from tallystick.cli.explaining import explain_feature, read_as_of, show_feature
from tallystick.errors import DeclarationError, NotFound
from tallystick.features import GroupWork, compute_from
from tallystick.project import Project, load_project
from tallystick.spec.bases import FeatureColumn
from tallystick.spec.columns import group_columns
from tallystick.spec.describe import null_rule, source_columns, window_words
from tallystick.spec.feature_sql import SqlWriter, sql_parameters
from tallystick.spec.features import FeatureGroup
from tallystick.spec.ops import OP_RULES
from tallystick.spec.tables import TableContract
from tests.lib.every_op import every_op_group
from tests.lib.feature_cases import CONTRACTS, make_observations, utc
from tests.lib.random_rows import AS_OF, ZONE, random_rows, words_of

# Operations whose argument is a part of their name.
OP_NAMES = {
    "q50": "quantile",
    "q90": "quantile",
    "pareto80": "pareto",
    "pareto50": "pareto",
    **{f"shift2_{name}": f"shift_{name}" for name in ("days", "size", "share")},
    "last_2": "last_k",
    "last_3": "last_k",
}
FORMULAS = ("share", "ratio", "change", "zscore")


@pytest.fixture(scope="module")
def project(project_root: Path) -> Iterator[Project]:
    """The project, read once also for the commands."""
    read = load_project(project_root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explaining, "open_project", lambda _: read)
        yield read


def bank_of(group: FeatureGroup, contracts: Mapping[str, TableContract], *, rows: int) -> dict[str, pa.Table]:
    """A random bank's rows of every table that the group reads; keys of look-ups meet."""
    tables: dict[str, pa.Table] = {}
    for part in (group, *group.beside):
        events = random_rows(contracts[part.table], words_of(part), rows=rows, seed=7)
        tables[part.table] = events
        for among in part.among:
            words = [*words_of(part), "new_device", "sim_change"]
            tables.setdefault(among.table, random_rows(contracts[among.table], words, rows=rows, seed=13))
        for lookup in part.lookups:
            keys = sorted({key for key in events.column(lookup.on).to_pylist() if key is not None})
            tables.setdefault(lookup.table, random_rows(contracts[lookup.table], keys, rows=30, seed=11))
    return tables


def differing(
    group: FeatureGroup,
    contracts: Mapping[str, TableContract],
    tables: Mapping[str, pa.Table],
    columns: Iterable[FeatureColumn],
) -> Iterator[str]:
    """Those of the columns whose printed SQL says something else than the kernel, with both values."""
    asked = make_observations(*((who, at) for who in ("bank:1", "bank:2", "bank:3") for at in AS_OF))
    found = compute_from(GroupWork.of(group, contracts), tables, asked, zone=ZONE)
    writer = SqlWriter.of(group, contracts)
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1; SET TimeZone = 'UTC'; CREATE SCHEMA clean; CREATE SCHEMA graph").fetchall()
        for name, rows in tables.items():
            connection.register("given", rows)
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM given").fetchall()
        # Each feature at one of the observations by turns: all of them are met by many features of each kind.
        for number, column in enumerate(columns):
            row, sql = number % asked.num_rows, writer.query(column)
            who, at = asked["customer_id"][row].as_py(), asked["as_of"][row].as_py()
            said = connection.execute(sql, sql_parameters(sql, customer_id=who, as_of=at, zone=ZONE)).fetchall()
            value = found[column.name][row].as_py()
            if len(said) != 1 or not alike(said[0][0], value):
                yield f"{column.name} of {who} at {at}: SQL says {said}, the kernel {value}"


def one_of_each(columns: Iterable[FeatureColumn]) -> list[FeatureColumn]:
    """One column for each measure and op; its window, filter and value by turns."""
    kinds: dict[tuple[str, ...], list[FeatureColumn]] = {}
    for column in columns:
        kinds.setdefault((column.measure, column.op, column.formula), []).append(column)
    return [alike[7 * number % len(alike)] for number, alike in enumerate(kinds.values())]


def alike(told: Any, value: Any) -> bool:
    if told is None or value is None or isinstance(value, int):
        return bool(told == value)
    return math.isclose(float(told), value, rel_tol=1e-9, abs_tol=1e-9)


def test_the_sql_of_every_operation_is_true() -> None:
    group = every_op_group()
    tables = {group.table: random_rows(CONTRACTS[group.table], words_of(group), rows=160, seed=5)}
    columns = one_of_each(group_columns(group, CONTRACTS))
    assert {OP_NAMES.get(column.op, column.op) for column in columns} >= {*OP_RULES, *FORMULAS}
    assert not list(differing(group, CONTRACTS, tables, columns))


def test_the_sql_of_every_declared_measure_is_true(project: Project) -> None:
    for group in project.feature_groups.values():
        columns = one_of_each(group_columns(group, project.contracts))
        tables = bank_of(group, project.contracts, rows=150)
        assert not list(differing(group, project.contracts, tables, columns)), group.name


@pytest.mark.soak
def test_the_sql_of_every_declared_feature_is_true(project: Project) -> None:
    for group in project.feature_groups.values():
        tables = bank_of(group, project.contracts, rows=400)
        assert not list(differing(group, project.contracts, tables, group_columns(group, project.contracts)))


def passport(project: Project, name: str, **asked: str) -> dict[str, Any]:
    return dict(explain_feature(name, project.root, **asked))


def test_a_passport_says_all_that_is_declared(project: Project) -> None:
    told = dict(show_feature("transactions_debit_cash_sum_30d", project.root))
    assert told["meaning"] == "Money spent on cash over the last 30 days"
    assert told["windows"] == ["the last 30 days: [as_of - 30d, as_of)"]
    assert told["reads"] == [f"clean.transactions.{name}" for name in ("amount_minor", "direction", "channel")]
    assert told["only rows where"] == ["direction = 'out' and channel = 'cash'"]
    assert str(told["of nothing"]).startswith("0 without rows")
    assert told["told to a customer"] == "Spending on cash"
    assert (told["owner"], told["PII class"], told["permitted use"]) == (
        "credit-risk", "pseudonymous", "credit decisions, early warning",
    )  # fmt: skip
    assert len(str(told["fingerprint"])) == 16
    place, line = str(told["declared at"]).split(":")
    assert 'name="debit"' in "".join((project.root / place).read_text().splitlines()[int(line) - 1 : int(line) + 2])


def test_a_looked_up_column_is_told_with_its_table_and_key(project: Project) -> None:
    told = passport(project, "customers_region_crimes_last_all")
    assert told["reads"] == ["clean.regions.crimes (by region_id)"]
    assert "LEFT JOIN" in told["SQL"]
    assert told["windows"] == ["the whole history: from the first visible event to before as_of"]


def test_the_edges_of_an_example_are_worked_out_on_the_local_clock(project: Project) -> None:
    told = passport(
        project, "consumption_earned_sum_change_90d", as_of="2026-03-31", source="berka", customer="berka:7"
    )
    assert told["edges"] == [
        "$date = 2026-03-31",
        "$as_of = 2026-03-31 00:00:00+02:00",
        "$back_90d = 2025-12-31 00:00:00+01:00",
        "$back_180d = 2025-10-02 00:00:00+02:00",
    ]
    assert told["formula"] == (
        "([earned_sum over 90d] - [earned_sum over 90d, 1 before]) / |[earned_sum over 90d, 1 before]|"
    )
    assert "$" not in told["SQL"]
    assert "customer_id = 'berka:7' AND known_on <= DATE '2026-03-31'" in told["SQL"]


@pytest.mark.parametrize("text", ["31.3.2026", "2026-02-30", "2026-03-31T12:00", "yesterday"])
def test_an_instant_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(DeclarationError, match=f"^--as-of: '{text}'.*2026-03-10"):
        read_as_of(text, ZONE)


def test_a_date_is_its_local_midnight() -> None:
    assert read_as_of("2026-03-31", ZONE) == utc(2026, 3, 30, 22)
    assert read_as_of("2026-03-31T12:00+02:00", ZONE) == utc(2026, 3, 31, 10)


def test_an_unknown_feature_is_told_what_is_near(project: Project) -> None:
    with pytest.raises(NotFound, match="did you mean transactions_debit_sum_30d"):
        show_feature("transactions_debit_sum_30dd", project.root)


def test_every_declared_feature_has_a_passport(project: Project) -> None:
    for group in project.feature_groups.values():
        for column in group_columns(group, project.contracts)[::7]:
            assert window_words(group, column)
            assert source_columns(group, column, project.contracts)
            assert null_rule(group, column).startswith(column.empty)
