"""The project's own contracts and expectations: valid by the standard, twins, and printed as they are."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from tallystick.project.checks import check_project
from tallystick.project.contracts import load_contracts
from tallystick.project.files import find_declarations
from tallystick.project.model_page import SHARED, data_model_page
from tallystick.quality.findings import SCHEMA
from tallystick.spec.tables import LAYERS
from tests.lib import house
from tests.lib.shipped import shipped_project

FILES, _ = find_declarations(house.ROOT / "schemas", layers=LAYERS)
CLEAN = [name.removeprefix("clean.") for name in FILES if name.startswith("clean.")]


@pytest.fixture(scope="module")
def standard() -> object:
    """The validator of the Open Data Contract Standard's own JSON schema."""
    from jsonschema.validators import validator_for

    # The package's own json_schema() warns on Python 3.11; the file is the same.
    text = files("open_data_contract_standard").joinpath("schema.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    return validator_for(schema)(schema)


@pytest.mark.parametrize("name", FILES)
def test_a_contract_is_valid_by_the_standard(name: str, standard: object) -> None:
    document = yaml.safe_load(FILES[name].read_text(encoding="utf-8"))
    faults = [f"{fault.json_path}: {fault.message}" for fault in standard.iter_errors(document)]  # type: ignore[attr-defined] - jsonschema has no types
    assert not faults, house.listed(faults)


def test_the_project_has_no_problem() -> None:
    found = check_project(shipped_project())
    assert not found, house.listed([str(problem) for problem in found])


@pytest.mark.parametrize("table", CLEAN)
def test_a_clean_table_is_sorted_as_windows_read_it(table: str) -> None:
    contract = load_contracts(house.ROOT)[f"clean.{table}"]
    tie = (contract.sequence,) if contract.sequence else ()
    by_customer = ("customer_id", "event_at", *tie, contract.event_id)
    assert contract.sort_by == (by_customer if contract.entity else (contract.event_id, "event_at"))
    assert set(SHARED) - {column.name for column in contract.columns} <= {"sequence", "is_retracted"}


def test_every_contract_is_in_a_layer_and_says_who_owns_it() -> None:
    contracts = load_contracts(house.ROOT)
    assert {contract.layer for contract in contracts.values()} <= set(LAYERS)
    assert all(contract.owner and contract.grain.startswith("one row per ") for contract in contracts.values())


def test_people_are_never_named_in_a_column_without_a_class() -> None:
    contracts = load_contracts(house.ROOT)
    found = [
        f"{contract.name}.{column.name}"
        for contract in contracts.values()
        for column in contract.columns
        if column.pii == "none" and column.name.endswith(("customer_id", "holder_id", "counterpart_id", "birth_date"))
    ]
    assert not found, house.listed(found)


# What law and custom protect (EU Charter, article 21; US Equal Credit Opportunity Act), as columns are called.
PROTECTED = (
    "gender", "sex", "birth_date", "born_on", "age", "nationality", "citizenship", "ethnicity", "race", "religion",
    "marital_status", "disability", "sexual_orientation", "political_party", "trade_union", "pregnancy",
)  # fmt: skip


def test_protected_attributes_are_tagged() -> None:
    contracts = load_contracts(house.ROOT)
    found = [
        f"{contract.name}.{column.name}: tags: [protected]"
        for contract in contracts.values()
        if contract.layer == "clean"
        for column in contract.columns
        if not column.protected and column.name in PROTECTED
    ]
    assert not found, house.listed(found)
    assert sum(column.protected for column in contracts["clean.customers"].columns) == 2


def test_findings_have_the_columns_of_their_table() -> None:
    from tallystick.tables import arrow_schema

    contract = load_contracts(house.ROOT)["monitor.validations"]
    declared = arrow_schema(contract.columns)
    assert [(field.name, field.type) for field in SCHEMA] == [(field.name, field.type) for field in declared]


def test_the_data_model_page_is_current() -> None:
    page = Path(house.ROOT, "docs", "data-model.md").read_text(encoding="utf-8")
    command = ".venv/bin/python -m tallystick.project.model_page > docs/data-model.md"
    assert page == data_model_page(shipped_project()), f"print it again: {command}"
