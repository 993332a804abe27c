"""Where in a declaration file something stands, found by its syntax tree.

Kept apart from ``declared``, which runs the file: a value that was made knows its group's line at most, the text knows
all.

Names that a file computes are not found; the group's own line then stands for them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from tallystick.errors import DeclarationError


def place_in_file(place: str, name: str, *, words: Iterable[str] = ()) -> str:
    """``file:line`` of the declaration called ``name`` near ``place`` (a group's ``file:line``), else ``place``.

    Of several the one with most of ``words`` (its kind, operations, filters, what it is of) is meant.
    """
    path, line = split_place(place)
    if not line:
        return place
    wanted = set(words)
    found = [call for call in _calls(_scope(path, line)) if name in (_name(call), *_words(call))]
    found = [call for call in found if wanted & _words(call)]
    best = max(found, key=lambda call: len(wanted & _words(call)), default=None)
    return f"{path}:{best.lineno}" if best else place


def split_place(place: str) -> tuple[str, int]:
    """The file and line of ``file:line``; line 0 where it names none."""
    path, _, line = place.rpartition(":")
    return (path, int(line)) if line.isdigit() else (place, 0)


@contextmanager
def pointing(place: str) -> Iterator[None]:
    """Let a DeclarationError from inside name the line of what it is about (``point_at``)."""
    try:
        yield
    except DeclarationError as error:
        raise point_at(error, place) from error


def point_at(error: DeclarationError, place: str) -> DeclarationError:
    """The same error with the line of what it is about, where that can be found in the file.

    ``place`` is the ``file:line`` of the whole declaration, with which the error's ``where`` begins.
    """
    path, line = split_place(place)
    if not line or not error.where.startswith(place):
        return error
    found = _offending_line(_scope(path, line), error)
    return error if found is None else error.moved(f"{path}:{found}{error.where.removeprefix(place)}")


def _offending_line(scope: list[ast.AST], error: DeclarationError) -> int | None:
    kind, name = error.part
    places: list[ast.AST] = list(scope)
    if kind == "filter":
        places = list(_items(scope, name))
    elif kind:
        places = [call for call in _calls(scope) if _name(call) == name]
    if error.is_last:
        places.reverse()
    for text in error.texts:
        for place in places:
            line = _line_with(place, text)
            if line is not None:
                return line
    return getattr(places[0], "lineno", None) if places and kind else None


def _line_with(place: ast.AST, text: str) -> int | None:
    """The line of the first string below ``place`` that is ``text`` or has it as a word."""
    strings = [(n.lineno, n.value) for n in ast.walk(place) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    word = re.compile(rf"(?<!\w){re.escape(text)}(?!\w)")
    found = [line for line, value in strings if value == text] or [n for n, value in strings if word.search(str(value))]
    return min(found, default=None)


def _scope(path: str, line: int) -> list[ast.AST]:
    """The module-level statement that holds ``line``; the whole file where none does."""
    body = _module(path).body
    held = [node for node in body if node.lineno <= line <= (node.end_lineno or node.lineno)]
    return [*held] or [*body]


@lru_cache(maxsize=64)
def _module(path: str) -> ast.Module:
    try:
        return ast.parse(Path(path).read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return ast.Module(body=[], type_ignores=[])


def _calls(scope: list[ast.AST]) -> Iterator[ast.Call]:
    yield from (node for place in scope for node in ast.walk(place) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    """The literal ``name=`` of a call, if it has one."""
    names = [keyword.value for keyword in call.keywords if keyword.arg == "name"]
    return next((str(value.value) for value in names if isinstance(value, ast.Constant)), "")


def _items(scope: list[ast.AST], key: str) -> Iterator[ast.AST]:
    """The values of dictionary items with that key."""
    for node in (node for place in scope for node in ast.walk(place)):
        if isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            yield from (v for k, v in pairs if isinstance(k, ast.Constant) and k.value == key)


def _words(call: ast.Call) -> set[str]:
    """The kind of a declaration in lower case, and the words of what it is made of."""
    kind = call.func.id.lower() if isinstance(call.func, ast.Name) else ""
    told = [keyword.value for keyword in call.keywords if keyword.arg in ("ops", "of", "filters", "by")]
    texts = [node.value for value in told for node in ast.walk(value) if isinstance(node, ast.Constant)]
    return {kind, *(word for text in texts if isinstance(text, str) for word in text.split())}
