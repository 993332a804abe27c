"""The weights of rules as they are stored: the rows that a fit becomes, and the weights as tasks take them.

Apart from the run that fits, because the run that answers rules reads them, too.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa

from tallystick.rules.weights import RuleWeights
from tallystick.tables.store.queries import read_arrow
from tallystick.tables.store.schemas import arrow_schema

if TYPE_CHECKING:
    from tallystick.runs.context import RunContext

WEIGHTS = "training.rule_weights"


def weight_rows(context: RunContext, fitted: pa.Table, *, observations: str, fitted_on: date) -> pa.Table:
    """What was fitted as rows of the table."""
    size = fitted.num_rows
    place = {
        "fitted_on": pa.repeat(pa.scalar(fitted_on, pa.date32()), size),
        "run_id": pa.repeat(context.run_id, size),
        "source": pa.repeat(context.source.name, size),
        "observations": pa.repeat(observations, size),
    }
    schema = arrow_schema(context.contracts[WEIGHTS].columns)
    columns = {name: fitted[name] for name in fitted.column_names} | place
    return pa.table({name: columns[name] for name in schema.names}).cast(schema)


def read_weights(context: RunContext, observations: str) -> RuleWeights | None:
    """The weights of a set's rules as they stand; None where none were fitted."""
    if not context.warehouse.exists(WEIGHTS):
        return None
    rows = read_arrow(context.warehouse, WEIGHTS, filter=context.is_ours).to_pylist()
    own = [row for row in rows if row["observations"] == observations]
    if not own:
        return None
    return RuleWeights(
        fitted_on=own[0]["fitted_on"],
        base=own[0]["base"],
        weights={row["rule_id"]: row["weight"] for row in own},
        conditions={row["rule_id"]: row["condition"] for row in own},
    )
