"""Loads the declared folders of a project into one frozen, lazy ``Project`` and cross-checks it.

What lives here: the names other parts use. What must not: definitions.
"""

from __future__ import annotations

from tallystick.project.project import Project, find_project, load_project

__all__ = ["Project", "find_project", "load_project"]
