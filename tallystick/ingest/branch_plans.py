"""Decides how each branch of a source's mappings is run, before any row is read.

DuckDB in the task that reads the file, where it has all functions of the branch and what the branch looks up is small;
else Spark, with the same result.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from sqlglot import exp

from tallystick.dialect import NotTranslated, output_types, translate
from tallystick.ingest.casting import NAMED_ON, Target, judged_sql
from tallystick.ingest.conflicts import compared_sql, published_sql, settled_sql
from tallystick.ingest.file_tasks import DRIVING, MappedBranch
from tallystick.ingest.judging import COMPARED, PUBLISHED, ROWS, parent_name
from tallystick.ingest.looked_up import ViewTypes, contract_types, joined_name
from tallystick.ingest.placing import TablePlan
from tallystick.ingest.staging import KEY, hash_sql
from tallystick.spec.mapping_sql import branch_sql
from tallystick.spec.mappings import CLEAN, Branch

# What rows carry beside the table's columns, with Spark's types.
_CARRIED = {
    "_file": "string", "_line": "bigint", "_raw": "string", "_branch": "int",
    "_is_parked": "boolean", "_is_excluded": "boolean", "_fault": "string",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class BranchPlan:
    """A branch of a table's mapping, and its SQL for DuckDB: empty where only Spark can run it."""

    branch: Branch
    target: Target
    sql: str
    reads_origin: bool = False

    @property
    def table(self) -> str:
        """The table that it fills, without its layer."""
        return self.target.contract.table

    @property
    def joined_views(self) -> tuple[str, ...]:
        """The views of files that it looks up."""
        return tuple(join.view for join in self.branch.joins if not join.view.startswith(f"{CLEAN}."))

    @property
    def joined_tables(self) -> tuple[str, ...]:
        """The clean tables that it looks up, with their layer."""
        return tuple(join.view for join in self.branch.joins if join.view.startswith(f"{CLEAN}."))

    def mapped(self, lookups: Mapping[str, str]) -> MappedBranch:
        """What a task runs; ``lookups`` are paths by view or clean table."""
        return MappedBranch(
            plan=TablePlan.of(self.target),
            sql=self.sql,
            lookups={joined_name(join.view): lookups[join.view] for join in self.branch.joins},
            reads_origin=self.reads_origin,
        )


def plan_branch(branch: Branch, target: Target, views: ViewTypes, *, is_small: Callable[[str], bool]) -> BranchPlan:
    """How the branch is run. ``is_small`` says of a file's view whether the driver may hold it."""
    asked = [join.view for join in branch.joins if not join.view.startswith(f"{CLEAN}.")]
    asked += [branch.view] if branch.view in views.parsed.views else []
    sql = ""
    if all(is_small(file) for view in asked for file in views.files_of(view)):
        try:
            sql = _duckdb_sql(branch, target, views)
        except NotTranslated:
            sql = ""
    return BranchPlan(branch=branch, target=target, sql=sql, reads_origin=_reads_origin(branch))


def _duckdb_sql(branch: Branch, target: Target, views: ViewTypes) -> str:
    joined = {join.view: joined_name(join.view) for join in branch.joins}
    tables = {name: views.joined(view) for view, name in joined.items()}
    tables[DRIVING] = views.driving(branch.view, delivery=target.delivery)
    selected = branch_sql(branch, views.parsed.shapes, driven={branch.view: DRIVING}, joined=joined)
    judged = judged_sql(selected, output_types(selected, tables), target)
    return f"SELECT *, {hash_sql(target.contract.event_id)} AS {KEY} FROM ({translate(judged, tables)})"


def _reads_origin(branch: Branch) -> bool:
    parts = [part for _, part in branch.outputs] + [join.on for join in branch.joins]
    parts += [branch.where] if branch.where is not None else []
    return any(column.name.lower() in ("_raw", "_file") for part in parts for column in part.find_all(exp.Column))


def judging_sql(
    target: Target, parents: Mapping[str, str], *, has_several: bool, published: Mapping[date, str] | None
) -> tuple[str, str]:
    """The SQL of ``conflicts`` for DuckDB: that of COMPARED over ROWS, and that of the outcomes over COMPARED.

    ``published``: None where no load before has rows, else the newest delivery of those not named by their date.
    """
    contract = target.contract
    rows = {**contract_types(contract), **_CARRIED}
    if target.has_own_known_on:
        rows[NAMED_ON] = "date"
    known = {column: parent_name(number) for number, column in enumerate(parents)}
    tables = {ROWS: rows, **{name: {"_id": "string"} for name in known.values()}}
    compared = compared_sql([f"SELECT * FROM {ROWS}"], target, parents=known, has_several=has_several)
    seen = {COMPARED: output_types(compared, tables), PUBLISHED: contract_types(contract)}
    last = f"SELECT * FROM {COMPARED}"
    if published is not None:
        last = published_sql(COMPARED, target, published=PUBLISHED, oldest=published)
    return translate(compared, tables), translate(settled_sql(last, target), seen)
