"""``tally features compute``: from arguments to the job that computes groups.

Kept apart from ``running`` because it chooses between the observations of a file and those of a declared set.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from tallystick.cli.running import open_project, spark_session
from tallystick.cli.warehouse_option import existing_warehouse
from tallystick.entrypoint import perform
from tallystick.errors import DeclarationError
from tallystick.runs.fields import Params
from tallystick.runs.params import ComputeFeatures, ComputeObserved
from tallystick.spec.names import NAME_PATTERN


@dataclass(frozen=True, kw_only=True, slots=True)
class Who:
    """Who is observed and when.

    With ``name``, ``observations`` is a file or table, and ``name`` the set that it gives. Without, it is the name of a
    declared set, by default ``daily``, and ``as_of`` one business date of it.
    """

    observations: str = ""
    name: str = ""
    as_of: date | None = None

    def __post_init__(self) -> None:
        file, declared = "--observations FILE --name NAME", "--observations SET"
        if not (self.observations or self.as_of):
            raise DeclarationError("who is observed is not said", fix=f"{declared}, --as-of DATE, or {file}")
        if self.name and (self.as_of or not self.observations):
            raise DeclarationError("a set that is given is a file with instants of its own", fix=file)
        if self.observations and not self.name and not NAME_PATTERN.fullmatch(self.observations):
            raise DeclarationError(f"{self.observations} is not the name of a set", fix=f"{declared}, or {file}")


def compute_groups(groups: list[str], source: str, *, who: Who, warehouse: Path, project: Path | None) -> None:
    """Compute the groups for who is observed, in one Spark session."""
    home, declared = existing_warehouse(warehouse), open_project(project)
    common: dict[str, Any] = {
        "project": declared.root,
        "warehouse": home,
        "source": source,
        "groups": tuple(groups),
    }
    params: Params
    if who.name:
        params = ComputeObserved(**common, observations=who.observations, name=who.name)
    else:
        params = ComputeFeatures(**common, observations=who.observations, first=who.as_of, last=who.as_of)
    with spark_session(declared.root) as session:
        perform(params, session())
