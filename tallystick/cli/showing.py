"""What the commands that only look do: tables, rejects, sources, features, checks.

Each function returns rows for ``printing``. None starts Spark or writes, so these commands answer in seconds.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from tallystick.cli.running import open_project
from tallystick.cli.warehouse_option import open_warehouse
from tallystick.errors import DeclarationError, NotFound
from tallystick.spec.names import nearest_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallystick.project import Project
    from tallystick.spec.bases import FeatureColumn

REJECTED = "_rejected"


def list_tables(warehouse: Path) -> pa.Table:
    """Name, rows, files and version of every table, from the Delta logs alone."""
    from tallystick.tables import pin_all

    home = open_warehouse(warehouse)
    pinned = list(pin_all(home, home.tables()).values())
    return pa.table(
        {
            "table": [p.name for p in pinned],
            "rows": pa.array([p.rows for p in pinned], pa.int64()),
            "files": pa.array([len(p.files) for p in pinned], pa.int64()),
            "version": pa.array([p.version for p in pinned], pa.int64()),
        }
    )


def list_deliveries(warehouse: Path, project: Path | None) -> pa.Table:
    """A row per delivery of each source and per missing night."""
    from tallystick.runs.load_list import list_loads

    return list_loads(open_warehouse(warehouse), open_project(project).sources)


def list_rejected(warehouse: Path) -> pa.Table:
    """How many rows were rejected, by table, load, reason and column, and how many of them still wait for a parent.

    Never a value of a row. A row that entered with a later load stands twice: as what it lacked, and as entered then.
    """
    from tallystick.ingest.conflicts import PARENT_UNKNOWN
    from tallystick.tables import query

    home = open_warehouse(warehouse)
    names = [name for name in home.tables() if name.endswith(REJECTED)]
    shown = ("table_name", "source", "loaded_on", "reason", "column_name")
    if not names:
        return pa.table({name: [] for name in (*shown, "rows", "waiting")})
    parts = [f"SELECT {', '.join(shown)}, rejected_id FROM {name}" for name in names]
    is_waiting = (
        f"bool_and(reason = '{PARENT_UNKNOWN}') OVER (PARTITION BY table_name, source, rejected_id) AS is_waiting"
    )
    return query(
        home,
        f"SELECT {', '.join(shown)}, count(*) AS rows, count(*) FILTER (is_waiting) AS waiting "
        f"FROM (SELECT *, {is_waiting} FROM ({' UNION ALL '.join(parts)})) GROUP BY ALL ORDER BY ALL",
    )


def list_sources(project: Path | None) -> pa.Table:
    """The declared sources with their zone, currency and clean tables."""
    sources = open_project(project).sources.values()
    return pa.table(
        {
            "source": [s.name for s in sources],
            "title": [s.title for s in sources],
            "zone": [s.zone for s in sources],
            "currency": [s.currency for s in sources],
            "clean_tables": [" ".join(sorted(s.tables)) for s in sources],
        }
    )


def check_mapping(name: str, project: Path | None, *, recipe: str = "") -> None:
    """Print every problem of one source's mapping to stdout; DeclarationError when there is any.

    With ``recipe``, what it would miss on this source is a problem, too. Without, each recipe that cannot run on the
    source is named on stderr: a source need not feed every recipe.
    """
    from tallystick.project.partial import PartialProject
    from tallystick.project.recipe_checks import check_recipe_on_source, find_misfits
    from tallystick.project.sources import check_source, read_source

    parts = PartialProject(root=open_project(project).root)
    problems = check_source(parts.root, name, contracts=parts.contracts, is_unread=parts.is_unread)
    source, _, _ = read_source(parts.root, name)  # as far as it can be read: what is wrong with it was told
    if recipe and recipe not in parts.recipes:
        raise NotFound(f"there is no recipe {recipe}", fix=nearest_name(recipe, parts.recipes))
    if recipe and source is not None:
        problems = check_recipe_on_source(parts, parts.recipes[recipe], source)
    files = [str(parts.root / "schemas" / "clean" / f"{table}.yaml") for table in (source.tables if source else ())]
    _report([*(problem for problem in parts.problems if problem.where in files), *problems], f"source {name}")
    if recipe or source is None:
        return
    for one in parts.recipes.values():
        misfits = len(list(find_misfits(parts, one, source)))
        told = f"cannot run on it: {misfits} thing(s) missing, --recipe {one.name} lists them"
        print(f"recipe {one.name} {told if misfits else 'can run on it'}", file=sys.stderr)


def check_declarations(project: Path | None) -> None:
    """Print every problem of the project's declarations to stdout; DeclarationError when there is any.

    Which sources a recipe can run on is said on stderr.
    """
    from tallystick.project.checks import check_project
    from tallystick.project.recipe_checks import find_misfits

    declared = open_project(project)
    _report(check_project(declared), "the project")
    for recipe in declared.recipes.values():
        fit = [source.name for source in declared.sources.values() if not list(find_misfits(declared, recipe, source))]
        told = ", ".join(fit) or "no source: tally source check NAME --recipe " + recipe.name + " says why"
        print(f"recipe {recipe.name} can run on {told}", file=sys.stderr)


def list_features(group: str, project: Path | None) -> pa.Table:
    """Name, type, window, PII class and meaning of the features, of one group or all."""
    columns = [c for c in _all_features(open_project(project)) if not group or c.group == group]
    if not columns:
        groups = open_project(project).feature_groups
        raise NotFound(f"there is no feature group {group}", where="features/", fix=nearest_name(group, groups))
    return pa.table(
        {
            "feature": [c.name for c in columns],
            "type": [c.type for c in columns],
            "window": [c.window for c in columns],
            "empty": [c.empty for c in columns],
            "pii": [c.pii for c in columns],
            "description": [c.description for c in columns],
        }
    )


def _all_features(project: Project) -> list[FeatureColumn]:
    from tallystick.project.places import pointing
    from tallystick.spec.columns import group_columns

    found: list[FeatureColumn] = []
    for group in project.feature_groups.values():
        with pointing(group.path):
            found += group_columns(group, project.contracts)
    return found


def _report(problems: Sequence[object], what: str) -> None:
    for problem in problems:
        print(problem)
    if problems:
        raise DeclarationError(f"{what} has {len(problems)} problem(s), listed above")
    print(f"{what}: nothing is missing", file=sys.stderr)
