"""From files to scores, stage by stage: ``python -m benchmarks.chain --help``.

Runs ``tally demo`` as a user does, and with ``--before`` that of another checkout of this project in turns; then a
supplier that is not the simulated bank (``stranger``) with a source and a recipe of its own. The stages are those that
the commands print; a stage's CPU seconds are those of all processes while it lasted. Apart from ``ingest`` and
``night``, which run one job each.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import stranger
from benchmarks.banks import copy_project, work_folder
from benchmarks.commands import Mark, Taken, run_command
from benchmarks.groups import ROOT
from benchmarks.report import Judgement, machine_facts, print_facts, print_judgements, print_markdown, say
from benchmarks.stranger_source import NAME, RECIPE

OURS, BEFORE, STRANGER = "tallystick", "before", "stranger"
MOST_SECONDS, MOST_OF_BEFORE = {OURS: 90.0, STRANGER: 60.0}, 0.4
STAGE = r"^\[(\d+)/(\d+)\] (.+)$"
FIRST = "start, and what comes before the stages"


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """What one stage took."""

    title: str
    wall: float
    cpu: float


def main() -> None:
    """Run the chains in turns and print a table for each."""
    args = _parser().parse_args()
    folder = work_folder(args.folder, "chain")
    homes = {OURS: ROOT, **({BEFORE: args.before.absolute()} if args.before else {})}
    runs: dict[str, list[Taken]] = {name: [] for name in [*homes, STRANGER] if name not in args.without}
    for turn in range(args.times):
        order = list(runs) if turn % 2 == 0 else list(reversed(runs))
        for name in order:
            taken = run_stranger(folder) if name == STRANGER else run_demo(folder / name, homes[name], args.customers)
            runs[name].append(taken)
            say(f"{name}, turn {turn + 1}: {taken.wall:.1f} s, {taken.cpu:.1f} CPU s, {taken.peak_mb:.0f} MB")
    facts, judgements = machine_facts(), judge(runs)
    print_facts(facts)
    demos = {name: runs[name] for name in homes if name in runs}
    for part in (demos, {name: runs[name] for name in (STRANGER,) if name in runs}):
        if part:
            print_markdown(["stage", *(f"{name} {unit}" for name in part for unit in ("wall s", "CPU s"))], cells(part))
    print_judgements(judgements)
    if args.json:
        told = {name: [asdict(one) for one in several] for name, several in runs.items()}
        args.json.write_text(json.dumps({"machine": facts, "runs": told}, indent=2), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chain", description="Measure files to scores.")
    parser.add_argument("--before", type=Path, help="another checkout of this project with its own .venv")
    parser.add_argument("--times", type=int, default=1, help="turns; the median counts")
    parser.add_argument("--without", action="append", default=[], choices=(OURS, BEFORE, STRANGER), help="leave out")
    parser.add_argument("--customers", type=int, default=2000, help="of the demo's bank")
    parser.add_argument("--folder", type=Path, help="where the chains work")
    parser.add_argument("--json", type=Path, help="write everything that was measured to this file")
    return parser


def run_demo(folder: Path, home: Path, customers: int) -> Taken:
    """The demo of the checkout at ``home`` in an empty folder, from the start of its process to its end."""
    shutil.rmtree(folder, ignore_errors=True)
    command: list[str | Path] = [tally_of(home), "demo", "--dir", folder, "--customers", str(customers)]
    return run_command(command, log=folder.with_suffix(".log"), home=home, marked=STAGE)


def run_stranger(folder: Path) -> Taken:
    """The whole chain for a supplier whose files and declarations are written first, which is not measured."""
    place = folder / STRANGER
    shutil.rmtree(place, ignore_errors=True)
    project = stranger.write_project(copy_project(place / "project"))
    bank = stranger.write_files(place / "bank")
    told: list[str | Path] = ["--source", f"{NAME}={bank}", "--warehouse", place / "warehouse", "--project", project]
    return run_command([tally_of(ROOT), "run", RECIPE, *told], log=folder / f"{STRANGER}.log", marked=STAGE)


def tally_of(home: Path) -> Path:
    """The command ``tally`` of a checkout's own environment."""
    return Path(sys.executable).parent / "tally" if home == ROOT else home / ".venv" / "bin" / "tally"


def stages_of(taken: Taken) -> list[Stage]:
    """The stages of a chain in order; the first is what comes before any of them. Their sum is the whole.

    A stage begins with the first line that has its number: it may tell its progress in more such lines.
    """
    begun: dict[str, Mark] = {}
    for mark in taken.marks:
        begun.setdefault(re.sub(STAGE, r"\1", mark.line), mark)
    titles = [FIRST, *(re.sub(STAGE, r"\3", mark.line) for mark in begun.values())]
    walls = [0.0, *(mark.wall for mark in begun.values()), taken.wall]
    cpus = [0.0, *(mark.cpu for mark in begun.values()), taken.cpu]
    return [
        Stage(title=title, wall=walls[at + 1] - walls[at], cpu=cpus[at + 1] - cpus[at])
        for at, title in enumerate(titles)
    ]


def cells(runs: Mapping[str, Sequence[Taken]]) -> list[list[str]]:
    """One row a stage with the median seconds of each side; a stage that one side has not leaves its cells empty."""
    found: dict[str, dict[str, list[Stage]]] = {}
    for name, several in runs.items():
        for taken in several:
            whole = Stage(title="the whole", wall=taken.wall, cpu=taken.cpu)
            for stage in [*stages_of(taken), whole]:
                found.setdefault(stage.title, {}).setdefault(name, []).append(stage)
    # A stage that only a later side has would stand behind the whole.
    found["the whole"] = found.pop("the whole")
    rows = []
    for title, sides in found.items():
        row = [title]
        for name in runs:
            for part in ("wall", "cpu"):
                values = [getattr(stage, part) for stage in sides.get(name, ())]
                row.append(f"{statistics.median(values):.1f}" if values else "")
        rows.append(row)
    return rows


def judge(runs: Mapping[str, Sequence[Taken]]) -> list[Judgement]:
    """What is required: wall seconds of each chain, and the share of the checkout before."""
    judged = []
    for name, limit in MOST_SECONDS.items():
        if name in runs:
            wall = statistics.median(taken.wall for taken in runs[name])
            judged.append(Judgement(what=f"wall seconds of {name}", ratio=wall, limit=limit))
    if OURS in runs and BEFORE in runs:
        pairs = list(zip(runs[OURS], runs[BEFORE], strict=True))
        walls = statistics.median(one.wall / other.wall for one, other in pairs)
        cpus = statistics.median(one.cpu / other.cpu for one, other in pairs)
        judged.append(Judgement(what="wall of tallystick over before, by turns", ratio=walls, limit=MOST_OF_BEFORE))
        judged.append(Judgement(what="CPU of tallystick over before, by turns", ratio=cpus, limit=MOST_OF_BEFORE))
    return judged


if __name__ == "__main__":
    main()
