"""Prints the data model as a page, from the contracts.

``python -m tallystick.project.model_page > docs/data-model.md``. The page is made of the contracts alone, so it cannot
disagree with them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tallystick.project.contracts import REJECTED_SUFFIX, load_contracts
from tallystick.project.project import Project, load_project
from tallystick.spec.labels import label_contract
from tallystick.spec.model_tables import score_contract, training_contract
from tallystick.spec.tables import Column, TableContract

# Columns that mean the same in every table of a layer: said once, and left out of the tables below.
SHARED = ("event_at", "known_on", "loaded_on", "sequence", "is_retracted", "source", "bucket", "period")

INTRO = """# Data model

This page is printed from the contracts in `schemas/` (Open Data Contract Standard). A test fails when it is out of
date. Change a contract and its expectations, then run in the project's folder:
`.venv/bin/python -m tallystick.project.model_page > docs/data-model.md`.

## What every clean table has

| column | type | meaning |
|---|---|---|
| `event_at` | timestamp | When it happened, UTC. Midnight of the source's zone where the source has only a date. |
| `known_on` | date | First business date whose decisions may use the row. |
| `loaded_on` | date | Load date of the delivery that brought it; of several versions the later one wins. |
| `sequence` | int64 | Order within one instant, in the tables whose sources may declare one. |
| `is_retracted` | boolean | True for a version that takes the row back. |
| `source` | string | Partition: the supplier. |
| `bucket` | int32 | Partition: hash bucket of the customer. |
| `period` | string | Partition: year or month of event_at, in the source's zone. |

A row is one *version*: a correction is a new row with the same id of a later load, and a decision uses, of the versions
known on its business date, the one that was delivered last ([windows](windows.md)). Ids of people are `<source>:<id>`.
Amounts are whole minor units (`_minor`), never negative unless said. `regions` has no customer and no retractions.
Beside each clean table lies `<table>_rejected` with the rows that were kept out of it and why.

PII: *pseudonymous* ids need another table to name a person, *personal* data is about one, *sensitive* data could harm
one. A *protected* attribute is for fairness reports and portfolio cuts; a recipe that decides by one must say why
([recipes](recipes.md)). A dot after the type means the value may be missing.
"""

FOLLOWING = """## Tables that follow from declarations

There is a `feature.<group>` for each group in `features/`, a `label.<label>` for each label, a `training.<recipe>` for
each recipe with a label in `recipes/`, and a `<table>_rejected` beside each clean table. The features are in
[features.md](features.md).

A feature table holds several sets of observations beside each other: the applications of recipes, the daily snapshot
(`daily`), sets that somebody computed for a file. Always choose one, or a customer's rows are counted several times:

```sql
SELECT count(*) FROM feature.transactions WHERE observations = 'applications' AND source = 'simbank'
```

`raw` of a `_rejected` table is a supplier's line as it was delivered, with whatever personal data stands in it; null
where the source hashes identifiers or says `keep_raw_lines: false`.
"""


def data_model_page(project: Project) -> str:
    """The page in Markdown: what all clean tables share, every table by layer, then one of each kind that follows."""
    contracts = load_contracts(project.root)
    lines = [INTRO]
    layer = ""
    for name, contract in contracts.items():
        if name.endswith(REJECTED_SUFFIX):
            continue
        if contract.layer != layer:
            layer = contract.layer
            lines += [f"## {layer}", ""]
        lines += [*_table_lines(contract), ""]
    lines.append(FOLLOWING)
    for name, contract in _following(project, contracts):
        lines += [f"### {name}", "", _grain(contract), "", *_column_lines(contract.columns), ""]
    return "\n".join(lines).rstrip() + "\n"


def _following(project: Project, contracts: Mapping[str, TableContract]) -> Iterator[tuple[str, TableContract]]:
    """One contract of each kind, without the columns that only it has."""
    rejected = next(contract for name, contract in contracts.items() if name.endswith(REJECTED_SUFFIX))
    yield "clean.\\<table>_rejected", rejected
    feature = project.contracts[next(iter(project.feature_groups.values())).feature_table]
    of_all = {*feature.key, *feature.partition_by, feature.entity}
    yield "feature.\\<group>", replace(feature, columns=tuple(c for c in feature.columns if c.name in of_all))
    yield "label.\\<label>", label_contract(next(iter(project.labels.values())))
    recipe = next(recipe for recipe in project.recipes.values() if recipe.label is not None)
    yield "training.\\<recipe>", training_contract(recipe, [])
    yield "score.\\<set>", score_contract(project.observations[recipe.observations])


def _table_lines(contract: TableContract) -> Iterator[str]:
    shared = SHARED if contract.layer == "clean" else ()
    yield f"### {contract.name}"
    yield ""
    yield f"{contract.description} {_grain(contract)}"
    if contract.layer == "clean":
        when = contract.column(contract.event_at).description
        yield f"`event_at`: {when[0].lower()}{when[1:]}"
    yield ""
    yield from _column_lines(column for column in contract.columns if column.name not in shared)


def _grain(contract: TableContract) -> str:
    return f"{contract.grain[0].upper()}{contract.grain[1:]}. Key: {_names(contract.key)}."


def _column_lines(columns: Iterable[Column]) -> Iterator[str]:
    yield "| column | type | PII | meaning |"
    yield "|---|---|---|---|"
    for column in columns:
        yield _row(column)


def _row(column: Column) -> str:
    kind = column.type if column.required else f"{column.type} ·"
    values = f" One of {', '.join(column.values)}." if column.values else ""
    classes = ("" if column.pii == "none" else column.pii, "protected" if column.protected else "")
    pii = ", ".join(filter(None, classes))
    return f"| `{column.name}` | {kind} | {pii} | {_prose(column.description)}{values} |"


def _prose(text: str) -> str:
    """Text for Markdown, which would take ``<source>`` for a tag and drop it."""
    return text.replace("<", "\\<").replace("|", "\\|")


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in columns)


if __name__ == "__main__":
    sys.stdout.write(data_model_page(load_project(Path.cwd())))
