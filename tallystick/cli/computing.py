"""``tally features compute``: from arguments to the job that computes groups.

Kept apart from ``running`` because it chooses between given observations and the snapshot of a date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tallystick.cli.running import open_project, spark_session
from tallystick.entrypoint import perform
from tallystick.errors import DeclarationError
from tallystick.runs.params import ComputeFeatures, ComputeObserved, Params


@dataclass(frozen=True, kw_only=True, slots=True)
class Who:
    """Who is observed and when: the set ``name`` of given ``observations``, or all customers on ``as_of``."""

    observations: str = ""
    name: str = ""
    as_of: date | None = None

    def __post_init__(self) -> None:
        one = "--observations FILE --name NAME"
        if bool(self.observations) == bool(self.as_of):
            raise DeclarationError("who is observed is not said once", fix=f"{one}, or --as-of DATE")
        if bool(self.observations) != bool(self.name):
            raise DeclarationError("given observations and their name go together", fix=one)


def compute_groups(groups: list[str], source: str, *, who: Who, warehouse: Path, project: Path | None) -> None:
    """Compute the groups for who is observed, in one Spark session."""
    declared = open_project(project)
    common: dict[str, Any] = {
        "project": declared.root,
        "warehouse": warehouse.resolve(),
        "source": source,
        "groups": tuple(groups),
    }
    params: Params
    if who.observations:
        params = ComputeObserved(**common, observations=who.observations, name=who.name)
    else:
        params = ComputeFeatures(**common, first=who.as_of, last=who.as_of)
    with spark_session(declared.root) as session:
        perform(params, session())
