"""Answers about one customer: the stored row and no other, as of its day, and what is old is said."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from tallystick.answers import Answers, Score
from tallystick.answers.staleness import NotEvaluated, Redeclared
from tallystick.cli.app import app
from tallystick.errors import InputError, NotFound
from tallystick.features.ledger import Definition
from tallystick.project import Project
from tallystick.spec.data_files import DataFile
from tallystick.tables import Run, Slice, Warehouse, arrow_schema, replace_arrow
from tallystick.tables.store.bucketing import bucket_of
from tallystick.tables.store.customer_rows import CustomerFiles, customer_bucket
from tests.lib.answered import (
    note_features,
    open_accounts,
    score_night,
    store_accounts_held,
    told_loads,
)
from tests.lib.shipped import shipped_project

MONDAY, TUESDAY, FRIDAY = date(2026, 3, 9), date(2026, 3, 10), date(2026, 3, 13)
PEOPLE = {f"simbank:{n}": n / 100 for n in range(1, 9)}


@pytest.fixture(scope="module")
def project() -> Project:
    return shipped_project()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, project: Project) -> Warehouse:
    """Two nights of one bank, one of another, and the loads of both."""
    warehouse = Warehouse(tmp_path_factory.mktemp("nights"))
    score_night(warehouse, project, "simbank", MONDAY, PEOPLE)
    # On Tuesday everybody is worse off by 0.5, and the last two are no customers any more.
    score_night(warehouse, project, "simbank", TUESDAY, {name: pd + 0.5 for name, pd in list(PEOPLE.items())[:-2]})
    score_night(warehouse, project, "berka", MONDAY, {"berka:1": 0.9}, recipe="consumer_loan")
    told_loads(warehouse, project, simbank=[MONDAY, TUESDAY], berka=[MONDAY])
    groups = project.recipes["returning"].groups
    note_features(warehouse, project, [MONDAY, TUESDAY], dict.fromkeys(groups, ("clean.accounts",)))
    return warehouse


@pytest.fixture
def answers(filled: Warehouse, project: Project) -> Answers:
    return Answers(filled, project)


def test_the_answer_is_the_stored_row_of_the_newest_night(answers: Answers) -> None:
    for customer, pd in list(PEOPLE.items())[:-2]:
        assert answers.score(customer) == Score(
            customer_id=customer, as_of=TUESDAY, scored_on=TUESDAY, recipe="returning", model_version="returning/1",
            pd=pd + 0.5, score=50.0, decision="refer", limit_minor=200_000, currency="CNY",
            reasons=(f"reason of {customer}", "another"), is_in_training=False,
            not_evaluated=(
                NotEvaluated(
                    table="score.fraud_decisions", run="tally rules run daily --source simbank",
                    setting="TALLYSTICK_RULES names daily",
                ),
                NotEvaluated(
                    table="score.watchlist", run="tally watchlist update NAME --source simbank",
                    setting="TALLYSTICK_WATCH_LIST names the list",
                ),
            ), stale=(),
        )  # fmt: skip


def test_a_day_in_the_past_gives_what_was_said_on_it(answers: Answers) -> None:
    for customer, pd in PEOPLE.items():
        then = answers.score(customer, as_of=MONDAY)
        assert (then.pd, then.as_of, then.scored_on, then.stale) == (pd, MONDAY, MONDAY, ())
    with pytest.raises(NotFound, match="no score on or before 2026-03-08"):
        answers.score("simbank:1", as_of=MONDAY - timedelta(days=1))


def test_an_older_answer_says_which_table_is_how_old_and_what_to_run(answers: Answers) -> None:
    gone = answers.score("simbank:8")  # scored on Monday alone
    assert (gone.pd, gone.scored_on, gone.as_of) == (PEOPLE["simbank:8"], MONDAY, TUESDAY)
    (told,) = [str(one) for one in gone.stale]
    run = "tally nightly returning --source simbank --on 2026-03-10"
    assert told == f"score.daily is of 2026-03-09, 1 day before 2026-03-10; run {run}"
    later = answers.score("simbank:1", as_of=FRIDAY)
    since = [str(one).partition(" before")[0] for one in later.stale]
    assert since == [f"{name} is of 2026-03-10, 3 days" for name in ("score.daily", "the load of simbank")]


def test_a_night_scored_ahead_of_its_load_answers_only_for_its_date(tmp_path: Path, project: Project) -> None:
    warehouse = Warehouse(tmp_path)
    score_night(warehouse, project, "simbank", TUESDAY, {"simbank:1": 0.1})
    score_night(warehouse, project, "simbank", FRIDAY, {"simbank:1": 0.2, "simbank:2": 0.3})
    unloaded = Answers(warehouse, project).score("simbank:1")  # no load is written down: the newest of all
    assert (unloaded.pd, unloaded.as_of, unloaded.scored_on) == (0.2, FRIDAY, FRIDAY)
    told_loads(warehouse, project, simbank=[MONDAY, TUESDAY])
    answers = Answers(warehouse, project)
    found = answers.score("simbank:1")
    assert (found.pd, found.as_of, found.scored_on, found.stale) == (0.1, TUESDAY, TUESDAY, ())
    ahead = answers.score("simbank:1", as_of=FRIDAY)
    assert (ahead.pd, ahead.scored_on) == (0.2, FRIDAY)
    (told,) = [str(one) for one in ahead.stale]
    assert told.startswith("the load of simbank is of 2026-03-10, 3 days before 2026-03-13; ")
    with pytest.raises(NotFound, match=f"the customer has no score on or before {TUESDAY}"):
        answers.score("simbank:2")


def test_each_source_has_its_own_nights_loads_and_zone(answers: Answers) -> None:
    found = answers.score("berka:1")
    assert (found.recipe, found.pd, found.as_of, found.stale) == ("consumer_loan", 0.9, MONDAY, ())


@pytest.mark.parametrize("name", ["simbank:99999", "simbank:", "simbank:10"])
def test_a_customer_without_scores_is_not_found_and_not_named(answers: Answers, name: str) -> None:
    with pytest.raises(NotFound, match="the customer has no score") as told:
        answers.score(name)
    assert name not in str(told.value)


@pytest.mark.parametrize("name", ["7", "otherbank:7", ":7", ""])
def test_an_id_without_a_source_is_refused_and_not_shown(answers: Answers, name: str) -> None:
    with pytest.raises(InputError, match=r"the customer's id names (no source|a source that is not declared)") as told:
        answers.score(name)
    assert not name or name not in str(told.value)


def test_a_held_answer_changes_only_when_it_is_refreshed(tmp_path: Path, project: Project) -> None:
    warehouse = Warehouse(tmp_path)
    with pytest.raises(NotFound, match=r"there is no table score\.daily"):
        Answers(warehouse, project).score("simbank:1")
    score_night(warehouse, project, "simbank", MONDAY, {"simbank:1": 0.1})
    answers = Answers(warehouse, project)
    assert answers.score("simbank:1").pd == 0.1
    score_night(warehouse, project, "simbank", TUESDAY, {"simbank:1": 0.2})
    assert answers.score("simbank:1").pd == 0.1
    answers.refresh()
    assert answers.score("simbank:1").pd == 0.2


def test_of_two_recipes_one_must_be_named(tmp_path: Path, project: Project) -> None:
    warehouse = Warehouse(tmp_path)
    for recipe, pd in (("returning", 0.1), ("cash_loan", 0.3)):
        score_night(warehouse, project, "simbank", MONDAY, {"simbank:1": pd}, recipe=recipe)
    answers = Answers(warehouse, project)
    with pytest.raises(InputError, match=r"scores of cash_loan, returning \(say --recipe NAME\)"):
        answers.score("simbank:1")
    assert answers.score("simbank:1", recipe="cash_loan").pd == 0.3
    with pytest.raises(NotFound, match="recipe other has no scores"):
        answers.score("simbank:1", recipe="other")


def test_rows_in_another_number_of_buckets_than_declared_are_found_by_what_the_table_says(
    tmp_path: Path, project: Project
) -> None:
    warehouse = Warehouse(tmp_path)
    assert project.sources["simbank"].layout.buckets != 5
    score_night(warehouse, project, "simbank", MONDAY, PEOPLE, buckets=5)
    answers = Answers(warehouse, project)
    assert {name: answers.score(name).pd for name in PEOPLE} == PEOPLE


@pytest.mark.parametrize("columns", [None, ["pd", "customer_id", "lacking"]])
def test_of_a_file_only_the_customers_rows_come_whatever_its_row_groups(tmp_path: Path, columns: Any) -> None:
    people = sorted(f"b:{n}" for n in range(40) for _ in range(n % 3))
    rows = pa.table({"customer_id": people, "pd": pa.array(range(len(people)), pa.int64())})
    files = CustomerFiles()
    for size in (1, 7, 1000):
        pq.write_table(rows, tmp_path / f"{size}.parquet", row_group_size=size)
        file = DataFile(table_path=str(tmp_path), rel=f"{size}.parquet", size=0, rows=rows.num_rows, partition={})
        for name in {*people, "b:0", "a", "z"}:
            expected = [n for n, one in enumerate(people) if one == name]
            found = files.read([file], name, columns)
            assert (found["pd"].to_pylist() if found else []) == expected, (size, name)


def test_the_bucket_of_one_customer_is_that_of_a_column() -> None:
    names = [f"bank:{n}" for n in range(50)]
    assert [customer_bucket(name, 7) for name in names] == bucket_of(pa.array(names), 7).tolist()


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory, project: Project) -> Answers:
    """Accounts of two customers, and what a night stored of Tuesday, which no computing would give."""
    warehouse = Warehouse(tmp_path_factory.mktemp("accounts"))
    long_ago, late = date(2025, 3, 10), TUESDAY
    open_accounts(
        warehouse,
        project,
        [
            ("simbank:1", "k1", long_ago, long_ago),
            ("simbank:1", "k2", MONDAY - timedelta(days=1), late),  # known two days after it was opened
            ("simbank:1", "k3", MONDAY, MONDAY),  # at noon: not before the midnight that begins its day
            ("simbank:2", "k4", long_ago, long_ago),
        ],
    )
    store_accounts_held(warehouse, project, TUESDAY, {"simbank:1": 41, "simbank:2": 42})
    told_loads(warehouse, project, simbank=[long_ago, MONDAY, TUESDAY])
    return Answers(warehouse, project)


@pytest.fixture
def night(tmp_path: Path, project: Project) -> Warehouse:
    """One stored night of accounts, for a test that writes what the ledger says of it."""
    warehouse = Warehouse(tmp_path)
    store_accounts_held(warehouse, project, TUESDAY, {"simbank:1": 41})
    told_loads(warehouse, project, simbank=[MONDAY, TUESDAY])
    return warehouse


def test_values_that_a_night_stored_are_answered_as_they_are_stored(accounts: Answers) -> None:
    for customer, number in (("simbank:1", 41), ("simbank:2", 42)):
        found = accounts.vector(customer, groups=["accounts"])
        assert found.features["accounts_held_count_all"] == number
        assert (found.as_of, found.stored, found.computed, found.stale) == (TUESDAY, ("accounts",), (), ())


@pytest.mark.parametrize(
    ("customer", "day", "is_known"),
    [
        ("simbank:1", TUESDAY, True),  # stored
        ("simbank:1", MONDAY, True),
        ("simbank:2", date(2025, 3, 10), True),  # may be used on the day on which it became known
        ("simbank:2", date(2025, 3, 9), False),
        ("simbank:3", MONDAY, False),
    ],
)
def test_a_customer_of_whom_nothing_was_known_is_told_from_one_with_nothing(
    accounts: Answers, customer: str, day: date, is_known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert accounts.vector(customer, as_of=day, groups=["accounts"]).is_known == is_known
    monkeypatch.setattr("tallystick.cli.answering._open", lambda *_: accounts)
    for form in ([], ["--json"]):
        asked = ["vector", customer, "--as-of", f"{day}", "--group", "accounts", *form]
        printed = CliRunner().invoke(app, asked).stdout
        assert ("nothing is known of this customer by that date" in printed) != is_known
        assert not form or ("note" in json.loads(printed)) != is_known


@pytest.mark.parametrize(
    ("customer", "day", "held", "since"),
    [
        ("simbank:1", MONDAY, 1, 364),  # k2 is not known yet
        ("simbank:1", TUESDAY + timedelta(days=1), 3, 366),
        ("simbank:2", MONDAY, 1, 364),
        ("simbank:2", date(2025, 3, 10), 0, None),  # opened on that day
        ("simbank:3", MONDAY, 0, None),  # nobody knows anything of them
    ],
)
def test_other_dates_are_computed_from_what_was_known_on_them(
    accounts: Answers, customer: str, day: date, held: int, since: int | None
) -> None:
    found = accounts.vector(customer, as_of=day, groups=["accounts"])
    assert found.features["accounts_held_count_all"] == held
    assert found.features["accounts_held_days_since_first_all"] == since
    assert (found.stored, found.computed) == ((), ("accounts",))
    assert [one.table for one in found.stale] == (["the load of simbank"] if day > TUESDAY else [])


def test_a_group_that_does_not_exist_is_told_with_the_nearest(accounts: Answers) -> None:
    with pytest.raises(NotFound, match=r"no feature group acounts \(did you mean accounts"):
        accounts.vector("simbank:1", as_of=MONDAY, groups=["acounts"])


def test_without_a_load_there_is_no_date_to_answer_for(tmp_path: Path, project: Project) -> None:
    with pytest.raises(NotFound, match="nothing of simbank is loaded"):
        Answers(Warehouse(tmp_path), project).vector("simbank:1")


def test_an_answer_from_tables_imports_nothing_that_takes_longer_than_itself(
    filled: Warehouse, night: Warehouse, project: Project
) -> None:
    told = {TUESDAY: project.feature_digest}
    note_features(night, project, [TUESDAY], {"accounts": ("clean.accounts",)}, by_day=told)
    scores, held, root = str(filled.root), str(night.root), str(project.root)
    code = (
        "import sys; from tallystick.answers import Answers;"
        f"Answers.open({scores!r}, {root!r}).score('simbank:1');"
        f"stored = Answers.open({held!r}, {root!r}).vector('simbank:1', groups=['accounts']).stored;"
        "print(*stored, *{'pandas', 'numba', 'mlflow', 'pyspark', 'sqlglot', 'pydantic'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["accounts"]


def test_stored_features_that_are_declared_otherwise_by_now_are_named(night: Warehouse, project: Project) -> None:
    warehouse, group = night, project.feature_groups["accounts"]
    meant = Definition.of(group, project.contracts, observations=project.observations["daily"])
    contract = project.contracts["monitor.feature_definitions"]
    rows = [
        {"feature_group": "accounts", "definition": "0", "column_name": name,
         "fingerprint": "another" if name == "accounts_held_count_all" else said}
        for name, said in meant.columns.items()
    ]  # fmt: skip
    data = pa.Table.from_pylist(rows, schema=arrow_schema(contract.columns))
    replace_arrow(warehouse, contract, data, where=Slice("meanings", {}), run=Run("meanings", "test", "0"))
    for definition, changed in (("0", ("accounts_held_count_all",)), (meant.name, ())):
        note_features(warehouse, project, [TUESDAY], {"accounts": ("clean.accounts",)}, definition=definition)
        stale = Answers(warehouse, project).vector("simbank:1", groups=["accounts"]).stale
        assert [one.features for one in stale if isinstance(one, Redeclared)] == ([changed] if changed else [])


@pytest.mark.parametrize(
    ("monday", "tuesday", "is_unsure"),
    [
        (None, "now", False),
        ("now", None, False),  # Tuesday's definition is Monday's, which was computed from today's files
        (None, None, True),
        ("before", "before", True),
    ],
)
def test_features_computed_from_todays_files_are_not_compared_again(
    night: Warehouse, project: Project, monday: str | None, tuesday: str | None, is_unsure: bool
) -> None:
    digests = {"now": project.feature_digest, "before": "0", None: None}
    told = {MONDAY: digests[monday], TUESDAY: digests[tuesday]}
    note_features(night, project, [*told], {"accounts": ("clean.accounts",)}, by_day=told)
    stale = Answers(night, project).vector("simbank:1", groups=["accounts"]).stale
    # The ledger has no such definition: whoever compares finds every column to mean something else.
    assert any(isinstance(one, Redeclared) for one in stale) == is_unsure


def test_an_answer_without_rules_or_watch_list_is_never_granted_at_once(answers: Answers) -> None:
    found = answers.score("berka:1")
    assert (found.rules, found.watch, found.is_granted_at_once) == (None, None, False)
    assert "score.fraud_decisions was not evaluated" in found.objections
