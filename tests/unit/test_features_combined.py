"""Combined features: SQL over features of one group and of groups beside it, observation by observation.

The oracle reads the rows of both tables from the definition and computes the expression in plain Python.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from tallystick.buckets import BucketTask
from tallystick.errors import DeclarationError
from tallystick.features import GroupWork, compute_from, compute_local
from tallystick.features.reading import BucketReader
from tallystick.features.stage import compute_work, observe_task
from tallystick.observations import OBSERVATION_SCHEMA, ObservationSpec
from tallystick.spec.columns import group_columns, group_contract
from tallystick.spec.combined import Combined
from tallystick.spec.describe import null_rule, source_columns, window_words
from tallystick.spec.feature_sql import feature_sql, sql_parameters
from tallystick.spec.features import FeatureGroup
from tallystick.spec.meaning import column_fingerprint
from tallystick.spec.observations import Customers, ObservationSet
from tallystick.spec.permissions import protected_sources
from tallystick.training.audit import check_truncation, recomputed_group
from tests.lib.feature_cases import (
    CONTRACTS,
    TRANSACTIONS,
    make_events,
    make_group,
    make_measure,
    make_observations,
    utc,
)

POSTS = replace(TRANSACTIONS, name="clean.posts")
BOTH = {**CONTRACTS, POSTS.name: POSTS}
WRITES = make_group(make_measure("count days_since_last"), name="writes", table=POSTS.name, windows=("7d", "all"))


def combined(name: str, value: str, **parts: Any) -> Combined:
    return Combined(**{"name": name, "value": value, "description": "a description", "reason": "a reason", **parts})


SUMS = make_group(
    make_measure("count sum", value="amount_minor"),
    beside=(WRITES,),
    combined=(
        combined("mean", "txn_m_sum_7d / txn_m_count_7d"),
        combined("is_quiet", "txn_m_count_7d > 0 AND writes_m_count_7d = 0"),
        combined(
            "state", "CASE WHEN writes_m_days_since_last_all IS NULL THEN NULL WHEN txn_is_quiet = 1 THEN 1 ELSE 2 END"
        ),
    ),
)
AS_OF = utc(2026, 3, 10)


def row(at: dt.datetime, amount: int | None = None, **parts: Any) -> dict[str, Any]:
    return {"event_at": at, "amount_minor": amount, **parts}


def compute(payments: list[dict[str, Any]], posts: list[dict[str, Any]], *who: str) -> list[dict[str, Any]]:
    rows = {TRANSACTIONS.name: make_events(payments), POSTS.name: make_events(posts)}
    asked = make_observations(*((name, AS_OF) for name in who or ("bank:1",)))
    found = compute_from(GroupWork.of(SUMS, BOTH), rows, asked, zone="UTC")
    return found.select(["txn_mean", "txn_is_quiet", "txn_state"]).to_pylist()


def test_features_of_two_tables_meet() -> None:
    paid = [row(utc(2026, 3, 5), 10), row(utc(2026, 3, 6), 20), row(utc(2026, 3, 3), 1, customer_id="bank:2")]
    wrote = [row(utc(2026, 3, 9), customer_id="bank:2"), row(utc(2026, 2, 1))]
    assert compute(paid, wrote, "bank:1", "bank:2", "bank:3") == [
        {"txn_mean": 15.0, "txn_is_quiet": 1, "txn_state": 1},
        {"txn_mean": 1.0, "txn_is_quiet": 0, "txn_state": 2},
        # Nothing is known: no mean, no silence (nothing was paid), and null where the expression says so.
        {"txn_mean": None, "txn_is_quiet": 0, "txn_state": None},
    ]


def test_each_table_is_seen_as_it_was_known() -> None:
    post: dict[str, Any] = {"transaction_id": "p"}
    late = [row(utc(2026, 3, 8), **post, known_on=dt.date(2026, 3, 11))]
    known = [row(utc(2026, 3, 8), **post, known_on=dt.date(2026, 3, 10))]
    taken_back = [*known, row(utc(2026, 3, 8), **post, known_on=dt.date(2026, 3, 10), loaded_on=dt.date(2026, 3, 11),
                              is_retracted=True)]  # fmt: skip
    at_as_of = [row(AS_OF, **post, known_on=dt.date(2026, 3, 10))]
    paid = [row(utc(2026, 3, 5), 10)]
    found = [compute(paid, posts)[0]["txn_is_quiet"] for posts in (late, known, taken_back, at_as_of)]
    assert found == [1, 0, 1, 1]


def test_a_task_reads_both_tables_once_and_gives_them_up() -> None:
    held = {TRANSACTIONS.name: make_events([row(utc(2026, 3, 5), 10)]), POSTS.name: make_events([row(utc(2026, 3, 1))])}
    asked: list[str] = []

    class Files:
        def read(self, table: str, paths: Any, columns: Any, *, coded: Any = ()) -> pa.Table:
            asked.append(table)
            return held[table].select(list(columns))

        def write(self, table: str, partition: Any, rows: pa.Table) -> Any:
            raise AssertionError("nothing is written here")

    population = Customers(tables=(TRANSACTIONS.name,))
    declared = ObservationSet(name="daily", key="customer_id", population=population)
    day = AS_OF.date()
    spec = ObservationSpec(declared=declared, tables={TRANSACTIONS.name: TRANSACTIONS.event_id}, first=day, last=day)
    task = BucketTask(source="bank", bucket=0, zone="UTC", period="year", files=dict.fromkeys(held, ("a",)))
    works = [GroupWork.of(SUMS, BOTH), GroupWork.of(WRITES, BOTH)]
    reader = BucketReader(task, works, spec, Files())
    observed = observe_task(task, spec, reader)
    found = [compute_work(task, work, observed, reader) for work in works]
    for one, work in zip(found, works, strict=True):
        assert one.equals(compute_from(work, held, observed, zone="UTC"))
    assert found[0]["txn_is_quiet"].to_pylist() == [1]
    assert sorted(asked) == sorted(held)
    assert not reader.held


def test_the_audit_computes_both_tables_again() -> None:
    paid = [row(utc(2026, 3, 5), 10), row(utc(2026, 3, 9), 5, known_on=dt.date(2026, 3, 12))]
    wrote = [row(utc(2026, 3, 8)), row(utc(2026, 3, 11))]
    rows = {TRANSACTIONS.name: make_events(paid), POSTS.name: make_events(wrote)}
    asked = make_observations(("bank:1", AS_OF)).select(OBSERVATION_SCHEMA.names)
    work = GroupWork.of(SUMS, BOTH)
    stored = compute_from(work, rows, asked, zone="UTC")
    (found,) = check_truncation([recomputed_group(work, stored, rows=rows, zone="UTC")], asked, zone="UTC")
    assert found.is_passed
    assert found.detail.endswith("5 values recomputed")
    leaking = stored.set_column(stored.column_names.index("txn_state"), "txn_state", pa.array([1]))
    told = check_truncation([recomputed_group(work, leaking, rows=rows, zone="UTC")], asked, zone="UTC")
    assert [(one.feature, one.is_passed) for one in told] == [("txn_state", False)]


def test_columns_have_types_and_a_place_in_the_table() -> None:
    columns = {column.name: column for column in group_columns(SUMS, BOTH)}
    assert [columns[f"txn_{name}"].type for name in ("mean", "is_quiet", "state")] == ["double", "int64", "int64"]
    assert list(columns)[-3:] == ["txn_mean", "txn_is_quiet", "txn_state"]
    assert [column.name for column in group_columns(SUMS)] == list(columns)
    contract = group_contract(SUMS, BOTH)
    assert contract.derived_from == ("clean.transactions", "clean.posts") == tuple(contract.derived_from)
    assert not contract.column("txn_state").filled
    assert SUMS.reads == {"clean.transactions", "clean.posts"} == GroupWork.of(SUMS, BOTH).tables
    assert "writes_m_count_7d" not in columns, "a group beside is stored nowhere on this account"


def test_it_is_kept_as_closely_as_what_it_reads() -> None:
    kept = replace(WRITES, pii="sensitive", permitted_use="credit decisions, fraud review")
    columns = {column.name: column for column in group_columns(replace(SUMS, beside=(kept,)), BOTH)}
    assert [columns[f"txn_{name}"].pii for name in ("mean", "is_quiet", "state")] == [
        SUMS.pii,
        "sensitive",
        "sensitive",
    ]
    assert columns["txn_state"].permitted_use == "credit decisions"
    channel = replace(next(c for c in POSTS.columns if c.name == "channel"), protected=True)
    posts = replace(POSTS, columns=tuple(channel if c.name == "channel" else c for c in POSTS.columns))
    about = replace(WRITES, where="channel = 'card'")
    group, contracts = replace(SUMS, beside=(about,)), {**BOTH, POSTS.name: posts}
    sources = {c.name: protected_sources(group, c, contracts) for c in group_columns(group, contracts)[-3:]}
    assert sources == {"txn_mean": (), "txn_is_quiet": ("clean.posts.channel",), "txn_state": ("clean.posts.channel",)}


def test_the_printed_sql_computes_the_same() -> None:
    payments, posts = [row(utc(2026, 3, 5), 10), row(utc(2026, 3, 6), 20)], [row(utc(2026, 3, 1))]
    expected = compute(payments, posts)[0]
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'; CREATE SCHEMA clean")
        for name, rows in ((TRANSACTIONS.name, payments), (POSTS.name, posts)):
            connection.register("given", make_events(rows))
            connection.execute(f"CREATE TABLE {name} AS SELECT *, 'bank' AS source FROM given")
        for column in group_columns(SUMS, BOTH)[-3:]:
            sql = feature_sql(SUMS, column, BOTH)
            found = connection.execute(sql, sql_parameters(sql, customer_id="bank:1", as_of=AS_OF, zone="UTC"))
            assert found.fetchall() == [(expected[column.name],)], column.name


def test_the_passport_names_what_is_read() -> None:
    column = group_columns(SUMS, BOTH)[-2]
    assert source_columns(SUMS, column, BOTH) == ["feature.txn.txn_m_count_7d", "feature.writes.writes_m_count_7d"]
    assert null_rule(SUMS, column) == "null where its expression is null"
    assert window_words(SUMS, column) == ["those of the features that it is made of"]


def test_its_meaning_is_that_of_what_it_reads() -> None:
    def of(group: FeatureGroup, name: str = "txn_state") -> str:
        return column_fingerprint(group, next(c for c in group_columns(group) if c.name == name))

    other = replace(WRITES, where="channel = 'card'")
    spelt = replace(SUMS, combined=tuple(replace(c, value=c.value.replace(" > ", "  >  ")) for c in SUMS.combined))
    assert of(spelt) == of(SUMS)
    assert of(replace(SUMS, combined=(SUMS.combined[0], replace(SUMS.combined[1], version=2), SUMS.combined[2]))) != of(
        SUMS
    )
    assert of(replace(SUMS, beside=(other,))) != of(SUMS)
    assert of(replace(SUMS, beside=(other,)), "txn_mean") == of(SUMS, "txn_mean")
    assert of(replace(SUMS, measures=(make_measure("count sum", value="small"),)), "txn_mean") != of(SUMS, "txn_mean")


def test_a_retired_one_has_values_for_the_days_before() -> None:
    gone = replace(SUMS, retired={"txn_mean": dt.date(2026, 3, 10)})
    rows = {TRANSACTIONS.name: make_events([row(utc(2026, 3, 5), 10)]), POSTS.name: make_events([])}
    asked = make_observations(("bank:1", utc(2026, 3, 9)), ("bank:1", AS_OF))
    work = GroupWork.of(gone, BOTH, first=dt.date(2026, 3, 9))
    assert compute_from(work, rows, asked, zone="UTC")["txn_mean"].to_pylist() == [10.0, None]
    assert "txn_mean" not in GroupWork.of(gone, BOTH).names


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("txn_m_cuont_7d", "did you mean txn_m_count_7d"),
        ("1 + 1", "reads no feature"),
        ("CASE WHEN txn_m_count_7d > 1 THEN 'many' END", "not a number or a condition"),
        ("txn_m_count_7d +", "not SQL"),
        ("txn_later", "unknown column txn_later"),
    ],
)
def test_a_wrong_expression_is_refused(value: str, told: str) -> None:
    wrong = make_group(make_measure("count"), combined=(combined("x", value), combined("later", "txn_m_count_7d")))
    with pytest.raises(DeclarationError, match=told):
        group_columns(wrong, CONTRACTS)


def test_a_wrong_group_is_refused() -> None:
    with pytest.raises(DeclarationError, match="two features are called txn_m_count_7d"):
        group_columns(
            make_group(make_measure("count"), combined=(combined("m_count_7d", "txn_m_count_7d"),)), CONTRACTS
        )
    with pytest.raises(DeclarationError, match="nothing reads the groups beside it"):
        make_group(make_measure("count"), beside=(WRITES,))
    with pytest.raises(DeclarationError, match="group writes is named twice"):
        make_group(make_measure("count"), beside=(WRITES, WRITES), combined=SUMS.combined)
    with pytest.raises(DeclarationError, match="combined features of its own"):
        make_group(make_measure("count"), name="more", beside=(SUMS,), combined=SUMS.combined)
    retired = replace(WRITES, retired={"writes_m_count_7d": dt.date(2026, 1, 1)})
    with pytest.raises(DeclarationError, match="writes_m_count_7d"):
        group_columns(replace(SUMS, beside=(retired,)), BOTH)


def test_doubles_that_are_no_numbers_are_null() -> None:
    group = make_group(make_measure("max", value="rate"), combined=(combined("x", "txn_m_max_7d - txn_m_max_7d"),))
    rows = {TRANSACTIONS.name: make_events([row(utc(2026, 3, 5), rate=float("inf"))])}
    found = compute_from(GroupWork.of(group, CONTRACTS), rows, make_observations(("bank:1", AS_OF)), zone="UTC")
    assert found["txn_x"].to_pylist() == [None]


def test_a_group_without_combined_features_is_what_its_own_table_gives() -> None:
    work, asked = GroupWork.of(WRITES, BOTH), make_observations(("bank:1", AS_OF))
    rows = make_events([row(utc(2026, 3, 5))])
    both: list[pa.Table] = [
        compute_from(work, {POSTS.name: rows}, asked, zone="UTC"),
        compute_local(work, rows, asked, dimensions={}, zone="UTC"),
    ]
    assert both[0].equals(both[1])
