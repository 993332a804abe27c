"""Labels that a loan's schedule and payments decide: what happened of it in the performance window."""

from __future__ import annotations

from typing import Any

from tallystick.labels.conditions import holds_sql
from tallystick.labels.delinquency import HAS_USABLE_SCHEDULE, payments_known, trace_dpd, trace_missed_months
from tallystick.labels.engines import Steps, day_sql
from tallystick.labels.loans import CURRENT, OBSERVED, observed_loans
from tallystick.labels.versions import KnownTables
from tallystick.spec.labels import DelinquencyLabel, MissedMonthsLabel

_BY_OBSERVATION = "w.source, w.observation_id, w.as_of"


def judge_loans(label: DelinquencyLabel | MissedMonthsLabel, known: KnownTables[Any], *, key: str) -> Steps:
    """Status and label of each row of step ``asked`` by what was open of its loan in the window, as known on the
    cut-off, in the last step.

    ``key`` is the column of clean.loans that holds the observation's own key.
    """
    holds = holds_sql(label.where, known.contracts["clean.loans"], zone=known.zone)
    wanted = {"first_due_date": "first_due_date", "_holds": f"{holds} AND {HAS_USABLE_SCHEDULE}"}
    versions, repayments = known.versions("clean.repayments")
    if isinstance(label, DelinquencyLabel):
        found = _dpd_in_window(label)
    else:
        found = _missed_in_window(label)
    return {
        **observed_loans(known, key=key, wanted=wanted),
        **_windows(label),
        **repayments,
        "payments": payments_known(versions, zone=known.zone),
        **found,
        "judged": _judged(label, known),
    }


def _judged(label: DelinquencyLabel | MissedMonthsLabel, known: KnownTables[Any]) -> str:
    settled_on = f"DATE_ADD(w.window_to, {label.lag_days})"
    was_bad = "COALESCE(f.was_bad, FALSE)" if label.anchor == "as_of" else "FALSE"
    status = (
        "CASE WHEN w.loan_id IS NULL THEN 'not_granted' WHEN NOT w._holds THEN 'excluded'"
        f" WHEN {was_bad} THEN 'already_bad' WHEN {settled_on} > {day_sql(known.cutoff)} THEN 'immature'"
        " ELSE 'mature' END"
    )
    # A loan none of whose months ends by the end of the window has missed nothing in it.
    return (
        "SELECT w.source, w.bucket, w.period, w.observation_id, w.customer_id, w.as_of, w.window_from, w.window_to,"
        f" {status} AS status, CAST(COALESCE(f.is_bad, FALSE) AS INT) AS label,"
        f" CASE WHEN {was_bad} THEN f.dpd_before ELSE f.dpd END AS dpd,"
        f" GREATEST({settled_on}, w.observed_known_on, w.loan_known_on, f.payments_known_on) AS known_on"
        " FROM windowed w LEFT JOIN found f"
        " ON f.source = w.source AND f.observation_id = w.observation_id AND f.as_of = w.as_of"
    )


def _windows(label: DelinquencyLabel | MissedMonthsLabel) -> Steps:
    anchor = {"as_of": "a.as_of_date", "grant": "l.granted_on", "first_due": "l.first_due_date"}[label.anchor]
    started = (
        "SELECT a.*, l.loan_id, l.loan_known_on, l._holds, CASE WHEN l.loan_id IS NOT NULL THEN"
        f" {anchor} END AS window_from FROM asked a LEFT JOIN (SELECT * FROM {OBSERVED} WHERE loan_id IS NOT NULL) l"
        " ON l.source = a.source AND l.observation_id = a.observation_id"
    )
    shift = "DATE_ADD" if label.span.unit == "day" else "ADD_MONTHS"
    return {
        "started": started,
        "windowed": f"SELECT *, {shift}(window_from, {label.span.count}) AS window_to FROM started",
        "windows": "SELECT source, observation_id, as_of, loan_id, window_from, window_to FROM windowed"
        " WHERE loan_id IS NOT NULL",
    }


def _dpd_in_window(label: DelinquencyLabel) -> Steps:
    marks = "SELECT source, loan_id, window_to AS on_date FROM windows"
    if label.anchor == "as_of":
        marks += " UNION ALL SELECT source, loan_id, window_from AS on_date FROM windows"
    is_start, is_end = "t.on_date = w.window_from", "t.on_date = w.window_to"
    is_judged = is_end if label.occurs == "end" else f"NOT {is_start}"
    worst, before = f"MAX(CASE WHEN {is_judged} THEN t.dpd END)", f"MAX(CASE WHEN {is_start} THEN t.dpd END)"
    found = (
        f"SELECT {_BY_OBSERVATION}, {worst} AS dpd, {worst} >= {label.dpd} AS is_bad, {before} AS dpd_before,"
        f" {before} >= {label.bad_from_dpd} AS was_bad,"
        f" MAX(CASE WHEN {is_end} THEN t.payments_known_on END) AS payments_known_on"
        f" {_up_to_the_end('traced')} AND t.on_date >= w.window_from GROUP BY {_BY_OBSERVATION}"
    )
    traced = trace_dpd(marks="marks", loans=CURRENT, payments="payments", instalments=label.instalments)
    return {"marks": marks, **traced, "found": found}


def _missed_in_window(label: MissedMonthsLabel) -> Steps:
    is_before = "t.on_date <= w.window_from"
    # Of the months before the window the last one counts: it says what the loan is like as the window begins.
    before = f"MAX_BY(t.missed, CASE WHEN {is_before} THEN t.month END)"
    found = (
        f"SELECT {_BY_OBSERVATION}, CAST(NULL AS INT) AS dpd, CAST(NULL AS INT) AS dpd_before,"
        f" MAX(NOT {is_before} AND t.missed >= {label.months}) AS is_bad,"
        f" {before} >= {label.bad_from_months} AS was_bad, MAX(t.payments_known_on) AS payments_known_on"
        f" {_up_to_the_end('missed_months')} GROUP BY {_BY_OBSERVATION}"
    )
    return {**trace_missed_months(loans=CURRENT, payments="payments"), "found": found}


def _up_to_the_end(traced: str) -> str:
    return (
        f"FROM windows w JOIN {traced} t ON t.source = w.source AND t.loan_id = w.loan_id"
        " WHERE t.on_date <= w.window_to"
    )
