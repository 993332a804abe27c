"""A load that stops leaves nothing half done: readers see all of it or none, and the next try gives the whole."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tallystick.runs import ingest_source
from tallystick.runs.params import IngestSource
from tallystick.tables import Warehouse, pin_all
from tests.lib import publications as pub
from tests.lib.deliveries import BOOKINGS, PEOPLE, rows_of, write_delivery, write_project

# Three clean tables, their rejects, and the summary of the load.
TABLES = 7
MOMENTS = 2 * (1 + TABLES + 1)

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project, a warehouse with one load, and the deliveries of two days."""
    root = tmp_path_factory.mktemp("bank")
    write_project(root / "project")
    write_delivery(root / "supplier" / "2024-01-31")
    load(root, root / "warehouse", run_id="first")
    later = {
        "people.csv": PEOPLE + "3,,east\n",
        "bookings_1.csv.gz": BOOKINGS.replace("-50.25", "-60.25")
        + "5,A1,2024-01-05,ten,CASH,\n6,A9,2024-01-05,1,CASH,\n",
    }
    write_delivery(root / "supplier" / "2024-02-01", later)
    return root


def load(root: Path, warehouse: Path, *, run_id: str, **asked: Any) -> None:
    given = asked or {"directory": root / "supplier"}
    params = IngestSource(project=root / "project", warehouse=warehouse, run_id=run_id, source="village", **given)
    ingest_source.run(params, None)


def seen(warehouse: Path) -> Rows:
    home = Warehouse(warehouse)
    return {name: rows_of(warehouse, name) for name in pin_all(home, home.tables())}


@pytest.fixture(scope="module")
def whole(bank: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    """What readers see after a second load that nothing stopped."""
    warehouse = shutil.copytree(bank / "warehouse", tmp_path_factory.mktemp("whole") / "warehouse")
    with pub.stopping_at() as moments:
        load(bank, warehouse, run_id="whole")
    assert moments() == MOMENTS
    return seen(warehouse)


@pytest.mark.parametrize("moment", range(1, MOMENTS, 2))
def test_a_load_that_stops_after_any_commit_is_seen_whole_or_not_at_all(
    bank: Path, whole: Rows, tmp_path: Path, moment: int
) -> None:
    warehouse = shutil.copytree(bank / "warehouse", tmp_path / "warehouse")
    before = seen(warehouse)
    assert before != whole
    with pub.stopping_at(moment), pytest.raises(pub.Stopped):
        load(bank, warehouse, run_id="stopped")
    assert seen(warehouse) == (whole if moment == MOMENTS - 1 else before)
    # What a kill leaves of its own rows, and what a load of another source has.
    for left in ("village-killed", "village_2-running"):
        (warehouse / "_scratch" / left).mkdir(parents=True)
    load(bank, warehouse, run_id="stopped" if moment % 4 == 1 else "again")
    assert seen(warehouse) == whole
    assert [path.name for path in (warehouse / "_scratch").iterdir()] == ["village_2-running"]
