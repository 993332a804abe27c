"""docs/features.md is what the declarations say, and the declaration it teaches with is right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tallystick.kernel import compute_group, prepare_group
from tallystick.project.feature_guide import COMMAND
from tallystick.project.feature_page import features_page
from tallystick.spec.columns import group_columns
from tallystick.spec.features import FeatureGroup
from tallystick.spec.ops import OP_RULES
from tests.lib.feature_cases import CONTRACTS, make_events, make_observations, utc
from tests.lib.shipped import shipped_project

# Nine filters and none, eleven operations, seven windows, and the window before each.
THOUSAND = """
from tallystick.spec.features import Change, FeatureGroup, Measure, Share
from tests.lib.shipped import shipped_project

KINDS = ("food", "rent", "transport", "health", "children", "travel", "clothes", "books", "cash")

MANY = FeatureGroup(
    name="many",
    table="clean.transactions",
    owner="tests",
    windows=("7d", "30d", "90d", "6m", "12m", "365d", "all"),
    filters={kind: f"channel = '{kind}'" for kind in KINDS},
    measures=(
        Measure(
            name="spent",
            value="amount_minor",
            ops="count sum mean std min max quantile(0.5) quantile(0.9) active_days days_since_last last",
            filters=KINDS,
            unfiltered=True,
            previous=True,
            reason="Spending on {filter} in {window}",
        ),
    ),
    derived=(
        *(Share(name=kind, a=f"spent_{kind}_sum", b="spent_sum", reason="Share of spending") for kind in KINDS),
        Change(of=tuple(f"spent_{kind}_sum" for kind in KINDS), reason="Change of spending"),
    ),
)
"""


@pytest.fixture(scope="module")
def page(project_root: Path) -> str:
    return (project_root / "docs" / "features.md").read_text(encoding="utf-8")


def declared_in(code: str) -> FeatureGroup:
    """The last group of a text of declarations: what it is about."""
    names: dict[str, object] = {}
    exec(code, names)
    return [value for value in names.values() if isinstance(value, FeatureGroup)][-1]


def test_the_page_of_features_is_current(page: str) -> None:
    assert page == features_page(shipped_project()), f"print it again: {COMMAND}"


def test_the_page_names_every_operation_and_counts_every_feature(page: str) -> None:
    spelled = {"quantile": "quantile(0.9)", "pareto": "pareto(0.8)", "last_k": "last_3"}
    assert [name for name in OP_RULES if f"| `{spelled.get(name, name)}` |" not in page] == []
    project = shipped_project()
    total = sum(len(group_columns(group, project.contracts)) for group in project.feature_groups.values())
    assert f"{total} features in {len(project.feature_groups)} groups." in page
    counts = [int(row.rsplit("|", 2)[1]) for row in page.splitlines() if row.startswith("| `") and row.count("|") == 7]
    assert sum(counts) == total


def test_the_declaration_on_the_page_makes_the_columns_it_names(page: str) -> None:
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code is not None
    group = declared_in(code[1])
    columns = {column.name for column in group_columns(group, shipped_project().contracts)}
    named = set(re.findall(r"spending_\w+", code[1]))
    assert len(named) >= 6
    assert named <= columns
    told = re.search(r"= (\d+) columns", code[1])
    assert told is not None
    is_plain = re.compile(r"spending_out_(cash_|night_)?(count|sum)_(7d|30d|3m|all)")
    assert len([name for name in columns if is_plain.fullmatch(name)]) == int(told[1])


def test_the_months_on_the_page_make_the_columns_they_name(page: str) -> None:
    (code,) = (code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "Months(" in code)
    named = set(re.findall(r"statements_\w+", code))
    assert len(named) == 3
    assert named <= {column.name for column in group_columns(declared_in(code))}


def test_the_places_on_the_page_make_the_columns_they_name(page: str) -> None:
    (code,) = (code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "Gyration(" in code)
    named = set(re.findall(r"places_\w+", code))
    assert len(named) == 3
    assert named <= {column.name for column in group_columns(declared_in(code), shipped_project().contracts)}


def test_the_lookup_on_the_page_fits_the_tables(page: str) -> None:
    (code,) = (code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "lookups=(" in code)
    columns = group_columns(declared_in(code), shipped_project().contracts)
    assert [column.name for column in columns] == ["homes_unemployment_last_all"]


def test_the_combined_features_on_the_page_fit_the_tables(page: str) -> None:
    (code,) = (code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "Combined(" in code)
    columns = group_columns(declared_in(code), shipped_project().contracts)
    kinds = {column.name: column.type for column in columns}
    assert kinds == {
        "contact_paid_count_30d": "int64",
        "contact_payments_per_call": "double",
        "contact_is_silent": "int64",
    }


def test_the_call_on_the_page_runs(project_root: Path, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project_root)
    calls = [code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "compute_vector" in code]
    assert len(calls) == 1
    exec(calls[0], {})


def test_a_thousand_features_fit_a_page_and_are_computed() -> None:
    assert len(THOUSAND.strip().splitlines()) < 60
    plan = prepare_group(declared_in(THOUSAND), CONTRACTS)
    assert len(plan.names) >= 1000
    rows = [{"event_at": utc(2024, 1, day, 12), "amount_minor": day, "channel": "food"} for day in range(1, 31)]
    found = compute_group(make_events(rows), make_observations(("bank:1", utc(2024, 1, 31))), plan, zone="UTC")
    assert found.num_columns == len(plan.names)
    row = found.to_pylist()[0]
    assert row["many_spent_sum_7d"] == row["many_spent_food_sum_7d"] == sum(range(24, 31))
    assert row["many_spent_rent_sum_7d"] == 0
    assert row["many_spent_food_sum_7d_prev"] == sum(range(17, 24))
    assert row["many_food_share_30d"] == 1.0
    assert row["many_spent_food_sum_change_7d"] == pytest.approx((189 - 140) / 140)
    assert {value for name, value in row.items() if "_rent_count" in name} == {0}


def test_links_of_the_page_lead_somewhere(project_root: Path, page: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", page) if not link.startswith("#")]
    assert links
    assert [link for link in links if not (project_root / "docs" / link.partition("#")[0]).exists()] == []
    anchors = set(re.findall(r"\]\(#([^)]+)\)", page))
    headings = {text.lower().replace(" ", "-") for text in re.findall(r"^##+ (.+)$", page, re.MULTILINE)}
    assert set(re.findall(r"^### (\w+)$", page, re.MULTILINE)) <= anchors <= headings
