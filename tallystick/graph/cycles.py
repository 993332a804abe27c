"""Cycles of payments in the order of time: money that comes back to who sent it, each payment after the one before.

Apart from the rows of neighbours, which keep one tie for many payments and so lose their order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tallystick.errors import ContractError
from tallystick.graph.csr import Array, Bools, as_ids, check_nodes


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Payments:
    """Payments as columns: ``source`` and ``target`` int32, ``at`` int64, microseconds since 1970-01-01 UTC."""

    source: Array
    target: Array
    at: Array


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cycles:
    """Of each node the payments of the shortest cycle that it is on (``length``, int8, 0: on none), when the last cycle
    found closed (``last_at``, int64 microseconds, 0 without one), and whether a search that began here was stopped
    before its end (``is_cut``): then longer, later or any cycles from here may be missing.
    """

    length: npt.NDArray[np.int8]
    last_at: npt.NDArray[np.int64]
    is_cut: Bools


def find_cycles(
    payments: Payments, *, nodes: int, longest: int, span: int, shortest: int = 2, most_steps: int = 10_000
) -> Cycles:
    """Cycles of ``shortest`` to ``longest`` payments through different nodes, each payment strictly later than the one
    before, the last at most ``span`` microseconds after the first (simple temporal cycles, Kumar and Calders 2018).

    A search begins at each payment and looks at no more than ``most_steps`` others, so the work is bounded; results are
    exact where no search was cut. Payments to oneself are left out. The order of payments does not matter.
    """
    from tallystick.graph import cycle_loops

    if not 2 <= shortest <= longest <= 100 or span < 1 or most_steps < 1:
        raise ContractError(
            "a cycle has 2 to 100 payments, and its span and the steps of a search are at least 1", where="find_cycles"
        )
    source, target, at = _checked(payments, nodes)
    order = np.lexsort((target, at, source))
    starts = np.zeros(nodes + 1, dtype=np.int64)
    np.cumsum(np.bincount(source, minlength=nodes), out=starts[1:])
    last_in = np.full(nodes, np.iinfo(np.int64).min)
    np.maximum.at(last_in, target, at)
    made = Cycles(
        length=np.zeros(nodes, dtype=np.int8),
        last_at=np.zeros(nodes, dtype=np.int64),
        is_cut=np.zeros(nodes, dtype=np.bool_),
    )
    limits = np.array([shortest, longest, span, most_steps], dtype=np.int64)
    found = (made.length, made.last_at, made.is_cut)
    cycle_loops.walk_cycles((starts, target[order], at[order]), last_in, limits, found)
    return made


def _checked(payments: Payments, nodes: int) -> tuple[Array, Array, Array]:
    source = as_ids(payments.source, where="source")
    target = as_ids(payments.target, where="target", size=len(source))
    at = np.ascontiguousarray(payments.at, dtype=np.int64)
    if at.shape != source.shape:
        raise ContractError("one moment for each payment is needed", where="at")
    check_nodes(source, nodes=nodes, where="source")
    check_nodes(target, nodes=nodes, where="target")
    is_kept = source != target
    return source[is_kept], target[is_kept], at[is_kept]
