"""What ``tally run`` says last: where things are and what to try next.

Paths and commands only: the report has the results.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from tallystick.errors import hide_keys
from tallystick.places import local_home

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tallystick.spec.recipes import Recipe
    from tallystick.spec.watch_lists import WatchList

TALLY = ".venv/bin/tally"


def print_summary(
    warehouse: Path, recipe: Recipe, *, seconds: float, source: str, watch_lists: Iterable[WatchList] = ()
) -> None:
    """Print to stdout the places of tables, report, model and pages, and the next three commands.

    ``source`` is one that was run, ``watch_lists`` are those of the project.
    """
    home = _short(warehouse)
    rows = [("tables", f"{home}/<layer>/<table> (Delta)")]
    local = local_home(warehouse)
    reports = sorted((local / "report").rglob("*.html"), key=lambda path: path.stat().st_mtime)
    if reports:
        rows.append(("report", _short(reports[-1])))
    if recipe.label is not None:
        tracking = os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{local}/mlflow/mlflow.db"
        rows.append(("model", f"models:/{recipe.name}@champion in {hide_keys(tracking)}"))
    rows.append(("data checks", f"{_short(local)}/docs/validations/index.html"))
    print()
    for name, place in rows:
        print(f"{name.ljust(12)}  {place}")
    print(f"{'took'.ljust(12)}  {seconds:.0f} s")
    print("\nnext:")
    lists = sorted(one.name for one in watch_lists if one.recipe == recipe.name)
    for command in next_commands(home, recipe, source=source, watch_list=lists[0] if lists else ""):
        print(f"  {command}")


def next_commands(home: str, recipe: Recipe, *, source: str, watch_list: str = "") -> list[str]:
    """What to try on the tables of ``home`` after a run of ``recipe``: three commands that work as they stand, once a
    customer's id stands in the place of CUSTOMER.

    ``watch_list`` is the list that the recipe's model ranks, empty where there is none.
    """
    tables = _command("tables", home)
    group = recipe.groups[0]
    if recipe.label is None:
        return [tables, _sql(f"select * from feature.{group} limit 5", home), f"{TALLY} features list {group}"]
    if watch_list:
        update = f"watchlist update {watch_list} --source {source}"
        return [tables, _command(update, home), _command(f"watchlist list {watch_list}", home)]
    own = f"where recipe = '{recipe.name}'"
    if recipe.policy is None:
        riskiest = f"select observation_id, pd from {recipe.score_table} {own} order by pd desc limit 5"
        return [tables, _sql(riskiest, home), f"{TALLY} features list {group}"]
    if recipe.also_scored:
        safest = f"select customer_id, decision, pd from score.{recipe.also_scored[0]} {own} order by pd limit 5"
        return [tables, _sql(safest, home), _command("score CUSTOMER", home)]
    decisions = (
        f"select decision, count(*) as n, avg(pd) as pd from {recipe.score_table} {own} group by all order by pd"
    )
    return [tables, _sql(decisions, home), f"{TALLY} features list {group}"]


def _sql(query: str, home: str) -> str:
    return _command(f'sql "{query}"', home)


def _command(words: str, home: str) -> str:
    return f"{TALLY} {words} --warehouse {home}"


def _short(path: Path) -> str:
    """The path as a person would type it here: relative where it lies below the working directory."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
