"""Compares rows with each other and with what earlier loads published, as SQL text: duplicates, conflicts, orphans.

What lives here: the outcomes that one row alone cannot tell. What must not: types and values of columns
(``ingest.rows``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tallystick.ingest.rows import ORIGIN, Target, name_sql

# Not part of a row's content: they say how and when it came, not what it says.
NOT_CONTENT = ("source", "bucket", "period", "loaded_on")

PARENT_UNKNOWN = "parent_unknown"


def compared_sql(branches: Sequence[str], target: Target, *, parents: Mapping[str, str]) -> str:
    """A query of all rows of a load with ``_fault`` completed and ``_is_duplicate`` added, compared among themselves.

    ``branches`` are queries of ``judged_sql``. ``parents`` gives, per column, a view whose ``_id`` are the objects it
    may name. Of equal rows the first by file and line stays; different rows with one key all get a fault, because
    nobody can say which is right. (No WITH here or below: Spark would not know a cached result of it again.)
    """
    placed = _placed_sql(" UNION ALL ".join(branches), parents)
    conflict = f"'conflicting_versions|{target.contract.event_id}'"
    return (
        "SELECT * EXCEPT (_fault, _low, _high, _place),"
        f" CASE WHEN _is_candidate AND NOT (_low <=> _high) THEN {conflict} ELSE _fault END AS _fault,"
        f" (_is_candidate AND (_low <=> _high) AND _place > 1) AS _is_duplicate FROM ({_grouped_sql(placed, target)})"
    )


def settled_sql(compared: str, target: Target) -> str:
    """A query with the outcome of every row: ``_status`` accepted, rejected, duplicate or excluded, ``_reason``,
    ``_column``. ``compared`` is the query of ``compared_sql`` or ``published_sql``.
    """
    status = (
        "CASE WHEN _is_excluded THEN 'excluded' WHEN _fault IS NOT NULL THEN 'rejected'"
        " WHEN _is_duplicate THEN 'duplicate' ELSE 'accepted' END"
    )
    columns = ", ".join(name_sql(column.name) for column in target.contract.columns)
    return (
        f"SELECT {columns}, {', '.join(ORIGIN)}, {status} AS _status, SUBSTRING_INDEX(_fault, '|', 1) AS _reason,"
        f" NULLIF(SUBSTRING_INDEX(_fault, '|', -1), '') AS _column FROM ({compared})"
    )


def published_sql(compared: str, target: Target, *, published: str) -> str:
    """Hold each row of the view ``compared`` against the published version of its object, valid at its ``known_on``.

    Equal to it: a duplicate. Other content for the same ``known_on``, or another customer: a fault.
    """
    contract = target.contract
    key, known_on = name_sql(contract.event_id), name_sql(contract.known_on)
    content = _content_sql(target)
    valid = (
        f"SELECT r._id, r._at, MAX(STRUCT(v._since, v._before)) AS _valid"
        f" FROM (SELECT DISTINCT {key} AS _id, {known_on} AS _at FROM {compared} WHERE _is_candidate) r"
        f" JOIN (SELECT {key} AS _id, {known_on} AS _since, {content} AS _before FROM {published}) v"
        " ON v._id = r._id AND v._since <= r._at GROUP BY r._id, r._at"
    )
    is_known = "t._is_candidate AND v._id IS NOT NULL"
    is_equal = f"(v._valid._before <=> {content})"
    faults = ["t._fault"]
    if contract.entity:
        entity = name_sql(contract.entity)
        moved = f"{is_known} AND NOT v._valid._before.is_retracted AND v._valid._before.{entity} <> t.{entity}"
        faults.append(f"CASE WHEN {moved} THEN 'changed_customer|{contract.entity}' END")
    taken = f"{is_known} AND v._valid._since = t.{known_on} AND NOT {is_equal}"
    faults.append(f"CASE WHEN {taken} THEN 'conflicting_versions|{contract.event_id}' END")
    return (
        f"SELECT t.* EXCEPT (_fault, _is_duplicate), COALESCE({', '.join(faults)}) AS _fault,"
        f" (t._is_duplicate OR ({is_known} AND {is_equal})) AS _is_duplicate FROM {compared} t"
        f" LEFT JOIN ({valid}) v ON t._is_candidate AND v._id = t.{key} AND v._at = t.{known_on}"
    )


def newest_sql(versions: str, target_id: str, known_on: str) -> str:
    """A query of the newest version of every object in the view ``versions``."""
    newest = f"MAX_BY(STRUCT(*), {name_sql(known_on)})"
    return f"SELECT _row.* FROM (SELECT {newest} AS _row FROM {versions} GROUP BY {name_sql(target_id)})"


def _placed_sql(judged: str, parents: Mapping[str, str]) -> str:
    """Fault every row that names a parent which nobody delivered."""
    joins, faults = [], ["_fault"]
    for number, (column, known) in enumerate(parents.items()):
        joins.append(f"LEFT JOIN (SELECT DISTINCT _id FROM {known}) p{number} ON p{number}._id = r.{name_sql(column)}")
        orphan = f"NOT _is_excluded AND r.{name_sql(column)} IS NOT NULL AND p{number}._id IS NULL"
        faults.append(f"CASE WHEN {orphan} THEN '{PARENT_UNKNOWN}|{column}' END")
    return f"SELECT r.* EXCEPT (_fault), COALESCE({', '.join(faults)}) AS _fault FROM ({judged}) r {' '.join(joins)}"


def _grouped_sql(placed: str, target: Target) -> str:
    """The least and greatest content among the rows of one key, and the place of each row among them."""
    contract = target.contract
    candidate = "(_fault IS NULL AND NOT _is_excluded)"
    # Rows that are out already must not meet in one huge group: each is a group of its own.
    own = "CONCAT_WS('\\n', _file, _line, _branch, _raw)"
    parts = [candidate, f"CASE WHEN {candidate} THEN {name_sql(contract.event_id)} ELSE {own} END"]
    if target.has_own_known_on:
        parts.append(name_sql(contract.known_on))
    by = f"PARTITION BY {', '.join(parts)}"
    window = f"{by} ORDER BY _is_parked, _file, _line, _branch"
    whole = "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
    # Nearly every key stands alone, and then there is nothing to compare.
    content = f"CASE WHEN _many > 1 THEN {_content_sql(target)} END"
    counted = f"SELECT *, {candidate} AS _is_candidate, COUNT(1) OVER ({by}) AS _many FROM ({placed})"
    return (
        f"SELECT * EXCEPT (_many), ROW_NUMBER() OVER ({window}) AS _place,"
        f" MIN({content}) OVER ({window} {whole}) AS _low, MAX({content}) OVER ({window} {whole}) AS _high"
        f" FROM ({counted})"
    )


def _content_sql(target: Target) -> str:
    """What a row says: the columns in which two versions can differ."""
    apart = (*NOT_CONTENT, target.contract.known_on)
    return f"STRUCT({', '.join(name_sql(c.name) for c in target.contract.columns if c.name not in apart)})"
