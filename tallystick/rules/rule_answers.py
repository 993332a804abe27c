"""All rules of a set over the rows of its observations: one pass, whatever the number of rules.

The conditions are evaluated by the kernel's NumPy, in pieces that fit a core's cache. Every column of a piece becomes a
vector once, and a part that several rules share is computed once. Apart from the stage because it is arithmetic over
rows that are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.kernel.evaluate import Frame
from tallystick.kernel.nullable import Bools, Ints, Vector, both_valid, vector_of
from tallystick.kernel.zones import Zone, zone_offsets
from tallystick.rules.table_arrivals import MISSING, STALE, Arrivals, Codes
from tallystick.spec.expressions import Call, Node

if TYPE_CHECKING:
    from tallystick.spec.rule_plans import PlannedRule

# The answers of a rule. HELD or more is held, and the code says why. A rule that was NOT_IN_FORCE has no answer.
NOT_IN_FORCE, CLEAR, HIT, HELD = -1, 0, 1, 2
HELD_UNKNOWN, HELD_STALE, HELD_MISSING, HELD_NOT_COMPUTED = 2, 3, 4, 5

# Rows worked on at once: a column of them fits a core's cache many times over.
PIECE_ROWS = 32_768


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RuleRows:
    """Observations with all columns that rules read.

    ``days`` are the dates of their decisions, as days since 1970-01-01. ``computed`` says for each feature group which
    of them it was computed for from all rows that count; a group that is not named was computed so for all.
    """

    rows: pa.Table
    days: Ints
    computed: Mapping[str, Bools]


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class RuleAnswers:
    """``codes`` has a line per rule and a column per observation: CLEAR, HIT, one of the HELD codes, NOT_IN_FORCE."""

    rules: tuple[PlannedRule, ...]
    codes: Codes

    def __getitem__(self, rule: str) -> Codes:
        """The answers of the rule with that id."""
        return self.codes[[one.rule.id for one in self.rules].index(rule)]


def answer_rules(
    rules: Sequence[PlannedRule],
    observed: RuleRows,
    *,
    groups: Mapping[str, tuple[str, ...]],
    arrivals: Arrivals,
    zone: str,
) -> RuleAnswers:
    """Every rule's answer for every observation.

    A rule is held where a feature group that it reads was not computed, where a table that it needs is missing or too
    old, and where its condition is null; of several reasons the first of these counts. ``groups`` has the columns of
    each group that rules read.
    """
    codes = _evaluate(rules, observed.rows, zone_offsets(zone))
    lacking: dict[tuple[str, int], Codes] = {}
    for number, planned in enumerate(rules):
        for table in planned.tables:
            key = (table, planned.rule.max_age(table))
            if key not in lacking:
                lacking[key] = arrivals.lacking(table, observed.days, max_age=key[1])
            _hold(codes[number], lacking[key] == STALE, HELD_STALE)
            _hold(codes[number], lacking[key] == MISSING, HELD_MISSING)
        for group, columns in groups.items():
            if group in observed.computed and not set(columns).isdisjoint(planned.columns):
                _hold(codes[number], ~observed.computed[group], HELD_NOT_COMPUTED)
    return RuleAnswers(rules=tuple(rules), codes=codes)


def _hold(codes: Codes, where: Bools, why: int) -> None:
    codes[where & (codes < why)] = why


class _NumbersOnly(Frame):
    """A frame in which a double that is not a number is null: else a comparison with it would be clear."""

    __slots__ = ()

    def _evaluate(self, node: Node) -> Vector:
        made = super()._evaluate(node)
        if node.type != "double":
            return made
        is_number = ~np.isnan(made.values)
        return made if is_number.all() else Vector(made.values, both_valid(made.valid, is_number))


def _evaluate(rules: Sequence[PlannedRule], rows: pa.Table, zone: Zone) -> Codes:
    """CLEAR, HIT or HELD_UNKNOWN of every rule for every row; a rule is unknown where a part of it is no number."""
    nodes = _shared([planned.node for planned in rules])
    names = sorted({name for planned in rules for name in planned.columns})
    codes = np.full((len(rules), rows.num_rows), CLEAR, dtype=np.int8)
    columns = {name: rows.column(name) for name in names}
    for start in range(0, rows.num_rows, PIECE_ROWS):
        size = min(PIECE_ROWS, rows.num_rows - start)
        frame = _NumbersOnly({name: vector_of(columns[name].slice(start, size), name) for name in names}, size, zone)
        # Amounts may be infinite and overflow as doubles; what is then not a number is null.
        with np.errstate(over="ignore", invalid="ignore"):
            for number, node in enumerate(nodes):
                made = frame.evaluate(node).spread(size)
                line = codes[number, start : start + size]
                line[made.is_true()] = HIT
                if made.valid is not None:
                    line[~made.valid] = HELD_UNKNOWN
    return codes


def null_columns(planned: PlannedRule, rows: pa.Table) -> list[tuple[str, Bools]]:
    """The columns of a rule that are null in some of the rows, and in which."""
    found = []
    for name in planned.columns:
        is_null = np.asarray(pc.is_null(rows.column(name), nan_is_null=True).to_numpy())
        if is_null.any():
            found.append((name, is_null))
    return found


def _shared(nodes: Sequence[Node]) -> list[Node]:
    """The same conditions with one object for each different part, so that a frame computes each part once."""
    known: dict[Node, Node] = {}

    def share(node: Node) -> Node:
        if isinstance(node, Call):
            node = Call(node.op, tuple(share(arg) for arg in node.args), node.type)
        return known.setdefault(node, node)

    return [share(node) for node in nodes]
