"""The drawn tables of windows hold on the kernel and on the oracle, and docs/windows.md shows them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tallystick.features import GroupWork, compute_local
from tallystick.spec.features import FeatureGroup
from tallystick.spec.months import Months
from tests.lib.feature_cases import CONTRACTS, make_group, make_measure, make_observations
from tests.lib.oracle import compute_with_oracle
from tests.spec.drawn_tables import Case
from tests.spec.drawn_versions import versions_of
from tests.spec.window_cases import CASES
from tests.spec.window_tables import print_page


def group_of(case: Case) -> FeatureGroup:
    if case.answers == ["month 1", "month 2"]:
        months = Months(name="month", value="m_sum", ops="last last_2", windows=("3m",))
        return make_group(make_measure("sum", value="amount_minor"), derived=(months,))
    windows = tuple(dict.fromkeys(name.removesuffix("_prev") for name in case.answers))
    has_previous = any(name.endswith("_prev") for name in case.answers)
    return make_group(make_measure("sum", value="amount_minor", previous=has_previous), windows=windows)


@pytest.mark.parametrize("engine", ["kernel", "oracle"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_window_holds_what_the_table_says(case: Case, engine: str) -> None:
    events, group = versions_of(case), group_of(case)
    asked = make_observations(("bank:1", case.instant(case.as_of).astimezone(dt.UTC)))
    if engine == "kernel":
        work = GroupWork.of(group, CONTRACTS, review_days=case.review_days)
        found = compute_local(work, events, asked, dimensions={}, zone=case.zone).to_pydict()
    else:
        found = compute_with_oracle(events, asked, group, CONTRACTS, zone=case.zone, review_days=case.review_days)
    for window in case.answers:
        names = {"month 1": "txn_month_months_last_3m", "month 2": "txn_month_months_last_2_3m"}
        held = found[names.get(window, f"txn_m_sum_{window}")][0]
        told = ["in" if int(held or 0) >> number & 1 else "" for number in range(len(case.rows))]
        assert told == [row[window] for row in case.rows], window


def test_the_page_of_windows_is_current(project_root: Path) -> None:
    page = (project_root / "docs" / "windows.md").read_text(encoding="utf-8")
    assert page == print_page(), "run: .venv/bin/python -m tests.spec.window_tables > docs/windows.md"
