"""The rows that answers become: one per hit, and one per decision.

Apart from the stage, which decides where rows go, and from the answers, which know no table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.rules.held_texts import held_texts
from tallystick.rules.rule_answers import HELD, HIT, NOT_IN_FORCE, RuleAnswers, RuleRows
from tallystick.rules.table_arrivals import Arrivals
from tallystick.rules.weights import RuleWeights
from tallystick.spec.rule_ids import pack_ids
from tallystick.spec.rules import LIVE, SEVERITIES, SHADOW

if TYPE_CHECKING:
    from tallystick.spec.rule_plans import PlannedRule

_KEYS = ("observation_id", "customer_id", "as_of", "period")
_WORDS = ("rule_id", "family", "severity", "status", "reason", "hit_values")


def flag_rows(answers: RuleAnswers, observed: RuleRows) -> pa.Table:
    """One row per hit of a rule, with the values that made it as a JSON object; rule by rule."""
    parts = []
    for planned, codes in zip(answers.rules, answers.codes, strict=True):
        places = np.flatnonzero(codes == HIT)
        if places.size:
            parts.append(_flags_of(planned, places, observed))
    return pa.concat_tables(parts) if parts else _no_flags(observed.rows)


def decision_rows(
    answers: RuleAnswers,
    observed: RuleRows,
    *,
    groups: Mapping[str, tuple[str, ...]],
    arrivals: Arrivals,
    weights: RuleWeights | None,
) -> pa.Table:
    """One row per observation: how many rules in force were asked, hit it and were held, and its fraud score."""
    rows, size = observed.rows, observed.rows.num_rows
    made: dict[str, Any] = {name: rows[name] for name in _KEYS}
    made["decided_on"] = _dates(observed.days)
    for status in (LIVE, SHADOW):
        codes = answers.codes[[planned.rule.status == status for planned in answers.rules]]
        made[f"{status}_rules"] = pa.array((codes != NOT_IN_FORCE).sum(axis=0), pa.int32())
        made[f"{status}_hits"] = pa.array((codes == HIT).sum(axis=0), pa.int32())
        made[f"{status}_held"] = pa.array((codes >= HELD).sum(axis=0), pa.int32())
    made["asked_rules"] = _asked(answers, observed.days)
    made["severity"] = _highest(answers)
    made["held_rules"] = held_texts(answers, observed, groups=groups, arrivals=arrivals)
    if weights is None:
        made["fraud_score"], made["weights_on"] = pa.nulls(size, pa.float64()), pa.nulls(size, pa.date32())
    else:
        made["fraud_score"] = pa.array(weights.scores(answers), pa.float64())
        made["weights_on"] = pa.repeat(pa.scalar(weights.fitted_on, pa.date32()), size)
    return pa.table(made)


def hit_values(planned: PlannedRule, rows: pa.Table) -> pa.Array:
    """The values of a rule's columns in each row, as JSON objects."""
    found = rows.select(list(planned.columns))
    if all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in found.schema.types):
        return _number_texts(found)
    finite = pa.table([_finite(column) for column in found.columns], names=found.column_names)
    rest = finite.to_pylist()
    texts = [json.dumps(values, default=str, separators=(",", ":"), ensure_ascii=False) for values in rest]
    return pa.array(texts, pa.string())


def _finite(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column with null for what JSON has no number for."""
    if not pa.types.is_floating(column.type):
        return column
    return pc.if_else(pc.is_finite(column), column, pa.scalar(None, column.type))


def _number_texts(rows: pa.Table) -> pa.Array:
    """The same for numbers alone, column by column: most rules read nothing else, and hits may be many."""
    parts: list[Any] = []
    for place, name in enumerate(rows.column_names):
        parts.append(f'{"," if place else "{"}"{name}":')
        parts.append(pc.fill_null(_finite(rows[name]).cast(pa.string()), "null"))
    return pc.binary_join_element_wise(*parts, "}", "").combine_chunks()


def _flags_of(planned: PlannedRule, places: npt.NDArray[np.int64], observed: RuleRows) -> pa.Table:
    rule, rows = planned.rule, observed.rows.take(pa.array(places))
    words = (rule.id, rule.family, rule.severity, rule.status, rule.reason or None)
    made: dict[str, Any] = {name: rows[name] for name in _KEYS}
    made["decided_on"] = _dates(observed.days[places])
    made |= {name: pa.array([word] * rows.num_rows, pa.string()) for name, word in zip(_WORDS[:-1], words, strict=True)}
    return pa.table(made | {_WORDS[-1]: hit_values(planned, rows)})


def _no_flags(rows: pa.Table) -> pa.Table:
    fields = [*(rows.schema.field(name) for name in _KEYS), pa.field("decided_on", pa.date32())]
    return pa.schema([*fields, *(pa.field(name, pa.string()) for name in _WORDS)]).empty_table()


def _highest(answers: RuleAnswers) -> pa.Array:
    """The highest severity among each observation's live hits; null where it has none."""
    highest = np.full(answers.codes.shape[1], -1, dtype=np.int64)
    for planned, codes in zip(answers.rules, answers.codes, strict=True):
        if planned.rule.status == LIVE:
            rank = SEVERITIES.index(planned.rule.severity)
            np.maximum(highest, np.where(codes == HIT, rank, -1), out=highest)
    return pa.array(SEVERITIES, pa.string()).take(pa.array(highest, mask=highest < 0))


def _asked(answers: RuleAnswers, days: npt.NDArray[np.int64]) -> pa.Array:
    """The ids of the rules that were in force about each observation: the same for all of one date."""
    _, first, places = np.unique(days, return_index=True, return_inverse=True)
    in_force = answers.codes[:, first] != NOT_IN_FORCE
    ids = np.array([planned.rule.id for planned in answers.rules], dtype=object)
    texts = [pack_ids(ids[of_day]) for of_day in in_force.T]
    return pa.array(texts, pa.string()).take(pa.array(places))


def _dates(days: npt.NDArray[np.int64]) -> pa.Array:
    return pa.array(days.astype(np.int32)).cast(pa.date32())
