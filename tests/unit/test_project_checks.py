"""What needs two files to be seen: twins, lineage, names, and columns that somebody else speaks of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tallystick.cli.showing import check_mapping
from tallystick.errors import DeclarationError
from tallystick.project import load_project
from tallystick.project.checks import check_project
from tallystick.project.grammar import name_faults
from tallystick.spec.tables import Column
from tests.lib.adding import copy_declarations
from tests.lib.project_folder import CONTRACT, GROUP, SUITE, write_project


def problems(root: Path) -> str:
    """What is wrong with the project, as text."""
    return "\n".join(str(problem) for problem in check_project(load_project(root)))


def test_a_whole_project_has_no_problem(tmp_path: Path) -> None:
    assert problems(write_project(tmp_path)) == ""


def test_a_table_without_its_twin_is_a_problem_either_way(tmp_path: Path) -> None:
    root = write_project(tmp_path, suite="")
    assert "table clean.visits has no expectations (write expectations/clean/visits.yaml)" in problems(root)
    other = SUITE.replace("clean.visits", "clean.calls")
    (root / "expectations" / "clean" / "calls.yaml").write_text(other, encoding="utf-8")
    assert "there is no table clean.calls (write schemas/clean/calls.yaml)" in problems(root)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("value: [raw.*]", "value: [score.applications]", "derived from score.applications, not an earlier layer"),
        ("value: [raw.*]", "value: [clean.visits]", "derived from clean.visits, not an earlier layer"),
        ("value: [raw.*]", "value: [raw.visits]", "derived from raw.visits, which does not exist"),
        ("      - {property: derivedFrom, value: [raw.*]}\n", "", "does not say what it is derived from"),
        ("{name: purpose", "{name: purposeOfVisit", "column purposeOfVisit is not lower_snake_case"),
        # What loads and features build on: they would fail or, worse, mix up versions.
        ("      - {property: knownOn, value: known_on}\n", "", "clean.visits: it does not name its times"),
        ("name: is_retracted, logicalType: boolean", "name: is_gone, logicalType: boolean", "is_retracted is missing"),
        ("logicalType: integer, physicalType: INT,", "logicalType: integer, physicalType: BIGINT,", "bucket is int64"),
        ("primaryKeyPosition: 4, ", "", "primaryKeyPosition must run from 1"),
        ("primaryKey: true,\n         primaryKeyPosition: 4, ", "", "its key is source, visit_id, known_on (source,"),
        ("property: entity, value: customer_id", "property: entity, value: purpose", "its entity is purpose"),
    ],
)
def test_lineage_and_names_of_a_contract_are_checked(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in CONTRACT
    assert message in problems(write_project(tmp_path, contract=CONTRACT.replace(old, new, 1)))


def test_expectations_speak_of_columns_that_exist(tmp_path: Path) -> None:
    found = problems(write_project(tmp_path, suite=SUITE.replace("column: purpose", "column: aim")))
    assert "expectation 8: table clean.visits has no column aim" in found


def test_what_the_contract_promises_is_expected(tmp_path: Path) -> None:
    kept = SUITE.splitlines(keepends=True)
    without_last = "".join(kept[:-2])
    found = problems(write_project(tmp_path, suite=without_last))
    assert "the contract promises expect_column_values_to_be_in_set of purpose, and no expectation tests it" in found
    tolerant = SUITE.replace("{column: visit_id}", "{column: visit_id, mostly: 0.9}")
    found = problems(write_project(tmp_path, suite=tolerant))
    assert "the contract promises expect_column_values_to_not_be_null of visit_id, and no expectation tests it" in found


def test_groups_speak_of_tables_and_columns_that_exist(tmp_path: Path) -> None:
    found = problems(write_project(tmp_path, group=GROUP.replace("clean.visits", "clean.calls")))
    assert "visits.py:5" in found
    assert "clean.calls" in found
    with_column = GROUP.replace('ops="count"', 'ops="count", where="lenght > 3"')
    assert "lenght" in problems(write_project(tmp_path, group=with_column))
    mistyped = problems(
        write_project(tmp_path, group=GROUP.replace('windows=("30d",),', 'windows=("30d",), event_at="evnt_at",'))
    )
    assert "event_at names evnt_at, which is no column of clean.visits (did you mean event_at?)" in mistyped


PEOPLE = """\
from datetime import date
from tallystick.spec.observations import Nodes, ObservationSet

