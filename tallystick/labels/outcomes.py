"""Labels by an outcome that somebody else decided: which outcome counts, and since when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tallystick.labels.conditions import holds_sql
from tallystick.labels.engines import Steps
from tallystick.labels.loans import OBSERVED, observed_loans
from tallystick.labels.versions import KnownTables
from tallystick.spec.labels import OutcomeLabel
from tallystick.spec.mappings import text_sql


def judge_outcomes(label: OutcomeLabel, known: KnownTables[Any], *, key: str) -> Steps:
    """Status and label of each row of step ``asked`` by the outcome that was observed last, as known on the cut-off,
    in the last step.

    ``key`` is the column, of loans and outcomes alike, that holds the observation's own key.
    """
    # What was observed before the observation's own date is no outcome of it.
    is_ahead = "o.observed_on >= a.as_of_date"
    rows = (
        "SELECT a.*, g.granted_on, g.loan_known_on, o.observed_on, o.outcome_known_on, o._outcome,"
        f" {is_ahead} AS _is_ahead, CASE WHEN {is_ahead} THEN o._holds END AS _holds,"
        " COALESCE(g.granted_on, a.as_of_date) AS on_book_from FROM asked a"
        f" LEFT JOIN {OBSERVED} g ON g.source = a.source AND g.observation_id = a.observation_id"
        " LEFT JOIN latest_outcomes o ON o.source = a.source AND o.observation_id = a.observation_id"
    )
    is_bad = f"_outcome IN ({_listed(label.bad)})"
    status = (
        "CASE WHEN _holds IS NULL AND granted_on IS NULL THEN 'not_granted' WHEN _holds IS NULL THEN 'unobserved'"
        " WHEN NOT _holds THEN 'excluded'"
        f" WHEN NOT COALESCE({is_bad} OR _outcome IN ({_listed(label.good)}), FALSE) THEN 'indeterminate'"
        f" WHEN ADD_MONTHS(on_book_from, {label.min_months_on_book}) > observed_on THEN 'immature' ELSE 'mature' END"
    )
    # A running loan is observed after it was granted, and its window begins then.
    start = "GREATEST(on_book_from, as_of_date)" if key == "loan_id" else "on_book_from"
    judged = (
        f"SELECT source, bucket, period, observation_id, customer_id, as_of, {status} AS status,"
        f" CAST({is_bad} AS INT) AS label, {start} AS window_from,"
        " CASE WHEN _is_ahead THEN observed_on END AS window_to, CAST(NULL AS INT) AS dpd,"
        " GREATEST(outcome_known_on, loan_known_on, observed_known_on) AS known_on FROM with_outcome"
    )
    loans, outcomes = observed_loans(known, key=key, wanted={}), _latest_outcomes(label, known, key=key)
    return {**loans, **outcomes, "with_outcome": rows, "judged": judged}


def _latest_outcomes(label: OutcomeLabel, known: KnownTables[Any], *, key: str) -> Steps:
    """Per value of the key the outcome that was observed last, and since when no other one was; in the last step."""
    contract = known.contracts[label.table]
    versions, steps = known.versions(label.table)
    place = f"STRUCT({contract.event_at} AS _at, {contract.event_id} AS _id)"
    last = f"MAX(CASE WHEN in_force THEN {place} END) OVER (PARTITION BY source, {key})"
    ranked = (
        f"SELECT source, {key} AS observation_id, in_force, in_force_since, observed_on, {label.column} AS _outcome,"
        f" {holds_sql(label.where, contract, zone=known.zone)} AS _holds, {contract.event_at} AS _at,"
        f" {contract.event_id} AS _id, {last} AS _last FROM {versions} WHERE NOT is_retracted"
    )
    is_last = "in_force AND _at = _last._at AND _id = _last._id"
    # Only an outcome observed later than the last one, before it was taken back, could have stood in its place.
    in_the_way = "_at > _last._at OR (_at = _last._at AND _id >= _last._id)"
    found = (
        "SELECT source, observation_id, MAX(in_force_since) AS outcome_known_on,"
        f" MAX(CASE WHEN {is_last} THEN STRUCT(_outcome, observed_on, _holds) END) AS _chosen"
        f" FROM ranked_outcomes WHERE _last IS NULL OR {in_the_way} GROUP BY source, observation_id"
    )
    latest = (
        "SELECT source, observation_id, outcome_known_on, _chosen._outcome AS _outcome,"
        " _chosen.observed_on AS observed_on, _chosen._holds AS _holds FROM chosen_outcomes"
    )
    return {**steps, "ranked_outcomes": ranked, "chosen_outcomes": found, "latest_outcomes": latest}


def _listed(values: Iterable[str]) -> str:
    return ", ".join(map(text_sql, values))
