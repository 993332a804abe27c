"""Watch lists as runs make them: night after night, from what was known, and the same again."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from typer.testing import CliRunner, Result

from tallystick.cli.app import app
from tallystick.errors import ContractError, DeclarationError, InputError, NoModelYet, NotFound
from tallystick.model.registry import Registry
from tallystick.project import load_project
from tallystick.report import list_watch_questions
from tallystick.runs import update_watchlist
from tallystick.runs.params import UpdateWatchlist
from tallystick.runs.watch_nights import settle_nights
from tallystick.spec.watch_lists import WatchList
from tallystick.tables import Run, Slice, Warehouse, arrow_schema, query, read_arrow, replace_arrow
from tallystick.warning import NightInputs, list_night
from tests.lib import backfills as bank

SET = """\
from tallystick.spec.observations import Nights, ObservationSet

NIGHTS = ObservationSet(name="nights", key="loan_id", population=Nights(table="clean.loans"))
"""
RECIPE = """\
from tallystick.spec.algorithms import Scorecard
from tallystick.spec.labels import DelinquencyLabel
from tallystick.spec.recipes import Recipe
from tallystick.spec.watch_lists import WatchList

BAD = DelinquencyLabel(name="bad", anchor="as_of")
WARNING = Recipe(
    name="warning", title="Warning", groups=("spend",), observations="book", also_scored=("nights",), label="bad",
    algorithms=(Scorecard(),),
)
LIST = WatchList(
    name="loans", recipe="warning", observations="nights", family="signs", capacity=0.5, stay_days=2, keep_within=1.0
)
"""
BOOK = SET.replace("Nights", "MonthEnds").replace("nights", "book").replace("NIGHTS", "BOOK")
RULES = """\
family: signs
title: Signs
observations: nights
owner: tests
permitted_use: credit decisions
rules:
  - {id: SIG001, title: Little is spent, when: "spend_any_count_7d > 3", severity: high, reason: Spending, status: live,
     clears_when: More is spent, since: 2026-03-01}
"""
FIRST = date(2026, 3, 10)
NIGHTS = [FIRST + timedelta(days=number) for number in range(4)]
LOANS = ["a", "b", "c", "d"]
# The riskiest two of four are listed; b is late from 12 March on, when its instalment of the 11th is not paid.
RISKS = {"a": 0.9, "b": 0.8, "c": 0.5, "d": 0.1}


def at(day: date, hour: int = 10) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(bank.ZONE)).astimezone(UTC)


def store_scores(root: Path, table: str, rows: list[dict[str, Any]], **partition: str) -> None:
    """Rows of a table in the layer ``score``, as the runs before the list leave them."""
    contract = load_project(root / "project").contracts[table]
    placed = [
        {"customer_id": f"village:{1 + LOANS.index(row['observation_id'])}", "source": "village", "bucket": 0,
         "period": "2026-03", **partition, **row}
        for row in rows
    ]  # fmt: skip
    data = pa.Table.from_pylist(placed, schema=arrow_schema(contract.columns))
    where = Slice.of_partition(table, {"source": "village", **partition})
    replace_arrow(
        Warehouse(root / "warehouse"), contract, data, where=where, run=Run(f"{table}/{len(rows)}", "test", "0")
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four loans with an instalment due on 11 March and one a month later; a, c and d pay theirs on the 11th."""
    project = bank.write_project(tmp_path / "project")
    (project / "observations").mkdir(exist_ok=True)
    (project / "rules").mkdir(exist_ok=True)
    files = {"observations/nights.py": SET, "observations/book.py": BOOK, "recipes/warning.py": RECIPE}
    for file, text in {**files, "rules/signs.yaml": RULES}.items():
        (project / file).write_text(text, encoding="utf-8")
    granted = date(2026, 2, 11)
    loans = [
        {"customer_id": f"village:{number}", "loan_id": name, "application_id": f"p-{name}", "event_at": at(granted),
         "known_on": granted, "amount_minor": 200, "term_months": 2, "instalment_minor": 100,
         "first_due_date": date(2026, 3, 11), "currency": "CZK"}
        for number, name in enumerate(LOANS, start=1)
    ]  # fmt: skip
    bank.store_rows(project, tmp_path / "warehouse", "clean.loans", loans, loaded_on=granted)
    store_payments(tmp_path, [(name, date(2026, 3, 11), date(2026, 3, 12)) for name in "acd"])
    nights = [(name, day) for day in NIGHTS for name in LOANS]
    scores = [
        {"observation_id": name, "as_of": midnight(day), "pd": RISKS[name], "score": 50.0, "reason_1": "Model",
         "is_in_training": False, "model_version": "warning/1"}
        for name, day in nights
    ]  # fmt: skip
    store_scores(tmp_path, "score.nights", scores, recipe="warning")
    counted = {f"{mode}_{what}": 0 for mode in ("live", "shadow") for what in ("rules", "hits", "held")}
    answered = [{"observation_id": name, "as_of": midnight(day), "decided_on": day, **counted} for name, day in nights]
    store_scores(tmp_path, "score.fraud_decisions", answered, observations="nights")
    hit = {"rule_id": "SIG001", "family": "signs", "severity": "high", "status": "live", "reason": "Spending",
           "hit_values": "{}"}  # fmt: skip
    hits = [{"observation_id": "a", "as_of": midnight(day), "decided_on": day, **hit} for day in NIGHTS]
    hits.append({**hits[0], "rule_id": "OTH001", "family": "others"})
    store_scores(tmp_path, "score.fraud_flags", hits, observations="nights")
    store_loads(tmp_path, NIGHTS[-1])
    return tmp_path


