"""What ``tally run`` says last: where things are and what to try next.

Paths and commands only: the report has the results.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tallystick.places import local_home

if TYPE_CHECKING:
    from tallystick.spec.recipes import Recipe


def print_summary(warehouse: Path, recipe: Recipe, *, seconds: float) -> None:
    """Print to stdout the places of tables, report, model and pages, and the next three commands."""
    home = _short(warehouse)
    rows = [("tables", f"{home}/<layer>/<table> (Delta)")]
    local = local_home(warehouse)
    reports = sorted((local / "report").rglob("*.html"), key=lambda path: path.stat().st_mtime)
    if reports:
        rows.append(("report", _short(reports[-1])))
    if recipe.label is not None:
        tracking = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{local}/mlflow/mlflow.db"
        rows.append(("model", f"models:/{recipe.name}@champion in {tracking}"))
    rows.append(("data checks", f"{_short(local)}/docs/validations/index.html"))
    print()
    for name, place in rows:
        print(f"{name.ljust(12)}  {place}")
    print(f"{'took'.ljust(12)}  {seconds:.0f} s")
    print("\nnext:")
    for command in _next_commands(home, recipe):
        print(f"  {command}")


def _next_commands(home: str, recipe: Recipe) -> list[str]:
    tally = ".venv/bin/tally"
    looking = f"{tally} tables --warehouse {home}"
    if recipe.label is None:
        group = recipe.groups[0]
        return [
            looking,
            f'{tally} sql "select * from feature.{group} limit 5" --warehouse {home}',
            f"{tally} features list {group}",
        ]
    own = f"where recipe = '{recipe.name}'"
    scores = recipe.score_table
    decisions = f"select decision, count(*) as n, avg(pd) as pd from {scores} {own} group by all order by pd"
    return [looking, f'{tally} sql "{decisions}" --warehouse {home}', f"{tally} features list {recipe.groups[0]}"]


def _short(path: Path) -> str:
    """The path as a person would type it here: relative where it lies below the working directory."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
