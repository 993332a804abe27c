"""Jobs that spark-submit started on a cluster, killed with SIGKILL at random moments: no row is lost, none doubled."""

from __future__ import annotations

import os
import random
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.lib import nights

TRIES = int(os.environ.get("TALLYSTICK_KILLS", "50"))
# A job of this size takes half a minute on a quiet machine of two cores; most kills fall into it.
LONGEST = 25.0
PATIENCE = 600.0


@pytest.mark.soak
def test_nights_whose_jobs_are_killed_end_in_the_tables_of_quiet_ones(tmp_path: Path) -> None:
    seed = int(os.environ.get("TALLYSTICK_KILL_SEED", "1"))
    rng = random.Random(seed)
    deliveries = nights.simulate(tmp_path / "bank", customers=200, nights=2, seed=5)
    quiet = nights.Bank(deliveries=deliveries, warehouse=tmp_path / "quiet")
    for number, job in enumerate(job for day in quiet.dates for job in quiet.jobs(day)):
        finish(job, name=f"quiet-{number}", folder=tmp_path)
    expected = nights.tables(quiet.warehouse)
    killed: Counter[str] = Counter()
    attempt = 0
    while killed.total() < TRIES:
        attempt += 1
        disturbed = nights.Bank(deliveries=deliveries, warehouse=tmp_path / f"disturbed-{attempt}")
        for number, job in enumerate(job for day in disturbed.dates for job in disturbed.jobs(day)):
            killed.update(disturb(job, name=f"{attempt}-{number}", folder=tmp_path, rng=rng))
        found = nights.tables(disturbed.warehouse)
        assert found.keys() == expected.keys()
        assert [name for name in expected if not found[name].equals(expected[name])] == [], f"seed {seed}"
    told = f"{dict(killed)} killed, {len(expected)} tables equal after each of {attempt} series of nights"
    sys.stdout.write(f"seed {seed}: {told}\n")


def finish(job: list[str], *, name: str, folder: Path) -> None:
    """Run a job to its end."""
    log = folder / f"{name}.log"
    assert nights.end_group(nights.submit(job, run_id=name, log=log), patience=PATIENCE) == 0, log.read_text()[-2000:]


def disturb(job: list[str], *, name: str, folder: Path, rng: random.Random) -> list[str]:
    """Run a job, kill one of its processes, and start it again as a scheduler would; what was killed."""
    log = folder / f"{name}.log"
    started = nights.submit(job, run_id=name, log=log)
    kind = rng.choice(nights.KINDS)
    time.sleep(rng.uniform(2, LONGEST))
    # Executors and Python workers are there for a part of a job only: wait for one.
    end = time.monotonic() + LONGEST
    while not (was_killed := nights.kill_one(started, kind, rng)) and started.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    if nights.end_group(started, patience=PATIENCE) != 0:
        finish(job, name=f"{name}-again", folder=folder)
    return [kind] if was_killed else []
