"""Collects what is wrong while a file is read, so that its author sees everything at once.

Kept apart from the readers because each of them is used in two ways: a check lists all problems, a run stops at the
first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tallystick.errors import DeclarationError, TallystickError
from tallystick.spec.sources import Problem


class Problems(list[Problem]):
    """Problems in the order in which they were found, each once."""

    def tell(self, what: str, *, where: str, fix: str = "") -> None:
        """Add a problem, unless it was told before."""
        problem = Problem(where=where, what=what, fix=fix)
        if problem not in self:
            self.append(problem)

    @contextmanager
    def collecting(self, *, where: str = "") -> Iterator[None]:
        """Turn a DeclarationError from inside into a problem; ``where`` is its place if it names none itself."""
        try:
            yield
        except DeclarationError as error:
            self.tell(error.what, where=error.where or where, fix=error.fix)

    def raise_first(self) -> None:
        """DeclarationError with the first problem; nothing when there is none."""
        if self:
            raise DeclarationError(self[0].what, where=self[0].where, fix=self[0].fix)


def as_problem(error: TallystickError) -> Problem:
    """An error as a line of a list."""
    return Problem(where=error.where, what=error.what, fix=error.fix)
