"""Compares rows with each other and with what earlier loads published, as SQL text: duplicates, conflicts, orphans.

Which of several versions of an object is in force is ``tallystick.visibility``'s rule; here it decides what a row adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from tallystick.ingest.casting import NAMED_ON, ORIGIN, Target, name_sql
from tallystick.visibility.sql import until_sql

# Not part of a row's content: they say how and when it came, not what it says.
NOT_CONTENT = ("source", "bucket", "period", "loaded_on")

PARENT_UNKNOWN = "parent_unknown"
SUPERSEDED = "superseded_in_load"
# Of a row of whose object another delivery of the same load says something later: no fault of whoever delivered it.
OUTDATED = "superseded_by_later_delivery"


def compared_sql(
    branches: Sequence[str], target: Target, *, parents: Mapping[str, str], has_several: bool = False
) -> str:
    """A query of all rows of a load with ``_fault`` completed, compared among themselves, with ``_is_candidate``,
    ``_is_duplicate``, ``_is_superseded``, ``_delivered`` (the name of the delivery that a row came with),
    ``_is_outdated`` (a later delivery of this load says something of its object) and ``_ends_on`` (the ``known_on`` of
    the next version of its object in this load).

    ``branches`` are queries of ``judged_sql``. ``parents`` gives, per column, a view whose ``_id`` are the objects it
    may name. ``has_several`` says that rows of several deliveries may be among them. Of equal rows the first by file
    and line stays. Different rows of one delivery with one key all get a fault, because nobody can say which is right.
    Of rows that a load stores under one key though they came one after the other, or name one date after the other, the
    last one stays and the others are superseded. A row that waits for its parent is out as soon as a later delivery
    says something of its object that stands, even what is stored already. (No WITH here or below: Spark would not know
    a cached result of it again.)
    """
    placed = _placed_sql(" UNION ALL ".join(branches), parents, target)
    grouped = _grouped_sql(placed, target, has_several=has_several)
    # By key, else by key and delivery: what one delivery says may differ from what another does.
    is_equal, is_first, helpers = "(_low <=> _high)", "_place = 1", "_low, _high, _place"
    if has_several:
        is_first = f"CASE WHEN {is_equal} THEN _place = 1 ELSE _own_place = 1 END"
        is_equal, helpers = f"({is_equal} OR (_own_low <=> _own_high))", f"{helpers}, _own_low, _own_high, _own_place"
    conflict = f"'conflicting_versions|{target.contract.event_id}'"
    judged = (
        f"SELECT * EXCEPT (_fault, {helpers}),"
        f" CASE WHEN _is_candidate AND NOT {is_equal} THEN {conflict} ELSE _fault END AS _fault,"
        f" (_is_candidate AND {is_equal} AND NOT ({is_first})) AS _is_duplicate FROM ({grouped})"
    )
    is_replaced = _superseded_sql(target) if target.is_raised or has_several else "FALSE"
    is_outdated = _outdated_sql(target) if has_several else "FALSE"
    fault = _waiting_fault_sql(target) if has_several else "_fault"
    superseded = (
        f"SELECT * EXCEPT (_fault), {is_replaced} AS _is_superseded, {is_outdated} AS _is_outdated, {fault} AS _fault"
        f" FROM ({judged})"
    )
    return f"SELECT *, {_ends_on_sql(target)} AS _ends_on FROM ({superseded})"


def settled_sql(compared: str, target: Target) -> str:
    """A query with the outcome of every row: ``_status`` accepted, rejected, duplicate or excluded, ``_reason``,
    ``_column``. ``compared`` is the query of ``compared_sql`` or ``published_sql``.
    """
    key = target.contract.event_id
    fault = (
        "COALESCE(_fault, CASE WHEN _is_superseded AND NOT _is_duplicate THEN"
        f" CASE WHEN _is_outdated AND NOT _is_parked THEN '{OUTDATED}|{key}' ELSE '{SUPERSEDED}|{key}' END END)"
    )
    status = (
        "CASE WHEN _is_excluded THEN 'excluded' WHEN _outcome IS NOT NULL THEN 'rejected'"
        " WHEN _is_duplicate THEN 'duplicate' ELSE 'accepted' END"
    )
    columns = ", ".join(name_sql(column.name) for column in target.contract.columns)
    return (
        f"SELECT {columns}, {', '.join(ORIGIN)}, {status} AS _status, SUBSTRING_INDEX(_outcome, '|', 1) AS _reason,"
        f" NULLIF(SUBSTRING_INDEX(_outcome, '|', -1), '') AS _column"
        f" FROM (SELECT *, {fault} AS _outcome FROM ({compared}))"
    )


def published_sql(compared: str, target: Target, *, published: str, oldest: Mapping[date, str] | None = None) -> str:
    """Hold each row of the view ``compared`` against the published versions of its object.

    A duplicate: on each date on which the row would be in force, the version in force says the same already. A fault:
    one of them belongs to another customer. Superseded: a row that waited for its parent while a later load brought its
    object. ``oldest`` is the first delivery by name of each earlier load, where that is not the one of its date: of a
    load of several, nobody knows which of them a stored row came with, and a row that still waits has met them all.
    """
    contract = target.contract
    content, known_on = _content_sql(target), name_sql(contract.known_on)
    is_known = "(t._is_candidate AND v._id IS NOT NULL)"
    faults = ["t._fault"]
    if contract.entity:
        entity = name_sql(contract.entity)
        moved = f"{is_known} AND (v._first_owner <> t.{entity} OR v._last_owner <> t.{entity})"
        faults.append(f"CASE WHEN {moved} THEN 'changed_customer|{contract.entity}' END")
    is_told = f"COALESCE({is_known} AND v._is_told AND v._low <=> {content} AND v._high <=> {content}, FALSE)"
    was_told = f"COALESCE({is_known} AND t._is_superseded AND ARRAY_CONTAINS(v._all, {content}), FALSE)"
    is_overtaken = f"COALESCE({is_known} AND t._is_parked AND t._delivered <= v._last_delivery, FALSE)"
    told = (
        f"SELECT t.* EXCEPT (_fault, _is_superseded), COALESCE({', '.join(faults)}) AS _fault,"
        f" {is_told} AS _is_told, {was_told} AS _was_told, (t._is_superseded OR {is_overtaken}) AS _is_superseded"
        f" FROM {compared} t LEFT JOIN ({_in_force_sql(compared, target, published=published, oldest=oldest or {})}) v"
        f" ON t._is_candidate AND v._id = t.{name_sql(contract.event_id)} AND v._at = t.{known_on}"
        " AND v._ends_on <=> t._ends_on"
    )
    is_told = "_is_told"
    if target.has_own_known_on:
        # Once a load has brought a new version of an object, those that it dates later must be stored with it.
        object_ = _object_sql(target, "(_is_candidate AND NOT _is_superseded)")
        upto = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
        is_told = f"(_is_told AND MIN(_is_told) OVER (PARTITION BY {object_} ORDER BY {known_on} {upto}))"
    return (
        "SELECT * EXCEPT (_is_duplicate, _is_told, _was_told),"
        f" (_is_duplicate OR _was_told OR {is_told}) AS _is_duplicate FROM ({told})"
    )


def _in_force_sql(compared: str, target: Target, *, published: str, oldest: Mapping[date, str]) -> str:
    """Per row of a load what the published versions say that are in force while the row would be: from ``_at`` on, to
    before ``_ends_on`` where the same load brings a later version.
    """
    contract = target.contract
    key, known_on = name_sql(contract.event_id), name_sql(contract.known_on)
    owner = f"CASE WHEN NOT is_retracted THEN {name_sql(contract.entity)} END" if contract.entity else "NULL"
    asked = (
        f"SELECT DISTINCT {key} AS _id, {known_on} AS _at, _ends_on FROM {compared}"
        " WHERE _is_candidate AND _fault IS NULL"
    )
    ids = f"SELECT {key} AS _key FROM {compared} WHERE _is_candidate AND _fault IS NULL"
    spans = (
        f"SELECT {key} AS _key, {known_on} AS _since, {until_sql([key], known_on=known_on)} AS _until,"
        f" {_delivery_sql(oldest)} AS _delivery, {owner} AS _owner, {_content_sql(target)} AS _content"
        f" FROM {published} LEFT SEMI JOIN ({ids}) ON _key = {key}"
    )
    is_met = "(_until IS NULL OR (_until > _at AND _until > _since)) AND (_ends_on IS NULL OR _since < _ends_on)"
    return (
        f"SELECT _id, _at, _ends_on, MAX(_is_met AND _since <= _at) AS _is_told,"
        " MIN(CASE WHEN _is_met THEN _content END) AS _low, MAX(CASE WHEN _is_met THEN _content END) AS _high,"
        " MIN(CASE WHEN _is_met THEN _owner END) AS _first_owner,"
        " MAX(CASE WHEN _is_met THEN _owner END) AS _last_owner,"
        " MAX(_delivery) AS _last_delivery, COLLECT_SET(_content) AS _all"
        f" FROM (SELECT *, ({is_met}) AS _is_met FROM ({asked}) JOIN ({spans}) ON _key = _id)"
        " GROUP BY _id, _at, _ends_on"
    )


def _placed_sql(judged: str, parents: Mapping[str, str], target: Target) -> str:
    """Fault every row that names a parent which nobody delivered, and say with which load each row came."""
    joins, faults = [], ["_fault"]
    for number, (column, known) in enumerate(parents.items()):
        joins.append(f"LEFT JOIN (SELECT DISTINCT _id FROM {known}) p{number} ON p{number}._id = r.{name_sql(column)}")
        orphan = f"NOT _is_excluded AND r.{name_sql(column)} IS NOT NULL AND p{number}._id IS NULL"
        faults.append(f"CASE WHEN {orphan} THEN '{PARENT_UNKNOWN}|{column}' END")
    # The folder that a row was landed in has the name of its delivery.
    return (
        "SELECT r.* EXCEPT (_fault), SUBSTRING_INDEX(_file, '/', 1) AS _delivered,"
        f" COALESCE({', '.join(faults)}) AS _fault"
        f" FROM ({judged}) r {' '.join(joins)}"
    )


def _grouped_sql(placed: str, target: Target, *, has_several: bool) -> str:
    """The least and greatest content among the rows of one key, and the place of each row among them."""
    candidate = "(_fault IS NULL AND NOT _is_excluded)"
    key = [candidate, _object_sql(target, candidate)]
    if target.has_own_known_on:
        key.append(NAMED_ON)
    # Nearly every key stands alone, and then there is nothing to compare.
    content = f"CASE WHEN _many > 1 THEN {_content_sql(target)} END"
    compared = _compared_within(key, content)
    if has_several:
        compared += _compared_within([*key, "_delivered"], content, prefix="own_")
    many = f"COUNT(1) OVER (PARTITION BY {', '.join(key)})"
    counted = f"SELECT *, {candidate} AS _is_candidate, {many} AS _many FROM ({placed})"
    return f"SELECT * EXCEPT (_many), {', '.join(compared)} FROM ({counted})"


def _compared_within(key: Sequence[str], content: str, *, prefix: str = "") -> list[str]:
    window = f"PARTITION BY {', '.join(key)} ORDER BY _is_parked, _file, _line, _branch"
    whole = "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"
    return [
        f"ROW_NUMBER() OVER ({window}) AS _{prefix}place",
        f"MIN({content}) OVER ({window} {whole}) AS _{prefix}low",
        f"MAX({content}) OVER ({window} {whole}) AS _{prefix}high",
    ]


def _superseded_sql(target: Target) -> str:
    """Whether a row that came later, or names a later date, is known no later than this one: then it is never in force.

    Where a mapping does not say when its rows were known, a load stores one version of an object: the last one.
    """
    is_good, known_on = "_is_candidate AND _fault IS NULL AND NOT _is_duplicate", name_sql(target.contract.known_on)
    last_first = f"_delivered DESC, {NAMED_ON} DESC" if target.has_own_known_on else "_delivered DESC"
    key = f"PARTITION BY ({is_good}), {_object_sql(target, is_good)} ORDER BY {last_first}"
    replaced_on = f"MIN({known_on}) OVER ({key} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
    replaces = f"<= {known_on}" if target.has_own_known_on else "IS NOT NULL"
    return f"({is_good} AND COALESCE({replaced_on} {replaces}, FALSE))"


def _outdated_sql(target: Target) -> str:
    """Whether a later delivery of the load has a row of the same object that stands."""
    is_good = "_is_candidate AND _fault IS NULL"
    return f"(_delivered < MAX(_delivered) OVER (PARTITION BY ({is_good}), {_object_sql(target, is_good)}))"


def _waiting_fault_sql(target: Target) -> str:
    """The fault of each row. One that waits for a parent is superseded where a later delivery of the load has a row of
    the same object that stands: both are here now, and when the parent comes, the later one may not be.
    """
    key = name_sql(target.contract.event_id)
    is_good = "(_is_candidate AND _fault IS NULL)"
    waits = f"COALESCE(SUBSTRING_INDEX(_fault, '|', 1) = '{PARENT_UNKNOWN}', FALSE)"
    meets = f"({is_good} OR {waits})"
    last = f"MAX(CASE WHEN {is_good} THEN _delivered END) OVER (PARTITION BY {meets}, {_object_sql(target, meets)})"
    superseded = f"CASE WHEN _is_parked THEN '{SUPERSEDED}|{key}' ELSE '{OUTDATED}|{key}' END"
    return f"CASE WHEN {waits} AND _delivered < {last} THEN {superseded} ELSE _fault END"


def _delivery_sql(oldest: Mapping[date, str]) -> str:
    """The oldest delivery of the load that a stored row came with: a load of one night has the name of its date."""
    name = "CAST(loaded_on AS STRING)"
    if not oldest:
        return name
    others = " ".join(f"WHEN DATE '{day.isoformat()}' THEN '{told}'" for day, told in sorted(oldest.items()))
    return f"CASE loaded_on {others} ELSE {name} END"


def _ends_on_sql(target: Target) -> str:
    """The date from which a later version of the same load is in force instead; null for none."""
    if not target.has_own_known_on:
        return "CAST(NULL AS DATE)"
    is_good, known_on = (
        "_is_candidate AND _fault IS NULL AND NOT _is_duplicate AND NOT _is_superseded",
        name_sql(target.contract.known_on),
    )
    key = f"PARTITION BY ({is_good}), {_object_sql(target, is_good)} ORDER BY {known_on}"
    return f"CASE WHEN {is_good} THEN LEAD({known_on}) OVER ({key}) END"


def _object_sql(target: Target, candidate: str) -> str:
    """What rows are grouped by. Rows that are out already must not meet in one huge group: each is one of its own."""
    own = "CONCAT_WS('\\n', _file, _line, _branch, _raw)"
    return f"CASE WHEN {candidate} THEN {name_sql(target.contract.event_id)} ELSE {own} END"


def _content_sql(target: Target) -> str:
    """What a row says: the columns in which two versions can differ."""
    apart = (*NOT_CONTENT, target.contract.known_on)
    return f"STRUCT({', '.join(name_sql(c.name) for c in target.contract.columns if c.name not in apart)})"
