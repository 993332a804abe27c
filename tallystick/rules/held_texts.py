"""Which rules were held for an observation, and why, as one text.

Apart from the answers because most observations share a few patterns: texts are made once a pattern, not once a row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tallystick.kernel.nullable import Array, Bools, Ints
from tallystick.rules.rule_answers import (
    HELD,
    HELD_MISSING,
    HELD_NOT_COMPUTED,
    HELD_UNKNOWN,
    RuleAnswers,
    RuleRows,
    null_columns,
)
from tallystick.rules.table_arrivals import MISSING, STALE, Arrivals

if TYPE_CHECKING:
    from tallystick.spec.rule_plans import PlannedRule


def held_texts(
    answers: RuleAnswers, observed: RuleRows, *, groups: Mapping[str, tuple[str, ...]], arrivals: Arrivals
) -> pa.Array:
    """One JSON object per observation, from a rule's id to why it is held; null where no rule is.

    ``missing clean.x``, ``stale clean.x``, ``not_computed <group>``, or ``unknown`` with the columns that are null.
    """
    size = observed.rows.num_rows
    held = np.flatnonzero((answers.codes >= HELD).any(axis=0))
    if not held.size:
        return pa.nulls(size, pa.string())
    rows = RuleRows(
        rows=observed.rows.take(pa.array(held)),
        days=observed.days[held],
        computed={group: mask[held] for group, mask in observed.computed.items()},
    )
    words: list[list[str]] = []
    patterns = np.zeros((held.size, len(answers.rules)), dtype=np.uint16)
    for number, planned in enumerate(answers.rules):
        why = _Why(planned, answers.codes[number][held])
        patterns[:, number], told = why.read(rows, groups=groups, arrivals=arrivals)
        words.append(told)
    width = patterns.shape[1] * patterns.itemsize
    packed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(width), held.size, [None, pa.py_buffer(patterns.tobytes())])
    coded = packed.dictionary_encode()
    texts = [_text(np.frombuffer(pattern, dtype=np.uint16), answers, words) for pattern in coded.dictionary.to_pylist()]
    places: Ints = np.full(size, -1, dtype=np.int64)
    places[held] = coded.indices.to_numpy()
    return pa.array(texts, pa.string()).take(pa.array(places, mask=places < 0))


def _text(pattern: Ints, answers: RuleAnswers, words: list[list[str]]) -> str:
    told = {answers.rules[n].rule.id: words[n][code] for n, code in enumerate(pattern) if code}
    return json.dumps(told, separators=(",", ":"))


class _Why:
    """Numbers for the reasons why one rule is held, and the words behind the numbers; 0 stands for not held."""

    def __init__(self, planned: PlannedRule, codes: Ints) -> None:
        self.planned, self.codes = planned, codes
        self.words = [""]
        self.numbers = np.zeros(codes.size, dtype=np.uint16)

    def read(
        self, rows: RuleRows, *, groups: Mapping[str, tuple[str, ...]], arrivals: Arrivals
    ) -> tuple[Array, list[str]]:
        """Each row's number, and the words."""
        if (self.codes >= HELD).any():
            self._groups(rows, groups)
            self._tables(rows, arrivals)
            self._nulls(rows)
        return self.numbers, self.words

    def _tell(self, where: Bools, text: str) -> None:
        where = where & (self.numbers == 0)
        if where.any():
            self.words.append(text)
            self.numbers[where] = len(self.words) - 1

    def _groups(self, rows: RuleRows, groups: Mapping[str, tuple[str, ...]]) -> None:
        is_held = self.codes == HELD_NOT_COMPUTED
        for group, columns in groups.items():
            if group in rows.computed and not set(columns).isdisjoint(self.planned.columns):
                self._tell(is_held & ~rows.computed[group], f"not_computed {group}")

    def _tables(self, rows: RuleRows, arrivals: Arrivals) -> None:
        for code, word in ((MISSING, "missing"), (STALE, "stale")):
            for table in self.planned.tables:
                lacking = arrivals.lacking(table, rows.days, max_age=self.planned.rule.max_age(table))
                is_held = (self.codes > HELD_UNKNOWN) & (self.codes <= HELD_MISSING)
                self._tell(is_held & (lacking == code), f"{word} {table}")

    def _nulls(self, rows: RuleRows) -> None:
        is_held = self.codes == HELD_UNKNOWN
        found = null_columns(self.planned, rows.rows)
        combined = np.zeros(self.codes.size, dtype=np.int64)
        for place, (_, is_null) in enumerate(found):
            combined |= is_null.astype(np.int64) << place
        for pattern in np.unique(combined[is_held]):
            names = [name for place, (name, _) in enumerate(found) if pattern >> place & 1]
            self._tell(is_held & (combined == pattern), " ".join(["unknown", *names]))
