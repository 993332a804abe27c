"""A night's load on a short and on a long history: ``python -m benchmarks.night --help``.

A simulated bank of 10,000 customers delivers some thousand lines each night, into all of its tables. The same nights,
byte for byte, are loaded onto its whole history and onto a tenth of it, and with ``--before`` by another checkout of
this project, too, in turns. Apart from ``ingest``, which measures a first load: here nearly all the time is what a run
costs whatever its size.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from deltalake import DeltaTable

from benchmarks.bank_files import FILES
from benchmarks.banks import delivery_folders, make_bank, work_folder
from benchmarks.commands import Taken, run_command
from benchmarks.groups import ROOT
from benchmarks.ingest import ingest_command
from benchmarks.report import Judgement, machine_facts, print_facts, print_judgements, print_markdown, say

CUSTOMERS, NIGHTS = 10_000, 5
SHORT, LONG, BEFORE = "tallystick, a tenth of the history", "tallystick, all of it", "before, a tenth of the history"
MOST_SECONDS, MOST_OF_BEFORE, MOST_ON_LONG = 20.0, 0.35, 1.2
# These files are nearly all of a history, and no other file refers to their lines.
_THINNED = ("tran", "im_event", "grp_msg", "loc_fix", "dev_evt", "act", "wall")
_TIMES = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One warehouse: whose code loads it, and which bank's folder is delivered to it."""

    name: str
    home: Path
    bank: Path

    @property
    def folder_name(self) -> str:
        """What its warehouses are called."""
        return self.name.replace(", ", "_").replace(" ", "_")


