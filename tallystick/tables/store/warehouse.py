"""Where the tables are, and how a table is created before its first write."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
from deltalake import DeltaTable, Field, Schema
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from tallystick.errors import ConflictError, ContractError, NotFound, SetupError
from tallystick.places import RemotePath, check_signs, local_home, to_place
from tallystick.spec.tables import LAYERS, TableContract
from tallystick.tables.store.disk import full_disk_is_setup_error
from tallystick.tables.store.log_copies import committing, create_table, open_listed
from tallystick.tables.store.log_damage import refuse_damaged_log, refuse_empty_entry
from tallystick.tables.store.log_files import LOG, LogFiles, list_log
from tallystick.tables.store.publication_state import PublicationState
from tallystick.tables.store.schemas import arrow_schema, stats_columns
from tallystick.tables.store.stored_schema import grown_schema, is_same_schema, stored_schema

RETENTION_DAYS = 180
Seen = TypeVar("Seen")
_STATS = "delta.dataSkippingStatsColumns"
# Deltalake takes a path for a part of an address, where these stand for other signs or for none.
_MISREAD = re.compile(r"[\x00-\x1f\x7f\\]|%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class _Moment:
    """What was seen of a warehouse that is looked at as of one moment: its publications, and logs by their tables."""

    root: Path
    state: PublicationState
    logs: dict[str, LogFiles] = field(default_factory=dict)


_MOMENT: ContextVar[_Moment | None] = ContextVar("moment", default=None)


@dataclass(frozen=True)
class Warehouse:
    """A folder of Delta tables, ``<root>/<layer>/<table>``, beside ``raw/`` with the landed files."""

    root: Path

    def __init__(self, root: str | Path) -> None:
        path = to_place(root)
        check_signs(path)
        if _MISREAD.search(str(path)):
            raise SetupError(
                "the path of the warehouse has signs that Delta reads as others",
                where=repr(str(path)),
                fix="a path without \\, line breaks and a % before two digits such as %20",
            )
        object.__setattr__(self, "root", path)

    @property
    def home(self) -> Path:
        """The folder of this machine for what is no table (``local_home``)."""
        return local_home(self.root)

    def table_path(self, name: str) -> Path:
        """The folder of the table ``layer.table``; NotFound when the name is not of that form. It need not exist."""
        layer, _, table = name.partition(".")
        if layer not in LAYERS or not table.isidentifier():
            raise NotFound(f"{name} is not a table name", fix=f"layer.table, layers: {', '.join(LAYERS)}")
        return self.root / layer / table

    def exists(self, name: str) -> bool:
        """Whether the table was created: a log with a commit, not only the folder of one that was killed."""
        return bool(self._look(name).versions)

    def tables(self) -> list[str]:
        """The names of all tables, sorted."""
        logs = [log for layer in LAYERS for log in self.root.glob(f"{layer}/*/{LOG}")]
        return sorted(name for log in logs if self.exists(name := f"{log.parts[-3]}.{log.parts[-2]}"))

    def open(self, name: str, *, version: int | None = None) -> DeltaTable:
        """The table at ``version``; NotFound, with the nearest names, when there is none.

        The default is the newest that readers may see: while a publication is open, the one before it.
        """
        if version is not None:
            return self._open(name, version)
        return self.at_one_moment(lambda: self._open_newest(name))

    def newest_version(self, name: str) -> int:
        """The version of the last commit to an existing table, whether readers may see it or not."""
        return max(list_log(self.table_path(name)).versions)

    def at_one_moment(self, look: Callable[[], Seen]) -> Seen:
        """What ``look`` returns, as of one moment: it looks again when a publication began or ended meanwhile.

        So whoever opens several tables inside sees a publication in all of them or in none. Inside another look it is
        of that one's moment, which asks whether it still holds.
        """
        if self._moment is not None:
            return look()
        while True:
            state = PublicationState.read(self.root)
            token = _MOMENT.set(_Moment(self.root, state))
            try:
                seen = look()
            finally:
                _MOMENT.reset(token)
            if PublicationState.read(self.root) == state:
                return seen

    @property
    def _moment(self) -> _Moment | None:
        """The moment of the look that this is inside of; None outside of any."""
        inside = _MOMENT.get()
        return inside if inside is not None and inside.root == self.root else None

    def _look(self, name: str) -> LogFiles:
        """The table's log: now, or as this moment has seen it."""
        inside = self._moment
        if inside is None:
            return list_log(self.table_path(name))
        if name not in inside.logs:
            inside.logs[name] = list_log(self.table_path(name))
        return inside.logs[name]

    def _open_newest(self, name: str) -> DeltaTable:
        inside = self._moment
        return self._open(name, inside.state.before.get(name) if inside else None)

    def _open(self, name: str, version: int | None) -> DeltaTable:
        log = self._look(name)
        if not log.versions:
            raise not_found(name, self.tables(), where=str(self.root))
        try:
            refuse_empty_entry(log, name)
            return open_listed(log, version)
        except TableNotFoundError:
            raise not_found(name, self.tables(), where=str(self.root)) from None
        except DeltaError:
            refuse_damaged_log(self.table_path(name) / LOG, name)
            entry = self.table_path(name) / LOG / f"{version or 0:020}.json"
            if version is None or (isinstance(self.root, RemotePath) and entry.is_file()):
                raise  # as far as anyone can tell, the store did not answer
            raise NotFound(
                f"{name} has no version {version} any more", where=str(self.root), fix="see its history"
            ) from None


