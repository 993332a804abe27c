"""Many ids of rules as one short text, as decisions store them: ``APP001-024 VEL001 VEL003``.

Apart from ``rules``, which declares: what was asked on a date is read long after its rules are gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from string import digits


def pack_ids(ids: Iterable[str]) -> str:
    """The ids in order, each run of numbers that follow each other as its first id and last number; empty for none."""
    runs: list[tuple[str, str]] = []
    for name in sorted(set(ids)):
        first, last = runs[-1] if runs else ("", "")
        if last and _next(last) == name:
            runs[-1] = (first, name)
        else:
            runs.append((name, name))
    return " ".join(first if first == last else f"{first}-{last[len(_letters(last)) :]}" for first, last in runs)


def unpack_ids(text: str) -> frozenset[str]:
    """The ids of such a text."""
    return frozenset(name for run in text.split() for name in _run(run))


def _run(text: str) -> Iterator[str]:
    first, _, last = text.partition("-")
    yield first
    name = first
    while last and not name.endswith(last):
        name = _next(name)
        yield name


def _next(name: str) -> str:
    """The id with the next number, in as many digits."""
    letters = _letters(name)
    number = name[len(letters) :]
    return f"{letters}{int(number) + 1:0{len(number)}d}"


def _letters(name: str) -> str:
    return name.rstrip(digits)