def store_loads(root: Path, newest: date, *, deliveries: str | None = None) -> None:
    """The source is loaded up to a date, though that night brought no row; ``deliveries`` are others than its own."""
    counted = {f"rows_{word}": 0 for word in ("read", "accepted", "rejected", "duplicate", "excluded")}
    contract = load_project(root / "project").contracts["monitor.loads"]
    row = {"loaded_on": newest, "table_name": "loans", "raw_sha256": "0", "source": "village", **counted,
           "deliveries": deliveries}  # fmt: skip
    data = pa.Table.from_pylist([row], schema=arrow_schema(contract.columns))
    where = Slice.of_source("monitor.loads", "village")
    replace_arrow(
        Warehouse(root / "warehouse"), contract, data, where=where, run=Run(f"loads/{newest}/{deliveries}", "test", "0")
    )


def store_payments(root: Path, paid: list[tuple[str, date, date]]) -> None:
    """One instalment of each of the loans, with when it was paid and when that was known."""
    rows = [
        {"customer_id": f"village:{1 + LOANS.index(name)}", "repayment_id": f"r-{name}-{known}", "loan_id": name,
         "event_at": at(day), "known_on": known, "amount_minor": 100, "currency": "CZK"}
        for name, day, known in paid
    ]  # fmt: skip
    loaded = max(known for _, _, known in paid)
    bank.store_rows(root / "project", root / "warehouse", "clean.repayments", rows, loaded_on=loaded)


def make(root: Path, **asked: Any) -> None:
    told = {"source": "village", "watch_list": "loans", **asked}
    update_watchlist.run(bank.told(UpdateWatchlist, root / "project", root / "warehouse", **told))


def stored(root: Path) -> dict[tuple[date, str], dict[str, Any]]:
    rows = read_arrow(Warehouse(root / "warehouse"), "score.watchlist").to_pylist()
    return {(row["list_date"], row["observation_id"]): row for row in rows}


def levels(root: Path) -> dict[date, dict[str, str]]:
    made: dict[date, dict[str, str]] = {}
    for (day, loan), row in sorted(stored(root).items()):
        made.setdefault(day, {})[loan] = row["cause"] or row["level"]
    return made


EXPECTED = [{"a": "watch", "b": "watch"}, {"a": "watch", "b": "watch"}, {"a": "watch", "b": "late"}, {"a": "watch"}]


def test_each_night_that_has_scores_gets_its_list_once(root: Path) -> None:
    make(root)
    assert levels(root) == dict(zip(NIGHTS, EXPECTED, strict=True))
    row = stored(root)[NIGHTS[1], "a"]
    assert (row["rules"], row["reason_1"]) == ("SIG001", "Spending")
    assert (row["listed_on"], row["first_seen_on"], row["ranked_loans"], row["risk_rank"]) == (FIRST, FIRST, 4, 1)
    assert row["clears_when"].startswith("No longer among the 2 riskiest of 4 loans, on 2026-03-12 or later")
    assert row["clears_when"].endswith(". Its signs clear when: More is spent")
    assert stored(root)[NIGHTS[3], "a"]["ranked_loans"] == 3
    before = Warehouse(root / "warehouse").open("score.watchlist").version()
    make(root)
    assert Warehouse(root / "warehouse").open("score.watchlist").version() == before


