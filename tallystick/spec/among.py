"""Rows of other tables that stand among a group's own, so that LAG sees what happened between two tables' rows.

Apart from ``features`` because a group without such rows needs none of it.
"""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.spec.field_types import check_types

# The column that says which table a row is of: its name without the layer.
ROW_OF = "row_of"


@dataclass(frozen=True, kw_only=True, slots=True)
class Among:
    """The customer's rows of ``table`` for which ``where`` holds stand among the group's rows, in the order of time.

    Only LAG and LAST_VALUE see them: no measure counts them. Their columns are null but ``event_at`` and ``row_of``,
    the name of a row's table without its layer, which the group's own rows have, too. At one instant they stand before
    the group's rows. ``where`` is SQL over columns of ``table``; null does not hold. The version in force decides.
    """

    table: str
    where: str = ""

    def __post_init__(self) -> None:
        check_types(self, where=f"rows of {self.table} among others")

    @property
    def name(self) -> str:
        """What ``row_of`` holds in these rows."""
        return table_name(self.table)


def table_name(table: str) -> str:
    """A table's name without its layer."""
    return table.rpartition(".")[2]
