"""A feature group turned into work: which rows, which edges, which reductions, which formulas.

A plan holds no parser: a worker that receives one needs no SQL library. ``prepare`` makes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tallystick.errors import ContractError
from tallystick.spec.expressions import Node, has_lags
from tallystick.spec.ops import Op
from tallystick.visibility import LOADED_ON

if TYPE_CHECKING:
    from tallystick.spec.bases import FeatureColumn
    from tallystick.spec.series import Series

# Ops whose result depends on the order of rows at one instant; entropy by the rounding of its sum.
ORDERED_OPS = ("first", "last", "last_k", "age_days", "entropy", "top_kept", "old_top_share")


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of windows: ``count`` minutes, days or months before as_of, ``calendar`` (the first instant of the month
    ``count`` months before that of as_of), ``now`` (as_of itself) or ``all`` (first row).

    ``whole`` moves the edge to a midnight inside the window: ``up`` for a far edge, ``down`` for a near one.
    """

    unit: str
    count: int = 0
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Reduction:
    """One op over one value for several windows, results in the slots from ``slot`` on.

    Window ``i`` holds the rows from edge ``lows[i]`` to before edge ``highs[i]`` of the plan. ``chains`` groups the
    windows that share their near edge and lie one in the other, inner first: each chain is reduced ring by ring.
    With ``each`` the op looks at the sums of the value for each of its values, with ``top`` at the rows that have the
    most frequent value of it. An op that compares looks at the rows
    from edge ``befores[i]`` to before edge ``lows[i]``, too. A
    shift looks at the days from that edge on which are among ``weekdays`` (none: all).
    """

    op: Op
    value: Node | None
    slot: int
    lows: tuple[int, ...]
    highs: tuple[int, ...]
    chains: tuple[tuple[int, ...], ...]
    each: Node | None = None
    befores: tuple[int, ...] = ()
    top: Node | None = None
    weekdays: tuple[int, ...] = ()

    @property
    def node(self) -> Node:
        """The value, of an op that takes one."""
        if self.value is None:
            raise TypeError(f"{self.op.token} takes no value")
        return self.value


@dataclass(frozen=True, slots=True)
class Family:
    """The reductions over one selection of rows: those where all ``conditions`` hold and, with ``by``, whose
    category is ``value`` (or none of ``values`` where ``value`` is empty).
    """

    conditions: tuple[Node, ...]
    by: str
    value: str
    values: tuple[str, ...]
    reductions: tuple[Reduction, ...]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every condition and value."""
        read = [node for made in self.reductions for node in (made.value, made.each, made.top)]
        return (*self.conditions, *(node for node in read if node is not None))


@dataclass(frozen=True, slots=True)
class Formula:
    """How an output column comes from slots. ``spans`` are the windows of a ratio, each with its unit and how many of
    it before as_of it ends and begins; ``series`` is that of months, with its expression ``node``.
    """

    kind: str
    slots: tuple[int, ...]
    spans: tuple[tuple[str, int, int], ...] = ()
    series: Series | None = None
    node: Node | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupPlan:
    """All that computing a group needs. Column names are those of the events table."""

    group: str
    table: str
    columns: tuple[FeatureColumn, ...]
    formulas: tuple[Formula, ...]
    families: tuple[Family, ...]
    edges: tuple[Edge, ...]
    slot_types: tuple[str, ...]
    entity: str
    event_at: str
    event_id: str
    known_on: str
    sequence: str
    inputs: tuple[str, ...]

    @property
    def is_ordered(self) -> bool:
        """Does the order of rows of one instant matter: to what picks rows, or to the rounding of doubles."""
        return self.has_lag or any(
            reduction.op.name in ORDERED_OPS
            or reduction.top is not None
            or (reduction.value is not None and reduction.value.type == "double")
            for family in self.families
            for reduction in family.reductions
        )

    @property
    def has_lag(self) -> bool:
        """Does any expression look at the row before."""
        return any(has_lags(node) for family in self.families for node in family.nodes)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features, in order."""
        return tuple(column.name for column in self.columns)


def required_columns(plan: GroupPlan, *, has_versions: bool = True) -> tuple[str, ...]:
    """The columns that ``compute_group`` reads from the events table, lookups' columns included.

    Where no event has a second version among the rows, load dates are not needed, and identifiers and sequences only by
    operations that tell rows of one instant apart.
    """
    technical = [plan.entity, plan.event_at, plan.known_on, "is_retracted"]
    if plan.is_ordered:
        technical.append(plan.sequence)
    if plan.is_ordered or has_versions:
        technical.append(plan.event_id)
    if has_versions:
        technical.append(LOADED_ON)
    return tuple(dict.fromkeys(name for name in (*technical, *plan.inputs) if name))


def check_columns(plan: GroupPlan, names: list[str], *, has_versions: bool = True) -> None:
    """ContractError when the events lack a column that the plan reads."""
    # Rows of one version each need no load date, even where nobody says beforehand that they are.
    needed = [name for name in required_columns(plan, has_versions=has_versions) if name != LOADED_ON]
    missing = [name for name in needed if name not in names]
    if missing:
        raise ContractError(f"events lack columns {missing}", where=f"group {plan.group}, table {plan.table}")