def test_the_report_asks_the_lists_what_they_hold(root: Path) -> None:
    make(root)
    project = load_project(root / "project")
    asked = list_watch_questions(
        project.watch_lists["loans"], project.recipes["warning"], source="village", learned={"warning/1": FIRST}
    )
    told = {
        name: query(Warehouse(root / "warehouse"), one.sql).to_pylist()
        for name, one in asked.items()
        if "training.warning" not in one.tables  # which is not there
    }
    newest, before, *_ = told["watch_nights"]
    assert (newest["list_date"], newest["watch"], newest["entered"], newest["ranked"]) == (NIGHTS[3], 1, 0, 3)
    assert (before["late"], before["ended"], before["watch"]) == (1, 0, 1)
    assert told["watch_leads"] == [{"days": 2}]
    assert told["watch_rules"] == [{"rule": "SIG001", "loans": 1}]


def test_a_list_that_is_made_again_is_the_one_of_its_night(root: Path) -> None:
    """What the bank learned later changes no alert: a payment of b told late, and a loan taken back."""
    make(root)
    before = {key: {**row, "run_id": ""} for key, row in stored(root).items()}
    store_payments(root, [("b", date(2026, 3, 11), date(2026, 3, 20))])
    gone = {"customer_id": "village:1", "loan_id": "a", "application_id": "p-a", "event_at": at(date(2026, 2, 11)),
            "known_on": date(2026, 3, 21), "amount_minor": 200, "term_months": 2, "instalment_minor": 100,
            "first_due_date": date(2026, 3, 11), "currency": "CZK", "is_retracted": True}  # fmt: skip
    bank.store_rows(root / "project", root / "warehouse", "clean.loans", [gone], loaded_on=date(2026, 3, 21))
    make(root, first=str(FIRST))
    assert {key: {**row, "run_id": ""} for key, row in stored(root).items()} == before


def test_lists_after_one_that_is_made_again_are_made_again(root: Path) -> None:
    make(root, last=str(NIGHTS[2]))
    assert list(levels(root)) == NIGHTS[:3]
    project = root / "project" / "recipes" / "warning.py"
    project.write_text(RECIPE.replace("capacity=0.5", "capacity=0.25"), encoding="utf-8")
    make(root, first=str(FIRST), last=str(FIRST))
    assert levels(root) == {day: {"a": "watch"} for day in NIGHTS[:3]}


def test_a_night_without_scores_or_answers_is_told(root: Path) -> None:
    with pytest.raises(NotFound, match="no running loan has a score from 2026-05-01"):
        make(root, first="2026-05-01")
    row = read_arrow(Warehouse(root / "warehouse"), "score.fraud_decisions").to_pylist()[0]
    store_scores(root, "score.fraud_decisions", [row], observations="nights")
    with pytest.raises(NotFound, match="rules were not answered for 4 of 4 loans|for 3 of 4 loans"):
        make(root)


def test_a_list_of_other_rows_than_the_models_is_refused(root: Path) -> None:
    project = root / "project" / "recipes" / "warning.py"
    project.write_text(RECIPE.replace('family="signs"', 'family="sign"'), encoding="utf-8")
    with pytest.raises(DeclarationError, match="there is no family of rules sign .*did you mean signs"):
        make(root)
    project.write_text(RECIPE.replace('observations="nights", family', 'observations="book", family'), encoding="utf-8")
    with pytest.raises(DeclarationError, match="book are of kind month_ends, and a list is made night by night"):
        make(root)
    project.write_text(RECIPE.replace("capacity=0.5", 'baseline="spend_nothing", capacity=0.5'), encoding="utf-8")
    with pytest.raises(DeclarationError, match="baseline spend_nothing is no feature of recipe warning"):
        make(root)
    project.write_text(RECIPE, encoding="utf-8")
    signs = root / "project" / "rules" / "signs.yaml"
    signs.write_text(RULES.replace("clears_when: More is spent, ", ""), encoding="utf-8")
    with pytest.raises(DeclarationError, match="SIG001 is a sign of a watch list and does not say what would clear it"):
        make(root)


