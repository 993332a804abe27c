"""No clean table stores what people write: text columns hold ids, codes and single words, and ingest refuses more."""

from __future__ import annotations

from datetime import date

from tallystick.ingest.casting import Target, judged_sql
from tallystick.spec.clean_tables import LONGEST_WORD, holds_words
from tests.lib.shipped import shipped_project

# What the open text columns but ids hold. A new one stands here before it is stored, with its codes or words.
HELD = {
    "card_type": "kinds of cards",
    "category": "kinds of payments",
    "cell_grid": "a grid and its resolution",
    "counterparty_bank": "codes of banks",
    "currency": "ISO 4217",
    "education": "levels of education",
    "industry": "kinds of business",
    "occupation": "kinds of work",
    "purpose": "kinds of purposes of a loan",
    "region_group": "areas",
    "status_code": "codes of outcomes",
    "theme": "themes of pictures",
    "topic": "hobbies",
}
WRITTEN = ("text", "note", "comment", "message", "body", "content", "remark", "name", "description", "subject", "memo")


def test_every_text_column_of_a_clean_table_holds_ids_codes_or_words() -> None:
    contracts = shipped_project().contracts
    clean = [one for name, one in contracts.items() if name.startswith("clean.") and not name.endswith("_rejected")]
    found = {column.name for contract in clean for column in contract.columns if holds_words(column)}
    assert {name for name in found if not name.endswith("_id")} - set(HELD) == set(), (
        "say in this test which codes or words they hold; free text is never stored"
    )
    named = {column.name for contract in clean for column in contract.columns if not column.name.endswith("_id")}
    assert not [name for name in named if set(name.split("_")) & set(WRITTEN)]


def test_a_load_refuses_a_longer_text_in_each_of_them() -> None:
    project = shipped_project()
    asked = set()
    for source in project.sources.values():
        for name, table in source.tables.items():
            contract = project.contracts[f"clean.{name}"]
            target = Target(contract=contract, known_on=table.known_on, source=source, load_date=date(2026, 1, 1))
            sql = judged_sql("rows", {column.name: "string" for column in contract.columns}, target)
            for column in filter(holds_words, contract.columns):
                assert f"CHAR_LENGTH(`{column.name}`) > {LONGEST_WORD} THEN 'free_text|{column.name}'" in sql
                asked.add(column.name)
    assert asked >= set(HELD)
