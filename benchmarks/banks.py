"""Simulated banks and project folders that the benchmarks of whole runs work on.

Both are kept and found again: making a bank of 25,000 customers takes minutes.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

from benchmarks.groups import ROOT
from tallystick.simulation import simulate

SOURCE = "simbank"
DECLARED = ("sources", "schemas", "expectations", "observations", "features", "ties", "rules", "recipes", "conf")
# The machinery keeps buckets of about two million rows apart.
CUSTOMERS_PER_BUCKET = 3_125


def work_folder(given: Path | None, name: str) -> Path:
    """Where a benchmark keeps its data: as given, or a folder of its name among the temporary ones."""
    return (given or Path(tempfile.gettempdir()) / f"tallystick-{name}").absolute()


def make_bank(folder: Path, *, customers: int, daily: int = 0) -> Path:
    """A simulated bank of that size below ``folder``; a finished one of the same size is left as it is."""
    out = folder / f"bank_{customers}_{daily}"
    folder.mkdir(parents=True, exist_ok=True)
    simulate(out, customers=customers, daily=daily, processes=os.cpu_count() or 1)
    return out


def delivery_folders(bank: Path) -> list[Path]:
    """The deliveries of a simulated bank, oldest first; what lies beside them is none."""
    return sorted(bank.glob("????-??-??"))


def buckets_of(customers: int) -> int:
    """The buckets that fit a bank: 2 for 5,000 customers, 8 for 25,000."""
    return max(2, round(customers / CUSTOMERS_PER_BUCKET))


def copy_project(target: Path, *, buckets: int = 0) -> Path:
    """A project folder with this checkout's declarations; the simulated bank has ``buckets`` where that is not 0."""
    shutil.rmtree(target, ignore_errors=True)
    for part in DECLARED:
        shutil.copytree(ROOT / part, target / part, ignore=shutil.ignore_patterns("__pycache__", "local"))
    if buckets:
        place = target / "sources" / SOURCE / "source.yaml"
        text, changed = re.subn(r"buckets: \d+", f"buckets: {buckets}", place.read_text(encoding="utf-8"))
        if changed != 1:
            raise ValueError(f"{place} declares its buckets {changed} times")
        place.write_text(text, encoding="utf-8")
    return target
