"""The project as it is shipped, read once per test process.

Apart from ``house``, which reads the code as text and imports nothing of the package. A project is frozen, so tests
share it; a test that changes files copies the project and loads its own.
"""

from __future__ import annotations

from functools import cache

from tallystick.project import Project, load_project
from tests.lib import house


@cache
def shipped_project() -> Project:
    """The declarations of this checkout. Each part is read when a test first asks for it, and then kept."""
    return load_project(house.ROOT)
