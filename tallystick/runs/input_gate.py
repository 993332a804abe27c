"""The one place where a run's inputs are fixed and refused: every run that reads tables of a source begins here.

What is read is pinned first, so that later commits change nothing; then it is held against what must be true of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tallystick.errors import ContractError, NotFound
from tallystick.features.ledger import Definition, check_definitions
from tallystick.quality import raise_for_critical, read_findings
from tallystick.runs.run_dates import ALWAYS, DateRange
from tallystick.spec.data_files import DataFile
from tallystick.spec.recipes import Recipe
from tallystick.tables.store.bucketing import check_layout
from tallystick.tables.store.commits import last_facts, version_known_by
from tallystick.tables.store.queries import read_arrow
from tallystick.tables.store.slices import Slice
from tallystick.tables.store.snapshots import Pinned, pin, pin_all

if TYPE_CHECKING:
    from tallystick.runs.context import RunContext

VALIDATIONS = "monitor.validations"
LEAKAGE = "monitor.leakage"


class FeatureReader(Protocol):
    """What reads feature tables of one set of observations: a recipe, a segmentation, the rules of a set."""

    @property
    def observations(self) -> str:
        """The name of the set."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The feature groups, by name."""


@dataclass(frozen=True, slots=True)
class PinnedTables:
    """The versions that a run reads, by table, each with the files that hold the run's rows."""

    tables: Mapping[str, Pinned]

    @property
    def files(self) -> dict[str, Sequence[DataFile]]:
        """The files of each table."""
        return {name: pinned.files for name, pinned in self.tables.items()}

    @property
    def all_files(self) -> list[DataFile]:
        """The files of all tables."""
        return [file for pinned in self.tables.values() for file in pinned.files]

    @property
    def versions(self) -> dict[str, int]:
        """The version of each table, as commits and manifests record it."""
        return {name: pinned.version for name, pinned in self.tables.items()}


def pin_clean(context: RunContext, names: Iterable[str], *, all_exist: bool = False) -> PinnedTables:
    """The source's rows of clean tables; a table that does not exist yet has none, or with ``all_exist`` is NotFound.

    ContractError where rows lie in other buckets than the source's layout declares, ValidationFailed where the newest
    validation of a table found something critical.
    """
    asked = list(names)
    return context.warehouse.at_one_moment(lambda: _pin_clean(context, asked, all_exist=all_exist))


def _pin_clean(context: RunContext, names: Sequence[str], *, all_exist: bool) -> PinnedTables:
    found = pin_all(context.warehouse, [name for name in names if all_exist or context.warehouse.exists(name)])
    pinned = {name: one.where(source=context.source.name) for name, one in found.items()}
    check_layout(context.warehouse, pinned.values(), context.contracts, source=context.source)
    _check_validated(context, pinned)
    return PinnedTables(pinned)


def pin_loaded(context: RunContext, names: Iterable[str]) -> PinnedTables:
    """``pin_clean``, and NotFound where no table has a row of the source: all features would be of nothing."""
    wanted = tuple(names)
    found = pin_clean(context, wanted)
    if not found.all_files:
        what = f"source {context.source.name} has no rows in {', '.join(wanted)}"
        fix = f"load it first: tally run RECIPE --source {context.source.name}=FOLDER"
        raise NotFound(what, where=str(context.warehouse.root), fix=fix)
    return found


def pin_features(
    context: RunContext, recipe: FeatureReader, *, used: Mapping[str, Iterable[str]], dates: DateRange = ALWAYS
) -> PinnedTables:
    """The rows of the observations of a reader, such as a recipe, in its feature tables.

    ContractError where a value of the ``used`` columns, by group, was computed by another definition than the declared
    one on one of the ``dates``, where it is not known by which, or where rows lie in other buckets than declared.
    """
    owned = {"observations": recipe.observations, "source": context.source.name}
    pinned = {f"feature.{name}": pin(context.warehouse, f"feature.{name}").where(**owned) for name in recipe.groups}
    observations = context.project.observations[recipe.observations]
    groups = [context.project.feature_groups[name] for name in recipe.groups]
    defined = [Definition.of(group, context.contracts, observations=observations) for group in groups]
    rows = {name: pinned[f"feature.{name}"].rows for name in recipe.groups}
    ledger = context.ledger(recipe.observations)
    check_definitions(ledger, defined, used=used, rows=rows, first=dates.first, last=dates.last)
    check_layout(context.warehouse, pinned.values(), context.contracts, source=context.source)
    return PinnedTables(pinned)


def labels_known_by(context: RunContext, recipe: Recipe, label: str) -> date | None:
    """The date whose knowledge a label's stored rows hold; None where there are none, or none that say their date."""
    path, where = _label_slice(context, recipe, label)
    told = last_facts(path, where).get("known_by") if context.warehouse.exists(f"label.{label}") else None
    return date.fromisoformat(told) if told else None


def pin_labels(context: RunContext, recipe: Recipe, *, known_by: date | None = None) -> PinnedTables:
    """The rows of the recipe's observations in the tables of its label and of its variants.

    With ``known_by`` the versions that held what was known on that date, whatever was built since; NotFound where there
    are none. ContractError where a table is from before labels named their observation set.
    """
    owned = {"observations": recipe.observations, "source": context.source.name}
    pinned = {}
    for name in recipe.labels:
        asked = {"version": _label_version(context, recipe, name, known_by)} if known_by else {}
        pinned[f"label.{name}"] = pin(context.warehouse, f"label.{name}", **asked)
    for name, table in pinned.items():
        if any("observations" not in file.partition for file in table.files):
            what = "its rows are from before labels named their observation set"
            fix = "remove the table's folder, then run build_labels"
            raise ContractError(what, where=f"table {name}", fix=fix)
    return PinnedTables({name: table.where(**owned) for name, table in pinned.items()})


def _label_version(context: RunContext, recipe: Recipe, label: str, known_by: date) -> int:
    path, where = _label_slice(context, recipe, label)
    version = version_known_by(path, where, known_by.isoformat())
    if version is None:
        stored = labels_known_by(context, recipe, label)
        what = f"labels were never built as of {known_by}"
        told = f"they are as of {stored}: train as of that date, or " if stored else ""
        fix = f"{told}run build_labels --recipe {recipe.name} --cutoff {known_by}"
        raise NotFound(what, where=f"table label.{label}", fix=fix)
    return version


def _label_slice(context: RunContext, recipe: Recipe, label: str) -> tuple[Path, str]:
    """Where a label's table is, and the name under which commits write the recipe's observations in it."""
    table, buckets = f"label.{label}", context.source.layout.buckets
    where = Slice.of_labels(table, context.source.name, recipe.observations, buckets=buckets)
    return context.warehouse.table_path(table), where.name


def _check_validated(context: RunContext, pinned: Mapping[str, Pinned]) -> None:
    if not context.warehouse.exists(VALIDATIONS):
        return
    found = read_findings(read_arrow(context.warehouse, VALIDATIONS, filter=context.is_ours), tables=pinned)
    raise_for_critical(found, fix="correct the data, then run validate_tables")