PEOPLE = ObservationSet(
    name="people", key="customer_id", population=Nodes(tables=("clean.visits",), dates=(date(2026, 1, 1),))
)
"""
CROSS_SECTION = """\
from tallystick.spec.algorithms import Scorecard
from tallystick.spec.labels import EventLabel
from tallystick.spec.recipes import Recipe, Split

AGAIN = EventLabel(name="again", table="clean.visits", window="30d")
PEOPLE = Recipe(
    name="people", title="People", groups=("visit",), observations="people", label="again", algorithms=(Scorecard(),),
    split=Split(),
)
"""


def test_a_cross_section_is_not_split_by_time(tmp_path: Path) -> None:
    root = write_project(tmp_path)
    (root / "observations" / "people.py").write_text(PEOPLE, encoding="utf-8")
    (root / "recipes" / "people.py").write_text(CROSS_SECTION, encoding="utf-8")
    told = 'splits by time, and all observations of people have one as_of (split=Split(method="random_by_customer"))'
    assert told in problems(root)
    drawn = CROSS_SECTION.replace("Split()", 'Split(method="random_by_customer")')
    (root / "recipes" / "people.py").write_text(drawn, encoding="utf-8")
    assert problems(root) == ""
    two = PEOPLE.replace("date(2026, 1, 1),", "date(2026, 1, 1), date(2026, 2, 1),")
    (root / "observations" / "people.py").write_text(two, encoding="utf-8")
    (root / "recipes" / "people.py").write_text(CROSS_SECTION, encoding="utf-8")
    assert problems(root) == ""


def test_a_set_of_a_table_that_does_not_exist_is_told_once(tmp_path: Path) -> None:
    root = write_project(tmp_path)
    wrong = PEOPLE.replace("clean.visits", "clean.visit")
    (root / "observations" / "people.py").write_text(wrong, encoding="utf-8")
    (told,) = check_project(load_project(root))
    assert "unknown table clean.visit (did you mean clean.visits?)" in str(told)


RECIPE = """\
from tallystick.spec.recipes import Recipe, RequestFeature

VISITS = Recipe(
    name="visits",
    title="Visits",
    groups=("visit",),
    observations="visits",
    request=(RequestFeature(name="size", expression="HOUR(event_at)", per="visit_any_count_30d", reason="Size"),),
)
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("", "", ""),
        ('groups=("visit",)', 'groups=("visits",)', "no known feature group visits (did you mean visit?)"),
        ('observations="visits"', 'observations="visit"', "no known observation set visit (did you mean visits?)"),
        ("visit_any_count_30d", "visit_any_count_60d", "visit_any_count_60d"),
        ("HOUR(event_at)", "wealth", "unknown column wealth"),
        # The customer is who is observed, not what is asked for.
        ("HOUR(event_at)", "customer_id", "unknown column customer_id"),
        ("HOUR(event_at)", "purpose", "'purpose' is string, not a number"),
        ("HOUR(event_at)", "purpose = 'cash'", "is boolean, not a number"),
    ],
)
def test_recipes_name_what_exists(tmp_path: Path, old: str, new: str, message: str) -> None:
    root = write_project(tmp_path)
    (root / "recipes" / "visits.py").write_text(RECIPE.replace(old, new), encoding="utf-8")
    found = problems(root)
    assert (message in found and "recipes/visits.py:3" in found) if message else found == ""


