"""Jobs that spark-submit started on a cluster, killed with SIGKILL at random moments: no row is lost, none doubled.

A quiet run says which kinds of processes each job has, and for how long. Every job of the disturbed nights is then
killed several times, kind by kind in declared shares, and started again as a scheduler would.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tallystick.errors import ConflictError
from tests.lib import nights

TRIES = int(os.environ.get("TALLYSTICK_KILLS", "50"))
SEED = int(os.environ.get("TALLYSTICK_KILL_SEED", "1"))
# Of nine kills, so many meet each kind of process. Jobs without executors are killed by the kinds that they have.
SHARES = {"Python worker": 3, "executor": 3, "driver": 2, "spark-submit": 1}
# The most kills of a job in one night: most where Spark and its Python workers do the work.
EACH = {"ingest_source": 6, "validate_tables": 2, "compute_graph": 2, "compute_features": 6, "build_labels": 2}
# Starts of a job; more than its kills, since it may find its slice held by an orphan.
MOST_TRIES = 30
PATIENCE = 1200.0
# By job and night, for how many seconds there were processes of each kind.
Spans = dict[str, dict[str, float]]

pytestmark = [pytest.mark.soak, pytest.mark.timeout(6 * 3600)]


@dataclass(kw_only=True)
class Killer:
    """Draws kinds and moments, and keeps count of what was killed in which job."""

    rng: random.Random
    spans: Spans
    say: Callable[[str], None]
    deck: list[str] = field(default_factory=list)
    killed: Counter[tuple[str, str]] = field(default_factory=Counter)
    starts: Counter[str] = field(default_factory=Counter)

    def draw(self, name: str) -> list[str]:
        """The kinds to kill in a night's job, in order; fewer at the end of all tries."""
        return [self._draw_one(name) for _ in range(min(EACH[job_of(name)], TRIES - self.killed.total()))]

    def _draw_one(self, name: str) -> str:
        found = next((kind for kind in self.deck if kind in self.spans[name]), None)
        if found is None:
            more = [kind for kind, share in SHARES.items() for _ in range(share)]
            self.rng.shuffle(more)
            self.deck += more
            return self._draw_one(name)
        self.deck.remove(found)
        return found

    def strike(self, started: Started, name: str, kind: str) -> bool:
        """Kill one process of the kind at a random moment of the time for which there are any; False if none came."""
        over = started.wait_for(kind)
        end = time.monotonic() + self.rng.uniform(0, max(0.0, self.spans[name][kind] - over))
        while started.job.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        started.wait_for(kind)
        if not nights.kill_one(started.job, kind, self.rng):
            return False
        self.killed[kind, job_of(name)] += 1
        self.say(f"kill {self.killed.total()}: {kind} of {name}")
        return True


@dataclass(kw_only=True)
class Started:
    """A job that runs, and when it first had a process of a kind."""

    job: subprocess.Popen[bytes]
    first: dict[str, float] = field(default_factory=dict)

    def wait_for(self, kind: str) -> float:
        """Seconds since the job's first process of the kind, once it has one or has ended; AssertionError: neither."""
        end = time.monotonic() + PATIENCE
        while self.job.poll() is None and not nights.find_processes(self.job.pid)[kind]:
            assert time.monotonic() < end, f"no {kind}, and no end of the job"
            time.sleep(0.05)
        return time.monotonic() - self.first.setdefault(kind, time.monotonic())


