"""What every run on one source needs: the declarations, the tables, the source, and who signs its commits."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from tallystick.features.ledger import Ledger
from tallystick.features.planning import find_declared
from tallystick.project import Project, load_project
from tallystick.spec.sources import Source
from tallystick.spec.tables import TableContract
from tallystick.tables.store.bucket_store import BucketStore
from tallystick.tables.store.slices import Run
from tallystick.tables.store.warehouse import Warehouse

if TYPE_CHECKING:
    from tallystick.runs.params import RecipeParams, SourceParams
    from tallystick.spec.recipes import Recipe


# The projects of a chain of runs, by folder.
_shared: ContextVar[dict[Path, Project] | None] = ContextVar("projects of a chain", default=None)


@contextmanager
def sharing_project() -> Iterator[None]:
    """Inside, all runs use the declarations as they were when the first of them read them.

    For a chain of runs: reading them takes half a second, and one that changed between two steps would split the chain.
    """
    token = _shared.set({})
    try:
        yield
    finally:
        _shared.reset(token)


def _open_project(root: Path) -> Project:
    shared = _shared.get()
    if shared is None:
        return load_project(root)
    if root not in shared:
        shared[root] = load_project(root)
    return shared[root]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunContext:
    """A run on one source. ``code`` is the version of the code that runs, as commits and manifests record it."""

    job: str
    run_id: str
    project: Project
    warehouse: Warehouse
    source: Source
    code: str

    @classmethod
    def open(cls, params: SourceParams) -> RunContext:
        """Load the project and find the source; NotFound names the nearest one where there is none of this name."""
        project = _open_project(params.project)
        return cls(
            job=params.job,
            run_id=params.run_id,
            project=project,
            warehouse=Warehouse(params.warehouse),
            source=find_declared("source", params.source, project.sources),
            code=code_version(project.root),
        )

    @property
    def contracts(self) -> Mapping[str, TableContract]:
        """The contract of every declared table."""
        return self.project.contracts

    @property
    def is_ours(self) -> pc.Expression:
        """The condition on the rows of this source."""
        return pc.field("source") == self.source.name

    def recipe(self, params: RecipeParams) -> Recipe:
        """The recipe that was named; NotFound names the nearest one where there is none of this name."""
        return find_declared("recipe", params.recipe, self.project.recipes)

    def signed(
        self, fingerprint: str, inputs: Mapping[str, int], *, run_id: str = "", known_by: date | None = None
    ) -> Run:
        """Who writes: this run, by these declarations and from these versions of tables.

        A commit with the run's own id is not repeated. Where one run may commit the same rows more than once, each
        commit takes a ``run_id`` of its own. ``known_by`` is the date whose knowledge the rows hold, where one was set.
        """
        told = known_by.isoformat() if known_by else ""
        return Run(run_id or self.run_id, self.job, self.code, fingerprint, inputs, told)

    def ledger(self, observations: str) -> Ledger:
        """The ledger of computed days for this source and one set of observations."""
        # Not at the top: every run imports this module, and a chain of imports stays short.
        from tallystick.tables.store.small import SmallTables

        small = SmallTables(warehouse=self.warehouse, contracts=self.contracts, job=self.job, code=self.code)
        return Ledger(tables=small, source=self.source.name, observations=observations)

    def storage(self, names: Iterable[str], **others: TableContract) -> BucketStore:
        """How tasks read and write these tables. ``others`` are contracts that no file of the project declares."""
        contracts = {name: self.contracts[name] for name in names}
        return BucketStore(warehouse=self.warehouse, contracts=contracts | others)


def code_version(project: Path) -> str:
    """The package's version, and the commit of the project's checkout if it is one."""
    package = f"tallystick {version('tallystick')}"
    command = ["git", "-C", str(project), "rev-parse", "--short=12", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except FileNotFoundError:
        return package
    return f"{package} ({found.stdout.strip()})" if found.returncode == 0 else package
