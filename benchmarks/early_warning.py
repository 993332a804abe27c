"""How early the watch list warns, and how often nothing happens then: ``python -m benchmarks.early_warning --help``.

Simulated banks are loaded. A model learns from the month ends whose labels were known on the first day of the test, and
ranks the running loans of every seventh night from then on; places are taken as the declared list takes them. Beside it
stand the same without the social and spatial features, the declared rules alone, the balance alone, and a model that
also knows what no bank can see. Measures no time.
"""

from __future__ import annotations

import argparse
import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from sklearn.metrics import roc_auc_score

from benchmarks.banks import work_folder
from benchmarks.commands import run_command
from benchmarks.early_warning_cases import (
    RECIPE,
    WITHIN_DAYS,
    Bank,
    night_of,
    nights_between,
    outcomes,
    read_causes,
)
from benchmarks.groups import ROOT
from benchmarks.ingest import graph_command, ingest_command
from benchmarks.report import say
from tallystick.kernel.row_values import evaluate_expression
from tallystick.model.boosting import fit_boosting
from tallystick.model.fitting import Part, fit_member
from tallystick.model.inputs import Feature
from tallystick.project import load_project
from tallystick.project.rule_checks import columns_of, plan_set
from tallystick.simulation import simulate
from tallystick.spec.rules import LIVE
from tallystick.tables import Warehouse
from tallystick.warning.ranked_places import rank_of, take_places

# Not those of any bank that was looked at while recipe, rules and list were written (501, 502, 503).
SEEDS, CUSTOMERS, MONTHS = (911, 912), 4_000, 30
LEARN_FROM, TEST_FROM, UNTIL = date(2024, 1, 1), date(2025, 4, 1), date(2026, 4, 1)
EACH_DAYS, MONTH_DAYS, CHUNK = 7, 28, 18
SOCIAL = ("social", "relationships", "chains", "chats", "employment", "trajectory", "devices")
SEVERITY = {"low": 1, "medium": 2, "high": 4, "critical": 8}
FULL, WITHOUT, RULES, BALANCE, TRUTH = (
    "the model", "without social and spatial", "rules alone", "balance alone", "the model and the truth of the day",
)  # fmt: skip
CAPACITIES, LEADS = (0.01, 0.02, 0.05, 0.1, 0.2), (0, 14, 30, 60, 90, 120, 150, 180)


@dataclass(frozen=True, kw_only=True, slots=True)
class Nights:
    """The ranked loans of a bank's test nights: row by row what happened to each, and every ranking's risk.

    ``frame`` has observation_id, night, bad (ninety days past due within six months) and is_mature. ``risks`` gives a
    risk for each row by the name of the ranking, ``loans`` is what ``outcomes`` gives, ``onset`` since when bad loans
    had their blow.
    """

    frame: pd.DataFrame
    risks: Mapping[str, np.ndarray]
    loans: pd.DataFrame
    onset: pd.Series


def main() -> None:
    """Make and load the banks, measure all of them together, print the tables."""
    args = _parser().parse_args()
    folder = work_folder(args.folder, "early_warning")
    found = {}
    for seed in args.seeds:
        kept = folder / f"nights_{seed}_{args.customers}.pickle"
        if not kept.exists():
            home = load_bank(folder / f"bank_{seed}_{args.customers}", customers=args.customers, seed=seed)
            bank = Bank(project=load_project(ROOT), warehouse=Warehouse(home / "warehouse"), folder=home / "bank")
            kept.write_bytes(pickle.dumps(read_nights(bank)))
        found[seed] = pickle.loads(kept.read_bytes())
        say(f"seed {seed}: {len(found[seed].frame)} loans on nights, {found[seed].frame['bad'].mean():.3f} bad")
    measured = measure(list(found.values()))
    from benchmarks.early_warning_tables import print_tables

    print_tables(measured)
    if args.json:
        args.json.write_text(json.dumps(measured, indent=2), encoding="utf-8")
    if args.pictures:
        from benchmarks.early_warning_pictures import draw_pictures

        draw_pictures(measured, args.pictures)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.early_warning", description="Measure early warning.")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="of the simulated banks")
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help="of each bank")
    parser.add_argument("--folder", type=Path, help="where the banks are kept and found again")
    parser.add_argument("--json", type=Path, help="write everything that was measured to this file")
    parser.add_argument("--pictures", type=Path, help="draw the curves into this folder")
    return parser


