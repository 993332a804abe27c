"""Compares a stored table with its contract, which may have gained, renamed or retired columns since.

Delta renames and drops columns only with column mapping, which other readers lack. So a column that was renamed or
retired stays in the schema, and two entries in its field's metadata tell a reader that has no declarations:
``tallystick.replaced_by`` and ``tallystick.retired_on``. They are text, they change no protocol, and an engine that
does not know them ignores them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from tallystick.errors import ContractError
from tallystick.spec.retirements import find_retirement, gone_text, next_names
from tallystick.spec.tables import Column, Retirement, TableContract
from tallystick.tables.store.schemas import ARROW_TYPES, arrow_schema

RETIRED_ON = "tallystick.retired_on"
REPLACED_BY = "tallystick.replaced_by"
_MARKS = (RETIRED_ON, REPLACED_BY)

# Of many columns, so many are named in a message.
SHOWN_COLUMNS = 5


@dataclass(frozen=True, slots=True)
class Gone:
    """A stored column that nobody writes any more: since which business date, or what it was renamed to."""

    name: str
    retired_on: str = ""
    replaced_by: str = ""

    @property
    def text(self) -> str:
        """What its reader is told."""
        return gone_text(self.name, retired_on=self.retired_on, replaced_by=self.replaced_by)


def stored_schema(table: DeltaTable) -> pa.Schema:
    """The Arrow schema of the table, with the marks in its fields' metadata."""
    return pa.schema(table.schema().to_arrow())


def gone_columns(table: DeltaTable) -> dict[str, Gone]:
    """The columns of the table that are marked, by name. A column renamed twice leads to the last name."""
    marks = {field.name: _marks(field) for field in stored_schema(table)}
    last = next_names({name: held.get(REPLACED_BY, "") for name, held in marks.items()})
    return {name: Gone(name, held.get(RETIRED_ON, ""), last[name]) for name, held in marks.items() if held}


def grown_schema(stored: pa.Schema, contract: TableContract) -> pa.Schema:
    """The schema that the stored table gets: its own columns, then the new ones, each with its marks.

    ContractError where the two differ in more than new nullable columns, and in a feature table also more than nulls
    that are allowed now and columns that are declared as retired or renamed.
    """
    wanted = {field.name: field for field in arrow_schema(contract.columns)}
    held = {field.name: field for field in stored}
    both = [(field, wanted[name]) for name, field in held.items() if name in wanted]
    is_feature = contract.layer == "feature"
    added = [field for name, field in wanted.items() if name not in held]
    gone = [field for field in stored if field.name not in wanted]
    changed = [field.name for field, new in both if not _fits(field, new)]
    if not is_feature:
        changed += [field.name for field, new in both if field.nullable != new.nullable]
        changed += [field.name for field in gone]
    changed += [field.name for field in added if not field.nullable or field.name in contract.partition_by]
    if changed:
        raise ContractError(
            f"the stored table differs from its contract in {_listed(sorted(set(changed)))}",
            where=f"table {contract.name}",
            fix="rebuild the table, or give the contract's change a new table",
        )
    fields = [_grown(field, wanted.get(field.name), contract.retired) for field in stored]
    lost = [field.name for field in fields if field.name not in wanted and not _marks(field)]
    if lost:
        raise _undeclared(contract, lost)
    return pa.schema([*fields, *(_grown(field, field, contract.retired) for field in added)])


def _listed(names: list[str]) -> str:
    """The first few names, and how many more there are: of a training table hundreds can differ at once."""
    more = len(names) - SHOWN_COLUMNS
    return ", ".join(names[:SHOWN_COLUMNS]) + (f" and {more} more columns" if more > 0 else "")


def with_stored(contract: TableContract, table: DeltaTable) -> TableContract:
    """The contract with the columns that only the stored table has: rows that are written again keep their history."""
    own = {column.name for column in contract.columns}
    names = {kind: name for name, kind in ARROW_TYPES.items()}
    kept = [Column(name=f.name, type=names[f.type]) for f in stored_schema(table) if f.name not in own]
    return replace(contract, columns=(*contract.columns, *kept)) if kept else contract


def is_same_schema(one: pa.Schema, other: pa.Schema) -> bool:
    """Whether two schemas have the same fields, nullability and marks."""
    return [_facts(field) for field in one] == [_facts(field) for field in other]


def _undeclared(contract: TableContract, lost: list[str]) -> ContractError:
    group = contract.table
    few = lost if len(lost) <= 5 else [*lost[:5], f"{len(lost) - 5} more"]
    return ContractError(
        f"the stored table has features that are no longer declared: {', '.join(few)}",
        where=f"table {contract.name}",
        fix=f"in group {group} say retired={{'{lost[0]}': date(...)}}, the first business date without them, "
        "or replaces='...' in the measure that has their new name (one rename at a time: drop the one before)",
    )


def _fits(stored: pa.Field, wanted: pa.Field) -> bool:
    # A contract may begin to allow nulls. It may not begin to forbid them: stored rows may have some already.
    kind = pa.string() if pa.types.is_large_string(stored.type) or pa.types.is_string_view(stored.type) else stored.type
    return bool(kind == wanted.type and (wanted.nullable or not stored.nullable))


def _grown(field: pa.Field, wanted: pa.Field | None, retired: Iterable[Retirement]) -> pa.Field:
    # A declared column is retired by its own name: a pattern that is wider than its author thought cannot reach a key.
    named = [one for one in retired if one.pattern == field.name]
    found = next(iter(named), None) if wanted is not None else find_retirement(field.name, retired)
    kept = {key: value for key, value in _metadata(field).items() if key not in _MARKS}
    if found is not None:
        kept |= {RETIRED_ON: str(found.retired_on)} if found.retired_on else {}
        kept |= {REPLACED_BY: found.replaced_by} if found.replaced_by else {}
    elif wanted is None:
        # A mark outlives its declaration, which may be tidied away once it has done its work everywhere.
        kept = _metadata(field)
    is_nullable = field.nullable if wanted is None else wanted.nullable
    return field.with_nullable(is_nullable or field.nullable).with_metadata(kept or None)


def _metadata(field: pa.Field) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in (field.metadata or {}).items()}


def _marks(field: pa.Field) -> dict[str, str]:
    return {key: value for key, value in _metadata(field).items() if key in _MARKS}


def _facts(field: pa.Field) -> tuple[str, bool, Mapping[str, Any]]:
    return field.name, field.nullable, _metadata(field)
