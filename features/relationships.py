"""Whom a customer is tied to: friends, family, colleagues, guarantors, shared devices and addresses.

One row of clean.relationships is a tie as one side sees it, from the day it began. Ties say how well someone is known
and held by others; a device shared with many says something else.
"""

from __future__ import annotations

from tallystick.spec.features import FeatureGroup, Measure, Share

RELATIONSHIPS = FeatureGroup(
    name="relationships",
    table="clean.relationships",
    owner="credit-risk",
    description="The customer's ties to other people",
    windows=("180d", "all"),
    pii="personal",
    permitted_use="credit decisions, early warning",
    filters={
        "friend": "kind = 'friend'",
        "family": "kind = 'family'",
        "colleague": "kind = 'colleague'",
        "guarantor": "kind = 'guarantor'",
        "device": "kind = 'device'",
        "address": "kind = 'address'",
    },
    words={
        "friend": "friends",
        "family": "family",
        "colleague": "colleagues",
        "guarantor": "guarantors",
        "device": "people on the same device",
        "address": "people at the same address",
    },
    measures=(
        Measure(
            name="people",
            value="other_customer_id",
            ops="distinct",
            filters=("friend", "family", "colleague", "guarantor", "address"),
            unfiltered=True,
            sign=-1,
            description="Known ties ({filter}) that began in {window}",
            reason="How many people you are known to be connected to",
        ),
        Measure(
            name="people",
            value="other_customer_id",
            ops="distinct",
            filters=("device",),
            sign=1,
            description="Other customers on a device of the customer, seen in {window}",
            reason="A device that is shared with other customers",
        ),
        Measure(
            name="tie",
            ops="days_since_first days_since_last",
            windows=("all",),
            description="Days since the first and the latest tie became known",
            reason="How long you are known to be connected to others",
        ),
    ),
    derived=(
        Share(
            name="colleague",
            a="people_colleague_distinct",
            b="people_distinct",
            windows=("all",),
            sign=-1,
            description="Share of colleagues among the customer's ties",
            reason="Connections at work",
        ),
    ),
)