TWO_TABLES = CONTRACT.replace("visits", "calls").replace("visit_id", "call_id").replace("Visits", "Calls")
MORE = """\
from tallystick.spec.features import FeatureGroup, Lookup, Measure

CALLS = FeatureGroup(
    name="calls", table="clean.calls", owner="tests", windows=("30d",),
    filters={"cash": "porpose = 'cash'"}, by={"aim": ("advice",)},
    measures=(
        Measure(name="any", ops="count", where="customer = 'x'", reason="Calls"),
        Measure(name="kind", ops="sum", value="purpose", reason="Calls"),
    ),
)
LOOKING = FeatureGroup(
    name="looking", table="clean.calls", owner="tests", windows=("30d",),
    lookups=(
        Lookup(table="clean.visits", on="visit_id", columns=("purpose",)),
        Lookup(table="clean.visits", on="purpose", columns=("purpose",)),
        Lookup(table="clean.nowhere", on="purpose", columns=("purpose",)),
    ),
    measures=(Measure(name="any", ops="count", reason="Calls"),),
)
"""


NOT_NULL = "expect_column_values_to_not_be_null"
PURPOSE = "did you mean purpose?"
TEXT_TAKES = "text takes distinct, entropy, top_share, hhi, or by="
LOST = "schema[calls].properties[purpose].logicalTypo"


def test_everything_is_told_at_once_and_once(tmp_path: Path) -> None:
    root = write_project(tmp_path, suite=SUITE.replace("{column: customer_id}", "{column: customer_id, mosty: 0.9}"))
    calls = TWO_TABLES.replace("{name: purpose,", "{name: purpose, logicalTypo: x,").replace(
        "type: date,", "type: dat,"
    )
    for path, text in {
        "schemas/clean/calls.yaml": TWO_TABLES,
        "schemas/clean/other.yaml": calls,
        "expectations/clean/other.yaml": SUITE.replace("clean.visits", "clean.other"),
        "features/broken.py": "x = 1 / 0\n",
        "features/calls.py": MORE,
        "features/other.py": GROUP.replace('"visit"', '"other"').replace("clean.visits", "clean.other"),
        "recipes/broken.py": "from nowhere import nothing\n",
        "recipes/visits.py": RECIPE.replace('groups=("visit",)', 'groups=("visit", "unheard_of")'),
    }.items():
        (root / path).write_text(text, encoding="utf-8")
    told = [str(problem).replace(f"{root}/", "") for problem in check_project(load_project(root))]
    assert len(told) == len(set(told))
    known = "known: call_id, event_at, purpose"
    all_known = (
        "known: clean.calls, clean.calls_rejected, clean.visits, clean.visits_rejected, feature.visit, score.visits"
    )
    calls, looking = "group calls", "group looking, lookup in clean"
    assert sorted(told) == [
        f"expectations/clean/visits.yaml, expectation 2: {NOT_NULL} takes no mosty (did you mean mostly?)",
        "features/broken.py:1: ZeroDivisionError: division by zero",
        f"features/calls.py:11: {looking}.visits: purpose does not tell the rows of clean.visits apart (on='visit_id')",
        f"features/calls.py:14: {looking}.visits: unknown column visit_id ({known})",
        f"features/calls.py:16: {looking}.nowhere: unknown table clean.nowhere ({all_known})",
        f"features/calls.py:5: {calls}, by: unknown column aim ({known})",
        f"""features/calls.py:5: {calls}, filter cash: unknown column porpose in "porpose = 'cash'" ({PURPOSE})""",
        f"""features/calls.py:7: {calls}, measure any, where: unknown column customer in "customer = 'x'" ({known})""",
        f"features/calls.py:8: {calls}, measure kind: sum of string 'purpose' cannot be computed ({TEXT_TAKES})",
        "recipes/broken.py:1: ModuleNotFoundError: No module named 'nowhere'",
        "schemas/clean/calls.yaml: table clean.calls has no expectations (write expectations/clean/calls.yaml)",
        "schemas/clean/other.yaml: a contract has one schema, named as its file",
        "schemas/clean/other.yaml: the contract's id is clean.calls (its path says clean.other)",
        f"schemas/clean/other.yaml: the data contract standard has no {LOST} (see schemas/clean/)",
    ]


