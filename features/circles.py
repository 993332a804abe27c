"""Circles: who shares a telephone, a payee, a home or a guarantee with whom, looked at for fraud, week by week.

The graph is built for each Monday from ties that most customers have few of. It answers what a fraud desk asks of a
new applicant: does the circle grow, is confirmed fraud in it, are its members fresh, did they ask for loans together,
does money run round in it? A farm of telephones joins and borrows within weeks (docs/simulation.md), so a month would
be too slow; and every sign has an innocent twin: a family, a shared flat, a new shop with many payers.
"""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup
from tallystick.spec.graphs import CustomerGraph, NodeMeasure, NodeOutcome, NodeValue, node_measures
from tallystick.spec.labels import DelinquencyLabel

KINDS = ("shared", "payee", "home", "place", "money", "vouch", "any")
CLOSE = ("shared", "payee", "home", "vouch")

SHARED = "Data or a telephone shared with other customers"
PAYMENTS = "Payments between you and other customers"

CIRCLE_GRAPH = CustomerGraph(
    name="circles",
    title="Customers who share telephones, payees, homes, guarantees and payments, on each Monday",
    owner="fraud-desk",
    every="week",
    tables=("clean.accounts", "clean.applications"),
    ties=(
        "addresses",
        "devices",
        "emails",
        "emergency_contacts",
        "guarantors",
        "households",
        "night_places",
        "order_payees",
        "payees",
        "phones",
        "same_contacts",
        "told_addresses",
        "told_devices",
        "transfers",
    ),
    kinds={
        "shared": "a shared telephone, number, e-mail or contact",
        "payee": "a common payee",
        "home": "a common home",
        "place": "a place at night",
        "money": "transfers",
        "vouch": "guarantees and emergency contacts",
    },
    values=(
        NodeValue(name="fraud", table="clean.fraud_reports", where="role = 'perpetrator'"),
        NodeValue(name="fresh", table="clean.accounts", window="60d"),
        NodeValue(name="asked", table="clean.applications", window="7d"),
    ),
    outcome=NodeOutcome(
        label=DelinquencyLabel(
            name="circle_dpd30_in_60_days",
            dpd=30,
            window="60d",  # sooner known than ninety days, and who never meant to pay is late at once
            anchor="first_due",
            occurs="ever",
            lag_days=1,
            description="Thirty days past due at any time in the sixty days from the first due date",
        ),
    ),
    payments="transfers",
    version=2,
    growth_days=7,
    measures=(
        NodeMeasure(
            op="neighbours",
            kinds=KINDS,
            description="Customers tied to by {kind}",
            reason=SHARED,
        ),
        NodeMeasure(
            op="new",
            kinds=("shared", "payee", "money", "any"),
            sign=1,
            description="Customers tied to by {kind} for the first time in the last 7 days",
            reason=SHARED,
        ),
        NodeMeasure(
            op="hubs",
            kinds=("shared", "payee", "home"),
            description="Things of the kind {kind} that so many share that they tie nobody",
            reason=SHARED,
        ),
        NodeMeasure(
            op="fan_in",
            kinds=("money",),
            description="Customers who pay the customer: one who collects",
            reason=PAYMENTS,
        ),
        NodeMeasure(
            op="fan_out",
            kinds=("money",),
            description="Customers whom the customer pays: one who spreads",
            reason=PAYMENTS,
        ),
        NodeMeasure(
            op="component",
            kinds=CLOSE,
            description="Customers that can be reached from one to the next by {kind}",
            reason=SHARED,
        ),
        NodeMeasure(
            op="growth",
            kinds=CLOSE,
            sign=1,
            description="By how many customers what can be reached by {kind} has grown in 7 days",
            reason=SHARED,
        ),
        NodeMeasure(
            op="core",
            kinds=("vouch", "any"),
            description="Core number of the ties by {kind}: 2 and more is a circle",
            reason=SHARED,
        ),
        NodeMeasure(
            op="density",
            kinds=("any",),
            description="Share of pairs of those tied to who are tied to each other",
            reason=SHARED,
        ),
        NodeMeasure(
            op="sum",
            of="fraud",
            kinds=KINDS,
            sign=1,
            description="Customers tied to by {kind} who committed confirmed fraud",
            reason=SHARED,
        ),
        NodeMeasure(
            op="sum",
            of="fraud",
            steps=2,
            kinds=("shared", "payee", "any"),
            sign=1,
            description="Customers two steps away by {kind} who committed confirmed fraud",
            reason=SHARED,
        ),
        NodeMeasure(
            op="component_sum",
            of="fraud",
            kinds=CLOSE,
            sign=1,
            description="Others with confirmed fraud among all that can be reached by {kind}",
            reason=SHARED,
        ),
        NodeMeasure(
            op="component_mean",
            of="bad",
            kinds=CLOSE,
            sign=1,
            description="Share of bad loans, whose outcome was known, among all others that can be reached by {kind}",
            reason="How customers you are connected to repay their loans",
        ),
        NodeMeasure(
            op="component_sum",
            of="asked",
            kinds=CLOSE,
            sign=1,
            description="Others who asked for a loan in the last 7 days among all that can be reached by {kind}",
            reason=SHARED,
        ),
        NodeMeasure(
            op="component_mean",
            of="fresh",
            kinds=CLOSE,
            sign=1,
            description="Share of others with an account of the last 60 days among all that can be reached by {kind}",
            reason=SHARED,
        ),
        NodeMeasure(
            op="distance",
            of="fraud",
            kinds=("shared", "any"),
            sign=-1,
            description="Steps by {kind} to the nearest customer who committed confirmed fraud, up to two",
            reason=SHARED,
        ),
        NodeMeasure(
            op="spread",
            of="fraud",
            kinds=("any",),
            sign=1,
            description="Confirmed fraud of others up to three steps away in any way, weaker with every step",
            reason=SHARED,
        ),
        NodeMeasure(
            op="rank",
            of="fraud",
            kinds=("any",),
            sign=1,
            description="PageRank in any way from confirmed fraud of others within three steps, 1 being an even share",
            reason=SHARED,
        ),
        NodeMeasure(
            op="bridge",
            of="fraud",
            kinds=("any",),
            sign=1,
            description="Groups of other customers with confirmed fraud that somebody is tied to",
            reason=SHARED,
        ),
        NodeMeasure(
            op="cycle_length",
            kinds=("money",),
            description="Transfers in the shortest cycle in order of time through the customer, 0 without one",
            reason=PAYMENTS,
        ),
        NodeMeasure(
            op="cycle_age",
            kinds=("money",),
            sign=-1,
            description="Days since money last came back in a cycle of transfers",
            reason=PAYMENTS,
        ),
        NodeMeasure(
            op="cycle_cut",
            kinds=("money",),
            description="1 where the search for cycles from the customer's transfers was stopped at its limit",
            reason=PAYMENTS,
        ),
    ),
)

CIRCLES = FeatureGroup(
    name="circles",
    table="graph.circles",
    owner="fraud-desk",
    description="Circles of customers who share telephones, payees, homes, guarantees and payments",
    windows=("all",),
    pii="personal",
    permitted_use="early warning, fraud review",
    measures=node_measures(CIRCLE_GRAPH),
)