def main() -> None:
    """Load the histories, then night by night each variant; print the table."""
    args = _parser().parse_args()
    folder = work_folder(args.folder, "night")
    bank = make_bank(folder, customers=args.customers, daily=args.nights)
    days = [path.name for path in delivery_folders(bank)]
    short = thin_history(bank, folder / f"{bank.name}_tenth")
    variants = [Variant(name=SHORT, home=ROOT, bank=short), Variant(name=LONG, home=ROOT, bank=bank)]
    if args.before:
        variants.insert(1, Variant(name=BEFORE, home=args.before.absolute(), bank=short))
    histories = {one.name: load_history(folder, one, day=days[0], reuse=args.reuse) for one in variants}
    taken: dict[str, list[Taken]] = {one.name: [] for one in variants}
    for number, day in enumerate(days[1:]):
        # Each variant is first in its turn, so that a machine whose speed drifts flatters none.
        for one in variants[number % len(variants) :] + variants[: number % len(variants)]:
            taken[one.name].append(_load(folder / f"nights_{one.folder_name}", one, day))
            say(f"{day}, {one.name}: {taken[one.name][-1].cpu:.1f} CPU s")
    lines = {day: count_lines(bank / day) for day in days}
    rows = {one.name: count_rows(folder / f"nights_{one.folder_name}") for one in variants}
    facts, judgements = machine_facts(), judge(taken)
    print_facts(facts)
    told = ", ".join(f"{count:,}" for count in list(lines.values())[1:])
    sys.stdout.write(f"\nlines a night: {told}\n")
    print_markdown(_HEADINGS, [_cells(name, taken[name], histories[name], rows[name]) for name in taken])
    print_judgements(judgements)
    if args.json:
        found = {name: [asdict(one) for one in several] for name, several in taken.items()}
        all_told = {"machine": facts, "lines": lines, "histories": histories, "rows": rows, "taken": found}
        args.json.write_text(json.dumps(all_told, indent=2), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.night", description="Measure a night's load.")
    parser.add_argument("--before", type=Path, help="another checkout of this project with its own .venv")
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--nights", type=int, default=NIGHTS)
    parser.add_argument("--reuse", action="store_true", help="take the histories that an earlier run loaded")
    parser.add_argument("--folder", type=Path, help="where the bank is kept and found again")
    parser.add_argument("--json", type=Path, help="write everything that was measured to this file")
    return parser


def thin_history(bank: Path, target: Path) -> Path:
    """The same bank with a tenth of its history's lines: of bookings and messages one line in so many is kept.

    All other files and all nights are the same bytes. What is there already is made again.
    """
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(bank, target)
    first = delivery_folders(target)[0]
    counts = {file.name: count_lines_of(first / f"{file.name}.csv.gz") for file in FILES}
    many = sum(counts[name] for name in _THINNED)
    kept = max(sum(counts.values()) / _TIMES - (sum(counts.values()) - many), len(_THINNED))
    step = max(round(many / kept), 1)
    for name in _THINNED:
        path = first / f"{name}.csv.gz"
        with gzip.open(path, "rb") as source:
            header, *rows = source.readlines()
        path.write_bytes(gzip.compress(b"".join([header, *rows[::step]]), compresslevel=5, mtime=0))
    return target


def load_history(folder: Path, variant: Variant, *, day: str, reuse: bool) -> int:
    """The number of rows of a history; leaves a warehouse that holds it, ready for the nights."""
    loaded, nights = folder / f"loaded_{variant.folder_name}", folder / f"nights_{variant.folder_name}"
    if not (reuse and (loaded / "done").exists()):
        shutil.rmtree(loaded, ignore_errors=True)
        taken = _load(loaded, variant, day)
        (loaded / "done").touch()
        say(f"history, {variant.name}: {taken.cpu:.1f} CPU s")
    shutil.rmtree(nights, ignore_errors=True)
    shutil.copytree(loaded, nights)
    return count_rows(nights)


def _load(warehouse: Path, variant: Variant, day: str) -> Taken:
    command = ingest_command(
        project=variant.home, warehouse=warehouse, directory=variant.bank, load_date=day, home=variant.home
    )
    return run_command(command, log=warehouse.with_suffix(".log"), home=variant.home)


def count_lines(delivery: Path) -> int:
    """Lines of a delivery without its headers."""
    return sum(count_lines_of(path) for path in delivery.glob("*.csv.gz"))


def count_lines_of(path: Path) -> int:
    """Lines of a file without its header."""
    with gzip.open(path, "rb") as file:
        return sum(1 for _ in file) - 1


def count_rows(warehouse: Path) -> int:
    """Rows of all clean tables and their rejects."""
    return sum(int(DeltaTable(log.parent).count()) for log in (warehouse / "clean").glob("*/_delta_log"))


def judge(taken: Mapping[str, Sequence[Taken]]) -> list[Judgement]:
    """What is required of a night: seconds, the share of the code before, and the factor on a long history."""
    cpu = {name: statistics.median(one.cpu for one in several) for name, several in taken.items()}
    judged = [
        Judgement(what="CPU seconds of a night", ratio=cpu[SHORT], limit=MOST_SECONDS),
        Judgement(
            what=f"ten times the history ({LONG}) over a tenth", ratio=cpu[LONG] / cpu[SHORT], limit=MOST_ON_LONG
        ),
    ]
    if BEFORE in cpu:
        # Night by night: both were measured within minutes.
        paired = [one.cpu / other.cpu for one, other in zip(taken[SHORT], taken[BEFORE], strict=True)]
        what = "tallystick over the checkout before, median of the nights"
        judged.append(Judgement(what=what, ratio=statistics.median(paired), limit=MOST_OF_BEFORE))
    return judged


_HEADINGS = ("what", "rows of the history", "CPU s", "each night", "wall s", "peak MB", "rows of the nights")


def _cells(name: str, taken: Sequence[Taken], history: int, rows: int) -> tuple[str, ...]:
    cpu, wall, peak = (statistics.median(getattr(one, part) for one in taken) for part in ("cpu", "wall", "peak_mb"))
    each = " ".join(f"{one.cpu:.1f}" for one in taken)
    return (name, f"{history:,}", f"{cpu:.1f}", each, f"{wall:.1f}", f"{peak:.0f}", f"{rows - history:,}")


if __name__ == "__main__":
    main()