def test_nights_whose_jobs_are_killed_end_in_the_tables_of_quiet_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began = time.monotonic()

    def say(text: str) -> None:
        with capsys.disabled():  # of a run of hours somebody wants to see how far it is
            sys.stdout.write(f"{time.monotonic() - began:7.0f} s  {text}\n")
            sys.stdout.flush()

    deliveries = nights.simulate(tmp_path / "bank", customers=200, nights=1, seed=5)
    quiet = nights.Bank(deliveries=deliveries, warehouse=tmp_path / "quiet")
    spans = {name: watch(job, log=tmp_path / f"quiet-{name}.log") for name, job in named_jobs(quiet)}
    say(f"quiet run over: {spans}")
    expected = nights.tables(quiet.warehouse)
    killer, series = Killer(rng=random.Random(SEED), spans=spans, say=say), 0
    while killer.killed.total() < TRIES:
        series += 1
        disturbed = nights.Bank(deliveries=deliveries, warehouse=tmp_path / f"disturbed-{series}")
        for name, job in named_jobs(disturbed):
            disturb(job, name, killer=killer, log=tmp_path / f"{series}-{name}.log")
        found = nights.tables(disturbed.warehouse)
        assert found.keys() == expected.keys()
        assert [name for name in expected if not found[name].equals(expected[name])] == [], f"seed {SEED}"
        say(f"series {series}: {len(expected)} tables equal")
    for row in table_of(killer):
        say(row)
    met = {kind for kind, _ in killer.killed}
    assert met == set(SHARES) or sum(SHARES.values()) > TRIES, f"seed {SEED}: never met {set(SHARES) - met}"


def named_jobs(bank: nights.Bank) -> list[tuple[str, list[str]]]:
    """All jobs of all nights in order, each with a name that no other has."""
    return [(f"{Path(job[0]).stem}-{day}", job) for day in bank.dates for job in bank.jobs(day)]


def job_of(name: str) -> str:
    """The job without its night."""
    return name.partition("-")[0]


def watch(job: list[str], *, log: Path) -> dict[str, float]:
    """Run a job to its end; from the first to the last process of each kind, in seconds."""
    started = nights.submit(nights.as_large(job), run_id=log.stem, log=log)
    first, spans = dict[str, float](), dict[str, float]()
    while started.poll() is None:
        for kind in (kind for kind, found in nights.find_processes(started.pid).items() if found):
            spans[kind] = time.monotonic() - first.setdefault(kind, time.monotonic())
        time.sleep(0.2)
    assert nights.end_group(started, patience=PATIENCE) == 0, log.read_text()[-2000:]
    return spans


def disturb(job: list[str], name: str, *, killer: Killer, log: Path) -> None:
    """Start a job as often as it takes until it has ended well. Kills that it has outlived wait for the next job.

    A driver whose spark-submit was killed goes on for a while, as under Airflow: the next try meets it as another
    writer, and may end with the exit code of that.
    """
    kinds = killer.draw(name)
    for number in range(MOST_TRIES):
        started = Started(job=nights.submit(nights.as_large(job), run_id=f"{log.stem}-{number}", log=log))
        killer.starts[job_of(name)] += 1
        struck: list[str] = []
        while kinds and killer.strike(started, name, kinds[0]):
            struck.append(kinds.pop(0))
        is_orphaned = "spark-submit" in struck
        code = started.job.wait(PATIENCE) if is_orphaned else nights.end_group(started.job, patience=PATIENCE)
        assert struck or code in (0, ConflictError.exit_code), f"{log}: nothing was killed, and it ended with {code}"
        if code == 0:
            killer.deck[:0] = kinds
            break
        if code == ConflictError.exit_code:
            killer.say(f"{name} found another writer")
            time.sleep(5)
    else:
        raise AssertionError(f"{log}: after {MOST_TRIES} starts not ended well")
    nights.end_writers(Path(job[job.index("--warehouse") + 1]))


def table_of(killer: Killer) -> list[str]:
    """Kills by kind and job, as rows of a table in Markdown."""
    rows = [f"| | {' | '.join(SHARES)} | starts |", "|---" * (len(SHARES) + 2) + "|"]
    for job in EACH:
        counts = [str(killer.killed[kind, job]) for kind in SHARES]
        rows.append(f"| `{job}` | {' | '.join(counts)} | {killer.starts[job]} |")
    totals = [str(sum(killer.killed[kind, job] for job in EACH)) for kind in SHARES]
    return [*rows, f"| all | {' | '.join(totals)} | {killer.starts.total()} |"]