def load_bank(home: Path, *, customers: int, seed: int) -> Path:
    """The folder with the bank of this seed and its warehouse with graphs, all made unless they are there already."""
    simulate(home / "bank", customers=customers, months=MONTHS, seed=seed)
    if not (home / "loaded").exists():
        command = ingest_command(project=ROOT, warehouse=home / "warehouse", directory=home / "bank")
        run_command(command, log=home / "ingest.log")
        run_command(graph_command("people", project=ROOT, warehouse=home / "warehouse"), log=home / "graph.log")
        (home / "loaded").touch()
    return home


def read_nights(bank: Bank) -> Nights:
    """Learn from what was known on the first day of the test, and rank the loans of each seventh night from then on."""
    recipe, causes = bank.project.recipes[RECIPE], read_causes(bank)
    learned = _learned(bank)
    say(f"      {len(learned)} loans at month ends, {learned['label'].mean():.3f} bad")
    features = {feature.name: feature for feature in bank.plan("running").features}
    own = [name for name, feature in features.items() if feature.group not in SOCIAL]
    part = Part(
        vectors=learned[list(features)],
        label=learned["label"].to_numpy(dtype=int),
        customer=learned["customer_id"].to_numpy(),
        vintage=learned["night"].dt.strftime("%Y-%m").to_numpy(),
        features=tuple(features.values()),
    )
    algorithm = recipe.algorithms[0]
    kept = {FULL: fit_member(algorithm, part, seed=recipe.seed)[0]}
    kept[WITHOUT] = fit_member(replace(algorithm, features=tuple(own)), part, seed=recipe.seed)[0]
    # What is rare passes no selection by bins: the truth joins what the model has selected.
    truth = causes.state(learned)
    joined = [features[name] for name in kept[FULL].features]
    joined += [Feature(name=name, reason="truth") for name in truth.columns]
    seen = pd.concat([part.vectors, truth], axis=1)
    kept[TRUTH] = fit_boosting(algorithm, seen, part.label, joined, seed=recipe.seed)
    loans = outcomes(bank, until=UNTIL)
    rules = _rules_risk(bank)
    frames, risks = [], {name: [] for name in (*kept, RULES, BALANCE)}
    nights = nights_between(TEST_FROM, UNTIL, days=EACH_DAYS)
    for start in range(0, len(nights), CHUNK):
        found = _ranked(bank, nights[start : start + CHUNK], loans)
        seen = pd.concat([found, causes.state(found)], axis=1)
        for name, member in kept.items():
            risks[name].append(member.log_odds(seen))
        risks[RULES].append(rules(found))
        risks[BALANCE].append(-found["transactions_balance_last_all"].fillna(0).to_numpy())
        frames.append(found[["observation_id", "customer_id", "night", "bad", "is_mature"]])
        say(f"      nights up to {nights[min(start + CHUNK, len(nights)) - 1]}")
    bad = loans[loans["missed"].notna()]
    return Nights(
        frame=pd.concat(frames, ignore_index=True),
        risks={name: np.concatenate(parts) for name, parts in risks.items()},
        loans=loans,
        onset=causes.onset(bad),
    )


def _learned(bank: Bank) -> pd.DataFrame:
    """The month ends whose label was known on the first day of the test, with their vectors."""
    months = [one.date() for one in pd.date_range(LEARN_FROM, TEST_FROM, freq="MS")]
    vectors = pd.concat([bank.vectors("running", months[at : at + CHUNK]) for at in range(0, len(months), CHUNK)])
    labels = bank.labels(vectors, cutoff=TEST_FROM)
    learned = vectors.merge(labels[labels["status"] == "mature"], on=["observation_id", "as_of"])
    return learned.assign(night=night_of(learned["as_of"]))


def _ranked(bank: Bank, nights: Sequence[date], loans: pd.DataFrame) -> pd.DataFrame:
    """The loans of these nights that are not late, with their vectors, and whether they go bad within six months."""
    vectors = bank.vectors("running_nights", nights)
    vectors["night"] = night_of(vectors["as_of"])
    arrears = pd.concat([bank.arrears(night).assign(night=pd.Timestamp(night)) for night in nights])
    found = vectors.merge(arrears, on=["observation_id", "night"])
    found = found[(found["dpd"] == 0) & ~found["is_repaid"]].drop(columns=["dpd", "is_repaid"])
    found = found.merge(loans[["observation_id", "bad", "missed"]], on="observation_id")
    within = found["bad"] <= found["night"] + pd.Timedelta(days=WITHIN_DAYS)
    found["bad"] = (found["bad"].notna() & within & (found["bad"] > found["night"])).astype(int)
    found["is_mature"] = found["night"] + pd.Timedelta(days=WITHIN_DAYS) <= pd.Timestamp(UNTIL)
    return found.drop(columns=["missed"]).reset_index(drop=True)


