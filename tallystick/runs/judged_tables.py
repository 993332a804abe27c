"""Which tables a validation need not look at again: what they show of the source was judged before.

Apart from ``validate_tables``, which only asks. A commit that changes no row of the source (compaction, a load of
another source) makes a new version of a table, and no new rows to judge.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from tallystick.quality import Stored, owned_rows, read_judged
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import VALIDATIONS, PinnedTables
from tallystick.tables.store.changes import ChangeLog
from tallystick.tables.store.queries import read_arrow
from tallystick.tables.store.snapshots import Pinned


def find_judged(context: RunContext, pinned: PinnedTables, keys: Mapping[str, str]) -> dict[str, Stored]:
    """The stored judgements that hold for the pinned rows, by table. ``keys`` say what else a judgement depends on."""
    if not context.warehouse.exists(VALIDATIONS):
        return {}
    rows = read_arrow(context.warehouse, VALIDATIONS, filter=context.is_ours)
    changes = ChangeLog(context.warehouse, context.source.name)
    return {
        name: stored
        for name, stored in read_judged(rows, tables=keys).items()
        if stored.judged.key == keys[name] and _is_unchanged(context, changes, pinned.tables[name], stored)
    }


def _is_unchanged(context: RunContext, changes: ChangeLog, pinned: Pinned, stored: Stored) -> bool:
    """Whether the pinned version shows the rows that were judged; when the log no longer tells, it may not."""
    version = stored.judged.table_version
    if version == pinned.version:
        return True
    # The log is read for one source; what all share is another table with each version.
    return (
        bool(owned_rows(context.contracts[pinned.name], context.source)) and changes.since(pinned.name, version) == ()
    )


def last_hidden(pinned: Pinned, *, since: date) -> date:
    """A date, ``since`` or earlier, on which the same versions of the pinned rows are hidden as on ``since``.

    A version is hidden from the ``known_on`` of a correction on. So once every row is known no later date hides more,
    and a table without new rows is the same each night.
    """
    known = [file.bounds["known_on"][1] for file in pinned.files if "known_on" in file.bounds]
    is_told = known and len(known) == len(pinned.files)
    return min(since, max(known)) if is_told else since