@pytest.mark.parametrize("late", [False, True])
def test_a_list_after_the_newest_night_is_refused_and_nothing_is_written(root: Path, late: bool) -> None:
    """Also where deliveries of before came late, and were loaded on dates whose nights have not come."""
    if late:
        store_loads(root, NIGHTS[-1], deliveries=f"{NIGHTS[0]}:7 {NIGHTS[1]}:7")
    else:
        store_loads(root, NIGHTS[1])
    with pytest.raises(ContractError, match=f"village is loaded up to {NIGHTS[1]}, and a list of {NIGHTS[2]} needs"):
        make(root, first=str(FIRST))
    assert not Warehouse(root / "warehouse").exists("score.watchlist")
    make(root, last=str(NIGHTS[1]))
    assert list(levels(root)) == NIGHTS[:2]


def test_nights_that_were_scored_before_their_load_wait_for_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store_loads(root, NIGHTS[1])
    make(root)
    assert list(levels(root)) == NIGHTS[:2]
    assert f"last load is that of {NIGHTS[1]}; 2 scored nights after it are not listed" in capsys.readouterr().err
    make(root)
    assert "nothing to do" in capsys.readouterr().err
    store_loads(root, NIGHTS[3] + timedelta(days=1))
    make(root)
    assert levels(root) == dict(zip(NIGHTS, EXPECTED, strict=True))
    assert "not listed" not in capsys.readouterr().err


def settled(root: Path, **asked: Any) -> tuple[date | None, date | None]:
    told = {"source": "village", "watch_list": "loans", **{name: str(day) for name, day in asked.items()}}
    nights = settle_nights(bank.told(UpdateWatchlist, root / "project", root / "warehouse", **told))
    return nights.first, nights.last


