"""What the parts of a feature group check alike as they are made: words, signs, versions, distinct names.

Kept apart from the parts because they are declared in several modules.
"""

from __future__ import annotations

from collections.abc import Iterable

from tallystick.errors import DeclarationError


def check_texts(where: str, **texts: str) -> None:
    """Refuse a text without a word, by its name."""
    for name, text in texts.items():
        if not text.strip():
            raise DeclarationError(f"{name} is empty", where=where, fix=f"say {name}=... in words")


def check_sign(where: str, sign: int) -> None:
    """Refuse an expected sign that is none of -1, 0, 1."""
    if sign not in (-1, 0, 1):
        raise DeclarationError(f"sign {sign} is not a sign", where=where, fix="+1 more risk, -1 less risk, 0 unknown")


def check_distinct(where: str, kind: str, names: Iterable[str]) -> None:
    """Refuse a name that stands twice; ``kind`` says what it names."""
    listed = list(names)
    for name in listed:
        if listed.count(name) > 1:
            raise DeclarationError(f"{kind} {name} is named twice", where=where)


def check_version(where: str, version: int) -> None:
    """Refuse a version below 1."""
    if version < 1:
        raise DeclarationError(f"version {version} is not a version", where=where, fix="1, 2, 3, ...")


def split_names(texts: str | tuple[str, ...]) -> tuple[str, ...]:
    """Names in a text separated by spaces, or in a tuple."""
    return tuple(texts.split()) if isinstance(texts, str) else tuple(texts)
