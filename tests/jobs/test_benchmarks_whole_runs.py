"""The benchmarks of a night and of the whole chain, as far as they run nothing: their data, stages and judgements."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from benchmarks import chain, night, stranger, whole_bank
from benchmarks.banks import copy_project, delivery_folders
from benchmarks.commands import Mark, Taken
from benchmarks.groups import ROOT
from benchmarks.ingest import ingest_command
from benchmarks.stranger_source import LOADED_ON, MAPPINGS, NAME, RECIPE
from tallystick.project import load_project
from tallystick.project.recipe_checks import check_recipe_on_source
from tallystick.runs import params
from tallystick.runs.arguments import parse
from tallystick.runs.fields import Params
from tallystick.runs.params import IngestSource
from tallystick.simulation import simulate


def taken(*seconds: float, marks: tuple[Mark, ...] = ()) -> list[Taken]:
    return [Taken(wall=one, cpu=2 * one, peak_mb=1.0, marks=marks) for one in seconds]


def test_a_thinned_history_has_a_tenth_of_the_lines_and_the_same_nights(tmp_path: Path) -> None:
    bank = tmp_path / "bank"
    simulate(bank, customers=60, months=6, daily=2)
    short = night.thin_history(bank, tmp_path / "short")
    first, *nights = (path.name for path in delivery_folders(bank))
    assert len(nights) == 2
    many, few = night.count_lines(bank / first), night.count_lines(short / first)
    assert few == pytest.approx(many / 10, rel=0.02)
    for path in (path.relative_to(bank) for path in bank.rglob("*.csv.gz")):
        kept, whole = (gzip.decompress((place / path).read_bytes()).splitlines() for place in (short, bank))
        is_thinned = str(path) in [
            f"{first}/{name}.csv.gz" for name in ("tran", "im_event", "grp_msg", "loc_fix", "dev_evt", "act", "wall")
        ]
        assert kept[0] == whole[0]
        assert set(kept) < set(whole) if is_thinned else kept == whole


def test_the_job_of_a_night_takes_the_arguments_of_its_checkout(tmp_path: Path) -> None:
    bank = tmp_path / "bank"
    _, script, *argv = ingest_command(project=ROOT, warehouse=tmp_path, directory=bank, load_date="2026-04-02")
    assert Path(script).is_file()
    found = parse(IngestSource, [str(word) for word in argv])
    assert (found.source, found.directory, str(found.load_date)) == ("simbank", bank, "2026-04-02")
    # A checkout without parameters of runs: a source is named with its folder.
    older = ingest_command(project=tmp_path, warehouse=tmp_path, directory=bank, home=tmp_path)
    assert older[0] == str(tmp_path / ".venv/bin/python")
    assert f"simbank={bank}" in older


def test_a_night_is_judged_by_its_median_and_in_pairs() -> None:
    found = night.judge(
        {
            night.SHORT: taken(8.0, 9.0, 50.0),
            night.BEFORE: taken(20.0, 20.0, 200.0),
            night.LONG: taken(10.0, 11.0, 12.0),
        }
    )
    # The slow third night was slow for both.
    assert [(round(one.ratio, 3), one.is_met) for one in found] == [(18.0, True), (1.222, False), (0.4, False)]


def test_the_stranger_is_declared_whole_and_delivers_what_it_declares(tmp_path: Path) -> None:
    project = load_project(stranger.write_project(copy_project(tmp_path / "project")))
    assert check_recipe_on_source(project, project.recipes[RECIPE], project.sources[NAME]) == []
    assert len(MAPPINGS) == 5
    delivery = stranger.write_files(tmp_path / "bank", lines=6_000) / LOADED_ON
    texts = {path.stem: path.read_text(encoding="utf-8").splitlines() for path in delivery.iterdir()}
    assert sum(len(rows) - 1 for rows in texts.values()) == 6_000
    declared = {file: list(spec.columns) for file, spec in project.sources[NAME].files.items()}
    assert {name: rows[0].split(";") for name, rows in texts.items()} == declared
    again = stranger.write_files(tmp_path / "again", lines=6_000) / LOADED_ON
    assert all((again / path.name).read_bytes() == path.read_bytes() for path in delivery.iterdir())


def test_the_balances_of_the_stranger_add_up(tmp_path: Path) -> None:
    delivery = stranger.write_files(tmp_path, lines=3_000) / LOADED_ON
    _, *rows = (delivery / "umsaetze.csv").read_text(encoding="utf-8").splitlines()
    balances: dict[str, int] = {}
    for row in rows:
        _, customer, _, amount, balance, _, _ = row.split(";")
        cents, after = (int(text.replace(".", "")) for text in (amount, balance))
        assert after == balances.get(customer, 200_000) + cents
        balances[customer] = after
    assert len(balances) > 20


MARKS = (
    Mark(line="[1/2] ingest simbank", wall=4.0, cpu=5.0),
    Mark(line="[2/2] validate simbank", wall=10.0, cpu=15.0),
)


def test_the_stages_of_a_chain_add_up_to_the_whole() -> None:
    told_twice = (*MARKS, Mark(line="[2/2] validate simbank: half of it", wall=11.0, cpu=18.0))
    stages = chain.stages_of(Taken(wall=12.0, cpu=20.0, peak_mb=1.0, marks=told_twice))
    assert [(stage.title, stage.wall, stage.cpu) for stage in stages] == [
        (chain.FIRST, 4.0, 5.0),
        ("ingest simbank", 6.0, 10.0),
        ("validate simbank", 2.0, 5.0),
    ]


def test_a_stage_that_one_side_has_not_leaves_its_cells_empty() -> None:
    rows = chain.cells({"tallystick": taken(12.0, marks=MARKS), "before": taken(40.0, marks=MARKS[:1])})
    assert rows == [
        [chain.FIRST, "4.0", "5.0", "4.0", "5.0"],
        ["ingest simbank", "6.0", "10.0", "36.0", "75.0"],
        ["validate simbank", "2.0", "9.0", "", ""],
        ["the whole", "12.0", "24.0", "40.0", "80.0"],
    ]


def test_a_chain_is_judged_by_its_seconds_and_beside_the_checkout_before() -> None:
    found = chain.judge({chain.OURS: taken(95.0), chain.BEFORE: taken(250.0), chain.STRANGER: taken(59.0)})
    assert [(round(one.ratio, 2), one.limit, one.is_met) for one in found] == [
        (95.0, 90.0, False),
        (59.0, 60.0, True),
        (0.38, 0.4, True),
        (0.38, 0.4, True),
    ]


def test_the_stages_of_a_large_bank_are_runs_with_arguments_that_they_take(tmp_path: Path) -> None:
    classes = (kind for kind in vars(params).values() if isinstance(kind, type) and issubclass(kind, Params))
    kinds: dict[str, type[Params]] = {str(kind.job): kind for kind in classes}
    stages = whole_bank.list_stages(tmp_path / "2026-04-01")
    for stage in stages:
        told = parse(kinds[stage.job], ["--warehouse", "w", "--source", "simbank", *stage.arguments])
        assert told.job == stage.job
    week = parse(params.ComputeFeatures, ["--warehouse", "w", "--source", "simbank", *stages[3].arguments])
    assert (str(week.first), str(week.last), week.observations) == ("2026-03-26", "2026-04-01", "daily")
    line = whole_bank.cells("score", {"wall": 1.2, "cpu": 3.4, "peak_mb": 1234.5, "rows": 5000, "columns": 0})
    assert line == ("score", "1", "3", "1,234", "5,000", "")
