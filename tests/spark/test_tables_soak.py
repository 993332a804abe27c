"""Killed at random moments, for as long as `make soak` lasts: the table always holds whole versions of its slices."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tallystick.tables import Warehouse, read_arrow
from tests.lib import store

ROOT = Path(__file__).resolve().parents[2]
FILES = """
import itertools, sys
from tallystick.tables import Warehouse, replace_arrow
from tests.lib import store
warehouse, first = Warehouse(sys.argv[1]), int(sys.argv[2])
print("ready", flush=True)
for i in itertools.count(first):
    day = 1 + i % 3
    data = store.rows([day], buckets=3, each=1 + i % 5)
    replace_arrow(warehouse, store.CONTRACT, data, where=store.day_slice(day), run=store.run(f"r{i}"))
"""
SPARK = """
import itertools, sys
from tallystick.tables import Warehouse, open_session, replace
from tests.lib import store
warehouse, first, session = Warehouse(sys.argv[1]), int(sys.argv[2]), open_session("soak")
print("ready", flush=True)
for i in itertools.count(first):
    day = 1 + i % 3
    frame = session.createDataFrame(store.rows([day], buckets=3, each=1 + i % 5).to_pylist(), store.DDL)
    replace(session, warehouse, store.CONTRACT, frame, where=store.day_slice(day), run=store.run(f"r{i}"))
"""


def kill_somewhere(script: str, root: Path, first: int, seconds: float) -> None:
    """Start the writer and kill it with all its children after a random part of ``seconds``."""
    command = [sys.executable, "-c", script, str(root), str(first)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(random.uniform(0, seconds))
        os.killpg(writer.pid, signal.SIGKILL)


def committed_rows(warehouse: Warehouse, day: int) -> int:
    """The rows that the newest commit of the day's slice recorded."""
    for commit in warehouse.open(store.NAME).history():
        told = json.loads(commit.get("userMetadata", "{}"))
        if told.get("slice") == store.day_slice(day).name:
            return int(told["rows"])
    return 0


def check_whole(warehouse: Warehouse) -> None:
    """Each day's rows are exactly those of one run: as many in each bucket, and no key twice."""
    if not warehouse.exists(store.NAME):
        return
    rows = read_arrow(warehouse, store.NAME).to_pylist()
    keys = {(row["event_id"], row["loaded_on"]) for row in rows}
    assert len(keys) == len(rows)
    for day in (1, 2, 3):
        counts = [sum(row["event_id"].startswith(f"{bucket}_{day}_") for row in rows) for bucket in range(3)]
        assert len(set(counts)) == 1
        assert sum(counts) == committed_rows(warehouse, day)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("script", "kills", "seconds"), [(FILES, 300, 0.3), (SPARK, 20, 30.0)], ids=["ready files", "Spark"]
)
def test_a_writer_killed_at_random_leaves_whole_slices(tmp_path: Path, script: str, kills: int, seconds: float) -> None:
    warehouse = Warehouse(tmp_path)
    for kill in range(kills):
        kill_somewhere(script, tmp_path, 1000 * kill, seconds)
        check_whole(warehouse)
