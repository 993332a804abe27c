"""A project read as far as possible: what is wrong with one file does not hide the others.

Kept apart from ``project`` because a run must not go on with half a project. Only checks read one this way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tallystick.errors import DeclarationError
from tallystick.project.contracts import read_contracts
from tallystick.project.declared import (
    Declared,
    collect_fraud_labels,
    collect_graphs,
    collect_groups,
    collect_labels,
    collect_observations,
    collect_pairs,
    collect_recipes,
    collect_segmentations,
    collect_watch_lists,
    read_files,
    with_basis,
)
from tallystick.project.expectations import read_expectations
from tallystick.project.files import find_declarations
from tallystick.project.problems import Problems
from tallystick.project.project import Contracts, Project
from tallystick.project.rules import read_rules
from tallystick.project.sources import load_source, source_names
from tallystick.project.ties import read_ties
from tallystick.spec.columns import group_contract
from tallystick.spec.tables import LAYERS

if TYPE_CHECKING:
    from tallystick.spec.features import FeatureGroup
    from tallystick.spec.fraud_labels import FraudLabel
    from tallystick.spec.graph_pairs import CustomerPairs
    from tallystick.spec.graphs import CustomerGraph
    from tallystick.spec.labels import Label
    from tallystick.spec.observations import ObservationSet
    from tallystick.spec.recipes import Recipe
    from tallystick.spec.rules import Rule
    from tallystick.spec.segments import Segmentation
    from tallystick.spec.sources import Source
    from tallystick.spec.tables import TableContract
    from tallystick.spec.ties import Tie
    from tallystick.spec.watch_lists import WatchList


@dataclass(frozen=True)
class PartialProject(Project):
    """The parts of a project that can be read. ``problems`` grows as they are asked for; no part raises.

    ``unread`` names the tables and folders of which something could not be read, so that whoever misses a name there
    does not tell the same mistake again.
    """

    problems: Problems = field(default_factory=Problems, compare=False)
    unread: set[str] = field(default_factory=set, compare=False)

    def is_unread(self, name: str) -> bool:
        """Whether ``name``, a table or one of the folders, stands in a file that could not be read."""
        return name in self.unread

    def read(self) -> None:
        """Ask for every part."""
        for part in (self.contracts, self.expectations, self.feature_groups, self.observations, self.labels):
            len(part)
        len(self.recipes)
        len(self.segmentations)
        len(self.watch_lists)
        len(self.rules)
        len(self.fraud_labels)
        len(self.ties)
        len(self.graphs)
        len(self.pairs)

    @cached_property
    def contracts(self) -> Mapping[str, TableContract]:
        """Contracts of the files that can be read, and of the groups and labels that fit them."""
        files, problems = read_contracts(self.root)
        self.problems.extend(problems)
        self.unread.update(set(find_declarations(self.root / "schemas", layers=LAYERS)[0]) - set(files))
        return Contracts(self, files)

    @cached_property
    def expectations(self) -> Mapping[str, dict[str, Any]]:
        """The suites that can be read, with their good expectations."""
        suites, problems = read_expectations(self.root)
        self.problems.extend(problems)
        return MappingProxyType(suites)

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """The sources that have no problem of their own; ``check_source`` tells those of the others."""
        found = {}
        for name in source_names(self.root):
            try:
                found[name] = load_source(self.root, name)
            except DeclarationError:
                self.unread.add(f"sources/{name}")
        return MappingProxyType(found)

    @cached_property
    def feature_groups(self) -> Mapping[str, FeatureGroup]:
        """Feature groups of the files that can be run."""
        return with_basis(collect_groups(self.feature_declarations, self.problems), self)

    @cached_property
    def ties(self) -> Mapping[str, Tie]:
        """The ties of the files that can be read."""
        found, problems = read_ties(self.root)
        self.problems.extend(problems)
        if problems:
            self.unread.add("ties")
        return MappingProxyType(found)

    @cached_property
    def graphs(self) -> Mapping[str, CustomerGraph]:
        """Graphs of the files that can be run."""
        return collect_graphs(self.feature_declarations, self.problems)

    @cached_property
    def pairs(self) -> Mapping[str, CustomerPairs]:
        """Pairs of customers of the files that can be run."""
        return collect_pairs(self.feature_declarations, self.problems)

    @cached_property
    def observations(self) -> Mapping[str, ObservationSet]:
        """Observation sets of the files that can be run."""
        return collect_observations(self.observation_declarations, self.problems)

    @cached_property
    def recipes(self) -> Mapping[str, Recipe]:
        """Recipes of the files that can be run."""
        return collect_recipes(self.recipe_declarations, self.problems)

    @cached_property
    def segmentations(self) -> Mapping[str, Segmentation]:
        """Segmentations of the files that can be run."""
        return collect_segmentations(self.recipe_declarations, self.problems)

    @cached_property
    def watch_lists(self) -> Mapping[str, WatchList]:
        """Watch lists of the files that can be run."""
        return collect_watch_lists(self.recipe_declarations, self.problems)

    @cached_property
    def labels(self) -> Mapping[str, Label]:
        """Labels of the files that can be run."""
        return collect_labels((*self.feature_declarations, *self.recipe_declarations), self.problems)

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """The rules that can be read."""
        rules, problems = read_rules(self.root)
        self.problems.extend(problems)
        return MappingProxyType(rules)

    @cached_property
    def fraud_labels(self) -> Mapping[str, FraudLabel]:
        """Labels of fraud of the files that can be run."""
        return collect_fraud_labels(self.rule_declarations, self.problems)

    @cached_property
    def rule_declarations(self) -> tuple[Declared, ...]:
        """Everything that those of rules/*.py hold that can be run."""
        return self._read_files("rules")

    @cached_property
    def feature_declarations(self) -> tuple[Declared, ...]:
        """Everything that those of features/*.py hold that can be run."""
        return self._read_files("features")

    @cached_property
    def observation_declarations(self) -> tuple[Declared, ...]:
        """Everything that those of observations/*.py hold that can be run."""
        return self._read_files("observations")

    @cached_property
    def recipe_declarations(self) -> tuple[Declared, ...]:
        """Everything that those of recipes/*.py hold that can be run."""
        return self._read_files("recipes")

    def group_contracts(self, files: Mapping[str, TableContract]) -> dict[str, TableContract]:
        """The contracts of the groups that fit their tables; what is wrong with the others is for a check to say."""
        found = {}
        for group in self.feature_groups.values():
            try:
                found[group.feature_table] = group_contract(group, files)
            except DeclarationError:
                self.unread.add(group.feature_table)
        return found

    def _read_files(self, folder: str) -> tuple[Declared, ...]:
        found, problems = read_files(self.root, folder)
        self.problems.extend(problems)
        if problems:
            self.unread.add(folder)
        return found
