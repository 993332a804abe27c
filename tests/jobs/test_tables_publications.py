"""A publication of several tables is seen whole or not at all, wherever it stops, and the next try mends it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tallystick.tables import Warehouse, pin_all, recover
from tallystick.tables.store.changes import ChangeLog
from tallystick.tables.store.publication_state import PublicationState
from tests.lib import publications as pub
from tests.lib import store

# Begin, three commits, end: before and after each.
MOMENTS = 2 * (1 + len(pub.NAMES) + 1)
# The same for what is undone when the last commit has been made: its commits and the end.
UNDOING = 2 * (len(pub.NAMES) + 1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pub.fill(tmp_path_factory.mktemp("filled")).root


@pytest.fixture(scope="module")
def whole(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> pub.Rows:
    """What readers see after a publication that nothing stopped."""
    warehouse = Warehouse(shutil.copytree(filled, tmp_path_factory.mktemp("whole") / "warehouse"))
    with pub.stopping_at() as moments:
        pub.load(warehouse)
    assert moments() == MOMENTS
    return pub.seen(warehouse)


@pytest.fixture
def warehouse(filled: Path, tmp_path: Path) -> Warehouse:
    return Warehouse(shutil.copytree(filled, tmp_path / "warehouse"))


def test_all_tables_are_replaced_and_the_second_call_changes_nothing(warehouse: Warehouse, whole: pub.Rows) -> None:
    done = pub.load(warehouse)
    assert [(commit.rows, commit.skipped) for commit in done] == [(5, False), (0, False), (5, False)]
    kept = store.ordered(store.rows([1])) + store.ordered(store.rows([1], source="south"))
    assert whole["clean.events_rejected"] == kept
    assert len(whole["clean.events"]) == len(kept) + 5
    assert [commit.version for commit in pub.load(warehouse)] == [commit.version for commit in done]
    assert all(commit.skipped for commit in pub.load(warehouse))
    assert pub.seen(warehouse) == whole


@pytest.mark.parametrize("error", [pub.Stopped, KeyboardInterrupt])
@pytest.mark.parametrize("moment", range(MOMENTS))
def test_an_error_at_any_moment_leaves_all_or_nothing_and_the_next_try_mends_it(
    warehouse: Warehouse, whole: pub.Rows, moment: int, error: type[BaseException]
) -> None:
    before, changes = pub.seen(warehouse), ChangeLog(warehouse, "north")
    pinned = pin_all(warehouse, before)
    with pub.stopping_at(moment, error=error), pytest.raises(error):
        pub.load(warehouse)
    is_published = moment == MOMENTS - 1
    assert pub.seen(warehouse) == (whole if is_published else before)
    assert not PublicationState.read(warehouse.root).is_open
    # What was undone makes no stored feature stale.
    assert any(changes.since(name, one.version) for name, one in pinned.items()) == is_published
    pub.load(warehouse)
    assert pub.seen(warehouse) == whole


@pytest.mark.parametrize("moment", range(UNDOING))
def test_an_undoing_that_is_stopped_stays_hidden_and_the_next_try_does_the_rest(
    warehouse: Warehouse, whole: pub.Rows, moment: int
) -> None:
    before, last = pub.seen(warehouse), MOMENTS - 3
    with pub.stopping_at(last, last + 1 + moment), pytest.raises(pub.Stopped):
        pub.load(warehouse)
    assert pub.seen(warehouse) == before
    assert PublicationState.read(warehouse.root).is_open == (moment != UNDOING - 1)
    assert recover(warehouse) == (moment != UNDOING - 1)
    assert not recover(warehouse)
    assert pub.seen(warehouse) == before
    pub.load(warehouse)
    assert pub.seen(warehouse) == whole
