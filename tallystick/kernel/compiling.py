"""How this package compiles loops with Numba: types of arrays, and decorators that keep what they compile.

Apart from the loops themselves, so that every module of loops is compiled and kept in the same way.

Compiled code is kept beside the source, else in the user's cache (or where ``NUMBA_CACHE_DIR`` says): only the first
process on a kind of machine compiles it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def array_type(kind: Any, dimensions: int = 1, *, is_written: bool = False) -> Any:
    """The type of an array without gaps. Whatever is only read may also be an array that nobody may write to."""
    return numba.types.Array(kind, dimensions, "C", readonly=not is_written)


def compiler_for(source: str) -> Callable[..., Callable[[F], F]]:
    """The decorator for the functions of one source file, ``__file__`` of the caller.

    ``@compiled(signature, ..., gives=type)`` compiles at once for arguments of these types; a signature is a tuple of
    types. Without ``gives`` the function returns nothing.
    """
    # Numba writes down which source it compiled before it writes what came out: cut short between the two, old code
    # would pass for new. So each source has a folder of its own.
    path = Path(source)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    cache = str(path.parent / "__pycache__" / f"{path.stem}-{digest}")

    def compiled(*signatures: tuple[Any, ...], gives: Any = numba.void) -> Callable[[F], F]:
        wanted = [gives(*signature) for signature in signatures]

        def compile_it(function: F) -> F:
            before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, numba.config.CACHE_DIR or cache
            try:
                return cast("F", numba.njit(wanted, cache=True)(function))
            except (RuntimeError, OSError):  # compiled code can be kept nowhere: each process compiles its own
                return cast("F", numba.njit(wanted)(function))
            finally:
                numba.config.CACHE_DIR = before

        return compile_it

    return compiled


def part(function: F) -> F:
    """A part of a compiled function of the same file."""
    return cast("F", numba.njit(function))