def test_a_file_that_cannot_be_loaded_is_one_problem(tmp_path: Path) -> None:
    found = check_project(load_project(write_project(tmp_path, group="x = (\n")))
    assert len(found) == 1
    assert "not Python" in str(found[0])


@pytest.mark.parametrize(
    ("name", "kind", "is_good"),
    [
        ("opened_at", "timestamp", True),
        ("as_of", "timestamp", True),
        ("opened", "timestamp", False),
        ("opened_at", "string", False),
        ("due_date", "date", True),
        ("known_on", "date", True),
        ("due", "date", False),
        ("is_missed", "boolean", True),
        ("missed", "boolean", False),
        ("is_missed", "string", False),
        ("account_id", "string", True),
        ("account_id", "int64", False),
        ("amount_minor", "int64", True),
        ("amount_minor", "double", False),
        ("amount", "int64", False),
        ("amount_out_minor", "int64", True),
        ("instalment_number", "int32", True),
        ("duration_seconds", "int64", True),
        ("duration", "int64", False),
        ("term_months", "int32", True),
        ("average_salary_minor", "int64", True),
        ("unemployment_percent", "double", True),
        ("unemployment_percent", "int64", False),
        ("crimes", "int64", True),
        ("Crimes", "int64", False),
        ("crimes__before", "int64", False),
    ],
)
def test_a_name_promises_a_type_and_a_unit(name: str, kind: str, is_good: bool) -> None:
    assert (name_faults(Column(name=name, type=kind)) == []) is is_good


def test_what_a_broken_contract_hides_is_not_told_again(tmp_path: Path) -> None:
    root = copy_declarations(tmp_path)
    for table in ("accounts", "regions", "applications"):
        contract = root / "schemas" / "clean" / f"{table}.yaml"
        text = contract.read_text(encoding="utf-8")
        contract.write_text(text.replace("status: active", "statuss: active"), encoding="utf-8")
    told = [str(problem).replace(f"{root}/", "") for problem in check_project(load_project(root))]
    assert told == [
        f"schemas/clean/{table}.yaml: not an ODCS contract: statuss Extra inputs are not permitted"
        for table in ("accounts", "applications", "regions")
    ]


def test_an_unread_folder_hides_nothing_but_its_own_names(tmp_path: Path) -> None:
    root = write_project(tmp_path)
    recipe = RECIPE.replace('observations="visits"', 'observations="visit"').replace("HOUR(event_at)", "wealth")
    (root / "recipes" / "visits.py").write_text(recipe, encoding="utf-8")
    (root / "features" / "broken.py").write_text("x = (\n", encoding="utf-8")
    told = problems(root)
    assert "not Python" in told
    assert "no known observation set visit (did you mean visits?)" in told


def test_the_check_loads_no_engine(project_root: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from tallystick.cli.showing import check_declarations;"
        f" check_declarations(Path({str(project_root)!r}));"
        " print({'pyspark', 'great_expectations', 'mlflow', 'deltalake'} & set(sys.modules))"
    )
    outcome = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert outcome.stdout == "set()\n"
    assert "recipe cash_loan can run on simbank" in outcome.stderr


def test_a_source_is_checked_beside_broken_files_of_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = copy_declarations(tmp_path)
    for table in ("cards", "outcomes"):  # simbank fills the first alone
        contract = root / "schemas" / "clean" / f"{table}.yaml"
        text = contract.read_text(encoding="utf-8")
        contract.write_text(text.replace("status: active", "statuss: active"), encoding="utf-8")
    (root / "sources" / "berka" / "source.yaml").write_text("nothing: here\n", encoding="utf-8")
    with pytest.raises(DeclarationError, match=r"source simbank has 1 problem\(s\)"):
        check_mapping("simbank", root)
    assert "cards.yaml: not an ODCS contract" in capsys.readouterr().out
    check_mapping("copenhagen", root)
