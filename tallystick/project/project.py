"""The project: what its folders declare, each part read when it is first asked for.

Kept apart from the readers of the several kinds of file, which are imported only when their part is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tallystick.errors import NotFound, SetupError
from tallystick.spec.names import nearest_name

if TYPE_CHECKING:
    from tallystick.project.declared import Declared
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

# What a folder must hold to be taken for a project on the way up from the working directory.
MARKS = ("sources", "schemas", "recipes")


@dataclass(frozen=True)
class Project:
    """Everything a project declares. Frozen: a changed file needs a new ``load_project``.

    Parts are read on first use, so that a command that needs one of them does not wait for the others. Each may raise
    DeclarationError then, naming file and line.
    """

    root: Path

    @cached_property
    def contracts(self) -> Mapping[str, TableContract]:
        """Contracts by ``layer.table``: the files in schemas/, each clean table's rejects, each group's, label's,
        observation set's and segmentation's.

        Features and recipes are read only when one of their names, or the list of all names, is asked for.
        """
        from tallystick.project.contracts import load_contracts

        return Contracts(self, load_contracts(self.root))

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """Sources by name, from sources/<name>/."""
        from tallystick.project.sources import load_sources

        return MappingProxyType(load_sources(self.root))

    @cached_property
    def expectations(self) -> Mapping[str, dict[str, Any]]:
        """Expectation suites by table name, as their files say, with every type known to be one."""
        from tallystick.project.expectations import load_expectations

        return MappingProxyType(load_expectations(self.root))

    @cached_property
    def feature_groups(self) -> Mapping[str, FeatureGroup]:
        """Feature groups by name, from features/*.py; one on a graph's table knows what that graph means."""
        from tallystick.project.declared import collect_groups, with_basis

        return with_basis(collect_groups(self.feature_declarations), self)

    @cached_property
    def ties(self) -> Mapping[str, Tie]:
        """Ties between customers by name, from ties/*.yaml; none where a project has no such folder."""
        from tallystick.project.ties import read_ties

        found, problems = read_ties(self.root)
        problems.raise_first()
        return MappingProxyType(found)

    @cached_property
    def graphs(self) -> Mapping[str, CustomerGraph]:
        """Graphs of customers by name, from features/*.py."""
        from tallystick.project.declared import collect_graphs

        return collect_graphs(self.feature_declarations)

    @cached_property
    def pairs(self) -> Mapping[str, CustomerPairs]:
        """What is measured at pairs of customers, by the name of their table without its layer, from features/*.py."""
        from tallystick.project.declared import collect_pairs

        return collect_pairs(self.feature_declarations)

    def pairs_basis(self, pairs: CustomerPairs) -> str:
        """The fingerprint of all that the values of pairs depend on: themselves, their graph's ties and customers."""
        from tallystick.spec import code_versions
        from tallystick.spec.code_versions import raised
        from tallystick.spec.fingerprint import fingerprint

        ties = [self.ties[name] for name in pairs.graph.ties if name in self.ties]
        return fingerprint([pairs.meaning, *ties, *raised(pairs=code_versions.PAIRS).values()])

    def graph_basis(self, graph: CustomerGraph) -> str:
        """The fingerprint of all that a graph's values depend on: its own declaration and those of its ties."""
        from tallystick.spec import code_versions
        from tallystick.spec.code_versions import raised
        from tallystick.spec.fingerprint import fingerprint

        ties = [self.ties[name] for name in graph.ties if name in self.ties]
        return fingerprint([graph, *ties, *raised(graphs=code_versions.GRAPHS).values()])

    @cached_property
    def observations(self) -> Mapping[str, ObservationSet]:
        """Observation sets by name, from observations/*.py; none where a project has no such folder."""
        from tallystick.project.declared import collect_observations

        return collect_observations(self.observation_declarations)

    @cached_property
    def recipes(self) -> Mapping[str, Recipe]:
        """Recipes by name, from recipes/*.py."""
        from tallystick.project.declared import collect_recipes

        return collect_recipes(self.recipe_declarations)

    @cached_property
    def segmentations(self) -> Mapping[str, Segmentation]:
        """Segmentations of customers by name, from recipes/*.py."""
        from tallystick.project.declared import collect_segmentations

        return collect_segmentations(self.recipe_declarations)

    @cached_property
    def watch_lists(self) -> Mapping[str, WatchList]:
        """Watch lists of running loans by name, from recipes/*.py."""
        from tallystick.project.declared import collect_watch_lists

        return collect_watch_lists(self.recipe_declarations)

    @cached_property
    def labels(self) -> Mapping[str, Label]:
        """Labels by name, from recipes/*.py and features/*.py, whether on their own or inside a recipe."""
        from tallystick.project.declared import collect_labels

        return collect_labels((*self.feature_declarations, *self.recipe_declarations))

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """Anti-fraud rules by id, from rules/*.yaml; none where a project has no such folder."""
        from tallystick.project.rules import load_rules

        return MappingProxyType(load_rules(self.root))

    @cached_property
    def fraud_labels(self) -> Mapping[str, FraudLabel]:
        """Labels of fraud by the name of their observation set, from rules/*.py."""
        from tallystick.project.declared import collect_fraud_labels

        return collect_fraud_labels(self.rule_declarations)

    @cached_property
    def rule_declarations(self) -> tuple[Declared, ...]:
        """Everything that rules/*.py hold, with file and line."""
        from tallystick.project.declared import read_folder

        return read_folder(self.root, "rules")

    @cached_property
    def feature_digest(self) -> str:
        """16 hex digits for the bytes of all that features mean (``digests``), as they were when this was first asked
        or a feature first read, whichever was earlier.
        """
        from tallystick.project.digests import digest_features

        return digest_features(self.root)

    @cached_property
    def feature_declarations(self) -> tuple[Declared, ...]:
        """Everything that features/*.py hold, with file and line."""
        from tallystick.project.declared import read_folder

        # Before the files are read: one that changes meanwhile must not stand for what was read.
        len(self.feature_digest)
        return read_folder(self.root, "features")

    @cached_property
    def observation_declarations(self) -> tuple[Declared, ...]:
        """Everything that observations/*.py hold, with file and line."""
        from tallystick.project.declared import read_folder

        return read_folder(self.root, "observations")

    @cached_property
    def recipe_declarations(self) -> tuple[Declared, ...]:
        """Everything that recipes/*.py hold, with file and line."""
        from tallystick.project.declared import read_folder

        return read_folder(self.root, "recipes")

    def is_unread(self, name: str) -> bool:
        """Whether ``name``, a table or one of the folders, stands in a file that could not be read.

        Never here: such a file is an error. A part that was read as far as possible (``PartialProject``) knows some.
        """
        return False

    def group_contracts(self, files: Mapping[str, TableContract]) -> dict[str, TableContract]:
        """The contract of each feature group's table by name, made from those of the clean tables."""
        from tallystick.project.places import pointing
        from tallystick.spec.columns import group_contract

        found = {}
        for group in self.feature_groups.values():
            with pointing(group.path):
                contract = group_contract(group, files)
            found[contract.name] = contract
        return found


class Contracts(Mapping[str, "TableContract"]):
    """Contracts from files at once, those of feature groups when first needed; an unknown name says what is near."""

    def __init__(self, project: Project, files: Mapping[str, TableContract]) -> None:
        self._files = dict(files)
        self._project = project

    @cached_property
    def _features(self) -> dict[str, TableContract]:
        return self._project.group_contracts(self._files | self._graphs)

    @cached_property
    def _labels(self) -> dict[str, TableContract]:
        from tallystick.spec.labels import label_contract

        found = [label_contract(label) for label in self._project.labels.values()]
        return {contract.name: contract for contract in found}

    @cached_property
    def _scores(self) -> dict[str, TableContract]:
        from tallystick.spec.model_tables import score_contract

        found = [score_contract(observed) for observed in self._project.observations.values()]
        return {contract.name: contract for contract in found}

    @cached_property
    def _segments(self) -> dict[str, TableContract]:
        from tallystick.spec.segments import segment_contract

        found = [segment_contract(declared) for declared in self._project.segmentations.values()]
        return {contract.name: contract for contract in found}

    @cached_property
    def _graphs(self) -> dict[str, TableContract]:
        from tallystick.spec.graph_pairs import pairs_contract
        from tallystick.spec.graphs import graph_contract, graph_tables

        ties = self._project.ties
        found = [graph_contract(graph, graph_tables(graph, ties)) for graph in self._project.graphs.values()]
        found += [
            pairs_contract(pairs, ties, self._files)
            for pairs in self._project.pairs.values()
            if pairs.events in ties and ties[pairs.events].table in self._files  # else the check of the pairs tells it
        ]
        return {contract.name: contract for contract in found}

    @cached_property
    def _all(self) -> dict[str, TableContract]:
        derived = self._graphs | self._features | self._labels | self._scores | self._segments
        return dict(sorted((self._files | derived).items()))

    def _layer(self, name: object) -> dict[str, TableContract]:
        """The contracts among which ``name`` can be, reading no more than is needed to look."""
        layer = str(name).partition(".")[0]
        # Lambdas: to ask for one kind must not read the declarations of the others.
        made = {
            "graph": lambda: self._graphs,
            "feature": lambda: self._features,
            "label": lambda: self._labels,
            "score": lambda: self._files | self._scores,
            "segment": lambda: self._segments,
        }
        return made[layer]() if layer in made else self._files

    def __getitem__(self, name: str) -> TableContract:
        layer = self._layer(name)
        if name not in layer:
            raise UnknownTable(name, layer)
        return layer[name]

    def __contains__(self, name: object) -> bool:
        return name in self._layer(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


class UnknownTable(NotFound, KeyError):
    """No contract of that name. A KeyError too, so that ``Mapping.get`` works."""

    def __init__(self, name: str, known: Mapping[str, object]) -> None:
        near = nearest_name(name, known)
        super().__init__(f"no table {name} is declared", fix=near if "did you mean" in near else "see schemas/")


def find_project(start: Path | None = None) -> Path:
    """The nearest folder from ``start`` (default: the working directory) upwards that holds a project.

    Raises SetupError when there is none.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if all((folder / mark).is_dir() for mark in MARKS):
            return folder
    raise SetupError(
        f"no project folder: none from {here} upwards holds {', '.join(f'{mark}/' for mark in MARKS)}",
        fix="change into the project or say --project DIR",
    )


def load_project(root: Path) -> Project:
    """The project in ``root``. Nothing is read yet; raises SetupError when ``root`` holds none."""
    root = Path(root).resolve()
    if not (root / "schemas").is_dir():
        raise SetupError(f"{root} holds no project", fix="a project folder has schemas/, sources/ and recipes/")
    return Project(root=root)