def _rules_risk(bank: Bank) -> Callable[[pd.DataFrame], np.ndarray]:
    """A risk from the rules of the list's family: the severities of those that hit, then the balance."""
    project = bank.project
    declared = project.watch_lists[RECIPE]
    known = columns_of(project, declared.observations)
    rules = plan_set(project, declared.observations, columns=known)
    planned = [one for one in rules if one.rule.family == declared.family and one.rule.status == LIVE]
    loans = bank.table("clean.loans").to_pandas()[["loan_id", "instalment_minor"]]

    def risk(found: pd.DataFrame) -> np.ndarray:
        rows = found.merge(loans, left_on="observation_id", right_on="loan_id", how="left")
        total = np.zeros(len(rows))
        for one in planned:
            kinds = {name: known.types[name] for name in one.columns}
            table = pa.table({name: _typed(rows[name], kind) for name, kind in kinds.items()})
            hit = pc.fill_null(evaluate_expression(one.node, table), False).to_numpy(zero_copy_only=False)
            total += SEVERITY[one.rule.severity] * hit
        return total - rows["transactions_balance_last_all"].rank(pct=True).fillna(0.5).to_numpy()

    return risk


def _typed(column: pd.Series, kind: str) -> Any:
    values = [None if pd.isna(value) else value for value in column]
    return pa.array([int(value) if value is not None and kind == "int64" else value for value in values],
                    pa.int64() if kind == "int64" else pa.float64())  # fmt: skip


def measure(banks: Sequence[Nights]) -> dict[str, Any]:
    """All figures by ranking: capture, precision and false alarms by capacity, lead, churn, and what bounds them."""
    made: dict[str, Any] = {"rankings": {}, "ceilings": _ceilings(banks)}
    for name in banks[0].risks:
        lists = [_lists(bank, bank.risks[name]) for bank in banks]
        made["rankings"][name] = {
            "auc": float(np.mean([_auc(bank, name) for bank in banks])),
            "by_capacity": {str(share): _at_capacity(banks, name, share) for share in CAPACITIES},
            "list": _of_lists(banks, lists),
        }
    return made


def _auc(bank: Nights, name: str) -> float:
    is_mature = bank.frame["is_mature"].to_numpy()
    return float(roc_auc_score(bank.frame["bad"][is_mature], bank.risks[name][is_mature]))


def _at_capacity(banks: Sequence[Nights], name: str, share: float) -> dict[str, float]:
    """The first ``share`` of each mature night, whoever was on the list before."""
    bad = caught = listed = ranked = 0
    for bank in banks:
        frame = bank.frame.assign(risk=bank.risks[name])
        for _, night in frame[frame["is_mature"]].groupby("night"):
            places = max(1, int(share * len(night)))
            first = rank_of(night["risk"].to_numpy(), night["observation_id"].to_numpy(dtype=str)) <= places
            bad, caught = bad + int(night["bad"].sum()), caught + int(night["bad"][first].sum())
            listed, ranked = listed + places, ranked + len(night)
    return {
        "capture": caught / bad,
        "precision": caught / listed,
        "false_alarms_per_1000": 1000 * (listed - caught) / ranked,
        "bad_rate": bad / ranked,
        "best_capture": min(1.0, listed / bad),
    }


def _lists(bank: Nights, risk: np.ndarray) -> pd.DataFrame:
    """``frame`` with is_listed: places taken night after night as the declared list takes them."""
    declared = load_project(ROOT).watch_lists[RECIPE]
    frame, since, parts = bank.frame.assign(risk=risk), {}, []
    for night, rows in frame.groupby("night"):
        names = rows["observation_id"].to_numpy(dtype=str)
        rank = rank_of(rows["risk"].to_numpy(), names)
        was_on = np.array([name in since for name in names], dtype=bool)
        days = np.array([(night - since[name]).days if name in since else 0 for name in names], dtype=np.int64)
        is_on, _ = take_places(
            rank, was_on, days, places=(places := declared.places(len(rows))),
            keeps=declared.kept_places(places), stay_days=declared.stay_days,
        )  # fmt: skip
        since = {name: since.get(name, night) for name in names[is_on]}
        parts.append(rows.assign(is_listed=is_on, listed_on=[since.get(name) for name in names]))
    return pd.concat(parts)


