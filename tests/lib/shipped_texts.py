"""The SQL of shipped mappings over random rows: every text that a load makes of them, with the tables that it reads."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from sqlglot import exp

from tallystick.dialect import output_types
from tallystick.ingest.casting import SPARK_TYPES, Target, judged_sql
from tallystick.ingest.views import driving_derived_sql, driving_sql, keyed_sql, readable_sql
from tallystick.project import load_project
from tallystick.project.mappings import parse_source
from tallystick.spec.mapping_sql import MET, branch_sql, view_sql
from tallystick.spec.mappings import CLEAN
from tallystick.spec.tables import TableContract
from tests.lib.dialects import arrow_type, types_of

DAY = dt.date(2026, 5, 1)
# What stands in files, good and bad; each column's own codes come from the mapping.
_TEXTS = (
    "1", "2", "3", "1", "2", "0", "-1", "12.34", "100", "12.345", "-5.5", "1e3", "20240102 10:20:30",
    "20231231 23:59:59",
    "2024/01/02 10:20:30", "2024/02/30", "20240105", "2024/01/05", "1998-12-01", "2024-01-02", "1993-01-01 10:00:00",
    "2024-03-31 02:30:00", "1700000000000", "1380000000", "99999999999999999", "C1", "C2", "C00000001", "P7",
    "OWNER", "x", " x ",
    "é消费", "a|b", "66487163.0", None, None, None,
)  # fmt: skip


@dataclass(slots=True)
class Rows:
    """Random tables by name."""

    dice: random.Random
    size: int = 60
    tables: dict[str, pa.Table] = field(default_factory=dict)

    def texts(self, columns: Sequence[str], codes: Sequence[str]) -> dict[str, pa.Array]:
        """Columns of text: of a third of the rows the codes that the mapping knows."""
        pool = [*_TEXTS, *codes, *codes]
        return {name: pa.array(self.dice.choices(pool, k=self.size), pa.string()) for name in columns}

    def file(self, view: str, columns: Sequence[str], codes: Sequence[str]) -> None:
        """The raw view of a file, some lines of which could not be split."""
        size, nothing = self.size, pa.nulls(self.size, pa.string())
        carried = {
            "_file": pa.array(self.dice.choices(["2026-05-01/a.csv", "2026-04-01/b.csv"], k=size)),
            "_line": pa.array(range(2, size + 2), pa.int64()),
            "_raw": pa.array([f"raw|{self.dice.random()}" for _ in range(size)]),
            "_problem": pa.array(self.dice.choices([None] * 9 + ["cannot_split"], k=size), pa.string()),
        }
        made = {**self.texts(columns, codes), **carried, "_fault": nothing, "_keys": nothing}
        self.tables[f"raw_{view}"] = pa.table(made)

    def clean(self, contract: TableContract) -> None:
        """A clean table of which objects have one version each."""
        columns = {}
        for column in contract.columns:
            kind = arrow_type(SPARK_TYPES.get(column.type, column.type))
            if column.name == contract.event_id:
                values: list[object] = ["1", "2", "3", "12.34", "C1"]
            else:
                values = [_some(kind, self.dice) for _ in range(5)]
            columns[column.name] = pa.array(values, kind)
        self.tables[f"stored_{contract.table}"] = pa.table(columns)


def _some(kind: pa.DataType, dice: random.Random) -> object:
    if pa.types.is_string(kind):
        return dice.choice(["a", "b", "1"])
    if pa.types.is_boolean(kind):
        return dice.choice([True, False, False])
    if pa.types.is_date(kind):
        return dt.date(2024, 1, dice.randrange(1, 28))
    if pa.types.is_timestamp(kind):
        return dt.datetime(2024, 1, dice.randrange(1, 28), tzinfo=dt.UTC)
    return dice.randrange(1, 9)


def drawn(types: Mapping[str, str], key: str, dice: random.Random, *, rows: int) -> pa.Table:
    """Rows of few objects: mostly equal but for where they came from, with a difference or a fault here and there."""
    columns = {}
    for name, kind in types.items():
        arrow = arrow_type(kind)
        usual = [_some(arrow, dice) for _ in range(2)]
        if name == key:
            values = dice.choices([*"abcdefghij", None], k=rows)
        elif name in ("_excluded", "_is_excluded", "is_retracted"):
            values = dice.choices([False] * 9 + [True], k=rows)
        elif name == "_fault":
            values = dice.choices([None] * 9 + ["missing|x"], k=rows)
        elif name == "_line":
            values = list(range(rows))
        elif name == "_file":
            values = dice.choices(["2024-01-03/a.csv", "2024-01-09/b.csv"], k=rows)
        elif pa.types.is_date(arrow):
            values = [_some(arrow, dice) for _ in range(rows)]
        else:
            values = dice.choices([usual[0]] * 60 + [usual[1], None], k=rows)
        columns[name] = pa.array(values, arrow)
    return pa.table(columns)


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedText:
    """The query that judges the rows of one branch, and what it is for."""

    name: str
    sql: str
    target: Target


@dataclass(slots=True)
class ShippedSource:
    """All texts of one source: ``views`` by name in their order, then ``judged`` queries of them."""

    root: Path
    name: str
    rows: Rows
    views: dict[str, str] = field(default_factory=dict)
    judged: list[JudgedText] = field(default_factory=list)
    types: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        project = load_project(self.root)
        source = project.sources[self.name]
        parsed = parse_source(source, project.contracts, DAY)
        trees = [part for table in parsed.tables.values() for branch in table.branches for _, part in branch.outputs]
        codes = sorted({found.name for tree in trees for found in tree.find_all(exp.Literal) if found.is_string})
        codes = [code for code in codes if 0 < len(code) < 20]
        for view, file in source.files.items():
            self.rows.file(view, file.columns, codes)
            self.types[f"raw_{view}"] = types_of(self.rows.tables[f"raw_{view}"])
            self._view(f"readable_{view}", readable_sql(f"raw_{view}", file))
            self._view(f"driving_{view}", driving_sql(f"raw_{view}"))
        for view, tree in parsed.views.items():
            self._view(f"readable_{view}", view_sql(tree, {name: f"readable_{name}" for name in parsed.shapes}))
            columns = parsed.shapes[view].columns
            day = DAY.isoformat()
            self._view(f"driving_{view}", driving_derived_sql(f"readable_{view}", columns, name=view, delivery=day))
        for table, mapping in parsed.tables.items():
            contract = project.contracts[f"{CLEAN}.{table}"]
            self.rows.clean(contract)
            self.types[f"stored_{table}"] = types_of(self.rows.tables[f"stored_{table}"])
            target = Target(contract=contract, known_on=source.tables[table].known_on, source=source, load_date=DAY)
            for branch in mapping.branches:
                joined = {}
                for join in branch.joins:
                    joined[join.view] = f"joined_{join.view.replace('.', '_')}"
                    if join.view.startswith(f"{CLEAN}."):
                        stored = join.view.partition(".")[2]
                        self._view(joined[join.view], f"SELECT *, TRUE AS {MET} FROM stored_{stored}")
                    else:
                        shape = parsed.shapes[join.view]
                        sql = keyed_sql(f"readable_{join.view}", shape.columns, shape.key)
                        self._view(joined[join.view], sql)
                driven = {branch.view: f"driving_{branch.view}"}
                selected = branch_sql(branch, parsed.shapes, driven=driven, joined=joined)
                sql = judged_sql(selected, output_types(selected, self.types), target)
                self.judged.append(JudgedText(name=f"{table}_{branch.number}", sql=sql, target=target))

    def _view(self, name: str, sql: str) -> None:
        self.views[name] = sql
        self.types[name] = output_types(sql, self.types)
