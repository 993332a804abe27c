"""What stands against granting at once: rules that hit, watched loans, and inputs that are older than the date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tallystick.answers import Answers
from tallystick.answers.shelves import find_customer
from tallystick.answers.staleness import Hindsight
from tallystick.project import Project
from tallystick.tables import Warehouse
from tests.lib.answered import midnight, note_features, score_night, store_rows, told_loads
from tests.lib.shipped import shipped_project

MONDAY, TUESDAY = date(2026, 3, 9), date(2026, 3, 10)
PEOPLE = {f"simbank:{n}": n / 100 for n in range(1, 9)}
AT_NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)
DECIDED = {"live_rules": 120, "live_held": 3, "fraud_score": 12.5}
HIT = {"family": "velocity", "severity": "high", "status": "live", "reason": "Many payments in a day"}
LISTED = {"observation_id": "loan7", "level": "act", "reason_1": "Salary is late", "clears_when": "salary comes",
          "listed_on": MONDAY, "first_seen_on": MONDAY}  # fmt: skip


@pytest.fixture(scope="module")
def project() -> Project:
    return shipped_project()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, project: Project) -> Answers:
    """Scores of two nights, the rules' answers about both, and two watch lists."""
    warehouse = Warehouse(tmp_path_factory.mktemp("guarded"))
    for day in (MONDAY, TUESDAY):
        score_night(warehouse, project, "simbank", day, PEOPLE, decision="approve")
    told_loads(warehouse, project, simbank=[MONDAY, TUESDAY])
    people = [name for name in PEOPLE if name != "simbank:8"]  # nobody asked the rules about the last one
    decided = [(name, day, DECIDED) for name in people for day in (MONDAY, TUESDAY)]
    store_rows(warehouse, project, "score.fraud_decisions", decided)
    store_rows(
        warehouse,
        project,
        "score.fraud_flags",
        [
            ("simbank:1", MONDAY, {**HIT, "rule_id": "VEL001"}),  # of the night before: not of Tuesday's
            ("simbank:2", TUESDAY, {**HIT, "rule_id": "VEL002", "severity": "low"}),
            ("simbank:2", TUESDAY, {**HIT, "rule_id": "VEL003", "status": "shadow"}),
            ("simbank:3", TUESDAY - timedelta(days=29), {**HIT, "rule_id": "APP001", "observations": "applications"}),
            ("simbank:4", TUESDAY - timedelta(days=30), {**HIT, "rule_id": "APP001", "observations": "applications"}),
            ("simbank:5", TUESDAY + timedelta(days=1), {**HIT, "rule_id": "APP001", "observations": "applications"}),
            ("simbank:8", TUESDAY, {**HIT, "rule_id": "APP002", "observations": "applications", "as_of": AT_NOON}),
        ],
    )
    store_rows(
        warehouse,
        project,
        "score.watchlist",
        [
            ("simbank:6", MONDAY, LISTED),
            ("simbank:6", TUESDAY, {**LISTED, "level": "off"}),
            ("simbank:7", TUESDAY, {**LISTED, "listed_on": TUESDAY}),
            ("simbank:1", TUESDAY + timedelta(days=1), LISTED),
        ],
    )
    return Answers(warehouse, project)


@pytest.mark.parametrize(
    ("customer", "day", "hits", "listed"),
    [
        ("simbank:1", MONDAY, ["VEL001"], []),
        ("simbank:1", TUESDAY, [], []),
        ("simbank:2", TUESDAY, ["VEL002"], []),  # a shadow rule counts for nothing
        ("simbank:3", TUESDAY, ["APP001"], []),
        ("simbank:4", TUESDAY, [], []),  # longer ago than thirty days
        ("simbank:5", TUESDAY, [], []),  # decided on a later day
        ("simbank:6", MONDAY, [], ["act"]),
        ("simbank:6", TUESDAY, [], []),  # has left the list
        ("simbank:7", MONDAY, [], []),
        ("simbank:7", TUESDAY, [], ["act"]),
    ],
)
def test_hits_and_watched_loans_are_those_of_the_day(
    guarded: Answers, customer: str, day: date, hits: list[str], listed: list[str]
) -> None:
    found = guarded.score(customer, as_of=day)
    assert found.rules is not None
    assert found.watch is not None
    assert [hit.rule_id for hit in found.rules.hits] == hits
    assert [entry.level for entry in found.watch.entries] == listed
    assert (found.rules.decided_on, found.rules.held, found.watch.list_of) == (day, 3, day)
    assert (found.stale, found.not_evaluated) == ((), ())
    # A low hit is told and stops nothing.
    assert found.is_granted_at_once == (not listed and hits in ([], ["VEL002"]))