def open_newest(path: Path) -> DeltaTable:
    """Deltalake's table at a path in its newest version, whether readers may see that or not."""
    return open_listed(list_log(path))


def not_found(name: str, known: list[str], *, where: str) -> NotFound:
    """The error for an unknown table, which suggests the nearest known names."""
    ends = {known_name.partition(".")[2]: known_name for known_name in known}
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    near += [
        ends[end] for end in difflib.get_close_matches(name.partition(".")[2] or name, list(ends), n=2, cutoff=0.6)
    ]
    told = ", ".join(dict.fromkeys(near))
    fix = f"did you mean {told}?" if told else f"known tables: {', '.join(known)}"
    if not known:
        fix = "known tables: none yet; is this the warehouse, and was a source loaded into it?"
    return NotFound(f"there is no table {name}", where=where, fix=fix)


def table_properties(contract: TableContract, *, retention_days: int = RETENTION_DAYS) -> dict[str, str]:
    """The properties every table is created with: no deletion vectors, and history kept for ``retention_days``.

    Bounds are kept for the columns that have them in every file: deltalake's dataset takes a gap for "no such row".
    The slices' locks are kept permanently, one small entry a slice. A retention for them
    (setTransactionRetentionDuration) would blind Spark to locks without a time stamp, and then it overwrites a slice
    that another run took first.
    """
    kept = f"interval {retention_days} days"
    return {
        "delta.enableDeletionVectors": "false",
        "delta.logRetentionDuration": kept,
        "delta.deletedFileRetentionDuration": kept,
        _STATS: ",".join(stats_columns(contract)),
    }


def ensure_table(warehouse: Warehouse, contract: TableContract, *, retention_days: int = RETENTION_DAYS) -> DeltaTable:
    """The table of the contract, created when it does not exist; no Spark.

    A nullable column that the contract has gained is added. Of a feature table, columns that the contract retires or
    renames stay and are marked so, and nulls that it allows are allowed. Any other difference between the table and its
    contract is a ContractError, and so is a table with features beyond reader 1 and writer 2.
    """
    return ensure_tables(warehouse, [contract], retention_days=retention_days)[contract.name]