def test_the_nights_of_the_work_are_known_before_its_first_step(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store_loads(root, NIGHTS[2])
    with pytest.raises(NoModelYet, match="model warning has no version called champion"):
        settled(root)
    with pytest.raises(NotFound, match="there is no source nobank"):
        settled(root, source="nobank")
    later = f"{NIGHTS[3]} is after the last load of source village, that of {NIGHTS[2]}"
    for asked in ({"first": NIGHTS[3]}, {"last": NIGHTS[3]}, {"first": FIRST, "last": NIGHTS[3]}):
        with pytest.raises(InputError, match=later):
            settled(root, **asked)
    with pytest.raises(InputError, match=f"--from {NIGHTS[1]} is after --to {FIRST}"):
        settled(root, first=NIGHTS[1], last=FIRST)
    monkeypatch.setattr(Registry, "find", lambda *_, **__: None)
    assert settled(root) == (NIGHTS[2], NIGHTS[2])
    assert settled(root, first=FIRST) == (FIRST, NIGHTS[2])
    assert settled(root, last=NIGHTS[1]) == (NIGHTS[1], NIGHTS[1])
    assert settled(root, first=FIRST, last=NIGHTS[1]) == (FIRST, NIGHTS[1])


def test_a_reader_learns_which_list_is_printed_and_that_a_loan_was_never_listed(root: Path) -> None:
    make(root, last=str(NIGHTS[1]))

    def told(*command: str) -> Result:
        there = ["-w", str(root / "warehouse"), "--project", str(root / "project"), "--csv"]
        return CliRunner().invoke(app, ["watchlist", *command, *there])

    assert f"loans of village: the list of {NIGHTS[1]}\n" in told("list", "loans").stderr
    assert f"list of {FIRST}\n" in told("list", "loans", "--on", str(FIRST)).stderr
    last = told("list", "loans", "--on", str(NIGHTS[3]))
    assert f"list of {NIGHTS[1]}, the last one up to {NIGHTS[3]}\n" in last.stderr
    assert len(last.stdout.splitlines()) == 3
    early = str(FIRST - timedelta(days=1))
    for command, why in (
        (("list", "loans", "--on", early), f"list loans has no night up to {early}"),
        (("history", "loans", "d"), "this loan was never on list loans"),
        (("history", "loans", "it's none"), "no loan has this loan_id"),
    ):
        ended = told(*command)
        assert isinstance(ended.exception, NotFound)
        assert why in str(ended.exception)
        assert not ended.stdout
    assert len(told("history", "loans", "a").stdout.splitlines()) == 3


def test_a_run_that_is_killed_leaves_all_lists_of_the_run_before(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(root)
    before = stored(root)
    project = root / "project" / "recipes" / "warning.py"
    project.write_text(RECIPE.replace("capacity=0.5", "capacity=0.25"), encoding="utf-8")
    made: list[date] = []

    def killed(declared: WatchList, inputs: NightInputs, **asked: Any) -> pa.Table:
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(inputs.day)
        return list_night(declared, inputs, **asked)

    monkeypatch.setattr(update_watchlist, "list_night", killed)
    with pytest.raises(KeyboardInterrupt):
        make(root, first=str(FIRST))
    assert stored(root) == before
    monkeypatch.undo()
    make(root, first=str(FIRST))
    assert levels(root) == {day: {"a": "watch"} for day in NIGHTS}


def test_a_night_on_which_no_loan_runs_takes_all_off(root: Path) -> None:
    """The ledger says that the night was computed and nobody observed; the list before it stands no longer."""
    empty = NIGHTS[-1] + timedelta(days=1)
    store_loads(root, empty + timedelta(days=1))
    make(root)
    contract = load_project(root / "project").contracts["monitor.feature_days"]
    seen = {"clean.loans": Warehouse(root / "warehouse").open("clean.loans").version(), "clean.transactions": -1}
    told = {"source": "village", "observations": "nights", "feature_group": "spend", "definition": "0",
            "rows_written": 0, "inputs": json.dumps(seen), "run_id": "0"}  # fmt: skip
    days = [empty, empty + timedelta(days=1)]
    data = pa.Table.from_pylist([{**told, "as_of_date": day} for day in days], schema=arrow_schema(contract.columns))
    where = Slice.of_source("monitor.feature_days", "village")
    replace_arrow(Warehouse(root / "warehouse"), contract, data, where=where, run=Run("days", "test", "0"))
    make(root)
    assert levels(root) == {**dict(zip(NIGHTS, EXPECTED, strict=True)), empty: {"a": "ended"}}
    assert stored(root)[empty, "a"]["as_of"] == midnight(empty)
    # The second such night has no row to show that it was made; nothing is written for it again and again.
    version = Warehouse(root / "warehouse").open("score.watchlist").version()
    make(root)
    assert Warehouse(root / "warehouse").open("score.watchlist").version() == version


@pytest.mark.parametrize("group", ["spend", "spent"])
def test_a_list_on_features_that_have_not_seen_a_row_of_their_night_is_refused(root: Path, group: str) -> None:
    """Whether the model reads the group, or the rules alone do."""
    own = bank.SPEND.replace('name="spend"', f'name="{group}"')
    (root / "project" / "features" / f"{group}.py").write_text(own, encoding="utf-8")
    recipe = RECIPE.replace('groups=("spend",)', f'groups=("{group}",)')
    (root / "project" / "recipes" / "warning.py").write_text(recipe, encoding="utf-8")
    bank.store_bank(root / "project", root / "warehouse")
    days = {"first": str(NIGHTS[0]), "last": str(NIGHTS[-1])}
    bank.compute(root / "project", root / "warehouse", groups=("spend",), observations="nights", **days)
    make(root, last=str(NIGHTS[1]))
    rows = [bank.Transaction(1, 900_000, at(NIGHTS[1]), NIGHTS[2], 250)]
    bank.store(root / "project", root / "warehouse", rows, loaded_on=NIGHTS[-1] + timedelta(days=1))
    store_loads(root, NIGHTS[-1] + timedelta(days=1))
    with pytest.raises(ContractError, match=f"features of 2 days between {NIGHTS[2]} and {NIGHTS[3]} have not seen"):
        make(root)
    make(root, first=str(NIGHTS[0]), last=str(NIGHTS[1]))
    assert list(levels(root)) == NIGHTS[:2]
    if group == "spent":
        signs = root / "project" / "rules" / "signs.yaml"
        signs.write_text(RULES.replace("2026-03-01", str(NIGHTS[-1])), encoding="utf-8")
        with pytest.raises(ContractError, match="features of 2 days"):
            make(root)
        # A rule that begins after the last of the nights is not asked about any of them.
        signs.write_text(RULES.replace("2026-03-01", str(NIGHTS[-1] + timedelta(days=1))), encoding="utf-8")
        make(root)
        assert list(levels(root)) == NIGHTS
