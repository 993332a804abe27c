"""Relationship chains: who is tied to whom, and what is known of those at the other end.

A graph of all customers is built for the first of each month from the ties of ``ties/``: messages, calls, transfers,
payees, employers, groups, households, guarantors, contacts, telephones, addresses, places at night. One row of its
table is a customer on such a date, and the features are those of the last one at or before ``as_of``.

Why a lender cares: those whose friends and colleagues do not pay, pay less often themselves (Oskarsdottir et al.,
Applied Soft Computing 74, 2019; Lin, Prabhala and Viswanathan, Management Science 59, 2013), and fraud is committed by
groups that share telephones, addresses, payees and guarantors. A neighbour's loan counts only once its outcome is
settled and known, and most neighbours of a thin file are known better than the applicant. A tie is no guilt: each has
innocent reasons.
"""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup
from tallystick.spec.graphs import CustomerGraph, NodeMeasure, NodeOutcome, NodeValue, node_measures
from tallystick.spec.labels import DelinquencyLabel

KNOWN_KINDS = ("talk", "money", "payee", "work", "known", "home", "place", "vouch")

# What the fraud desk confirmed of others decides about fraud and never about credit.
NOT_CREDIT = "early warning, fraud review"

PEOPLE_YOU_KNOW = "How many customers you are connected to"
SHARED = "Data or a telephone shared with other customers"
AROUND_YOU = "How customers you are connected to repay their loans"
PAYMENTS = "Payments between you and other customers"
SINCE_WHEN = "How long you are connected to other customers"

