"""Makes what mappings look up or are driven by and no single file holds: derived views, keyed views, known objects.

Small things, made once on the driver by DuckDB and put down for the tasks. What is too large for that, or has SQL that
only Spark knows, is made by Spark (``spark_branches``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from tallystick.dialect import NotTranslated, answer, connect, output_types, translate
from tallystick.ingest.casting import SPARK_TYPES, name_sql
from tallystick.ingest.delivered_files import view_schema
from tallystick.ingest.earlier import EarlierRows
from tallystick.ingest.staging import put, take
from tallystick.ingest.views import driving_derived_sql, keyed_sql, readable_sql
from tallystick.project.mappings import ParsedSource
from tallystick.spec.mapping_checks import query_views
from tallystick.spec.mapping_sql import MET, view_sql
from tallystick.spec.mappings import CLEAN
from tallystick.spec.row_sources import makes_rows
from tallystick.spec.sources import Source
from tallystick.spec.tables import TableContract
from tallystick.visibility.sql import newest_sql

Types = dict[str, str]

_ARROW = {pa.string(): "string", pa.int64(): "bigint"}


def joined_name(view: str) -> str:
    """The name by which branches look a view up."""
    return f"joined_{view.replace('.', '_')}"


def contract_types(contract: TableContract) -> Types:
    """Spark's types of a table's columns."""
    return {column.name: SPARK_TYPES.get(column.type, column.type) for column in contract.columns}


class ViewTypes:
    """The columns and types of a source's views, found without data."""

    def __init__(self, source: Source, parsed: ParsedSource, contracts: Mapping[str, TableContract]) -> None:
        self.source = source
        self.parsed = parsed
        self.contracts = contracts
        self._derived: dict[str, Types] = {}

    def raw(self, view: str) -> Types:
        """Those of a file's view with where each line stands."""
        return {field.name: spark_type(field.type) for field in view_schema(self.source.files[view])}

    def readable(self, view: str) -> Types:
        """Those that derived views and joins see. NotTranslated for a derived view that only Spark can make."""
        if view in self.source.files:
            apart = ("_problem", "_fault", "_keys")
            return {name: kind for name, kind in self.raw(view).items() if name not in apart}
        if view not in self._derived:
            tree = self.parsed.views[view]
            tables = {name: self.readable(name) for name in query_views(tree)}
            self._derived[view] = output_types(view_sql(tree, {name: name for name in tables}), tables)
        return self._derived[view]

    def joined(self, view: str) -> Types:
        """Those that a branch sees of a view that it looks up."""
        if view.startswith(f"{CLEAN}."):
            return {**contract_types(self.contracts[view]), MET: "boolean"}
        shape = self.parsed.shapes[view]
        return output_types(keyed_sql(view, shape.columns, shape.key), {view: self.readable(view)})

    def driving(self, view: str, *, delivery: str) -> Types:
        """Those that a branch is driven by."""
        if view in self.source.files:
            types = {name: kind for name, kind in self.raw(view).items() if name not in ("_fault", "_keys")}
            return {**types, "_is_parked": "boolean"}
        return output_types(self.driving_sql(view, view, delivery=delivery), {view: self.readable(view)})

    def driving_sql(self, view: str, rows: str, *, delivery: str) -> str:
        """The query of a derived view, whose rows are called ``rows``, as one that drives a branch."""
        return driving_derived_sql(rows, self.parsed.shapes[view].columns, name=view, delivery=delivery)

    def files_of(self, view: str) -> set[str]:
        """The files' views that a view is made of."""
        if view in self.source.files:
            return {view}
        return {file for name in query_views(self.parsed.views[view]) for file in self.files_of(name)}

    def is_fed(self, view: str, files: Mapping[str, Sequence[str]]) -> bool:
        """Whether rows of a view can come of a delivery's ``files`` (names by file's view), be they without rows."""
        if view in self.source.files:
            return bool(files[view])
        return makes_rows(self.parsed.views[view], lambda name: self.is_fed(name, files))


