"""Rules over rows that a test makes: planned without a project, answered beside an oracle."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from tallystick.rules.rule_answers import RuleRows
from tallystick.spec.expressions import columns_used, parse_condition
from tallystick.spec.rule_plans import PlannedRule
from tallystick.spec.rules import Rule

TYPES = {"a": "int64", "b": "int64", "x": "double", "is_new": "boolean", "kind": "string", "event_at": "timestamp"}
ARROW = {
    "a": pa.int64(), "b": pa.int64(), "x": pa.float64(), "is_new": pa.bool_(), "kind": pa.string(),
    "event_at": pa.timestamp("us", "UTC"),
}  # fmt: skip


def planned(name: str, when: str, *, tables: tuple[str, ...] = (), **more: Any) -> PlannedRule:
    """A rule over TYPES that needs these tables."""
    told = {"family": "velocity", "title": name, "observations": "visits", "severity": "low", "owner": "tests",
            "status": "live", "since": date(2026, 1, 1), "reason": "told"}  # fmt: skip
    rule = Rule(id=name, when=when, **(told | more))
    node = parse_condition(when, TYPES)
    return PlannedRule(rule=rule, node=node, columns=columns_used(node), tables=tables)


def observed(rows: list[dict[str, Any]], *, days: list[int] | None = None, **computed: list[bool]) -> RuleRows:
    """Observations of customers with these values; others are null."""
    size = len(rows)
    made: dict[str, Any] = {
        "observation_id": [f"o{n}" for n in range(size)],
        "customer_id": [f"village:{n}" for n in range(size)],
        "as_of": pa.array([n * 1_000_000 for n in range(size)], pa.timestamp("us", "UTC")),
        "period": ["1970"] * size,
    }
    made |= {name: pa.array([row.get(name) for row in rows], kind) for name, kind in ARROW.items()}
    held = {group: np.array(there) for group, there in computed.items()}
    return RuleRows(rows=pa.table(made), days=np.array(days or [0] * size, dtype=np.int64), computed=held)
