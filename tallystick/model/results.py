"""What a training leaves, as plain values: the model as text, its numbers, tables and plots, and its gates.

Kept apart from the work that makes them, so that the registry and the report can name these types without importing it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True, slots=True)
class GateResult:
    """One condition that a model must meet before it may become champion: whether it did, and the numbers."""

    name: str
    is_passed: bool
    detail: str = ""


def give_verdict(gates: Sequence[GateResult]) -> str:
    """``passed``, or ``failed: `` and the names of the gates that failed; no gate at all is a failure, too."""
    failed = [gate.name for gate in gates if not gate.is_passed] if gates else ["no gate was checked"]
    return f"failed: {', '.join(failed)}" if failed else "passed"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TrainingResult:
    """What one training leaves: the model as text, numbers, tables, plots, gates, and the rows it learned from.

    ``chosen`` names the algorithm that was chosen. ``rows`` has KEYS, label, part, pd_out_of_fold, pd_test and the
    features of every labelled row. ``example`` is input for the model's signature. ``artifacts`` are the model's own
    files by name.
    """

    chosen: str
    artifacts: dict[str, bytes]
    params: dict[str, str | int | float | bool]
    metrics: dict[str, float]
    tables: dict[str, pd.DataFrame]
    plots: dict[str, bytes]
    gates: tuple[GateResult, ...]
    rows: pd.DataFrame
    example: pd.DataFrame
    observation_hash: str
