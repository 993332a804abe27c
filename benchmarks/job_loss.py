"""How well lost work is seen: ``python -m benchmarks.job_loss --help``.

Simulated banks, whose truth says when each customer really lost and found work, are loaded, and the group
``employment`` is computed for those who lost work, some days after it, and for others who have had theirs all the
while, on the same days. Alone among the benchmarks it measures no time but what features are worth; nothing that the
pipeline uses may read the truth.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.banks import work_folder
from benchmarks.commands import run_command
from benchmarks.groups import ROOT
from benchmarks.ingest import ingest_command
from benchmarks.job_loss_cases import ZONE, alarm_cases, observations_of, read_truth
from benchmarks.report import print_markdown, say
from tallystick.features import GroupWork, compute_from
from tallystick.project import load_project
from tallystick.simulation import simulate
from tallystick.tables import Warehouse, read_arrow

GROUP, SOURCES = "employment", ("pay", "group", "place", "hours")
WITHOUT, ALL, KNOWN = "all but group", "all", "all, of the known"
SEEDS, CUSTOMERS, MONTHS = (202, 303), 2_000, 13
DAYS_SINCE = (7, 10, 14, 21, 28, 42)
WITHIN, ANY_DAY = 21, "1 to 21"
NO_LONGER_USABLE, DOUBTFUL = 1, 2
LEAST_AUC, MOST_ALARMS = 0.85, 0.05


def main() -> None:
    """Make and load the banks, measure each, print the tables; exit code 1 where a goal is missed."""
    args = _parser().parse_args()
    folder = work_folder(args.folder, "job_loss")
    found = {}
    for seed in args.seeds:
        home = load_bank(folder / f"bank_{seed}_{args.customers}", customers=args.customers, seed=seed)
        found[seed] = measure(home / "bank", Warehouse(home / "warehouse"), seed=seed)
        say(f"seed {seed}: AUC {WITHIN} days after the loss {found[seed]['auc'][WITHIN][ALL]:.3f}")
    print_markdown(
        ("days since the loss", "cases", *SOURCES, WITHOUT, ALL, KNOWN, "no longer usable", "or doubtful"),
        _losses(found),
    )
    print_markdown(("work as before, ...", "cases", "no longer usable", "or doubtful"), _alarms(found))
    print_markdown(("work as before", *SOURCES, ALL), _known(found))
    if args.json:
        args.json.write_text(json.dumps(found, indent=2), encoding="utf-8")
    least = statistics.median(one["auc"][WITHIN][ALL] for one in found.values())
    worst = max(_median(found, "alarms", name, "alarm") for name in _names(found, "alarms"))
    sys.exit(0 if least >= LEAST_AUC and worst <= MOST_ALARMS else 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.job_loss", description="Measure how lost work is seen.")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="of the simulated banks")
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--folder", type=Path, help="where the banks are kept and found again")
    parser.add_argument("--json", type=Path, help="write everything that was measured to this file")
    return parser


def load_bank(home: Path, *, customers: int, seed: int) -> Path:
    """The folder with the bank of this seed and its warehouse, both made unless they are there already."""
    simulate(home / "bank", customers=customers, months=MONTHS, seed=seed)
    if not (home / "loaded").exists():
        command = ingest_command(project=ROOT, warehouse=home / "warehouse", directory=home / "bank")
        run_command(command, log=home / "ingest.log")
        (home / "loaded").touch()
    return home


def measure(bank: Path, warehouse: Warehouse, *, seed: int) -> dict[str, Any]:
    """AUC of the doubt of each source and of all by days since the loss, states, and false alarms.

    ``bank`` is the simulated folder that was loaded into ``warehouse``; ``seed`` draws those who are compared.
    """
    rng = np.random.default_rng(seed)
    plan = json.loads((bank / "simulation.json").read_text(encoding="utf-8"))
    first = date(1970, 1, 1) + timedelta(days=plan["first"])
    truth = read_truth(bank, warehouse, first=first, last=date.fromisoformat(plan["until"]))
    project = load_project(ROOT)
    work = GroupWork.of(project.feature_groups[GROUP], project.contracts)
    rows = {table: read_arrow(warehouse, table) for table in sorted(work.tables)}

    def computed(cases: pd.DataFrame) -> pd.DataFrame:
        return compute_from(work, rows, observations_of(cases), zone=ZONE).to_pandas()

    drawn = [truth.losses(days) for days in range(1, WITHIN + 1)]
    drawn = [lost[rng.integers(1, WITHIN + 1, len(lost)) == days] for days, lost in enumerate(drawn, 1)]
    asked = {days: truth.losses(days) for days in DAYS_SINCE} | {ANY_DAY: pd.concat(drawn, ignore_index=True)}
    auc, states, known = {}, {}, {}
    for days, lost in asked.items():
        auc[days], states[days], known = _of_losses(lost, truth.others(lost, rng), computed)
    alarms = {name: _shares(computed(cases)) for name, cases in alarm_cases(truth, warehouse, rng) if len(cases)}
    return {"auc": auc, "states": states, "known": known, "alarms": alarms}


def _of_losses(lost: pd.DataFrame, others: pd.DataFrame, computed: Any) -> tuple[Any, Any, Any]:
    found = computed(pd.concat([lost, others], ignore_index=True))
    is_lost = np.arange(len(found)) < len(lost)
    doubts = {source: found[f"{GROUP}_{source}_doubt"] for source in SOURCES}
    every = found[f"{GROUP}_doubt"]
    # Of one source among those of whom it says something; of all among everybody, without doubt where nothing is known.
    auc = {source: area(is_lost[doubt.notna()], doubt.dropna()) for source, doubt in doubts.items()}
    auc[WITHOUT] = area(is_lost, every.fillna(0.0) - doubts["group"].fillna(0.0))
    auc[ALL] = area(is_lost, every.fillna(0.0))
    auc[KNOWN] = area(is_lost[every.notna()], every.dropna())
    known = {source: float(doubt[~is_lost].notna().mean()) for source, doubt in {**doubts, ALL: every}.items()}
    return auc, _shares(found[is_lost]), known


def area(is_lost: np.ndarray, doubt: pd.Series) -> float:
    """The chance that one who lost work is doubted more than one who did not; a tie counts half."""
    ranks, lost = doubt.rank().to_numpy(), int(is_lost.sum())
    return float((ranks[is_lost].sum() - lost * (lost + 1) / 2) / (lost * (len(ranks) - lost)))


def _shares(found: pd.DataFrame) -> dict[str, float]:
    state = found[f"{GROUP}_state"]
    return {
        "cases": float(len(found)),
        "alarm": float((state == NO_LONGER_USABLE).mean()),
        "doubt": float((state <= DOUBTFUL).mean()),
    }


def _names(found: dict[int, dict[str, Any]], part: str) -> list[Any]:
    return list(dict.fromkeys(name for one in found.values() for name in one[part]))


def _median(found: dict[int, dict[str, Any]], part: str, name: Any, what: str) -> float:
    return statistics.median(one[part][name][what] for one in found.values() if name in one[part])


def _total(found: dict[int, dict[str, Any]], part: str, name: Any) -> int:
    return int(sum(one[part][name]["cases"] for one in found.values() if name in one[part]))


def _losses(found: dict[int, dict[str, Any]]) -> list[Sequence[str]]:
    return [
        (
            str(days),
            str(_total(found, "states", days)),
            *(f"{_median(found, 'auc', days, source):.3f}" for source in (*SOURCES, WITHOUT, ALL, KNOWN)),
            *(f"{_median(found, 'states', days, what):.1%}" for what in ("alarm", "doubt")),
        )
        for days in (*DAYS_SINCE, ANY_DAY)
    ]


def _alarms(found: dict[int, dict[str, Any]]) -> list[Sequence[str]]:
    return [
        (
            name,
            str(_total(found, "alarms", name)),
            *(f"{_median(found, 'alarms', name, what):.1%}" for what in ("alarm", "doubt")),
        )
        for name in _names(found, "alarms")
    ]


def _known(found: dict[int, dict[str, Any]]) -> list[Sequence[str]]:
    shares = (statistics.median(one["known"][source] for one in found.values()) for source in (*SOURCES, ALL))
    return [("share of whom it says something", *(f"{share:.1%}" for share in shares))]


if __name__ == "__main__":
    main()
