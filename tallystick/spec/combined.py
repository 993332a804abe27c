"""Features that are SQL over other features of the same observation, of one group or of several.

Kept apart from ``features`` because nothing here looks at a row: what happened, and when it was known, is settled by
the features that are combined.
"""

from __future__ import annotations

from dataclasses import dataclass

from tallystick.spec.field_types import check_types
from tallystick.spec.names import check_name
from tallystick.spec.part_checks import check_sign, check_texts, check_version
from tallystick.spec.parts import declaring


@dataclass(frozen=True, kw_only=True, slots=True)
class Combined:
    """One column: ``value``, SQL over features by their full names. It is called ``<group>_<name>``.

    ``value`` may name every feature of the group, of the groups ``beside`` it, and every combined one declared before.
    It is computed observation by observation: null follows SQL's rules, a condition becomes 1 or 0. What is retired
    cannot be named. ``description`` is required, because no word of it can be made from the expression. ``sign`` and
    ``version`` are as in a measure; it is kept as closely as the strictest feature that it reads, and ``pii`` may only
    raise that.
    """

    name: str
    value: str
    description: str
    reason: str = ""
    sign: int = 0
    pii: str = ""
    version: int = 1

    def __post_init__(self) -> None:
        with declaring("combined", self.name):
            where = f"combined {self.name}"
            check_types(self, where=where)
            check_name("combined", self.name)
            check_texts(where, value=self.value, description=self.description, reason=self.reason)
            check_sign(where, self.sign)
            check_version(where, self.version)
