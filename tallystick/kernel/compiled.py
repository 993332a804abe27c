"""The compiled loops, loaded when the first one is needed.

Kept apart from ``loops`` because importing Numba takes seconds, which a declaration's check should not pay.
"""

from __future__ import annotations

from functools import lru_cache
from types import ModuleType


@lru_cache(maxsize=1)
def compiled() -> ModuleType:
    """The module ``loops``. Importing Numba takes longer than most commands that never compute."""
    from tallystick.kernel import loops

    return loops
