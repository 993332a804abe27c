"""The texts that loads of the shipped sources run: over random rows both engines give the same tables."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from tallystick.dialect import output_types
from tallystick.ingest.conflicts import compared_sql, published_sql, settled_sql
from tallystick.visibility.sql import newest_sql
from tests.lib.dialects import ask_duckdb, rows_of_both
from tests.lib.shipped_texts import Rows, ShippedSource, drawn

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# One branch of each kind; the soak runs them all.
CHOSEN = {
    "simbank": ("transactions_0", "regions_0", "customers_0", "social_events_1"),
    "berka": ("transactions_0", "customers_0", "orders_0", "loans_0", "outcomes_0"),
    "copenhagen": ("customers_0", "social_events_3"),
}
CASES = [pytest.param(name, chosen, id=name) for name, chosen in CHOSEN.items()]
CASES += [pytest.param(name, (), id=f"{name}-all", marks=pytest.mark.soak) for name in CHOSEN]


@pytest.mark.parametrize(("name", "chosen"), CASES)
def test_rows_are_judged_alike(spark: SparkSession, project_root: Path, name: str, chosen: tuple[str, ...]) -> None:
    source = ShippedSource(project_root, name, Rows(random.Random(f"{name}{len(chosen)}")))
    asked = [text for text in source.judged if not chosen or text.name in chosen]
    assert len(asked) >= len(chosen)
    given = dict(source.rows.tables)
    for view, sql in source.views.items():
        given[view] = ask_duckdb(sql, _of(sql, given))
        # Views of one file pick columns; the others group, join or unite.
        if view.startswith(("readable_", "joined_")) and ("GROUP BY" in sql or "UNION" in sql or "JOIN" in sql):
            theirs, ours = rows_of_both(spark, sql, _of(sql, given))
            assert ours == theirs, view
    for text in asked:
        theirs, ours = rows_of_both(spark, text.sql, _of(text.sql, given))
        assert ours == theirs, text.name
        assert len({row["_fault"] for row in ours}) > 1, text.name


def _of(sql: str, given: dict[str, pa.Table]) -> dict[str, pa.Table]:
    return {name: rows for name, rows in given.items() if name in sql}


@pytest.mark.parametrize(("table", "has_several"), [("regions_0", True), ("transactions_0", False)])
def test_rows_are_compared_and_settled_alike(
    spark: SparkSession, project_root: Path, table: str, has_several: bool
) -> None:
    dice = random.Random(table)
    source = ShippedSource(project_root, "simbank", Rows(dice, size=5))
    (text,) = (text for text in source.judged if text.name == table)
    contract, key = text.target.contract, text.target.contract.event_id
    given = {
        "judged": drawn(output_types(text.sql, source.types), key, dice, rows=150),
        "stored": drawn(source.types[f"stored_{contract.table}"], key, dice, rows=40),
    }
    compared = compared_sql(["SELECT * FROM judged"], text.target, parents={}, has_several=has_several)
    theirs, ours = rows_of_both(spark, compared, {"judged": given["judged"]})
    assert ours == theirs
    assert len({(row["_fault"], row["_is_duplicate"], row["_is_superseded"]) for row in ours}) > 2
    given["compared"] = ask_duckdb(compared, given)
    published = published_sql("compared", text.target, published="stored")
    settled = settled_sql(published, text.target)
    theirs, ours = rows_of_both(spark, settled, {name: given[name] for name in ("compared", "stored")})
    assert ours == theirs
    assert len({(row["_status"], row["_reason"]) for row in ours}) > 2


def test_the_newest_version_is_the_same(spark: SparkSession) -> None:
    dice = random.Random(3)
    days = [dt.date(2024, 1, day) for day in range(1, 9)]
    versions = {(dice.choice("abc"), dice.choice(days), dice.choice(days)): None for _ in range(60)}
    keys, known, loaded = (pa.array(part) for part in zip(*versions, strict=True))
    stored = pa.table(
        {"id": keys, "known_on": known, "loaded_on": loaded, "n": pa.array(range(len(versions)), pa.int32())}
    )
    theirs, ours = rows_of_both(spark, newest_sql("stored", "id"), {"stored": stored})
    assert ours == theirs
