"""The other customer of a transfer: what the two had to do with each other before, and whom they both know.

A row is a transfer from one customer to another, measured on the Monday at or before its date: payments between the two
so far, what they share, whom both are tied to, and how many steps lie between them. Whoever pays somebody outside the
bank has no row.

Why fraud review cares: money that is taken from a stolen account, or passed on by a mule, goes to people with whom the
payer has nothing in common, while family, friends and colleagues have others in common before they first pay each
other (Adamic and Adar, Social Networks 25, 2003; Liben-Nowell and Kleinberg, JASIST 58, 2007); and a ring passes money
between customers who share a telephone. A first payment to a landlord, or the sale of a bicycle, looks the same.
"""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup, Measure, Share
from tallystick.spec.graph_pairs import CustomerPairs, PairMeasure, pair_measures
from tallystick.spec.graphs import CustomerGraph

BETWEEN = "Payments between you and other customers"
SHARED = "Data or a telephone shared with other customers"
IN_COMMON = "What you have in common with those you pay"

PAYMENTS = CustomerPairs(
    title="Transfers from one customer to another, and what the two had to do with each other before",
    owner="fraud-desk",
    graph=CustomerGraph(
        name="payments",
        title="Customers who pay each other, and what else ties them, on each Monday",
        owner="fraud-desk",
        every="week",
        tables=("clean.accounts", "clean.applications", "clean.customers"),
        # Messages and calls are left out: every night reads the tables of all ties, and these are the largest by far.
        ties=(
            "acquaintances",
            "addresses",
            "devices",
            "emails",
            "emergency_contacts",
            "guarantors",
            "households",
            "payees",
            "phones",
            "salary_payers",
            "told_addresses",
            "told_devices",
            "transfers",
        ),
        kinds={
            "money": "transfers",
            "payee": "a common payee",
            "work": "a common employer",
            "known": "acquaintance",
            "home": "a common home",
            "vouch": "guarantees and emergency contacts",
            "shared": "a shared telephone, number or e-mail",
        },
        measures=(),
    ),
    events="transfers",
    value="amount_minor",
    measures=(
        PairMeasure(op="times", description="Transfers to this customer so far, of a year", reason=BETWEEN),
        PairMeasure(op="times_back", description="Transfers that this customer sent so far, of a year", reason=BETWEEN),
        PairMeasure(op="total", description="Sum of the transfers to this customer so far", reason=BETWEEN),
        PairMeasure(op="total_back", description="Sum of the transfers that this customer sent", reason=BETWEEN),
        PairMeasure(op="age", description="Days since the first transfer between the two", reason=BETWEEN),
        PairMeasure(op="quiet", description="Days since the last transfer between the two", reason=BETWEEN),
        PairMeasure(
            op="fan_in", description="Customers who paid this customer so far: 0 is new to everybody", reason=BETWEEN
        ),
        PairMeasure(op="fan_out", description="Customers whom the payer has paid so far", reason=BETWEEN),
        PairMeasure(
            op="tied",
            kinds=("payee", "work", "known", "home", "vouch", "shared"),
            description="1 where the two are tied by {kind}",
            reason=SHARED,
        ),
        PairMeasure(
            op="tied_days",
            kinds=("shared", "any"),
            description="Days since the two were first seen tied by {kind}",
            reason=SHARED,
        ),
        PairMeasure(
            op="common",
            kinds=("money", "any"),
            description="Customers that both are tied to by {kind}, those with more than 200 neighbours left out",
            reason=IN_COMMON,
        ),
        PairMeasure(
            op="common_hubs",
            kinds=("any",),
            description="Customers with more than 200 neighbours that both are tied to",
            reason=IN_COMMON,
        ),
        PairMeasure(
            op="jaccard",
            kinds=("any",),
            description="Share of common ones among all whom either of the two is tied to",
            reason=IN_COMMON,
        ),
        PairMeasure(
            op="adamic_adar",
            kinds=("any",),
            description="Customers that both are tied to, each counting more the fewer it is tied to",
            reason=IN_COMMON,
        ),
        PairMeasure(
            op="distance",
            kinds=("any",),
            description="Steps from one to the other in any way, up to three",
            reason=IN_COMMON,
        ),
        PairMeasure(
            op="distance_cut",
            kinds=("any",),
            description="1 where the third step was not searched, because both have more than 200 neighbours",
            reason=IN_COMMON,
        ),
        PairMeasure(
            op="same_component",
            kinds=("money", "shared"),
            description="1 where one can be reached from the other by {kind}",
            reason=IN_COMMON,
        ),
        PairMeasure(
            op="same_community",
            kinds=("any",),
            description="1 where both belong to one community of ties of any kind",
            reason=IN_COMMON,
        ),
    ),
)

COUNTERPARTY = FeatureGroup(
    name="counterparty",
    table=PAYMENTS.table,
    owner="fraud-desk",
    description="What the two customers of a transfer had to do with each other before it",
    # The row of the transfer under review and no other.
    per="transaction_id",
    windows=("all",),
    pii="personal",
    permitted_use="fraud review",
    measures=(
        Measure(
            name="pair",
            ops="count",
            description="1 where the transfer is one between two customers, else 0",
            reason=BETWEEN,
        ),
        *pair_measures(PAYMENTS),
    ),
)

DEALINGS = FeatureGroup(
    name="dealings",
    table=PAYMENTS.table,
    owner="credit-risk",
    description="Money sent to other customers, by what the two had to do with each other before",
    windows=("30d", "90d"),
    pii="personal",
    permitted_use="credit decisions, early warning, fraud review",
    filters={
        "stranger": "times = 0 AND times_back = 0 AND any_common = 0 AND any_tied_days IS NULL",
        "unheard": "fan_in = 0",
        "mutual": "times_back > 0",
        "housemate": "home_tied = 1 OR shared_tied = 1",
    },
    words={
        "stranger": "customers with whom there was neither a tie nor anybody in common",
        "unheard": "customers whom nobody had paid before",
        "mutual": "customers who had paid, too",
        "housemate": "customers of the same home or with the same telephone",
    },
    measures=(
        Measure(
            name="sent",
            value="value",
            ops="count sum",
            filters=("stranger", "unheard", "mutual", "housemate"),
            unfiltered=True,
            description="Money sent to {filter} over {window}",
            reason=BETWEEN,
        ),
        Measure(
            name="payee",
            value="other_customer_id",
            ops="distinct",
            filters=("stranger",),
            unfiltered=True,
            description="Different customers among {filter} to whom money was sent over {window}",
            reason=BETWEEN,
        ),
    ),
    derived=(
        Share(
            name="stranger",
            a="sent_stranger_sum",
            b="sent_sum",
            description="Share of the money sent to other customers that went to strangers, over {window}",
            reason=IN_COMMON,
        ),
        Share(
            name="mutual",
            a="sent_mutual_sum",
            b="sent_sum",
            description="Share of the money sent to other customers that went to who had paid, too, over {window}",
            reason=BETWEEN,
        ),
        Share(
            name="housemate",
            a="sent_housemate_sum",
            b="sent_sum",
            description="Share of the money sent to other customers of the same home or telephone, over {window}",
            reason=SHARED,
        ),
    ),
)