def test_what_stands_against_granting_at_once_is_named(guarded: Answers) -> None:
    (told,) = guarded.score("simbank:7").objections
    assert told == "watch list, act since 2026-03-10: Salary is late"
    (told,) = guarded.score("simbank:1", as_of=MONDAY).objections
    assert told == "rule VEL001 (high, daily of 2026-03-09)"
    # An application of Tuesday noon hit a rule, which nobody knew when Tuesday began.
    (told,) = guarded.score("simbank:8").objections
    run = "tally rules run daily --source simbank --from 2026-03-10 --to 2026-03-10"
    assert told == f"score.fraud_decisions has nothing for 2026-03-10; run {run}"


def test_each_watch_list_is_looked_at_and_the_oldest_says_how_old_the_answer_is(
    tmp_path: Path, project: Project
) -> None:
    warehouse = Warehouse(tmp_path)
    for day in (MONDAY, TUESDAY):
        score_night(warehouse, project, "simbank", day, PEOPLE, decision="approve")
    told_loads(warehouse, project, simbank=[MONDAY, TUESDAY])
    store_rows(
        warehouse,
        project,
        "score.watchlist",
        [("simbank:1", MONDAY, LISTED), ("simbank:2", TUESDAY, {**LISTED, "recipe": "another"})],
    )
    found = Answers(warehouse, project).score("simbank:1")
    assert found.watch is not None
    assert ([entry.level for entry in found.watch.entries], found.watch.list_of) == (["act"], MONDAY)
    assert any(one.table == "score.watchlist" for one in found.stale)


def test_a_list_that_began_later_takes_nothing_from_what_was_said_before(tmp_path: Path, project: Project) -> None:
    warehouse = Warehouse(tmp_path)
    score_night(warehouse, project, "simbank", MONDAY, PEOPLE, decision="approve")
    told_loads(warehouse, project, simbank=[MONDAY])
    begun = (("a_later_one", TUESDAY), ("early_warning", MONDAY))
    listed = [("simbank:1", first, {**LISTED, "recipe": recipe}) for recipe, first in begun]
    store_rows(warehouse, project, "score.watchlist", listed)
    found = Answers(warehouse, project).score("simbank:1", as_of=MONDAY)
    assert found.watch is not None
    assert ([entry.level for entry in found.watch.entries], found.watch.list_of) == (["act"], MONDAY)
    assert not found.is_granted_at_once


@pytest.mark.parametrize(("asked", "held"), [(3, 3), (0, 0)])
def test_rules_without_any_answer_stop_granting_at_once(
    tmp_path: Path, project: Project, asked: int, held: int
) -> None:
    warehouse = Warehouse(tmp_path)
    score_night(warehouse, project, "simbank", TUESDAY, PEOPLE, decision="approve")
    told_loads(warehouse, project, simbank=[TUESDAY])
    decided = {**DECIDED, "live_rules": asked, "live_held": held, "live_hits": 0}
    store_rows(warehouse, project, "score.fraud_decisions", [("simbank:1", TUESDAY, decided)])
    store_rows(warehouse, project, "score.watchlist", [("simbank:2", TUESDAY, LISTED)])
    assert Answers(warehouse, project).score("simbank:1").objections == (f"none of {asked} live rules had an answer",)


@pytest.mark.parametrize(
    ("late", "stale"),
    [("accounts", ["the load of clean.accounts"]), ("regions", [])],  # no feature of the score is of a region
)
def test_a_table_that_the_features_need_and_that_no_load_brought_stops_granting_at_once(
    tmp_path: Path, project: Project, late: str, stale: list[str]
) -> None:
    warehouse = Warehouse(tmp_path)
    score_night(warehouse, project, "simbank", TUESDAY, PEOPLE, decision="approve")
    needs = dict.fromkeys(project.recipes["returning"].groups, ("clean.accounts",))
    note_features(warehouse, project, [TUESDAY], needs)
    told_loads(warehouse, project, simbank=[MONDAY, TUESDAY], without={late: TUESDAY})
    store_rows(warehouse, project, "score.fraud_decisions", [("simbank:1", TUESDAY, DECIDED)])
    store_rows(warehouse, project, "score.watchlist", [("simbank:2", TUESDAY, LISTED)])
    found = Answers(warehouse, project).score("simbank:1")
    assert [(one.table, one.held, one.wanted) for one in found.stale] == [(name, MONDAY, TUESDAY) for name in stale]
    assert found.is_granted_at_once == (not stale)