def _of_lists(banks: Sequence[Nights], lists: Sequence[pd.DataFrame]) -> dict[str, Any]:
    mature = pd.concat([one[one["is_mature"]] for one in lists])
    on = mature[mature["is_listed"]]
    leads, ever, cases = [], 0, 0
    curve = {days: [0, 0] for days in LEADS}
    for bank, listed in zip(banks, lists, strict=True):
        bad = _missed_in_test(bank)
        first = listed[listed["is_listed"]].groupby("observation_id")["night"].min()
        since = first.reindex(bad["observation_id"]).to_numpy()
        lead = (bad["missed"].to_numpy() - since) / np.timedelta64(1, "D")
        is_caught = ~np.isnan(lead) & (lead >= 0)
        cases, ever = cases + len(bad), ever + int(is_caught.sum())
        leads += lead[is_caught].tolist()
        for days, counted in curve.items():
            counted[0] += _listed_before(listed, bad, days=days)
            counted[1] += len(bad)
    return {
        "capture": float(on["bad"].sum() / mature["bad"].sum()),
        "precision": float(on["bad"].mean()),
        "false_alarms_per_1000": float(1000 * (1 - on["bad"]).sum() / len(mature)),
        "ever_captured": ever / cases,
        "cases": cases,
        "median_lead_days": float(np.median(leads)),
        "leads_of_90_days": float(np.mean(np.array(leads) >= 90)),
        "listed_by_days_before": {str(days): found / asked for days, (found, asked) in curve.items()},
        **_churn(lists),
    }


def _missed_in_test(bank: Nights) -> pd.DataFrame:
    """The loans that went bad and whose first missed payment came half a year or more after the first list: any lead up
    to half a year could be seen. They were ranked at least once.
    """
    loans = bank.loans[bank.loans["missed"] >= pd.Timestamp(TEST_FROM) + pd.Timedelta(days=180)]
    return loans[loans["observation_id"].isin(bank.frame["observation_id"])]


def _listed_before(listed: pd.DataFrame, bad: pd.DataFrame, *, days: int) -> int:
    """How many of the bad loans were on the list that was in force so many days before the first missed payment."""
    asked = bad[["observation_id", "missed"]].assign(at=bad["missed"] - pd.Timedelta(days=days))
    met = listed[["observation_id", "night", "is_listed"]].merge(asked, on="observation_id")
    met = met[(met["night"] <= met["at"]) & (met["night"] > met["at"] - pd.Timedelta(days=EACH_DAYS))]
    return int(met["is_listed"].sum())


def _churn(lists: Sequence[pd.DataFrame]) -> dict[str, float]:
    """Of those on a list, the shares that four weeks later are off it though they still run and are not late; have
    become late or have ended.
    """
    left = gone = size = 0
    for listed in lists:
        nights = sorted(listed["night"].unique())
        by_night = {night: rows.set_index("observation_id")["is_listed"] for night, rows in listed.groupby("night")}
        for night in nights:
            later = night + pd.Timedelta(days=MONTH_DAYS)
            if later in by_night:
                before = by_night[night][by_night[night]].index
                now = by_night[later].reindex(before)
                size, gone = size + len(before), gone + int(now.isna().sum())
                left += int((now == False).sum())  # noqa: E712 - null is no answer
    return {"churn": left / size, "late_or_ended": gone / size}


def _ceilings(banks: Sequence[Nights]) -> dict[str, Any]:
    """What no ranking can exceed: leads from the grant and from the day on which the blow began, and who was ranked.

    Who was late with an earlier instalment, and paid it afterwards, was not.
    """
    from_grant, from_blow, cases = [], [], 0
    grant_curve, blow_curve, ranked_curve = (dict.fromkeys(LEADS, 0) for _ in range(3))
    for bank in banks:
        bad = _missed_in_test(bank).set_index("observation_id")
        onset = bank.onset.reindex(bad.index)
        since_grant = (bad["missed"] - bad["granted"]).dt.days - 1
        since_blow = (bad["missed"] - pd.concat([onset, bad["granted"]], axis=1).max(axis=1)).dt.days - 1
        since_blow = since_blow.where(onset.notna())
        from_grant += since_grant.tolist()
        from_blow += since_blow.dropna().tolist()
        cases += len(bad)
        for days in LEADS:
            grant_curve[days] += int((since_grant >= days).sum())
            blow_curve[days] += int((since_blow >= days).sum())
            everybody = bank.frame.assign(is_listed=True)
            ranked_curve[days] += _listed_before(everybody, bad.reset_index(), days=days)
    return {
        "cases": cases,
        "median_days_from_grant": float(np.median(from_grant)),
        "granted_90_days_before": float(np.mean(np.array(from_grant) >= 90)),
        "with_a_blow": len(from_blow) / cases,
        "median_days_from_blow": float(np.median(from_blow)),
        "blow_90_days_before": float(np.mean(np.array(from_blow) >= 90)),
        "granted_by_days_before": {str(days): count / cases for days, count in grant_curve.items()},
        "ranked_by_days_before": {str(days): count / cases for days, count in ranked_curve.items()},
        "blow_by_days_before": {str(days): count / cases for days, count in blow_curve.items()},
    }


if __name__ == "__main__":
    main()
