"""Which columns of a supplier's files name somebody, and which of them name the same kind of thing.

Apart from ``sources``, which says what files are: this is said of single columns, and holds wherever they are read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tallystick.errors import DeclarationError
from tallystick.spec.frozen import FrozenMap

# Said of an identifier that is stored as the supplier wrote it: a number of a group, of an employer.
AS_DELIVERED = "as_delivered"

# The environment's variable that holds the key; with _FILE behind it the one that names the key's file.
KEY_VARIABLE = "TALLYSTICK_PSEUDONYM_KEY"

# Hexadecimal digits of a pseudonym: 96 bits. Among a billion identifiers of one kind two share a pseudonym with a
# chance of 1 in 160,000 million.
DIGITS = 24

_NAMESPACE = re.compile(r"[a-z][a-z0-9_]{0,30}")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
_TEXT_TYPES = ("string", "int32", "int64")


@dataclass(frozen=True, kw_only=True, slots=True)
class PseudonymRules:
    """How a source's identifiers are hashed: the variable that holds the key, and how many letters of the identifiers
    of a namespace stay before the hash, because they say what kind of thing is named.
    """

    key: str = KEY_VARIABLE
    keep_first: Mapping[str, int] = field(default_factory=FrozenMap)

    def __post_init__(self) -> None:
        if not _VARIABLE.fullmatch(self.key):
            raise DeclarationError("key is no name of an environment variable", fix=f"such as {KEY_VARIABLE}")
        for namespace, letters in self.keep_first.items():
            if isinstance(letters, bool) or not isinstance(letters, int) or not 0 < letters <= 4:
                raise DeclarationError(f"keep_first of {namespace} is not a number from 1 to 4")


def check_identifiers(identifiers: Mapping[str, str], columns: Sequence[str], types: Mapping[str, str]) -> None:
    """DeclarationError for an identifier that is no column of text or whole numbers, or a name of no namespace."""
    for column, namespace in identifiers.items():
        if column not in columns:
            raise DeclarationError(f"identifier {column} is not among the columns")
        if not _NAMESPACE.fullmatch(namespace):
            fix = f"lower-case letters, digits and _, at most 31; {AS_DELIVERED} for one that is not hashed"
            raise DeclarationError(f"identifier {column} has no namespace's name", fix=fix)
        if types.get(column, "string") not in _TEXT_TYPES:
            raise DeclarationError(f"identifier {column} is neither text nor a whole number")
