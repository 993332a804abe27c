"""Checks that no key stands twice in the files of one write, without reading them where their layout proves it.

A feature table of millions of rows is written a file a bucket: reading it back only to count keys would cost as much as
writing it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from tallystick.errors import ContractError
from tallystick.spec.data_files import DataFile
from tallystick.spec.tables import TableContract

# What is known of a row by its entity and its instant; where a table has no event_at, the instant is that of an
# observation.
_PLACED_BY = ("source", "bucket", "period")
_AS_OF = "as_of"
_OBSERVATION = "observation_id"


def check_keys(path: Path, contract: TableContract, files: Sequence[DataFile]) -> None:
    """ContractError when a key occurs twice in the files; names the file when one alone repeats it."""
    fix = f"the key is {', '.join(contract.key)}"
    for file in files:
        if not file.facts.is_key_unique:
            raise ContractError("a key occurs twice", where=f"table {contract.name}, file {file.rel}", fix=fix)
    for group in _groups_that_may_share(contract, files):
        if _has_shared_key(path, contract, group):
            where = f"table {contract.name}, {len(group)} files of {dict(group[0].partition)}"
            raise ContractError("a key occurs in two files", where=where, fix=fix)


def _groups_that_may_share(contract: TableContract, files: Sequence[DataFile]) -> list[list[DataFile]]:
    """Files that could hold equal keys: those alike in the key's partition columns, or, when the key fixes entity and
    instant and with them supplier, bucket and period, those of the same partition.
    """
    if not contract.key:
        return []
    placing, fixed = {contract.entity, contract.event_at or _AS_OF}, set(contract.key)
    if _OBSERVATION in fixed:
        # An observation is of one customer: an event never changes its own (ingest rejects that), and given
        # observations are checked where they are split.
        fixed.add(contract.entity)
    is_placed = placing <= fixed and set(contract.partition_by) <= {*contract.key, *_PLACED_BY}
    by = contract.partition_by if is_placed else [name for name in contract.partition_by if name in contract.key]
    groups: dict[tuple[str, ...], list[DataFile]] = defaultdict(list)
    for file in files:
        groups[tuple(file.partition[name] for name in by)].append(file)
    return [group for group in groups.values() if len(group) > 1]


def _has_shared_key(path: Path, contract: TableContract, files: Sequence[DataFile]) -> bool:
    # DuckDB, because it spills to disk where an Arrow group_by would not.
    import duckdb

    key = [name for name in contract.key if name not in contract.partition_by]
    if not key:
        return True
    with duckdb.connect() as connection:
        rows = connection.read_parquet([str(path / file.rel) for file in files])
        columns = ", ".join(f'"{name}"' for name in key)
        return bool(rows.aggregate(f"{columns}, count(*) AS n", columns).filter("n > 1").limit(1).fetchall())
