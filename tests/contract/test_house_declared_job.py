"""What customers declared of their job is read through its validity alone: it may have ended long ago."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tallystick.project import Project
from tallystick.spec.features import FeatureGroup, Lookup
from tests.lib.shipped import shipped_project

# What was told of a job or its pay, by table. The form of an application is not among them: it is a claim of that day,
# and looked at as one.
DECLARED = {
    "clean.employment": {"employer_id", "occupation", "started_on", "ended_on"},
    "clean.customers": {"occupation", "declared_income_minor"},
}
VALIDITY = "employment"


def texts_of(group: FeatureGroup) -> Iterator[str]:
    """Every expression of the group over the columns of its own table."""
    yield group.where
    yield from group.filters.values()
    yield from group.by
    for measure in group.measures:
        yield from (measure.value, measure.where, measure.each)


def declared_columns(group: FeatureGroup) -> set[str]:
    """The declared columns that a group reads of its own table, and those that it looks up."""
    words = {word for text in texts_of(group) for word in re.findall(r"\w+", text)}
    looked_up = {name for one in group.lookups for name in DECLARED.get(one.table, set()).intersection(one.columns)}
    return looked_up | (DECLARED.get(group.table, set()) & words)


def readers(project: Project) -> dict[str, set[str]]:
    """Groups that read the declared job on their own."""
    allowed = {VALIDITY, *(other.name for other in project.feature_groups[VALIDITY].beside)}
    found = {name: declared_columns(group) for name, group in project.feature_groups.items() if name not in allowed}
    return {name: columns for name, columns in found.items() if columns}


def test_only_the_validity_reads_the_declared_job() -> None:
    project = shipped_project()
    assert not readers(project)
    assert set().union(*map(declared_columns, project.feature_groups[VALIDITY].beside)) >= {"employer_id", "ended_on"}


def test_a_reader_is_seen() -> None:
    customers = shipped_project().feature_groups["customers"]
    assert not declared_columns(customers)
    job = Lookup(table="clean.employment", on="customer_id", columns=("occupation",))
    assert declared_columns(replace(customers, lookups=(job,))) == {"occupation"}
    assert declared_columns(replace(customers, where="declared_income_minor > 0")) == {"declared_income_minor"}
