"""Lays rows of other tables among a group's own, as the kernel gets them.

Apart from ``lookups``, which give columns to rows that are there: this gives rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.kernel.row_values import evaluate_expression
from tallystick.spec.among import ROW_OF, Among, table_name
from tallystick.spec.among_checks import among_condition
from tallystick.spec.expressions import Node, columns_used
from tallystick.spec.tables import TableContract
from tallystick.visibility import LOADED_ON

if TYPE_CHECKING:
    from tallystick.kernel import GroupPlan

# Before the ids of these rows, and between such an id and its table: no event of the group or of another table has the
# same id then, and at one instant they stand first.
_FIRST = "\x01"
_FIRST_SEQUENCE = int(np.iinfo(np.int64).min)


@dataclass(frozen=True, kw_only=True, slots=True)
class AmongPlan:
    """Rows of another table with what that table says of them. It travels to the tasks."""

    table: str
    on: str
    event_id: str
    event_at: str
    known_on: str
    condition: Node | None

    @classmethod
    def of(cls, among: Among, contract: TableContract) -> AmongPlan:
        """The plan of declared rows."""
        return cls(
            table=among.table,
            on=contract.entity,
            event_id=contract.event_id,
            event_at=contract.event_at,
            known_on=contract.known_on,
            condition=among_condition(among, contract),
        )

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that are read of the table."""
        asked = columns_used(self.condition) if self.condition else ()
        return tuple(dict.fromkeys((*self.dated_by, LOADED_ON, "is_retracted", *asked)))

    @property
    def dated_by(self) -> tuple[str, ...]:
        """The columns that say whose a row is, and when it is seen."""
        return (self.on, self.event_id, self.event_at, self.known_on)


def lay_among(
    events: pa.Table, plans: Sequence[AmongPlan], rows: Mapping[str, pa.Table], *, plan: GroupPlan, zone: str
) -> pa.Table:
    """The events with the other tables' ``rows``, by table, below them; the kernel puts all in order.

    A version for which the condition does not hold counts as a retraction: were it left out, the version before it
    would be in force again.
    """
    own = _plain(events).append_column(ROW_OF, pa.repeat(table_name(plan.table), events.num_rows))
    return pa.concat_tables([own, *(_shaped(rows[one.table], one, own.schema, plan, zone) for one in plans)])


def _shaped(rows: pa.Table, one: AmongPlan, schema: pa.Schema, plan: GroupPlan, zone: str) -> pa.Table:
    """The rows in the columns of the events."""
    rows, count = _plain(rows), rows.num_rows
    gone = pc.fill_null(rows.column("is_retracted"), False)
    if one.condition is not None:
        holds = evaluate_expression(one.condition, rows.select(columns_used(one.condition)), zone=zone)
        gone = pc.or_(gone, pc.invert(pc.fill_null(holds, False)))
    held = {
        plan.entity: rows.column(one.on),
        plan.event_at: rows.column(one.event_at),
        plan.known_on: rows.column(one.known_on),
        plan.event_id: pc.binary_join_element_wise(
            _FIRST, rows.column(one.event_id).cast(pa.string()), _FIRST, one.table, ""
        ),
        LOADED_ON: rows.column(LOADED_ON),
        "is_retracted": gone,
        ROW_OF: pa.repeat(table_name(one.table), count),
    }
    if plan.sequence:
        held[plan.sequence] = pa.repeat(pa.scalar(_FIRST_SEQUENCE, pa.int64()), count)
    columns = [held[f.name].cast(f.type) if f.name in held else pa.nulls(count, f.type) for f in schema]
    return pa.table(columns, schema=pa.schema([field.with_nullable(True) for field in schema]))


def _plain(rows: pa.Table) -> pa.Table:
    """Texts as texts: the codes of two tables differ."""
    for number, field in enumerate(rows.schema):
        if pa.types.is_dictionary(field.type):
            rows = rows.set_column(number, field.name, rows.column(number).cast(field.type.value_type))
    return rows.cast(pa.schema([field.with_nullable(True) for field in rows.schema]))
