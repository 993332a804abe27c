"""Whether the fields of a declaration hold what their annotations say.

Python does not look: a text where a tuple is meant is a tuple of letters, and a label in place of its name fails far
from the file it stands in. So each declaration is checked as it is made, and the message names the field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from tallystick.errors import DeclarationError

_WORDS: Mapping[Any, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "True or False",
    date: "a date such as date(2026, 3, 1)",
    datetime: "an instant",
    NoneType: "None",
}


def check_types(declared: object, *, where: str) -> None:
    """DeclarationError for the first field of a frozen dataclass that holds a value of another type than its own.

    A whole number is a number, a truth value is neither, an instant is no date. A list may stand for a tuple; a text
    may not.
    """
    for name, hint in _hints(type(declared)).items():  # type: ignore[arg-type]  # mypy takes classes for unhashable
        value = getattr(declared, name)
        if not _fits(value, hint):
            raise DeclarationError(f"{name} is {_told(value)}", where=where, fix=_mend(name, value, hint))


@lru_cache(maxsize=256)
def _hints(kind: type) -> Mapping[str, Any]:
    hints = get_type_hints(kind)
    return {one.name: hints[one.name] for one in fields(kind)}


def _fits(value: Any, hint: Any) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is tuple:
        if not isinstance(value, (tuple, list)):
            return False
        if inner[-1] is Ellipsis:
            return all(_fits(item, inner[0]) for item in value)
        return len(value) == len(inner) and all(map(_fits, value, inner))
    if origin is not None:  # a mapping of texts
        return isinstance(value, Mapping) and all(_fits(k, inner[0]) and _fits(v, inner[1]) for k, v in value.items())
    if isinstance(value, bool) or hint is bool:
        return isinstance(value, bool) and hint is bool
    if isinstance(value, datetime):
        return hint is datetime
    return isinstance(value, (int, float) if hint is float else hint)


def _told(value: Any) -> str:
    """What a wrong value is, in words; of a collection what is in it."""
    if isinstance(value, Mapping):
        return _holding("dictionary", value.values())
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return _holding(type(value).__name__, value)
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if isinstance(value, bool):
        return str(value)
    return _WORDS.get(type(value), f"of type {type(value).__name__}").partition(" such")[0]


def _holding(name: str, items: Iterable[Any]) -> str:
    kinds = dict.fromkeys(_told(item) for item in items)
    return f"a {name} that holds {' and '.join(kinds) or 'nothing'}"


def _mend(name: str, value: Any, hint: Any) -> str:
    """What to write instead, as text where that is clear."""
    if isinstance(getattr(value, "name", None), str) and _fits("", hint) and not isinstance(value, type):
        return f"write its name: {name}={value.name!r}"
    if get_origin(hint) is tuple and _fits((value,), hint):
        inside = repr(value).removeprefix("datetime.") if isinstance(value, (str, date, int, float)) else "..."
        return f"write {name}=({inside},)"
    return f"give {_meant(hint)}"


def _meant(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(_meant(one) for one in inner)
    if origin is tuple:
        return f"a tuple, each {_meant(inner[0])}"
    if origin is not None:
        return f"a dictionary, each value {_meant(inner[1])}"
    return _WORDS.get(hint) or f"{hint.__name__}(...)"
