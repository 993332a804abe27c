"""The categories that features ask for are told to those who map a supplier: a name nobody is told stays zero."""

from __future__ import annotations

import re
from pathlib import Path

from tallystick.project.contracts import load_contracts
from tests.lib.shipped import shipped_project

# One literal behind category =, <> or IN ( ... ).
ASKED = re.compile(r"category\s*(?:=|<>|IN)\s*(\([^)]*\)|'[^']*')")


def categories_of(condition: str) -> set[str]:
    return {name for part in ASKED.findall(condition) for name in re.findall(r"'([^']*)'", part)}


def test_literals_of_a_condition_are_found() -> None:
    assert categories_of("direction = 'in' AND category IN ('a', 'b') OR category = 'c'") == {"a", "b", "c"}


def test_every_category_that_features_ask_for_is_in_the_contracts_list(project_root: Path) -> None:
    told = load_contracts(project_root)["clean.transactions"].column("category").description
    listed = set(re.findall(r"[a-z_]+", told.partition(":")[2].partition(";")[0]))
    asked: set[str] = set()
    for group in shipped_project().feature_groups.values():
        texts = [group.where, *group.filters.values(), *(measure.where for measure in group.measures)]
        asked |= {name for text in texts for name in categories_of(text)}
    assert {"food", "utilities", "gambling", "household", "leasing"} <= asked
    assert sorted(asked - listed) == []
