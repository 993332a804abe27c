"""The run that builds labels: sets side by side in one table, and customers labelled where features are stored."""

from __future__ import annotations

from pathlib import Path

from tests.lib import lender


def test_small_tables_are_labelled_without_a_session(tmp_path: Path) -> None:
    lender.check_labels(lender.lend(tmp_path), None)
