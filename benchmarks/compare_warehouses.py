"""Compares every value of two warehouses: what a change of the code left as it was, and what it changed.

``python -m benchmarks.compare_warehouses OLD NEW`` prints one line a table and one a column that differs, and ends with
exit code 1 when anything differs. It is apart from the tests because it compares runs of two versions of the code. What
may differ is for its reader to judge.

Rows are matched by the table's own key. Doubles are compared bit by bit, nulls with nulls. A column that only one side
has is listed and is not a difference; a row that only one side has is.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable
from rich.console import Console
from rich.table import Table

LAYERS = ("clean", "feature", "label", "training", "score")

# Names that one version of the code has and another has not, of one and the same column.
RENAMED = {"application_id": "observation_id"}

# A clean row is matched by its event and delivery. All others are matched by what is observed, and when.
CLEAN_KEY = ("known_on", "loaded_on")
KEYS = ("source", "recipe", "observations", "observation_id", "customer_id", "as_of")

# They name the run, not a result.
IGNORED = ("run_id", "model_version")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is different in one table: rows that only one side has, values by column, and columns of one side alone."""

    name: str
    rows: int
    only_first: int
    only_second: int
    columns: int
    differing: dict[str, int]
    added: tuple[str, ...]
    removed: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether every row and every value of the common columns is the same."""
        return not (self.only_first or self.only_second or self.differing)


def compare_tables(name: str, old: pa.Table, new: pa.Table) -> Comparison:
    """Compare the common columns of two versions of a table, matching the rows by the columns that name them."""
    if name.startswith("clean."):
        keys = ["source", "rejected_id"]
        if not name.endswith("_rejected"):
            event_id = next(c for c in old.column_names if c.endswith("_id") and c != "customer_id")
            keys = ["source", event_id, *CLEAN_KEY]
    else:
        old, new = _renamed(old, new), _renamed(new, old)
        keys = [key for key in KEYS if key in old.column_names and key in new.column_names]
    common = [c for c in old.column_names if c in new.column_names and c not in (*keys, *IGNORED)]
    left, right = old.select([*keys, *common]), new.select([*keys, *common])
    both = left.append_column("_first", pa.array(range(left.num_rows), pa.int64())).join(
        right.select(keys).append_column("_second", pa.array(range(right.num_rows), pa.int64())),
        keys,
        join_type="inner",
    )
    differing = {}
    for column in common:
        one, other = left[column].take(both["_first"]), right[column].take(both["_second"])
        count = _count_differences(one, other)
        if count:
            differing[column] = count
    return Comparison(
        name=name,
        rows=both.num_rows,
        only_first=left.num_rows - len(pc.unique(both["_first"])),
        only_second=right.num_rows - len(pc.unique(both["_second"])),
        columns=len(common),
        differing=differing,
        added=tuple(sorted(set(new.column_names) - set(old.column_names))),
        removed=tuple(sorted(set(old.column_names) - set(new.column_names))),
    )


def compare_warehouses(old: Path, new: Path) -> list[Comparison]:
    """Every table of LAYERS that both warehouses have."""
    names = sorted(
        {f"{log.parts[-3]}.{log.parts[-2]}" for layer in LAYERS for log in old.glob(f"{layer}/*/_delta_log")}
    )
    return [compare_tables(name, _read(old, name), _read(new, name)) for name in names if _path(new, name).exists()]


def _renamed(table: pa.Table, other: pa.Table) -> pa.Table:
    names = [RENAMED[n] if n in RENAMED and RENAMED[n] in other.column_names else n for n in table.column_names]
    return table.rename_columns(names)


def _count_differences(one: pa.ChunkedArray, other: pa.ChunkedArray) -> int:
    if one.type != other.type:
        other = other.cast(one.type)
    if pa.types.is_floating(one.type):
        # As bits: NaN equals NaN, and 0.0 does not equal -0.0.
        one, other = (c.combine_chunks().view(pa.int64()) for c in (one, other))
    same = pc.fill_null(pc.equal(one, other), False)
    both_null = pc.and_(pc.is_null(one), pc.is_null(other))
    return int(pc.sum(pc.invert(pc.or_(same, both_null))).as_py() or 0)


def _path(warehouse: Path, name: str) -> Path:
    return warehouse.joinpath(*name.split("."))


def _read(warehouse: Path, name: str) -> pa.Table:
    table = DeltaTable(_path(warehouse, name)).to_pyarrow_table()
    return table.cast(pa.schema([pa.field(f.name, _plain(f.type)) for f in table.schema]))


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def main(arguments: list[str]) -> int:
    """Print the comparison; the exit code says whether anything differs."""
    old, new = (Path(argument) for argument in arguments)
    found = compare_warehouses(old, new)
    shown = Table("table", "rows", "only in OLD", "only in NEW", "columns", "columns that differ", "new", "gone")
    for one in found:
        told = ", ".join(f"{name} ({count})" for name, count in list(one.differing.items())[:6])
        more = f" and {len(one.differing) - 6} more" if len(one.differing) > 6 else ""
        counts = [str(number) for number in (one.rows, one.only_first, one.only_second, one.columns)]
        shown.add_row(one.name, *counts, told + more or "none", ", ".join(one.added), ", ".join(one.removed))
    Console(width=200).print(shown)
    return 0 if found and all(one.is_equal for one in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
