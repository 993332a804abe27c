"""Checks that no key stands twice in the files of one write, without reading them where their layout proves it.

A feature table of millions of rows is written a file a bucket: reading it back only to count keys would cost as much as
writing it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from tallystick.errors import ContractError
from tallystick.spec.data_files import DataFile
from tallystick.spec.tables import TableContract
from tallystick.tables.store.duckdb_files import let_duckdb_read

# Hashes of keys that are sorted in memory at once: 128 MB of them.
HASHES_AT_ONCE = 16_000_000

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
    """Whether two rows of the files share their key.

    Only hashes of keys are held, eight bytes a row and a share of them at a time; the keys of equal hashes are compared
    themselves.
    """
    import duckdb

    key = [name for name in contract.key if name not in contract.partition_by]
    if not key:
        return True
    columns = ", ".join(f'"{name}"' for name in key)
    shares = 1 + sum(file.rows for file in files) // HASHES_AT_ONCE
    with duckdb.connect() as connection:
        paths = [str(path / file.rel) for file in files]
        let_duckdb_read(connection, paths)
        rows = connection.read_parquet(paths)
        rows.create_view("rows")
        hashed = f"SELECT hash({columns}) AS hashed FROM rows"
        for share in range(shares):
            found = connection.sql(f"SELECT hashed FROM ({hashed}) WHERE hashed % {shares} = {share}")
            hashes = np.sort(found.to_arrow_table()["hashed"].to_numpy())
            repeated = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
            if len(repeated):
                connection.register("repeated", pa.table({"hashed": repeated}))
                alike = f"SELECT {columns} FROM rows WHERE hash({columns}) IN (SELECT hashed FROM repeated)"
                again = f"SELECT 1 FROM ({alike}) GROUP BY {columns} HAVING count(*) > 1 LIMIT 1"
                if connection.sql(again).fetchall():
                    return True
    return False