CHAIN_GRAPH = CustomerGraph(
    name="people",
    title="Customers and the ties between them on the first of each month",
    owner="credit-risk",
    every="month",
    tables=("clean.accounts", "clean.applications", "clean.customers"),
    ties=(
        "acquaintances",
        "addresses",
        "calls",
        "chat_groups",
        "devices",
        "emails",
        "emergency_contacts",
        "guarantors",
        "households",
        "messages",
        "night_places",
        "order_payees",
        "payees",
        "phones",
        "salary_payers",
        "same_contacts",
        "told_addresses",
        "told_devices",
        "transfers",
        "work_groups",
    ),
    kinds={
        "talk": "messages and calls",
        "money": "transfers",
        "payee": "a common payee",
        "work": "a common employer",
        "known": "acquaintance and chat groups",
        "home": "a common home",
        "place": "a place at night",
        "vouch": "guarantees and emergency contacts",
        "shared": "a shared telephone, number or e-mail",
    },
    values=(
        NodeValue(
            name="income",
            table="clean.transactions",
            where="direction = 'in' AND category IN ('salary', 'pension')",
            value="amount_minor",
            window="62d",
        ),
        NodeValue(name="fraud", table="clean.fraud_reports", where="role = 'perpetrator'"),
    ),
    outcome=NodeOutcome(
        label=DelinquencyLabel(
            name="neighbour_dpd30_in_90_days",
            dpd=30,
            window="90d",
            anchor="first_due",
            occurs="ever",
            lag_days=1,
            description="Thirty days past due at any time in the ninety days from the first due date",
        ),
    ),
    payments="transfers",
    version=2,
    measures=(
        NodeMeasure(
            op="neighbours",
            kinds=KNOWN_KINDS,
            sign=-1,
            description="Customers tied to by {kind}: somebody known to many is easier to find and has more to lose",
            reason=PEOPLE_YOU_KNOW,
        ),
        NodeMeasure(
            op="neighbours",
            kinds=("shared",),
            sign=1,
            description="Customers tied to by {kind}: few have a reason to share one",
            reason=SHARED,
        ),
        NodeMeasure(
            op="neighbours",
            kinds=("any",),
            sign=-1,
            description="Customers tied to in any way",
            reason=PEOPLE_YOU_KNOW,
        ),
        NodeMeasure(
            op="fan_in",
            kinds=("talk", "money"),
            description="Customers who reach out by {kind}: one who is asked for, or who collects",
            reason=PEOPLE_YOU_KNOW,
        ),
        NodeMeasure(
            op="fan_out",
            kinds=("talk", "money"),
            description="Customers reached out to by {kind}",
            reason=PEOPLE_YOU_KNOW,
        ),
        NodeMeasure(
            op="reciprocity",
            kinds=("talk", "money"),
            sign=-1,
            description="Share of those tied by {kind} where it goes both ways: a tie that is answered is one",
            reason=PEOPLE_YOU_KNOW,
        ),
        NodeMeasure(
            op="strength",
            kinds=("talk", "work"),
            sign=-1,
            description="Strength of the ties by {kind}, recent ones counting more",
            reason=PEOPLE_YOU_KNOW,
        ),
        NodeMeasure(
            op="mean_age",
            kinds=("known", "any"),
            sign=-1,
            description="Days since the ties by {kind} were first seen, on average: old ties hold",
            reason=SINCE_WHEN,
        ),
        NodeMeasure(
            op="least_age",
            kinds=("home", "shared"),
            sign=-1,
            description="Days since the newest tie by {kind} was first seen",
            reason=SINCE_WHEN,
        ),
        NodeMeasure(
            op="days_quiet",
            kinds=("talk",),
            sign=1,
            description="Days since anybody was last seen tied by {kind}: somebody who has gone quiet",
            reason="Silence in the last weeks",
        ),
        NodeMeasure(
            op="new",
            kinds=("money", "shared", "any"),
            sign=1,
            description="Customers tied to by {kind} for the first time in the last 30 days",
            reason=SINCE_WHEN,
        ),
        NodeMeasure(
            op="hubs",
            kinds=("payee", "shared"),
            description="Things of the kind {kind} that so many share that they tie nobody",
            reason=SHARED,
        ),
        NodeMeasure(
            op="cut",
            kinds=("any",),
            description="Ties beyond the 200 strongest, which are not looked at",
            reason=PEOPLE_YOU_KNOW,
        ),
        NodeMeasure(
            op="component",
            kinds=("money", "home", "shared"),
            description="Customers that can be reached from one to the next by {kind}",
            reason=SHARED,
        ),
        NodeMeasure(
            op="growth",
            kinds=("money", "shared"),
            sign=1,
            description="By how many customers what can be reached by {kind} has grown in 30 days",
            reason=SHARED,
        ),
        NodeMeasure(
            op="core",
            kinds=("talk", "any"),
            sign=-1,
            description="Core number of the ties by {kind}: how firmly somebody belongs to a circle",
            reason=PEOPLE_YOU_KNOW,
        ),
        NodeMeasure(
            op="pagerank",
            kinds=("talk", "money"),
            description="PageRank of the ties by {kind}, 1 being average: who is sought by those who are sought",
            reason=PEOPLE_YOU_KNOW,
        ),
        NodeMeasure(
            op="community",
            kinds=("any",),
            description="Customers of the same community of ties by {kind}",
            reason=PEOPLE_YOU_KNOW,
        ),
        NodeMeasure(
            op="density",
            kinds=("any",),
            description="Share of pairs of those tied to who are tied to each other: one circle, or several",
            reason=PEOPLE_YOU_KNOW,
        ),
        NodeMeasure(
            op="mean",
            of="bad",
            kinds=("talk", "money", "work", "known", "home", "place", "vouch", "any"),
            sign=1,
            description="Share of bad loans among customers tied to by {kind}, of loans whose outcome was known",
            reason=AROUND_YOU,
        ),
        NodeMeasure(
            op="count",
            of="bad",
            kinds=("any",),
            description="Customers tied to by {kind} whose loans have a known outcome",
            reason=AROUND_YOU,
        ),
        NodeMeasure(
            op="weighted_mean",
            of="bad",
            kinds=("any",),
            sign=1,
            description="Share of bad loans among customers tied to in any way, the more ways the more it counts",
            reason=AROUND_YOU,
        ),
        NodeMeasure(
            op="mean",
            of="bad",
            steps=2,
            kinds=("known", "any"),
            sign=1,
            description="Share of bad loans among customers two steps away by {kind}",
            reason=AROUND_YOU,
        ),
        NodeMeasure(
            op="spread",
            of="bad",
            kinds=("any",),
            sign=1,
            description="Bad loans of others up to three steps away in any way, weaker with every step",
            reason=AROUND_YOU,
        ),
        NodeMeasure(
            op="mean",
            of="income",
            kinds=("work", "known", "any"),
            sign=-1,
            description="Mean of the last salary or pension of customers tied to by {kind}",
            reason="Income of customers you are connected to",
        ),
        NodeMeasure(
            op="sum",
            of="fraud",
            kinds=("money", "payee", "shared", "any"),
            permitted_use=NOT_CREDIT,
            sign=1,
            description="Customers tied to by {kind} who committed confirmed fraud",
            reason=SHARED,
        ),
        NodeMeasure(
            op="sum",
            of="fraud",
            steps=2,
            kinds=("shared", "any"),
            permitted_use=NOT_CREDIT,
            sign=1,
            description="Customers two steps away by {kind} who committed confirmed fraud",
            reason=SHARED,
        ),
        NodeMeasure(
            op="distance",
            of="fraud",
            kinds=("shared", "any"),
            permitted_use=NOT_CREDIT,
            sign=-1,
            description="Steps by {kind} to the nearest customer who committed confirmed fraud, up to two",
            reason=SHARED,
        ),
        NodeMeasure(
            op="rank",
            of="fraud",
            kinds=("shared", "any"),
            permitted_use=NOT_CREDIT,
            sign=1,
            description="PageRank by {kind} from confirmed fraud of others within three steps, 1 being an even share",
            reason=SHARED,
        ),
        NodeMeasure(
            op="bridge",
            of="fraud",
            kinds=("any",),
            permitted_use=NOT_CREDIT,
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
    ),
)

CHAINS = FeatureGroup(
    name="chains",
    table="graph.people",
    owner="credit-risk",
    description="Ties of the customer to other customers, and what is known of those",
    windows=("all",),
    pii="personal",
    permitted_use="credit decisions, early warning, fraud review",
    measures=node_measures(CHAIN_GRAPH),
)
