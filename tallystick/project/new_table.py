"""Writes the two files that declare a new clean table: its contract and its expectations.

Kept apart from the readers of those files because this is the one place that writes declarations. What it writes is
read back and checked before anybody is told that it is there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tallystick.errors import DeclarationError
from tallystick.project.contracts import COLUMN_TYPES
from tallystick.project.grammar import name_faults
from tallystick.spec import clean_tables
from tallystick.spec.names import check_name, nearest_name
from tallystick.spec.tables import Column, TableContract

_CUSTOMER = Column(
    name=clean_tables.CUSTOMER,
    type="string",
    required=True,
    pii="pseudonymous",
    description="Customer, as '<source>:<id>'.",
)
_NO_BUCKET = replace(clean_tables.BUCKET, description="Always 0: the table has no customer.")
_NO_PERIOD = replace(clean_tables.PERIOD, description="Always 'all': a table without customers is not cut.")

# Why a technical column may not be null, for whoever reads that an expectation failed.
_REASONS = {
    "customer_id": "Without its customer a row is in no window.",
    "event_at": "Without its moment a row is in no window.",
    "known_on": "Without it nobody can tell which decisions may use the row.",
    "loaded_on": "A load must be findable to be replayed.",
    "is_retracted": "Null is neither kept nor taken back.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class NewTable:
    """What is said of a new clean table. ``name`` is without its layer.

    ``columns`` are its own, ``name:type`` or ``name:value,value`` for a text with a closed list of values. The id of
    its rows (``event_id``, default: the singular of its name and ``_id``), the customer and the technical columns are
    added. A column of a table with customers is personal unless ``pii`` says another class.
    """

    name: str
    columns: tuple[str, ...]
    event_id: str = ""
    has_customer: bool = True
    nullable: tuple[str, ...] = ()
    pii: tuple[str, ...] = ()
    description: str = ""
    owner: str = "data-engineering"

    def contract(self) -> TableContract:
        """Its contract; DeclarationError for names, types and classes that the house does not know."""
        table = self.name.removeprefix("clean.")
        check_name("table", table, where="tally table new")
        event_id = self.event_id or f"{_singular(table)}_id"
        head = [_CUSTOMER] if self.has_customer else []
        event = Column(
            name=event_id,
            type="string",
            required=True,
            pii="pseudonymous" if self.has_customer else "none",
            description=f"The {_words(event_id.removesuffix('_id'))}, as the source names it.",
        )
        times = [column for column in clean_tables.TECHNICAL if column.name not in clean_tables.PARTITIONS]
        if event.name in {column.name for column in (_CUSTOMER, *clean_tables.TECHNICAL)} or name_faults(event):
            raise DeclarationError(
                f"{event.name} is no name for the id of a row", where="tally table new", fix="--event-id visit_id"
            )
        own = self._own_columns(taken=[*head, event, *clean_tables.TECHNICAL])
        last = [
            clean_tables.SOURCE,
            *((clean_tables.BUCKET, clean_tables.PERIOD) if head else (_NO_BUCKET, _NO_PERIOD)),
        ]
        sequence = "sequence" if any(column.name == "sequence" for column in own) else ""
        order = (_CUSTOMER.name, "event_at", *([sequence] if sequence else []), event_id)
        return TableContract(
            name=f"clean.{table}",
            description=self.description or f"{_words(table).capitalize()}.",
            grain=f"one row per {_words(event_id.removesuffix('_id'))} and version of it",
            owner=self.owner,
            columns=(*head, event, *times, *own, *last),
            key=clean_tables.clean_key(event_id),
            partition_by=clean_tables.PARTITIONS,
            sort_by=order if head else (event_id, "event_at"),
            entity=_CUSTOMER.name if head else "",
            event_id=event_id,
            event_at="event_at",
            known_on="known_on",
            sequence=sequence,
            derived_from=("raw.*",),
        )

    def _own_columns(self, *, taken: Iterable[Column]) -> list[Column]:
        classes = dict(text.partition("=")[::2] for text in self.pii)
        columns = [_own_column(text, classes, self.nullable, has_customer=self.has_customer) for text in self.columns]
        names = [column.name for column in columns]
        for option, given in (("--nullable", self.nullable), ("--pii", classes)):
            for name in given:
                if name not in names:
                    raise DeclarationError(f"{option} names no column {name}", fix=nearest_name(name, names))
        for name in names:
            if name in {column.name for column in taken}:
                raise DeclarationError(f"column {name} is there anyway", fix="every clean table has it; leave it out")
        faults = [fault for column in columns for fault in name_faults(column)]
        if faults:
            raise DeclarationError("; ".join(faults), fix="docs/own-tables.md has the rules for names")
        return columns


def write_table(root: Path, table: NewTable) -> list[Path]:
    """Write contract and expectations below ``root`` and return their paths; DeclarationError when one is there."""
    contract = table.contract()
    tail = f"clean/{contract.table}.yaml"
    texts = {root / "schemas" / tail: contract_text(contract), root / "expectations" / tail: suite_text(contract)}
    for path in texts:
        if path.exists():
            raise DeclarationError("the file exists already", where=str(path), fix="change it by hand, or remove it")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(texts)


def contract_text(contract: TableContract) -> str:
    """The contract as a file of the Open Data Contract Standard."""
    named = {
        "entity": contract.entity,
        "eventId": contract.event_id,
        "eventAt": contract.event_at,
        "knownOn": contract.known_on,
        "sequence": contract.sequence,
        "sort": f"[{', '.join(contract.sort_by)}]",
        "derivedFrom": f"[{', '.join(contract.derived_from)}]",
    }
    lines = [
        "apiVersion: v3.2.0",
        "kind: DataContract",
        f"id: {contract.name}",
        f"name: {contract.name}",
        f"version: {contract.version}",
        "status: active",
        f"team: {{name: {json.dumps(contract.owner, ensure_ascii=False)}}}",
        "schema:",
        f"  - name: {contract.table}",
        "    physicalType: table",
        f"    description: {json.dumps(contract.description, ensure_ascii=False)}",
        f"    dataGranularityDescription: {contract.grain}",
        "    customProperties:",
        *(f"      - {{property: {name}, value: {value}}}" for name, value in named.items() if value),
        "    properties:",
    ]
    for column in contract.columns:
        lines += _column_lines(column, contract)
    return "\n".join(lines) + "\n"


def suite_text(contract: TableContract) -> str:
    """The expectations that the contract promises, and those that every clean table has."""
    columns = {column.name: column for column in contract.file_columns}
    wanted = [
        ("expect_table_row_count_to_be_between", "min_value: 1", "warning", "An empty table is worth a look."),
        (
            "expect_compound_columns_to_be_unique",
            f"column_list: [{', '.join(contract.key)}]",
            "critical",
            "A row must be one row: everything counted would be counted twice.",
        ),
    ]
    for name in (name for name, column in columns.items() if column.required):
        reason = _REASONS.get(name, "The contract promises it.")
        if name == contract.event_id:
            reason = "Without its id a row cannot be corrected."
        wanted.append(("expect_column_values_to_not_be_null", f"column: {name}", "critical", reason))
    for column in columns.values():
        if column.values:
            kwargs = f"column: {column.name}, value_set: [{', '.join(map(json.dumps, column.values))}]"
            wanted.append(("expect_column_values_to_be_in_set", kwargs, "critical", "The contract lists all values."))
    if contract.entity:
        regex = f'column: {contract.entity}, regex: "^[a-z][a-z0-9_]*:.+$"'
        reason = "Ids of people carry their source, so that two suppliers' customers never mix."
        wanted.append(("expect_column_values_to_match_regex", regex, "critical", reason))
    for name in ("event_at", "known_on"):
        between = f'column: {name}, min_value: "1900-01-01", max_value: "2100-01-01"'
        reason = "Outside these years a date was misread."
        wanted.append(("expect_column_values_to_be_between", between, "critical", reason))
    lines = [f"name: {contract.name}", "expectations:"]
    for kind, kwargs, severity, reason in wanted:
        lines += [f"  - {{type: {kind},", f"     kwargs: {{{kwargs}}},", f"     severity: {severity},"]
        lines += [f"     meta: {{reason: {json.dumps(reason)}}}}}"]
    return "\n".join(lines) + "\n"


def _own_column(text: str, classes: Mapping[str, str], nullable: Sequence[str], *, has_customer: bool) -> Column:
    name, _, kind = text.partition(":")
    types = [known for known in COLUMN_TYPES.values() if known != "timestamp"] + ["timestamp"]
    values = tuple(filter(None, kind.split(","))) if "," in kind else ()
    if not values and kind not in types:
        fix = nearest_name(kind, types) if kind else f"write {name}:TYPE, one of {', '.join(types)}"
        raise DeclarationError(f"column {name} has no known type {kind}".rstrip(), where="tally table new", fix=fix)
    return Column(
        name=name,
        type="string" if values else kind,
        required=name not in nullable,
        values=values,
        pii=classes.get(name, "personal" if has_customer else "none"),
        description=f"{_words(name).capitalize()}, as the source gives it.",
    )


def _column_lines(column: Column, contract: TableContract) -> list[str]:
    logical, physical = next(pair for pair, kind in COLUMN_TYPES.items() if kind == column.type)
    parts = [f"name: {column.name}", f"logicalType: {logical}", f"physicalType: {physical}"]
    if column.required:
        parts.append("required: true")
    for flag, position, columns in (
        ("primaryKey", "primaryKeyPosition", contract.key),
        ("partitioned", "partitionKeyPosition", contract.partition_by),
    ):
        if column.name in columns:
            parts += [f"{flag}: true", f"{position}: {columns.index(column.name) + 1}"]
    parts.append(f"classification: {column.pii}")
    if column.values:
        parts.append(f"enum: [{', '.join(f'{{value: {json.dumps(value)}}}' for value in column.values)}]")
    described = f"description: {json.dumps(column.description, ensure_ascii=False)}"
    return [f"      - {{{', '.join(parts)},", f"         {described}}}"]


def _singular(name: str) -> str:
    return f"{name[:-3]}y" if name.endswith("ies") else name.removesuffix("s")


def _words(name: str) -> str:
    return name.replace("_", " ")
