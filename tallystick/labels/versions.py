"""Which version of every row a cut-off date sees. The rule itself is in ``visibility``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from tallystick.errors import NotFound
from tallystick.labels.engines import Steps, day_sql, view_name
from tallystick.spec.tables import TableContract
from tallystick.visibility.sql import until_sql

Rows = TypeVar("Rows")


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownTables(Generic[Rows]):
    """Clean tables as seen on ``cutoff``: rows and contracts by name, all of one business time zone.

    The rows are Spark's DataFrames, or Arrow tables.
    """

    frames: Mapping[str, Rows]
    contracts: Mapping[str, TableContract]
    cutoff: date
    zone: str

    def versions(self, table: str) -> tuple[str, Steps]:
        """Every version known on the cut-off (``known_versions``): the step that has them, and what it takes."""
        name = f"{view_name(table)}_versions"
        event_id = self.contracts[table].event_id
        return name, known_versions(name, view_name(table), event_id, cutoff=self.cutoff)


def known_versions(name: str, rows: str, event_id: str, *, cutoff: date) -> Steps:
    """Step ``name``: of ``rows`` the versions in force on any date to ``cutoff``, with in_force and in_force_since.

    ``in_force`` marks the version that counts on the cut-off: per event, of those known by then, the one that was
    delivered last. ``in_force_since`` is its ``known_on`` and stands on all versions of the event: from then on until
    the cut-off no other version counts. A version that was replaced before its own ``known_on`` is left out.
    """
    event = ("source", event_id)
    newest = f"MAX(CASE WHEN _until IS NULL THEN known_on END) OVER (PARTITION BY {', '.join(event)})"
    return {
        f"{name}_until": f"SELECT *, {until_sql(event)} AS _until FROM {rows} WHERE known_on <= {day_sql(cutoff)}",
        name: f"SELECT *, _until IS NULL AS in_force, {newest} AS in_force_since FROM {name}_until"
        " WHERE _until IS NULL OR known_on < _until",
    }


def in_force_sql(versions: str) -> str:
    """Of the step of ``known_versions`` those that count on the cut-off.

    An event whose version in force is a retraction is gone; one first known after the cut-off is not there yet.
    """
    return f"SELECT * FROM {versions} WHERE in_force AND NOT is_retracted"


def last_load(bounds: Iterable[Mapping[str, tuple[date, date]]], *, source: str) -> date:
    """The newest load date of files whose log entries say (min, max) of ``loaded_on``: the natural cut-off.

    NotFound when no file has any.
    """
    loads = [found["loaded_on"][1] for found in bounds if "loaded_on" in found]
    if not loads:
        raise NotFound(f"source {source} has no loaded rows", where="the label's tables", fix="ingest it first")
    return max(loads)