def ensure_tables(
    warehouse: Warehouse, contracts: Sequence[TableContract], *, retention_days: int = RETENTION_DAYS
) -> dict[str, DeltaTable]:
    """``ensure_table`` for several tables, by name, of which those that exist are looked at as of one moment."""
    names = [contract.name for contract in contracts]
    held = warehouse.at_one_moment(lambda: {name: warehouse.open(name) for name in names if warehouse.exists(name)})
    found = {}
    for contract in {contract.name: contract for contract in contracts}.values():
        table = held.get(contract.name) or _create(warehouse, contract, retention_days)
        check_protocol(table, contract.name)
        found[contract.name] = _grow(table, warehouse, contract)
    return found


def _create(warehouse: Warehouse, contract: TableContract, retention_days: int) -> DeltaTable:
    # Of two writers that create it at once, both go on with the winner's table.
    with full_disk_is_setup_error(contract.name), suppress(CommitFailedError):
        create_table(
            warehouse.table_path(contract.name),
            schema=arrow_schema(contract.columns),
            mode="ignore",
            partition_by=list(contract.partition_by),
            description=contract.description or None,
            configuration=table_properties(contract, retention_days=retention_days),
        )
    return warehouse.open(contract.name)


def check_protocol(table: DeltaTable, name: str) -> None:
    """ContractError when the table uses features that the three engines do not all honour."""
    protocol = table.protocol()
    features = [*(protocol.reader_features or []), *(protocol.writer_features or [])]
    if protocol.min_reader_version > 1 or protocol.min_writer_version > 2 or features:
        told = (
            ", ".join(sorted(set(features)))
            or f"reader {protocol.min_reader_version}, writer {protocol.min_writer_version}"
        )
        raise ContractError(
            f"the table has Delta features that are not safe here: {told}", where=name, fix="recreate it"
        )


def _grow(table: DeltaTable, warehouse: Warehouse, contract: TableContract) -> DeltaTable:
    stored = stored_schema(table)
    wanted = grown_schema(stored, contract)
    if list(table.metadata().partition_columns) != list(contract.partition_by):
        raise ContractError(
            "the stored table is partitioned in another way",
            where=f"table {contract.name}",
            fix="rebuild the table, or give the contract's change a new table",
        )
    if is_same_schema(stored, wanted):
        return table
    kept, added = list(wanted)[: len(stored)], list(wanted)[len(stored) :]
    with delta_errors(contract.name, "another run changed the table at the same moment"), committing(table) as own:
        if is_same_schema(stored, pa.schema(kept)):
            own.alter.add_columns([Field.from_arrow(field) for field in added])
        else:
            _replace_schema(own, wanted, contract)
    return warehouse.open(contract.name)


def _replace_schema(table: DeltaTable, wanted: pa.Schema, contract: TableContract) -> None:
    """Give the table another schema in one commit that touches no row."""
    if any(field.nullable and not old.nullable for old, field in zip(stored_schema(table), wanted, strict=False)):
        # Old files have bounds of such a column and new ones do not, which hides rows (see ``stats_columns``) unless
        # the table says first that nobody is to look at them.
        table.alter.set_table_properties({_STATS: ",".join(stats_columns(contract))})
    if not contract.partition_by:
        raise ContractError(
            "a table without partitions cannot change so", where=f"table {contract.name}", fix="rebuild it"
        )
    # The schema is replaced by overwriting one partition, here one that cannot exist: no file is removed.
    table.create_write_transaction(
        actions=[],
        mode="overwrite",
        schema=Schema.from_arrow(wanted),
        partition_by=list(contract.partition_by),
        partition_filters=[(contract.partition_by[0], "=", "no such partition")],
    )


@contextmanager
def delta_errors(name: str, conflict: str) -> Iterator[None]:
    """Turn deltalake's errors into ours: a lost race is a ConflictError, a full disk a SetupError."""
    with full_disk_is_setup_error(name):
        try:
            yield
        except CommitFailedError:
            raise ConflictError(conflict, where=name, fix="run it again when the other run is over") from None
