"""What runs share: in a chain all of them work by the declarations that the first one read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tallystick.runs.context import RunContext, sharing_project
from tallystick.runs.params import WriteReport

ROOT = Path(__file__).resolve().parents[2]


def test_the_runs_of_a_chain_share_their_project_and_no_other_run_does(tmp_path: Path) -> None:
    params = WriteReport(project=ROOT, warehouse=tmp_path, source="simbank", recipe="cash_loan")
    with sharing_project():
        first = RunContext.open(params)
        second = RunContext.open(replace(params, run_id="another"))
        assert second.project is first.project
    after = RunContext.open(params)
    assert after.project is not first.project
    assert RunContext.open(params).project is not after.project