@pytest.mark.parametrize(
    ("asked", "stale"),
    [
        (date(2026, 3, 31), []),
        (date(2026, 4, 1), [("graph.people", date(2026, 3, 1), date(2026, 4, 1))]),
        (date(2026, 2, 28), [("graph.people", None, date(2026, 2, 1))]),
        (date(1, 1, 10), [("graph.people", None, date(1, 1, 1))]),
    ],
)
def test_a_vector_says_that_the_snapshot_of_its_graph_is_not_the_one_due(
    tmp_path: Path, project: Project, asked: date, stale: list[tuple[str, date | None, date]]
) -> None:
    warehouse = Warehouse(tmp_path)
    told_loads(warehouse, project, simbank=[date(2026, 4, 1)])
    march = date(2026, 3, 1)
    snapshot = {"snapshot_id": "simbank:1/2026-03-01", "event_at": midnight(project, "simbank", march),
                "known_on": march, "loaded_on": march}  # fmt: skip
    store_rows(warehouse, project, "graph.people", [("simbank:1", march, snapshot)])
    note_features(warehouse, project, [asked], {"chains": ("graph.people",)})
    answers = Answers(warehouse, project)
    tables = answers._stale_inputs(find_customer("simbank:1", project), asked, ["chains"], of=asked)
    assert [(one.table, one.held, one.wanted) for one in tables] == stale


def test_a_signal_of_many_nights_and_loans_is_one_hit_while_its_last_night_has_it(
    tmp_path: Path, project: Project
) -> None:
    warehouse = Warehouse(tmp_path)
    score_night(warehouse, project, "simbank", TUESDAY, PEOPLE, decision="approve")
    told_loads(warehouse, project, simbank=[TUESDAY])
    nights = [TUESDAY - timedelta(days=days) for days in range(40)]
    loans = ("loan1", "loan2")
    own = {**HIT, **DECIDED, "observations": "running_nights", "rule_id": "EWI001"}
    decided = [("simbank:1", day, {**own, "observation_id": loan}) for day in nights for loan in loans]
    asked = [("simbank:1", TUESDAY, DECIDED), *decided]
    gone = [("simbank:1", day, {**own, "observation_id": "loan1", "rule_id": "EWI002"}) for day in nights[1:]]
    store_rows(warehouse, project, "score.fraud_decisions", asked)
    store_rows(warehouse, project, "score.fraud_flags", [*decided, *gone])
    found = Answers(warehouse, project).score("simbank:1").rules
    assert found is not None
    (hit,) = found.hits
    assert (hit.rule_id, hit.since, hit.decided_on) == ("EWI001", nights[29], TUESDAY)
    assert str(hit) == "EWI001 (high, running_nights since 2026-02-09, last seen 2026-03-10)"


def test_rules_that_nobody_asked_are_told_as_such(guarded: Answers) -> None:
    told = guarded.score("simbank:8").record()["rules"]
    assert told == ["none was asked about the customer by 2026-03-10"]


@pytest.mark.parametrize(
    ("learned", "asked", "is_hindsight"),
    [
        (None, MONDAY, False),  # nobody said by when they were known
        (MONDAY, MONDAY, False),
        (TUESDAY, MONDAY, True),
        (TUESDAY, TUESDAY, False),  # Monday's score, which could be said on Tuesday
        (TUESDAY + timedelta(days=1), TUESDAY, True),
    ],
)
def test_a_score_by_a_model_that_learned_later_than_the_date_asked_for_is_hindsight(
    tmp_path: Path, project: Project, learned: date | None, asked: date, is_hindsight: bool
) -> None:
    warehouse = Warehouse(tmp_path)
    score_night(warehouse, project, "simbank", MONDAY, PEOPLE, decision="approve", learned=learned)
    told_loads(warehouse, project, simbank=[MONDAY, TUESDAY])
    found = Answers(warehouse, project).score("simbank:1", as_of=asked)
    told = [str(one) for one in found.stale if isinstance(one, Hindsight)]
    text = f"score.daily of {MONDAY} is hindsight: returning/1 learned from outcomes known on {learned}, so nobody"
    assert told == ([f"{text} could have said it on the date asked for"] if is_hindsight else [])
    assert set(told) <= set(found.objections)
