"""The rule as SQL text, in what Spark and DuckDB have in common."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from tallystick.visibility import LOADED_ON


def delivery_sql(known_on: str = "known_on") -> str:
    """A value that is the greater the later a version was delivered."""
    return f"STRUCT({LOADED_ON}, {known_on})"


def until_sql(event: Sequence[str], *, known_on: str = "known_on") -> str:
    """The first date on which a version delivered after the row's is known; null for the version delivered last.

    ``event`` are the columns that name an event. The row's version is in force on dates from its ``known_on`` to
    before this one. Among the rows must be all versions of its event.
    """
    order = f"PARTITION BY {', '.join(event)} ORDER BY {LOADED_ON}, {known_on}"
    return f"MIN({known_on}) OVER ({order} ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING)"


def newest_sql(versions: str, event_id: str, *, known_on: str = "known_on") -> str:
    """A query of the version delivered last of every event in the view ``versions`` (Spark only)."""
    newest = f"MAX_BY(STRUCT(*), {delivery_sql(known_on)})"
    return f"SELECT _row.* FROM (SELECT {newest} AS _row FROM {versions} GROUP BY {event_id})"


def unseen_sql(rows: str, event_id: str, *, since: date, can_retract: bool) -> str:
    """A query (DuckDB) of the versions among the query ``rows`` that no ``as_of`` of ``since`` or later sees: their
    event's id, ``known_on`` and ``loaded_on``.

    They were replaced by then, never come into force, or are retractions (where the rows can be: ``can_retract``).
    """
    gone = "is_retracted" if can_retract else "FALSE"
    # Nearly all events have one version: only the others are sorted.
    return (
        f"WITH own AS (SELECT {event_id}, known_on, {LOADED_ON}, {gone} AS _is_gone FROM ({rows})),"
        f" many AS (SELECT {event_id} FROM own GROUP BY {event_id} HAVING COUNT(*) > 1),"
        f" spans AS (SELECT *, {until_sql([event_id])} AS _until FROM own SEMI JOIN many USING ({event_id}))"
        f" SELECT {event_id}, known_on, {LOADED_ON} FROM spans"
        f" WHERE _is_gone OR _until <= DATE '{since.isoformat()}' OR _until <= known_on"
        f" UNION ALL SELECT {event_id}, known_on, {LOADED_ON} FROM own ANTI JOIN many USING ({event_id}) WHERE _is_gone"
    )
