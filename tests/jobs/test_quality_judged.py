"""What was judged is not looked at again, and what was found then stands; whatever may change a judgement is judged."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tallystick.entrypoint import perform
from tallystick.errors import ValidationFailed
from tallystick.quality import read_findings
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import pin_clean
from tallystick.runs.judged_tables import last_hidden
from tallystick.runs.params import CompactEvents, SourceParams
from tallystick.spec.data_files import DataFile
from tallystick.tables import Pinned, Warehouse, pin, read_arrow
from tests.lib import backfills as bank
from tests.lib.regions import validate_source, write_region

SUITE = "expectations/clean/regions.yaml"
DECLARED = ("sources", "schemas", "expectations", "observations", "features", "recipes")


class Looked(Exception):
    """The library was asked for."""


class Night:
    """One warehouse, validated night by night; knows whether the rows were looked at."""

    def __init__(self, project: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch, **asked: Any) -> None:
        self.project, self.warehouse, self.monkeypatch = project, warehouse, monkeypatch
        self.asked = asked or {"source": "berka", "tables": ("regions",)}

    def load(self, urban_percent: float = 50.0, *, day: int, source: str = "berka", **parts: Any) -> None:
        write_region(self.project, self.warehouse, source, day=day, urban_percent=urban_percent, **parts)

    def validate(self, **asked: Any) -> None:
        validate_source(self.project, self.warehouse, **self.asked, **asked)

    def looks(self, **asked: Any) -> bool:
        """Whether a validation would look at the rows. It then stops before it has looked."""

        @contextmanager
        def library() -> Iterator[Any]:
            raise Looked
            yield

        with self.monkeypatch.context() as patch:
            patch.setattr("tallystick.quality.gate.library", library)
            try:
                self.validate(**asked)
            except Looked:
                return True
        return False

    def found(self) -> list[dict[str, Any]]:
        rows = read_arrow(Warehouse(self.warehouse), "monitor.validations").to_pylist()
        return sorted(rows, key=lambda row: (row["validated_on"], row["expectation_number"]))


@pytest.fixture
def night(project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    """A project whose expectations may be changed, and a validated warehouse after its first load."""
    project = tmp_path / "project"
    for name in DECLARED:
        shutil.copytree(project_root / name, project / name)
    night = Night(project, tmp_path / "warehouse", monkeypatch)
    night.load(day=1)
    night.validate()
    return night


def test_the_same_table_is_not_looked_at_again_unless_somebody_asks(night: Night) -> None:
    first = night.found()
    version = Warehouse(night.warehouse).open("monitor.validations").version()
    assert not night.looks()
    assert night.found() == first
    assert Warehouse(night.warehouse).open("monitor.validations").version() == version
    assert night.looks(again=True)


def test_a_load_of_another_source_and_an_old_judgement_change_nothing(night: Night) -> None:
    before = pin(Warehouse(night.warehouse), "clean.regions").version
    night.load(500.0, day=2, source="copenhagen")
    assert pin(Warehouse(night.warehouse), "clean.regions").version > before
    assert not night.looks()


def test_another_night_takes_over_what_was_found_of_a_table_that_it_did_not_change(night: Night) -> None:
    first = night.found()
    night.load(500.0, day=2, source="copenhagen")
    assert not night.looks(load_date=date(1999, 1, 2))
    kept = [row for row in night.found() if row["validated_on"] == date(1999, 1, 2)]
    told = ("expectation", "is_success", "rows_checked", "rows_unexpected", "judged_on", "judgement_key")
    assert [[row[name] for name in told] for row in kept] == [[row[name] for name in told] for row in first]
    assert {row["table_version"] for row in kept} == {pin(Warehouse(night.warehouse), "clean.regions").version}
    assert not night.looks(load_date=date(1999, 1, 2))
    assert len(night.found()) == 2 * len(first)


def test_new_rows_another_suite_other_code_and_a_table_built_anew_are_looked_at(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = night.project / SUITE
    text = suite.read_text(encoding="utf-8")
    suite.write_text(text.replace("max_value: 100}", "max_value: 40}"), encoding="utf-8")
    assert suite.read_text(encoding="utf-8") != text
    assert night.looks()
    suite.write_text(text, encoding="utf-8")
    assert not night.looks()
    with monkeypatch.context() as patch:
        patch.setattr("tallystick.quality.judged._code", lambda: "other")
        assert night.looks()
    table = night.warehouse / "clean" / "regions"
    table.rename(night.warehouse / "away")
    night.load(day=1)
    assert night.looks()
    shutil.rmtree(table)
    (night.warehouse / "away").rename(table)
    assert not night.looks()
    night.load(51.0, day=1)
    assert night.looks()


def test_a_failure_stands_until_the_table_is_judged_again(night: Night) -> None:
    night.load(120.0, day=2)
    with pytest.raises(ValidationFailed) as first:
        night.validate()
    with pytest.raises(ValidationFailed) as again:
        assert not night.looks()
    assert str(again.value) == str(first.value)
    with pytest.raises(ValidationFailed):
        assert not night.looks(load_date=date(1999, 1, 3))
    params = SourceParams(project=night.project, warehouse=night.warehouse, source="berka")
    with pytest.raises(ValidationFailed, match="urban_percent"):
        pin_clean(RunContext.open(params), ["clean.regions"])
    night.load(50.0, day=4)
    night.validate()
    pin_clean(RunContext.open(params), ["clean.regions"])
    rows = read_arrow(Warehouse(night.warehouse), "monitor.validations")
    assert all(one.is_success for one in read_findings(rows, tables=["clean.regions"]))


def test_a_wrong_expectation_that_is_corrected_lets_the_same_run_pass(night: Night) -> None:
    night.load(120.0, day=2)
    with pytest.raises(ValidationFailed):
        night.validate()
    suite = night.project / SUITE
    suite.write_text(suite.read_text(encoding="utf-8").replace("max_value: 100}", "max_value: 200}"), encoding="utf-8")
    night.validate()
    params = SourceParams(project=night.project, warehouse=night.warehouse, source="berka")
    pin_clean(RunContext.open(params), ["clean.regions"])


def test_compaction_moves_rows_and_gives_none_to_judge(
    project_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, warehouse = bank.write_project(tmp_path / "project"), tmp_path / "warehouse"
    shutil.copytree(project_root / "expectations" / "clean", project / "expectations" / "clean")
    for day in (2, 3):
        bank.store(project, warehouse, bank.daily(date(2026, 3, day)), loaded_on=date(2026, 3, day))
    night = Night(project, warehouse, monkeypatch, source="village", tables=("transactions",))
    night.validate()
    files = pin(Warehouse(warehouse), "clean.transactions").files
    perform(bank.told(CompactEvents, project, warehouse, source="village", as_of=date(2026, 5, 1)))
    assert len(pin(Warehouse(warehouse), "clean.transactions").files) < len(files)
    assert not night.looks()
    bank.store(project, warehouse, bank.daily(date(2026, 3, 4)), loaded_on=date(2026, 3, 4))
    assert night.looks()


def test_what_is_judged_depends_on_the_date_only_while_a_correction_waits_for_it() -> None:
    def pinned(*known_on: date | None) -> Any:
        bounds: list[dict[str, Any]] = [{"known_on": (one, one)} if one else {} for one in known_on]
        files = tuple(DataFile(table_path="t", rel="f", size=1, rows=1, partition={}, bounds=one) for one in bounds)
        return Pinned(name="clean.regions", path="t", version=0, files=files)

    first, last = date(2026, 3, 1), date(2026, 3, 10)
    assert last_hidden(pinned(first, last), since=date(2026, 3, 9)) == date(2026, 3, 9)
    assert last_hidden(pinned(first, last), since=date(2026, 3, 11)) == last
    assert last_hidden(pinned(first, None), since=date(2026, 3, 11)) == date(2026, 3, 11)
    assert last_hidden(pinned(), since=last) == last
