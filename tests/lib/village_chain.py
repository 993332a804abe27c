"""A village bank of eighty customers as files of two nights, and every run from these files to rules.

The first night has a booking on an account that is not there yet, and one whose amount is no number; the second brings
the account, and another amount for a booking of the first.
"""

from __future__ import annotations

import random
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tallystick.runs.fields import Params
from tallystick.runs.params import (
    ApplyRules,
    AuditLeakage,
    BuildLabels,
    ComputeFeatures,
    ComputeGraph,
    IngestSource,
    ScoreObservations,
    TrainModel,
    ValidateTables,
)
from tests.lib.deliveries import CHECKOUT, SOURCE_YAML, write_delivery, write_project

HISTORY, NIGHT = date(2026, 3, 20), date(2026, 3, 21)
PEOPLE = 80
RECIPE = "asked"
LATE_ACCOUNT, LATE_BOOKING, WRONG_BOOKING, CORRECTED = "A900", "90001", "90002", "0"

SOURCE = (
    SOURCE_YAML.replace("load_date: 2024-01-31\nhistory_until: 2024-01-31", f"history_until: {HISTORY}")
    .replace("period: month", "period: year")
    .replace(
        "tables:\n",
        "  asked: {file: asked.csv, columns: [number, person, asked, amount]}\n"
        "  friends: {file: friends.csv, columns: [number, one, other, since], optional: true}\ntables:\n",
    )
    .replace(
        "customers: {known_on: assumed}",
        "customers: {known_on: assumed}\n  applications: {known_on: event_date}\n"
        "  relationships: {known_on: event_date}",
    )
)
APPLICATIONS = """\
SELECT
  CONCAT(${source}, ':', person) AS customer_id,
  number AS application_id,
  asked AS event_at,
  CAST(NULL AS STRING) AS account_id,
  amount AS amount_minor,
  12 AS term_months,
  CAST(NULL AS STRING) AS instalment_minor,
  CAST(NULL AS STRING) AS purpose,
  ${currency} AS currency
FROM asked
"""
RELATIONSHIPS = """\
SELECT
  CONCAT(${source}, ':', one) AS customer_id,
  number AS relationship_id,
  since AS event_at,
  CONCAT(${source}, ':', other) AS other_customer_id,
  'friend' AS kind
FROM friends
"""
TIE = """\
title: Friends
kind: known
table: clean.relationships
owner: tests
to: other_customer_id
"""
FEATURES = """\
from tallystick.spec.features import FeatureGroup, Measure
from tallystick.spec.graphs import CustomerGraph, NodeMeasure, node_measures

SPEND = FeatureGroup(
    name="spend", table="clean.transactions", owner="tests", windows=("7d", "all"),
    permitted_use="credit decisions, fraud review",
    measures=(
        Measure(name="any", value="amount_minor", ops="count sum", description="In {window}", reason="Spending"),
        Measure(name="out", value="amount_minor", where="direction = 'out'", ops="max", windows=("7d",),
                description="Out in {window}", reason="Spending"),
    ),
)
FRIENDS = CustomerGraph(
    name="friends", title="Friends", owner="tests", every="month", tables=("clean.accounts",), ties=("friends",),
    kinds={"known": "friendship"},
    measures=(NodeMeasure(op="neighbours", kinds=("known",), description="By {kind}", reason="Friends"),
              NodeMeasure(op="component", kinds=("known",), description="By {kind}", reason="Friends")),
)
CIRCLE = FeatureGroup(
    name="circle", table="graph.friends", owner="tests", windows=("all",), measures=node_measures(FRIENDS),
    permitted_use="credit decisions, fraud review",
)
"""
ASKED = """\
from tallystick.spec.algorithms import OrdinalScorecard, Selection
from tallystick.spec.labels import EventLabel
from tallystick.spec.recipes import Audit, Gates, Recipe, Split

BOUGHT = EventLabel(name="bought", table="clean.transactions", where="direction = 'in'", window="20d")
ASKED = Recipe(
    name="asked", title="Asked", groups=("spend", "circle"), observations="applications", label="bought",
    algorithms=(OrdinalScorecard(selection=Selection(min_iv=0.0, max_missing=1.0, max_correlation=1.0,
                                                     drop_against_sign=False)),),
    split=Split(method="random_by_customer", test_share=0.4, folds=2, repeats=1),
    audit=Audit(max_auc=1.0, max_joint_auc=1.0, max_missing_auc=1.0),
    gates=Gates(min_auc=0.5, calibration_slope=(0.0, 100.0), max_psi=50.0, min_bad=1),
    also_scored=("daily",),
)
"""
RULES = """\
family: velocity
title: How often
observations: daily
owner: tests
rules:
  - {id: VEL001, title: A large one, when: "spend_out_max_7d > 5000", severity: high, reason: Spending, status: live,
     since: 2026-03-01}
"""


