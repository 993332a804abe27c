"""Loads the declared folders of a project into one frozen, lazy ``Project`` and cross-checks it.

Here: YAML, SQL and Python declarations to values of ``spec``, and the checks that need more than one file. Not here:
what a declaration means (``spec``), data, Spark.
"""

from __future__ import annotations

from tallystick.project.project import Project, find_project, load_project

__all__ = ["Project", "find_project", "load_project"]
