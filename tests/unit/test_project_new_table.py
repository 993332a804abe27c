"""A new table's two files pass every check, say what was asked for, and overwrite nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.errors import DeclarationError
from tallystick.project import load_project
from tallystick.project.checks import check_project
from tallystick.project.new_table import NewTable, write_table
from tallystick.spec.clean_tables import clean_faults
from tests.lib.project_folder import write_project

CALLS = NewTable(
    name="support_calls",
    event_id="call_id",
    columns=("topic:card,loan", "agent_id:string", "duration_seconds:int64", "sequence:int64"),
    nullable=("topic", "sequence"),
    pii=("agent_id=pseudonymous",),
    description='Calls to the service line: who, and "about what".',
    owner="service",
)


def test_the_two_files_pass_every_check(tmp_path: Path) -> None:
    root = write_project(tmp_path)
    paths = write_table(root, CALLS)
    assert [path.relative_to(root).as_posix() for path in paths] == [
        "schemas/clean/support_calls.yaml",
        "expectations/clean/support_calls.yaml",
    ]
    write_table(root, NewTable(name="currencies", columns=("rate:double",), has_customer=False))
    assert check_project(load_project(root)) == []


def test_the_contract_says_what_was_asked_for(tmp_path: Path) -> None:
    root = write_project(tmp_path)
    write_table(root, CALLS)
    contract = load_project(root).contracts["clean.support_calls"]
    assert contract == CALLS.contract()
    assert list(clean_faults(contract)) == []
    assert contract.key == ("source", "call_id", "known_on", "loaded_on")
    assert contract.sort_by == ("customer_id", "event_at", "sequence", "call_id")
    assert (contract.entity, contract.sequence, contract.owner) == ("customer_id", "sequence", "service")
    assert contract.grain == "one row per call and version of it"
    topic, agent, seconds = (contract.column(name) for name in ("topic", "agent_id", "duration_seconds"))
    assert (topic.values, topic.required, topic.pii) == (("card", "loan"), False, "personal")
    assert (agent.pii, agent.required) == ("pseudonymous", True)
    assert (seconds.type, seconds.required) == ("int64", True)


def test_a_table_without_customers_has_no_entity_and_nothing_personal() -> None:
    contract = NewTable(name="currencies", columns=("rate:double",), has_customer=False).contract()
    assert (contract.event_id, contract.entity) == ("currency_id", "")
    assert "customer_id" not in [column.name for column in contract.columns]
    assert {column.pii for column in contract.columns} == {"none"}


@pytest.mark.parametrize("folder", ["schemas", "expectations"])
def test_no_file_is_overwritten(tmp_path: Path, folder: str) -> None:
    root = write_project(tmp_path)
    (root / folder / "clean" / "support_calls.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(DeclarationError, match="support_calls.yaml: the file exists already"):
        write_table(root, CALLS)
    written = [path for path in root.rglob("support_calls.yaml") if path.read_text(encoding="utf-8") != "mine"]
    assert written == []


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (NewTable(name="Calls", columns=("topic:string",)), "is not a name"),
        (NewTable(name="calls", columns=("topic:text",)), "column topic has no known type text"),
        (NewTable(name="calls", columns=("rate:doubel",)), "did you mean double?"),
        (NewTable(name="calls", columns=("topic",)), "write topic:TYPE"),
        (NewTable(name="calls", columns=("topic:string",), event_id="CallId"), "CallId is no name for the id of a row"),
        (
            NewTable(name="calls", columns=("topic:string",), event_id="customer_id"),
            "is no name for the id",
        ),
        (NewTable(name="calls", columns=("amount:int64",)), "number amount does not end with its unit"),
        (NewTable(name="calls", columns=("ended:timestamp",)), "an instant is called"),
        (NewTable(name="calls", columns=("known_on:date",)), "column known_on is there anyway"),
        (NewTable(name="calls", columns=("call_id:string",)), "column call_id is there anyway"),
        (NewTable(name="calls", columns=("topic:string", "topic:string")), "twice"),
        (NewTable(name="calls", columns=("topic:string",), nullable=("topics",)), "did you mean topic?"),
        (NewTable(name="calls", columns=("topic:string",), pii=("topic=secret",)), "unknown PII class secret"),
    ],
)
def test_what_the_house_does_not_know_is_refused(tmp_path: Path, table: NewTable, message: str) -> None:
    root = write_project(tmp_path)
    with pytest.raises(DeclarationError) as caught:
        write_table(root, table)
    assert message in str(caught.value)
    assert not (root / "schemas" / "clean" / "calls.yaml").exists()
