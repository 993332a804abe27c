"""Run the expectations of a source's tables, record what they found, and stop when a critical one failed.

Takes a source, a layer and optionally some of its tables; reads each table's newest version, rows of the source only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.quality import (
    JudgedAt,
    JudgedRows,
    Stored,
    Validation,
    choose_tables,
    findings_table,
    judgement_key,
    latest_date,
    merge_findings,
    owned_rows,
    raise_for_critical,
    unseen_rows_sql,
    validate,
)
from tallystick.runs.checks_pages import pages_folder, write_checks_pages
from tallystick.runs.context import RunContext
from tallystick.runs.input_gate import VALIDATIONS, PinnedTables
from tallystick.runs.judged_tables import find_judged, last_hidden
from tallystick.runs.progress import progress, working
from tallystick.spec.fingerprint import fingerprint
from tallystick.tables import Slice, open_session, pin_all, query, read, read_arrow, replace_arrow

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from tallystick.runs.params import ValidateTables


def run(params: ValidateTables, session: SparkSession | None = None) -> None:
    """Validate in one go, write findings and pages, and only then stop for what is critical.

    A table whose rows, expectations and code were judged before is not looked at; what was found then stands. Spark is
    started only for expectations that SQL cannot answer (docs/quality.md), where there is no ``session`` yet.
    """
    context = RunContext.open(params)
    pinned = _pin(params, context)
    day = params.load_date or latest_date(file.bounds for file in pinned.all_files)
    views = {name: _View.of(context, pinned, name) for name in pinned.tables}
    before = _find_before(params, context, pinned, views)
    found = _judge(context, [view for name, view in views.items() if name not in before], session)
    # The findings last: a table with findings is not judged again, and its stored results would stay those of before.
    found.store(pages_folder(context), source=context.source.name, validated_on=day)
    _record(context, views, found, before, day=day)
    page = write_checks_pages(context)
    everything = [*found.findings, *(finding for stored in before.values() for finding in stored.findings)]
    raise_for_critical(sorted(everything, key=lambda one: one.table), fix=f"see {page} and {VALIDATIONS}")


def _pin(params: ValidateTables, context: RunContext) -> PinnedTables:
    """The tables to validate, each with the files that hold rows of the source, or all where it belongs to none."""
    suites, existing = context.project.expectations, context.warehouse.tables()
    names = choose_tables(params.layer, context.source, wanted=params.tables, suites=suites, existing=existing)
    owned = {name: owned_rows(context.contracts[name], context.source) for name in names}
    pinned = pin_all(context.warehouse, names)
    return PinnedTables({name: one.where(**owned[name]) for name, one in pinned.items()})


@dataclass(frozen=True, kw_only=True, slots=True)
class _View:
    """What a validation looks at in one table: the source's rows (``owned``) of the pinned version, less the versions
    among them that no decision from the last load on sees (``unseen``, a query of their keys; empty where rows have no
    versions). ``key`` is what the judgement depends on besides these rows, ``size`` how many rows the files have.
    """

    name: str
    version: int
    owned: str
    unseen: str
    key: str
    size: int

    @classmethod
    def of(cls, context: RunContext, pinned: PinnedTables, name: str) -> _View:
        """The view of a table, which depends on the date of the last load to any of them."""
        contract = context.contracts[name]
        owned = Slice.to_read(owned_rows(contract, context.source)).sql(contract)
        bounds = [file.bounds for file in pinned.all_files]
        since = last_hidden(pinned.tables[name], since=latest_date(bounds)) if bounds else None
        unseen = unseen_rows_sql(contract, context.source, since=since) if since else ""
        key = judgement_key(
            table_id=str(context.warehouse.open(name).metadata().id),
            contract=contract,
            suite=context.project.expectations[name],
            rows_sql=f"{owned} {unseen}",
        )
        return cls(
            name=name, version=pinned.versions[name], owned=owned, unseen=unseen, key=key, size=pinned.tables[name].rows
        )

    def rows(self, context: RunContext, spark: Callable[[], SparkSession]) -> JudgedRows:
        """The rows, for whoever asks for them."""

        def ask(sql: str) -> pa.Table:
            return query(context.warehouse, sql, versions={self.name: self.version})

        def frame() -> DataFrame:
            whole = read(spark(), context.warehouse, self.name, version=self.version).where(self.owned)
            return whole.join(spark().createDataFrame(hidden), keys, "left_anti") if hidden.num_rows else whole

        hidden = ask(self.unseen) if self.unseen else pa.table({})
        keys = hidden.column_names
        sql = f"SELECT * FROM {self.name} WHERE {self.owned}"
        if hidden.num_rows:
            sql = f"SELECT * FROM ({sql}) ANTI JOIN ({self.unseen}) USING ({', '.join(keys)})"
        columns = {column.name: column.type for column in context.contracts[self.name].columns}
        return JudgedRows(sql=sql, columns=columns, ask=ask, frame=frame, size=self.size)


def _find_before(
    params: ValidateTables, context: RunContext, pinned: PinnedTables, views: Mapping[str, _View]
) -> Mapping[str, Stored]:
    """The tables that need no look, with what was found; none when somebody asks."""
    if params.again:
        return {}
    before = find_judged(context, pinned, {name: view.key for name, view in views.items()})
    if before:
        progress(f"{len(before)} of {len(views)} tables are as they were judged before")
    return before


def _judge(context: RunContext, views: Sequence[_View], session: SparkSession | None) -> Validation:
    """What is found in the tables. A session that had to be started is stopped."""
    with ExitStack() as opened:

        @cache
        def spark() -> SparkSession:
            if session is not None:
                return session
            with working("starting Spark"):
                return opened.enter_context(open_session(context.job, project=context.project.root))

        rows = {view.name: view.rows(context, spark) for view in views}
        with working(f"judging {len(views)} tables") as how_far:
            return validate(rows, context.project.expectations, report=progress, how_far=how_far)


def _record(
    context: RunContext, views: Mapping[str, _View], found: Validation, before: Mapping[str, Stored], *, day: date
) -> None:
    """Write the findings of the day, those of an earlier day that still hold among them; the day's others stay."""
    moved = {name: stored for name, stored in before.items() if stored.validated_on != day}
    findings = [*found.findings, *(finding for stored in moved.values() for finding in stored.findings)]
    if not findings:
        return
    judged = {one.name: JudgedAt(table_version=one.version, judged_on=day, key=one.key) for one in views.values()}
    judged |= {name: stored.at(views[name].version) for name, stored in moved.items()}
    source, versions = context.source.name, {name: one.table_version for name, one in judged.items()}
    rows = findings_table(findings, run_id=context.run_id, source=source, validated_on=day, judged=judged)
    if context.warehouse.exists(VALIDATIONS):
        is_same_day = context.is_ours & (pc.field("validated_on") == day)
        rows = merge_findings(rows, read_arrow(context.warehouse, VALIDATIONS, filter=is_same_day))
    # What was judged is part of the id: a retry after the data or an expectation was corrected is another validation,
    # not a repeated one.
    run_id = f"{context.run_id}/{fingerprint({name: [one.table_version, one.key] for name, one in judged.items()})}"
    where, by = Slice.of_findings(VALIDATIONS, source, day), context.signed("", versions, run_id=run_id)
    replace_arrow(context.warehouse, context.contracts[VALIDATIONS], rows, where=where, run=by)
