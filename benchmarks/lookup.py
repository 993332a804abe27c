"""Seconds that an answer about one customer takes: from a cold start, and in a process that has answered before.

On a warehouse that was scored at night (``tally nightly``). Customers are taken evenly from the newest scores; a warm
process has never read the customer that it is asked for.

    python -m benchmarks.lookup --warehouse warehouse --earlier 2026-02-10
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow.compute as pc

from tallystick.answers import Answers
from tallystick.project import find_project
from tallystick.tables import Warehouse, read_arrow

COLD, WARM = 10, 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """Wall and CPU seconds of each of several turns."""

    name: str
    wall: Sequence[float]
    cpu: Sequence[float]

    @property
    def line(self) -> str:
        """A row of a Markdown table: medians, and the slowest of twenty."""
        late = sorted(self.wall)[min(len(self.wall) - 1, len(self.wall) * 19 // 20)]
        told = (statistics.median(self.wall), late, statistics.median(self.cpu))
        return f"| {self.name} | {len(self.wall)} | {' | '.join(f'{one * 1e3:,.0f}' for one in told)} |"


def measure(name: str, turns: Iterable[Callable[[], object]], *, who: int) -> Taken:
    """Each turn's wall time, and CPU time of this process or of its children (``who``)."""
    wall, cpu = [], []
    for turn in turns:
        before, started = resource.getrusage(who), time.perf_counter()
        turn()
        wall.append(time.perf_counter() - started)
        after = resource.getrusage(who)
        cpu.append(after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)
    return Taken(name=name, wall=wall, cpu=cpu)


def choose_customers(warehouse: Warehouse, number: int) -> list[str]:
    """So many customers of the newest night, evenly from all."""
    stored = read_arrow(warehouse, "score.daily", columns=["customer_id", "as_of"])
    newest = stored.filter(pc.equal(stored["as_of"], pc.max(stored["as_of"])))["customer_id"].to_pylist()
    return sorted(newest)[:: max(1, len(newest) // number)][:number]


def measure_cold(warehouse: Path, project: Path, customers: Sequence[str], earlier: date) -> list[Taken]:
    """Whole commands, each in a process of its own."""

    def command(*words: str) -> Callable[[], object]:
        tally = str(Path(sys.executable).with_name("tally"))
        asked = [tally, *words, "--warehouse", str(warehouse), "--project", str(project)]
        return lambda: subprocess.run(asked, check=True, capture_output=True)

    kinds: dict[str, list[str]] = {
        "tally score": ["score"],
        "tally vector, stored": ["vector"],
        "tally vector, computed": ["vector", "--as-of", earlier.isoformat()],
    }
    return [
        measure(name, [command(words[0], customer, *words[1:]) for customer in customers], who=resource.RUSAGE_CHILDREN)
        for name, words in kinds.items()
    ]


def measure_warm(answers: Answers, customers: Sequence[str], earlier: date) -> list[Taken]:
    """Calls of one process, after a first answer of each kind."""
    kinds: dict[str, Callable[[str], object]] = {
        "Answers.score": answers.score,
        "Answers.vector, stored": answers.vector,
        "Answers.vector, computed": lambda customer: answers.vector(customer, as_of=earlier),
    }
    found = []
    for name, ask in kinds.items():
        answers.refresh()
        ask(customers[0])
        turns = [lambda customer=customer, ask=ask: ask(customer) for customer in customers[1:]]  # type: ignore[misc]
        found.append(measure(name, turns, who=resource.RUSAGE_SELF))
    return found


def main() -> None:
    """Print a table of all ways to ask."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lookup", description="Time of a customer's answer.")
    parser.add_argument("--warehouse", type=Path, required=True)
    parser.add_argument("--earlier", type=date.fromisoformat, required=True, help="a date of which nothing is stored")
    given = parser.parse_args()
    home, project = given.warehouse.resolve(), find_project()
    customers = choose_customers(Warehouse(home), WARM + 1)
    taken = [
        *measure_cold(home, project, customers[:: max(1, len(customers) // COLD)][:COLD], given.earlier),
        *measure_warm(Answers.open(home, project), customers, given.earlier),
    ]
    head = ("| asked | times | ms, median | ms, 95 % are faster | CPU ms |", "|---|---|---|---|---|")
    sys.stdout.write("\n".join((*head, *(one.line for one in taken), "")))


if __name__ == "__main__":
    main()
