"""Lets an error know which part of a declaration it is about.

Apart from the declarations, for an error may come from deep inside: the parser of an expression knows its text, and
only its caller knows the measure that the text belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tallystick.errors import DeclarationError


@contextmanager
def declaring(kind: str, name: str, *, is_last: bool = False) -> Iterator[None]:
    """Mark every DeclarationError from inside as one of the part ``name`` (a ``measure``, ``share`` or ``filter``).

    The innermost part counts. ``is_last`` says that the last of several parts of that name is meant.
    """
    try:
        yield
    except DeclarationError as error:
        if not error.part[1]:
            error.part, error.is_last = (kind, name), is_last
        raise
