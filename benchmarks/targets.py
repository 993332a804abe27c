"""What each part of the simulated bank is worth: ``python -m benchmarks.targets --help``.

Simulated banks are loaded, labelled, and all features of every application are computed, as the pipeline does it.
Models of some subjects are compared with those of more of them, on the same rows and folds. Measures no time: the
figures say whether the bank is fit to prove anything on, and none of them is tuned at a model of the pipeline.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from benchmarks.banks import SOURCE, work_folder
from benchmarks.commands import run_command
from benchmarks.groups import ROOT
from benchmarks.ingest import ingest_command
from benchmarks.report import print_markdown, say
from tallystick.features import GroupWork, compute_from
from tallystick.observations import OBSERVATION_SCHEMA
from tallystick.project import Project, load_project
from tallystick.simulation import simulate
from tallystick.tables import Warehouse, query, read_arrow

RECIPE, LABEL, ZONE = "cash_loan", "dpd30_in_90_days", "Asia/Shanghai"
SEEDS, CUSTOMERS = (11, 12, 13), 2_000
APPLICATION, ACCOUNT, NOISE = "application", "account", "noise"
# The subject of a group is that of the table its rows come from. A table that is not named belongs to none.
SUBJECTS = {
    APPLICATION: ("applications", "applicant_facts", "customers", "employment"),
    ACCOUNT: ("transactions", "accounts", "account_holders", "cards", "orders", "repayments", "credit_inquiries"),
    "graph": ("relationships", "households"),
    "calls": ("social_events", "group_messages", "group_memberships"),
    "mobility": ("location_events",),
    "devices": ("device_events", "identity_checks"),
    "interests": ("behaviour_events",),
    NOISE: ("wallpaper_changes",),
}
# Judged by pay, chats and places together: of no single subject. And what no credit decision may use.
WITHOUT = ("employment", "preferences")
THIN_DAYS, FOLDS, DRAWS, LEAST_VALUES, MOST_COLUMNS = 120, 5, 200, 50, 60
# Subject or subjects -> the range that the AUC, or the gain over application and account, should lie in.
ALONE, BOTH, EVERYTHING, COLUMN = (0.62, 0.68), (0.72, 0.80), (0.0, 0.85), (0.0, 0.75)
GAINS = {"graph": (0.005, 0.03), "calls": (0.005, 0.03), "mobility": (0.005, 0.03)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Applications:
    """The applications of some banks: outcomes, customers, whose file is thin, columns and their ranks, by subject."""

    bad: np.ndarray
    customer: np.ndarray
    is_thin: np.ndarray
    columns: pd.DataFrame
    ranks: pd.DataFrame
    subjects: Mapping[str, Sequence[str]]


def main() -> None:
    """Make and load the banks, measure all of them together, print the table."""
    args = _parser().parse_args()
    folder, project = work_folder(args.folder, "targets"), load_project(ROOT)
    found = []
    for seed in args.seeds:
        home = load_bank(folder / f"bank_{seed}_{args.customers}", customers=args.customers, seed=seed)
        found.append(read_applications(project, Warehouse(home / "warehouse"), seed=seed))
        say(f"seed {seed}: {len(found[-1].bad)} loans, {found[-1].bad.mean():.3f} bad")
    every = put_together(found)
    rows = measure(every)
    print_markdown(("model of", "AUC", "gain", "+-", "thin files", "gain there", "target", "met"), rows)
    if args.json:
        args.json.write_text(json.dumps(rows, indent=2), encoding="utf-8")
    sys.exit(0 if all(row[-1] != "no" for row in rows) else 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.targets", description="Measure what subjects are worth."
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="of the simulated banks")
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help="of each bank")
    parser.add_argument("--folder", type=Path, help="where the banks are kept and found again")
    parser.add_argument("--json", type=Path, help="write the table to this file")
    return parser


def load_bank(home: Path, *, customers: int, seed: int) -> Path:
    """The folder with the bank of this seed, loaded and labelled, which is done unless it is there already."""
    simulate(home / "bank", customers=customers, seed=seed)
    if not (home / "labelled").exists():
        warehouse = home / "warehouse"
        run_command(ingest_command(project=ROOT, warehouse=warehouse, directory=home / "bank"), log=home / "ingest.log")
        told: list[str | Path] = ["--project", ROOT, "--warehouse", warehouse, "--source", SOURCE, "--recipe", RECIPE]
        run_command([sys.executable, ROOT / "jobs" / "build_labels.py", *told], log=home / "labels.log")
        (home / "labelled").touch()
    return home


def read_applications(project: Project, warehouse: Warehouse, *, seed: int) -> Applications:
    """Applications with a mature label, and all features of each as of its own instant."""
    keys = query(
        warehouse,
        f"SELECT l.observation_id, l.label, a.customer_id, a.event_at AS as_of, o.opened_at, a.amount_minor, "
        f"a.term_months, a.instalment_minor, a.purpose = 'debt' AS is_for_debt FROM label.{LABEL} l "
        f"JOIN clean.applications a ON a.application_id = l.observation_id JOIN (SELECT customer_id, "
        f"min(event_at) AS opened_at FROM clean.accounts GROUP BY 1) o ON o.customer_id = a.customer_id "
        f"WHERE l.status = 'mature' ORDER BY l.observation_id",
    ).to_pandas()
    observed = pa.Table.from_pandas(keys[OBSERVATION_SCHEMA.names], preserve_index=False).cast(OBSERVATION_SCHEMA)
    asked = keys[["amount_minor", "term_months", "instalment_minor", "is_for_debt"]].astype(float)
    parts, subjects = [asked.add_prefix("request_")], {name: [] for name in SUBJECTS}
    subjects[APPLICATION] = list(parts[0].columns)
    left_out = set(project.recipes[RECIPE].leave_out)
    for name, group in project.feature_groups.items():
        table = group.table.removeprefix("clean.")
        subject = next((one for one, tables in SUBJECTS.items() if table in tables), None)
        if subject is None or name in WITHOUT:
            continue
        work = GroupWork.of(group, project.contracts)
        rows = {one: read_arrow(warehouse, one) for one in sorted(work.tables)}
        computed = compute_from(work, rows, observed, zone=ZONE).to_pandas().set_index("observation_id")
        numbers = computed.loc[keys["observation_id"]].select_dtypes(["number", "bool"]).astype(float)
        numbers = numbers.drop(columns=[one for one in numbers if one in left_out]).reset_index(drop=True)
        parts.append(numbers)
        subjects[subject] += list(numbers.columns)
    return Applications(
        bad=keys["label"].to_numpy(dtype=int),
        customer=(f"{seed}:" + keys["customer_id"]).to_numpy(),
        is_thin=((keys["as_of"] - keys["opened_at"]).dt.days < THIN_DAYS).to_numpy(),
        columns=pd.concat(parts, axis=1),
        ranks=pd.DataFrame(),
        subjects=subjects,
    )


def put_together(found: Sequence[Applications]) -> Applications:
    """The applications of several banks as those of one, without columns that hardly have a value in them."""
    columns = pd.concat([one.columns for one in found], ignore_index=True)
    columns = columns.loc[:, columns.notna().sum() >= LEAST_VALUES]
    return Applications(
        bad=np.concatenate([one.bad for one in found]),
        customer=np.concatenate([one.customer for one in found]),
        is_thin=np.concatenate([one.is_thin for one in found]),
        columns=columns,
        ranks=columns.rank(pct=True).fillna(0.5),
        subjects={subject: [one for one in names if one in columns] for subject, names in found[0].subjects.items()},
    )


def measure(every: Applications) -> list[list[str]]:
    """One row a model: AUC over folds of customers, the gain over application and account, and the target."""
    base = [APPLICATION, ACCOUNT]
    usual = predict(every, base)
    rows = [_row(every, APPLICATION, predict(every, [APPLICATION]), target=ALONE)]
    rows.append(_row(every, "application and account", usual, target=BOTH))
    for subject in SUBJECTS:
        if subject not in base:
            told = GAINS.get(subject)
            scores = predict(every, [*base, subject])
            rows.append(_row(every, f"both and {subject}", scores, base=usual, gain_target=told))
    rows.append(_row(every, "all", predict(every, list(SUBJECTS)), base=usual, target=EVERYTHING))
    name, area = best_column(every)
    rows.append([f"the best column alone: `{name}`", f"{area:.3f}", "", "", "", "", "at most 0.75", _met(area, COLUMN)])
    return rows


def predict(every: Applications, subjects: Sequence[str]) -> np.ndarray:
    """The score of each application by a model that has not seen its customer.

    A model reads the columns of each subject that go best with the outcome among the applications it has seen.
    """
    scores = np.zeros(len(every.bad))
    for seen, unseen in GroupKFold(FOLDS).split(every.columns, every.bad, every.customer):
        columns = every.columns[[name for subject in subjects for name in choose(every, subject, seen)]]
        model = HistGradientBoostingClassifier(
            max_iter=150,
            learning_rate=0.05,
            max_leaf_nodes=6,
            min_samples_leaf=25,
            l2_regularization=5.0,
            max_features=0.3,
            max_bins=63,
            random_state=0,
        )
        model.fit(columns.iloc[seen], every.bad[seen])
        scores[unseen] = model.predict_proba(columns.iloc[unseen])[:, 1]
    return scores


def choose(every: Applications, subject: str, seen: np.ndarray) -> list[str]:
    """The columns of a subject whose ranks go best with the outcome of the applications that are ``seen``."""
    names = every.subjects[subject]
    ranks = every.ranks[names].to_numpy()[seen]
    outcome = every.bad[seen] - every.bad[seen].mean()
    spread = ranks.std(axis=0)
    strength = np.abs(outcome @ (ranks - ranks.mean(axis=0))) / np.where(spread > 0, spread, np.inf)
    return [names[place] for place in np.argsort(-strength, kind="stable")[:MOST_COLUMNS]]


def best_column(every: Applications) -> tuple[str, float]:
    """The column that ranks best alone, and its AUC in the direction that suits it; nulls are in the middle."""
    areas = {}
    for name, column in every.columns.items():
        filled = column.fillna(column.median() if column.notna().any() else 0.0)
        area = roc_auc_score(every.bad, filled)
        areas[str(name)] = max(area, 1 - area)
    best = max(areas, key=lambda name: areas[name])
    return best, areas[best]


def _row(
    every: Applications,
    name: str,
    scores: np.ndarray,
    *,
    base: np.ndarray | None = None,
    target: tuple[float, float] | None = None,
    gain_target: tuple[float, float] | None = None,
) -> list[str]:
    area = roc_auc_score(every.bad, scores)
    thin = roc_auc_score(every.bad[every.is_thin], scores[every.is_thin])
    gain = spread = thin_gain = ""
    met = _met(area, target) if target else ""
    aim = _range(target) if target else ""
    if base is not None:
        gains = _drawn_gains(every, scores, base)
        gain, spread = f"{area - roc_auc_score(every.bad, base):+.3f}", f"{gains.std():.3f}"
        thin_gain = f"{thin - roc_auc_score(every.bad[every.is_thin], base[every.is_thin]):+.3f}"
        if gain_target:
            met, aim = _met(float(gain), gain_target), f"gain {_range(gain_target)}"
    return [name, f"{area:.3f}", gain, spread, f"{thin:.3f}", thin_gain, aim, met]


def _drawn_gains(every: Applications, scores: np.ndarray, base: np.ndarray) -> np.ndarray:
    """The gain over samples of customers, drawn with replacement."""
    rng = np.random.default_rng(0)
    customers, place = np.unique(every.customer, return_inverse=True)
    gains = []
    for _ in range(DRAWS):
        weight = np.bincount(rng.integers(0, len(customers), len(customers)), minlength=len(customers))[place]
        gains.append(
            roc_auc_score(every.bad, scores, sample_weight=weight)
            - roc_auc_score(every.bad, base, sample_weight=weight)
        )
    return np.array(gains)


def _range(limits: tuple[float, float]) -> str:
    return f"{limits[0]:g} to {limits[1]:g}" if limits[0] else f"below {limits[1]:g}"


def _met(value: float, limits: tuple[float, float]) -> str:
    return "yes" if limits[0] <= round(value, 3) <= limits[1] else "no"


if __name__ == "__main__":
    main()