def write_bank(root: Path) -> tuple[Path, Path]:
    """The project and the folder of the two deliveries."""
    sql = {"applications.sql": APPLICATIONS, "relationships.sql": RELATIONSHIPS}
    project = write_project(root / "project", files={"source.yaml": SOURCE, **sql})
    texts = {
        "features/village.py": FEATURES, "recipes/asked.py": ASKED, "rules/velocity.yaml": RULES,
        "ties/friends.yaml": TIE,
    }  # fmt: skip
    for name, text in texts.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(text, encoding="utf-8")
    shutil.copytree(CHECKOUT / "expectations", project / "expectations", dirs_exist_ok=True)
    for night, files in _deliveries().items():
        write_delivery(root / "files" / night.isoformat(), files)
    return project, root / "files"


def _deliveries() -> dict[date, dict[str, str | bytes | None]]:
    chance, booked = random.Random(3), []
    for person in range(PEOPLE):
        for week in range(10):
            day = date(2026, 1, 5) + timedelta(days=7 * week)
            is_rich = chance.random() < (0.8 if person % 3 else 0.2)
            amount = chance.randint(1, 100) + 200 * is_rich
            is_in = is_rich and week > 5 and chance.random() < 0.3
            booked.append(f"{len(booked)},A{person},{day} 10:00:00,{amount if is_in else -amount}.25,CARD,")
    broken = [f"{LATE_BOOKING},{LATE_ACCOUNT},2026-03-19,7,CASH,", f"{WRONG_BOOKING},A1,2026-03-19,seven,CASH,"]
    mended = [f"{CORRECTED},A0,2026-01-05 10:00:00,-400.25,CARD,"]
    nightly = [f"{80_000 + person},A{person},2026-03-20,-{person + 1},CARD," for person in range(PEOPLE)]
    people, late = [f"{n},1970-05-01,north" for n in range(PEOPLE)], "900,1980-01-01,south"
    asked = [f"p{n},{n},2026-02-{1 + n % 20:02} 09:00:00,{1000 + n}" for n in range(PEOPLE)]
    ties = [f"r{n},{n},{(n * 7 + 1) % PEOPLE},2025-06-{1 + n % 28:02}" for n in range(PEOPLE)]
    accounts = [f"A{n},{n},2025-12-02" for n in range(PEOPLE)]
    return {
        HISTORY: {
            "people.csv": _csv("person,born,village", people),
            "accounts.csv.gz": _csv("account,person,opened", accounts),
            "bookings_1.csv.gz": _csv("booking,account,booked,amount,kind,note", booked + broken),
            "asked.csv": _csv("number,person,asked,amount", asked),
            "friends.csv": _csv("number,one,other,since", ties),
        },
        NIGHT: {
            "people.csv": _csv("person,born,village", [late]),
            "accounts.csv.gz": _csv("account,person,opened", [f"{LATE_ACCOUNT},900,2026-03-18"]),
            "bookings_1.csv.gz": _csv("booking,account,booked,amount,kind,note", mended + nightly),
            "asked.csv": _csv("number,person,asked,amount", [f"p{PEOPLE},3,2026-03-20 09:00:00,5000"]),
        },
    }


def _csv(header: str, lines: list[str]) -> str:
    return "\n".join([header, *lines, ""])


def list_runs(project: Path, warehouse: Path, files: Path) -> list[Params]:
    """Every run from the files of both nights to scores and rules, under the same names wherever the tables are."""
    told: dict[str, Any] = {"project": project, "warehouse": warehouse, "source": "village", "run_id": "same"}
    days: dict[str, Any] = {"first": HISTORY, "last": NIGHT}
    asked: dict[str, Any] = {**told, "recipe": RECIPE}
    return [
        IngestSource(**told, directory=files, load_date=HISTORY),
        IngestSource(**told | {"run_id": "night"}, directory=files, load_date=NIGHT),
        ValidateTables(**told),
        ComputeGraph(**told),
        ComputeFeatures(**asked, last=NIGHT),
        ComputeFeatures(**asked, observations="daily", **days),
        BuildLabels(**asked, cutoff=NIGHT),
        AuditLeakage(**asked, known_by=NIGHT),
        TrainModel(**asked, known_by=NIGHT),
        ScoreObservations(**asked, observations="daily", **days),
        ApplyRules(**told, observations="daily", **days),
    ]
