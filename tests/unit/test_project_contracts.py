"""Contracts are read from ODCS files exactly, or refused with the place of the fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.errors import DeclarationError
from tallystick.project.contracts import load_contracts, read_contracts, rejected_contract
from tests.lib.project_folder import CONTRACT, write_project


def test_a_contract_says_all_that_its_file_says(tmp_path: Path) -> None:
    contract = load_contracts(write_project(tmp_path))["clean.visits"]
    assert contract.grain == "one row per visit and version of it"
    assert contract.owner == "tests"
    assert contract.key == ("source", "visit_id", "known_on", "loaded_on")
    assert contract.partition_by == ("source", "bucket", "period")
    assert contract.sort_by == ("customer_id", "event_at", "visit_id")
    assert (contract.entity, contract.event_id) == ("customer_id", "visit_id")
    assert (contract.event_at, contract.known_on, contract.sequence) == ("event_at", "known_on", "")
    assert contract.derived_from == ("raw.*",)
    purpose = contract.column("purpose")
    assert (purpose.type, purpose.required, purpose.values) == ("string", False, ("advice", "cash"))
    assert purpose.pii == "personal"
    assert contract.column("event_at").required


def test_every_clean_table_has_a_table_of_its_rejects(tmp_path: Path) -> None:
    contracts = load_contracts(write_project(tmp_path))
    rejected = contracts["clean.visits_rejected"]
    assert rejected == rejected_contract(contracts["clean.visits"])
    assert rejected.column("raw").pii == "sensitive"
    assert rejected.key == ("source", "loaded_on", "rejected_id")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id: clean.visits\n", "id: clean.visit\n", "its path says clean.visits"),
        ("status: active\n", "", "no ODCS v3 contract: status"),
        ("apiVersion: v3.2.0", "apiVersion: v2.2.2", "no ODCS v3 contract"),
        ("status: active", "state: active", "not an ODCS contract: state"),
        (
            "description: Who came.",
            "descripton: Who came.",
            r"has no schema\[visits\].properties\[customer_id\].descripton",
        ),
        ("property: eventAt", "property: eventAtt", "customProperty eventAtt is unknown"),
        ("value: event_at", "value: happened_at", "unknown columns"),
        ("physicalType: DATE", "physicalType: TIMESTAMP", "column known_on has no known type: date TIMESTAMP"),
        ("primaryKeyPosition: 3", "primaryKeyPosition: 4", "primaryKeyPosition must run from 1"),
        ("classification: personal", "classification: secret", "column purpose has unknown PII class secret"),
        ("classification: personal,\n", "\n", "classification of purpose is missing"),
        (
            "classification: personal,",
            "classification: personal, tags: [guarded],",
            "purpose has an unknown tag: guard",
        ),
        ("dataGranularityDescription", "businessName", "dataGranularityDescription of visits is missing"),
        ("name: visit_id", "name: customer_id", "declares a column twice"),
        ("kind: DataContract", "kind: DataContract\nkind: DataContract", "visits.yaml:3: kind stands twice"),
        ("team: {name: tests}", "team: {name: tests", r"visits.yaml:\d+: not YAML"),
        # So deep that the parser in C would end the process.
        ("team: {name: tests}", "team:\n  " + "- " * 200_000 + "tests", "visits.yaml: brackets in brackets, too deep"),
    ],
)
def test_a_broken_contract_is_refused_with_its_place(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in CONTRACT
    root = write_project(tmp_path, contract=CONTRACT.replace(old, new, 1))
    with pytest.raises(DeclarationError, match=message) as caught:
        load_contracts(root)
    assert "visits.yaml" in str(caught.value)


@pytest.mark.parametrize("path", ["clean/visits.yml", "visits.yaml", "gold/visits.yaml", "clean/more/visits.yaml"])
def test_a_file_that_nothing_would_read_is_refused(tmp_path: Path, path: str) -> None:
    root = write_project(tmp_path)
    stray = root / "schemas" / path
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_text(CONTRACT, encoding="utf-8")
    with pytest.raises(DeclarationError, match="nothing reads this file"):
        load_contracts(root)


def test_every_fault_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    broken = CONTRACT.replace("id: clean.visits", "id: clean.visit", 1).replace("description: Who came.", "pii: yes")
    broken = broken.replace("physicalType: DATE", "physicalType: TIMESTAMP").replace(
        "property: sort", "property: sorted"
    )
    root = write_project(tmp_path, contract=broken)
    (root / "schemas" / "clean" / "calls.yaml").write_text("kind: DataContract\n", encoding="utf-8")
    (root / "schemas" / "stray.yaml").write_text("", encoding="utf-8")
    contracts, problems = read_contracts(root)
    told = "\n".join(str(problem) for problem in problems)
    for expected in (
        "stray.yaml: nothing reads this file",
        "calls.yaml: no ODCS v3 contract: apiVersion",
        "its path says clean.visits",
        "has no schema[visits].properties[customer_id].pii",
        "description of customer_id is missing",
        "column known_on has no known type: date TIMESTAMP",
        "column loaded_on has no known type: date TIMESTAMP",
        "customProperty sorted is unknown or of the wrong kind (did you mean sort?)",
    ):
        assert expected in told
    assert len(problems) == 8
    assert contracts == {}
