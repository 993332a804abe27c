"""What the stranger of the chain's benchmark declares: its source, five mappings and a recipe, as texts of files.

Kept apart from the rows of ``stranger`` as a supplier's declarations are apart from its files.
"""

from __future__ import annotations

NAME, RECIPE, LOADED_ON = "hausbank", "hausbank_credit", "2024-07-01"

SOURCE_FILE = """\
title: A small German bank
zone: Europe/Berlin
currency: EUR
history_until: 2024-07-01
reject_rate: 0.01
layout: {buckets: 1, period: year}
reading: {encoding: utf-8, delimiter: ";", quote: "", nulls: [""]}
files:
  kunden: {file: kunden.csv, columns: [KUNDE_NR, GEBURTSDATUM, GESCHLECHT, KUNDE_SEIT]}
  umsaetze: {file: umsaetze.csv, columns: [BUCHUNG, KUNDE, ZEITPUNKT, BETRAG, SALDO, ART, ZWECK]}
  antraege: {file: antraege.csv, columns: [ANTRAG, KUNDE, GESTELLT, BETRAG, LAUFZEIT, RATE]}
  kredite: {file: kredite.csv, columns: [VERTRAG, ANTRAG, KUNDE, AUSZAHLUNG, BETRAG, LAUFZEIT, RATE, ERSTE_RATE]}
  zahlungen: {file: zahlungen.csv, columns: [ZAHLUNG, VERTRAG, KUNDE, EINGANG, RATE_NR, BETRAG]}
tables:
  customers: {known_on: event_date + 1 day}
  transactions: {known_on: event_date + 1 day}
  applications: {known_on: event_date}
  loans: {known_on: event_date + 1 day, parents: {application_id: applications}}
  repayments: {known_on: event_date + 1 day, parents: {loan_id: loans}}
"""

MAPPINGS = {
    "customers": """\
SELECT
  CONCAT(${source}, ':', KUNDE_NR) AS customer_id,
  KUNDE_NR AS customer_fact_id,
  KUNDE_SEIT AS event_at,
  GEBURTSDATUM AS birth_date,
  CASE GESCHLECHT WHEN 'W' THEN 'female' WHEN 'M' THEN 'male' ELSE GESCHLECHT END AS gender,
  CAST(NULL AS STRING) AS region_id,
  CAST(NULL AS STRING) AS occupation,
  CAST(NULL AS STRING) AS education,
  CAST(NULL AS STRING) AS declared_income_minor
FROM kunden
""",
    "transactions": """\
SELECT
  CONCAT(${source}, ':', KUNDE) AS customer_id,
  BUCHUNG AS transaction_id,
  ZEITPUNKT AS event_at,
  KUNDE AS account_id,
  CASE WHEN BETRAG LIKE '-%' THEN 'out' ELSE 'in' END AS direction,
  CASE ART WHEN 'BAR' THEN 'cash' WHEN 'KARTE' THEN 'card' WHEN 'UEBERWEISUNG' THEN 'transfer' ELSE ART END AS channel,
  CASE ZWECK
    WHEN 'GEHALT' THEN 'salary'
    WHEN 'LEBENSMITTEL' THEN 'food'
    WHEN 'EINKAUF' THEN 'shopping'
    WHEN 'FREIZEIT' THEN 'entertainment'
    WHEN 'VERKEHR' THEN 'transport'
    WHEN 'WETTEN' THEN 'gambling'
    WHEN 'BARGELD' THEN 'cash'
    ELSE ZWECK
  END AS category,
  ABS(CAST(BETRAG AS DECIMAL(18, 2))) * 100 AS amount_minor,
  CAST(SALDO AS DECIMAL(18, 2)) * 100 AS balance_minor,
  CAST(NULL AS STRING) AS counterparty_bank,
  CAST(NULL AS STRING) AS counterparty_id,
  ${currency} AS currency
FROM umsaetze
""",
    "applications": """\
SELECT
  CONCAT(${source}, ':', KUNDE) AS customer_id,
  ANTRAG AS application_id,
  GESTELLT AS event_at,
  KUNDE AS account_id,
  CAST(BETRAG AS DECIMAL(18, 2)) * 100 AS amount_minor,
  LAUFZEIT AS term_months,
  CAST(RATE AS DECIMAL(18, 2)) * 100 AS instalment_minor,
  CAST(NULL AS STRING) AS purpose,
  ${currency} AS currency
FROM antraege
""",
    "loans": """\
SELECT
  CONCAT(${source}, ':', KUNDE) AS customer_id,
  VERTRAG AS loan_id,
  AUSZAHLUNG AS event_at,
  ANTRAG AS application_id,
  KUNDE AS account_id,
  CAST(BETRAG AS DECIMAL(18, 2)) * 100 AS amount_minor,
  LAUFZEIT AS term_months,
  CAST(RATE AS DECIMAL(18, 2)) * 100 AS instalment_minor,
  ERSTE_RATE AS first_due_date,
  ${currency} AS currency
FROM kredite
""",
    "repayments": """\
SELECT
  CONCAT(${source}, ':', KUNDE) AS customer_id,
  ZAHLUNG AS repayment_id,
  EINGANG AS event_at,
  VERTRAG AS loan_id,
  RATE_NR AS instalment_number,
  CAST(BETRAG AS DECIMAL(18, 2)) * 100 AS amount_minor,
  ${currency} AS currency
FROM zahlungen
""",
}

RECIPE_FILE = '''\
"""Instalment loans of a small German bank."""

from __future__ import annotations

from tallystick.spec.algorithms import GradientBoosting, Scorecard, Selection
from tallystick.spec.labels import DelinquencyLabel
from tallystick.spec.recipes import Audit, Band, Gates, Policy, Recipe, RequestFeature, Scale, Split

LATE = DelinquencyLabel(
    name="hausbank_late",
    dpd=30,
    window="90d",
    anchor="first_due",
    occurs="ever",
    lag_days=1,
    description="Thirty days past due within ninety days of the first due date",
)

HAUSBANK_CREDIT = Recipe(
    name="hausbank_credit",
    title="Instalment loan",
    description="Probability that an instalment loan is thirty days late in its first months",
    groups=("transactions", "consumption"),
    observations="applications",
    label=LATE.name,
    request=(
        RequestFeature(
            name="instalment_to_income",
            expression="instalment_minor",
            per="consumption_earned_sum_90d",
            sign=1,
            description="Monthly instalment as a share of what was earned over 90 days",
            reason="Instalment compared with your income",
        ),
    ),
    algorithms=(
        Scorecard(selection=Selection(max_missing=0.7, max_correlation=0.7, max_features=12)),
        GradientBoosting(
            selection=Selection(max_missing=0.7, max_correlation=0.85, max_features=30),
            trees=150,
            leaves=6,
            min_leaf_rows=15,
        ),
    ),
    split=Split(test_share=0.25, folds=5, repeats=1),
    scale=Scale(base_score=60.0, base_odds=10.0, pdo=8.0),
    policy=Policy(
        currency="EUR",
        limit_min_minor=50_000,
        limit_max_minor=1_000_000,
        bands=(
            Band(pd_below=0.05, decision="approve", limit_minor=1_000_000),
            Band(pd_below=0.15, decision="approve", limit_minor=300_000),
            Band(pd_below=0.30, decision="refer", limit_minor=50_000),
        ),
    ),
    audit=Audit(max_auc=0.95, max_missing_auc=0.9, max_joint_auc=0.95, sample=40),
    gates=Gates(min_auc=0.55, calibration_slope=(0.2, 5.0), max_psi=0.5, min_bad=10),
)
'''
