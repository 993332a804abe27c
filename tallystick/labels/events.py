"""Labels by an event that happened in the performance window, or did not."""

from __future__ import annotations

from typing import Any

from tallystick.labels.conditions import holds_sql
from tallystick.labels.engines import Steps, day_sql
from tallystick.labels.local_dates import ahead_sql, first_whole_date_sql
from tallystick.labels.versions import KnownTables
from tallystick.spec.labels import EventLabel


def judge_events(label: EventLabel, known: KnownTables[Any], *, own_table: str) -> Steps:
    """Status and label of each row of step ``asked`` by the events of its customer, as known on the cut-off, in the
    last step.

    ``own_table`` is the table that each observation is a row of, or empty: that row does not count for itself.
    """
    ends = f"SELECT *, {ahead_sql('as_of', label.span, known.zone)} AS ends_at FROM asked"
    window_to = first_whole_date_sql("ends_at", known.zone)
    windowed = (
        f"SELECT *, as_of_date AS window_from, {window_to} AS window_to,"
        f" DATE_ADD({window_to}, {label.lag_days}) AS settled_on FROM ends"
    )
    # One event that stays is enough: others may come and go. That there is none is known when the last one has gone.
    known_on = "GREATEST(w.settled_on, w.observed_known_on, COALESCE(f.bad_since, f.changed_on))"
    judged = (
        "SELECT w.source, w.bucket, w.period, w.observation_id, w.customer_id, w.as_of, w.window_from, w.window_to,"
        " CAST(NULL AS INT) AS dpd, CAST(f.bad_since IS NOT NULL AS INT) AS label,"
        f" CASE WHEN w.settled_on > {day_sql(known.cutoff)} THEN 'immature' ELSE 'mature' END AS status,"
        f" {known_on} AS known_on FROM windowed w LEFT JOIN found f"
        " ON f.source = w.source AND f.observation_id = w.observation_id AND f.as_of = w.as_of"
    )
    found = _events_in_window(label, known, own_table=own_table)
    return {"ends": ends, "windowed": windowed, **found, "judged": judged}


def _events_in_window(label: EventLabel, known: KnownTables[Any], *, own_table: str) -> Steps:
    """Per observation with any such event ``bad_since``, from which on one of them counts until the cut-off, and
    ``changed_on``, from which on none that was taken back or moved away counts; in step ``found``.
    """
    contract = known.contracts[label.table]
    versions, steps = known.versions(label.table)
    events = (
        f"SELECT source, {contract.entity} AS customer_id, {contract.event_at} AS happened_at,"
        f" {contract.event_id} AS own_id, {label.per or contract.event_id} AS per_id, in_force, in_force_since"
        f" FROM {versions} WHERE NOT is_retracted AND {holds_sql(label.where, contract, zone=known.zone)}"
    )
    matches = "e.happened_at >= o.as_of AND e.happened_at < o.ends_at"
    if label.per:
        matches += " AND e.per_id = o.observation_id"
    if label.table == own_table:
        matches += " AND e.own_id <> o.observation_id"
    found = (
        "SELECT o.source, o.observation_id, o.as_of, MIN(CASE WHEN e.in_force THEN e.in_force_since END) AS bad_since,"
        " MAX(e.in_force_since) AS changed_on FROM ends o"
        " JOIN events e ON e.source = o.source AND e.customer_id = o.customer_id"
        f" WHERE {matches} GROUP BY o.source, o.observation_id, o.as_of"
    )
    return {**steps, "events": events, "found": found}
