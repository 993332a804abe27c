"""What customers declared of their job is read through its validity alone: it may have ended long ago."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tallystick.project import Project, load_project
from tallystick.spec.features import FeatureGroup, Lookup
from tests.lib import house

# Wherever they stand, these columns are what was told of a job or its pay.
DECLARED = {"employer_id", "occupation", "started_on", "ended_on", "declared_income_minor"}
VALIDITY = "employment"


def texts_of(group: FeatureGroup) -> Iterator[str]:
    """Every expression and column that the group itself reads."""
    yield group.where
    yield from group.filters.values()
    yield from group.by
    for lookup in group.lookups:
        yield from (lookup.on, *lookup.columns)
    for measure in group.measures:
        yield from (measure.value, measure.where, measure.each)


def declared_words(*texts: str) -> list[str]:
    return sorted(DECLARED.intersection(word for text in texts for word in re.findall(r"\w+", text)))


def readers(project: Project) -> dict[str, list[str]]:
    """Groups and request features that read the declared job on their own."""
    allowed = {VALIDITY, *(other.name for other in project.feature_groups[VALIDITY].beside)}
    found = {name: declared_words(*texts_of(group)) for name, group in project.feature_groups.items()}
    for recipe in project.recipes.values():
        for asked in recipe.request:
            found[f"{recipe.name}: {asked.name}"] = declared_words(asked.expression, asked.per)
    return {name: words for name, words in found.items() if words and name not in allowed}


def test_only_the_validity_reads_the_declared_job() -> None:
    project = load_project(house.ROOT)
    assert not readers(project)
    assert any(declared_words(*texts_of(other)) for other in project.feature_groups[VALIDITY].beside)


def test_a_reader_is_seen() -> None:
    project = load_project(house.ROOT)
    customers = project.feature_groups["customers"]
    reads = replace(customers, lookups=(Lookup(table="clean.employment", on="customer_id", columns=("occupation",)),))
    assert declared_words(*texts_of(reads)) == ["occupation"]
    assert not declared_words(*texts_of(customers))