def spark_type(kind: pa.DataType) -> str:
    """Spark's name of an Arrow type."""
    if pa.types.is_decimal(kind):
        return f"decimal({kind.precision},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "timestamp" if kind.tz else "timestamp_ntz"
    names = {"int32": "int", "int16": "smallint", "int8": "tinyint", "bool": "boolean", "date32[day]": "date"}
    return _ARROW.get(kind) or names.get(str(kind), str(kind))


def make_views(
    types: ViewTypes, wanted: Iterable[str], kept: Mapping[str, list[str]], *, delivery: str, folder: Path
) -> tuple[dict[str, str], dict[str, pa.Table]]:
    """Paths of the wanted views as branches look them up, and the rows of the wanted derived ones as they drive.

    ``kept`` are paths of the rows of each file's view; ``wanted`` holds no clean table.
    """
    looked_up: dict[str, str] = {}
    driving: dict[str, pa.Table] = {}
    source, parsed = types.source, types.parsed
    with connect() as connection:
        for view, paths in kept.items():
            schema = view_schema(source.files[view])
            rows = pa.concat_tables([take(path) for path in paths]) if paths else schema.empty_table()
            connection.register(f"_file_{view}", rows)
            made = translate(readable_sql(f"_file_{view}", source.files[view]), {f"_file_{view}": types.raw(view)})
            connection.execute(f"CREATE VIEW {name_duck(view)} AS {made}")
        for view, tree in parsed.views.items():
            if not types.files_of(view) <= set(kept):
                continue
            tables = {name: types.readable(name) for name in query_views(tree)}
            made = translate(view_sql(tree, {name: name for name in tables}), tables)
            connection.register(view, answer(connection, made))
        for view in wanted:
            shape, columns = parsed.shapes[view], {view: types.readable(view)}
            if shape.key:
                keyed = translate(keyed_sql(view, shape.columns, shape.key), columns)
                looked_up[view] = put(answer(connection, keyed), folder)
            if view in parsed.views:
                sql = translate(types.driving_sql(view, view, delivery=delivery), columns)
                driving[view] = answer(connection, sql)
    return looked_up, driving


def name_duck(name: str) -> str:
    """A name in DuckDB's SQL."""
    return f'"{name}"'


def asked_columns(contract: TableContract, columns: Iterable[str]) -> list[str]:
    """These columns and those that tell which version of an object is the newest, each once."""
    names = [*columns, contract.event_id, contract.known_on, "loaded_on"]
    names += [column.name for column in contract.columns if column.name == "is_retracted"]
    return list(dict.fromkeys(names))


def newest_rows(
    contract: TableContract, rows: pa.Table, earlier: EarlierRows | None, *, columns: Iterable[str]
) -> pa.Table:
    """These columns of the newest version of every object that is not retracted, stored rows and the load's own.

    ``rows`` are the load's accepted ones, with ``loaded_on``.
    """
    columns = list(columns)
    names = asked_columns(contract, columns)
    can_retract = "is_retracted" in names
    pieces = [rows.select(names)]
    if earlier is not None:
        pieces.append(earlier.read(contract.name, names).select(names))
    types = {name: kind for name, kind in contract_types(contract).items() if name in names}
    ordered = {name: types[name] for name in names}
    sql = newest_sql("versions", name_sql(contract.event_id), known_on=name_sql(contract.known_on))
    if can_retract:
        sql = f"SELECT * FROM ({sql}) WHERE NOT is_retracted"
    with connect() as connection:
        connection.register("versions", pa.concat_tables(pieces, promote_options="permissive"))
        return answer(connection, translate(sql, {"versions": ordered})).select(columns)


__all__ = ["NotTranslated", "ViewTypes", "contract_types", "joined_name", "make_views", "newest_rows"]
