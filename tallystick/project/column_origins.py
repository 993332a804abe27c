"""What a column is made of, as far as declarations say it: features, labels and the tables of a source.

Only names; nothing is read. Lineage is reported from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from tallystick.project.mappings import SOME_DATE, ParsedSource, parse_source
from tallystick.spec.bases import Base, FeatureColumn, group_bases
from tallystick.spec.columns import features_read, group_columns
from tallystick.spec.combined_columns import COMBINED
from tallystick.spec.features import FeatureGroup
from tallystick.spec.labels import EventLabel, Label, OutcomeLabel
from tallystick.spec.mapping_checks import columns_of, resolve_column
from tallystick.spec.mappings import CLEAN, Branch
from tallystick.spec.meaning import columns_read
from tallystick.spec.sources import Source
from tallystick.spec.tables import TableContract
from tallystick.spec.view_columns import columns_behind, value_columns


@dataclass(frozen=True, order=True, slots=True)
class ColumnOrigin:
    """A column that something is made of. ``table`` is such as ``clean.loans``, or without a dot the view of a file.

    ``is_value`` says that its values go in; else it only decides which rows or branches count. ``is_hashed`` says
    that a file's values are replaced by a keyed hash.
    """

    table: str
    column: str
    is_value: bool
    is_hashed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TableOrigins:
    """By column what it is made of, and what decides which rows count for all of them."""

    columns: Mapping[str, tuple[ColumnOrigin, ...]]
    rows: tuple[ColumnOrigin, ...] = ()


def feature_origins(group: FeatureGroup) -> TableOrigins:
    """Of a group's features; a combined one is made of what the features that it reads are made of."""
    bases = group_bases(group)
    columns = {column.name: _of_feature(group, bases, column) for column in group_columns(group)}
    texts = [group.where] if group.where else []
    keys = [group.event_at, group.entity, *([group.per] if group.per else []), *(one.on for one in group.lookups)]
    deciding = (*keys, *(name for text in texts for name in columns_read(text)))
    return TableOrigins(columns=columns, rows=_sorted(_in_group(group, name, is_value=False) for name in deciding))


def label_origins(label: Label) -> TableOrigins:
    """Of the column ``label``. Empty for labels of days or months past due: no declaration names what they read."""
    deciding = list(columns_read(label.where)) if label.where else []
    if isinstance(label, OutcomeLabel):
        table, value, deciding = label.table, label.column, [*deciding, "observed_on"]
    elif isinstance(label, EventLabel):
        table, value, deciding = label.table, "event_at", [*deciding, *([label.per] if label.per else [])]
    else:
        return TableOrigins(columns={})
    made = [ColumnOrigin(table, value, True), *(ColumnOrigin(table, name, False) for name in deciding)]
    return TableOrigins(columns={"label": _sorted(made)})


def mapping_origins(source: Source, contracts: Mapping[str, TableContract]) -> dict[str, TableOrigins]:
    """By clean table of the source, such as ``clean.loans``: from the SELECTs of its mappings.

    DeclarationError where the source's SQL is wrong.
    """
    parsed = parse_source(source, contracts, SOME_DATE)
    found: dict[str, TableOrigins] = {}
    for table, mapping in parsed.tables.items():
        columns: dict[str, list[ColumnOrigin]] = {}
        rows: list[ColumnOrigin] = []
        for branch in mapping.branches:
            for name, part in branch.outputs:
                values = {id(column) for column in value_columns(part)}
                columns.setdefault(name, []).extend(_behind(part, branch, source, parsed, values=values))
            for part in (*(join.on for join in branch.joins), *([branch.where] if branch.where is not None else [])):
                rows.extend(_behind(part, branch, source, parsed, values=set()))
        made = {name: _sorted(origins) for name, origins in columns.items()}
        found[f"{CLEAN}.{table}"] = TableOrigins(columns=made, rows=_sorted(rows))
    return found


def _of_feature(group: FeatureGroup, bases: Mapping[str, Base], column: FeatureColumn) -> tuple[ColumnOrigin, ...]:
    if column.formula == COMBINED:
        read = features_read(group, column)
        return _sorted(one for owner, part in read for one in _of_feature(owner, group_bases(owner), part))
    used = [bases[stem] for stem in dict.fromkeys(cell.stem for cell in column.cells)]
    made = [one for base in used for one in _of_base(group, base)]
    # A plain count of rows names no column: it is made of when they happened.
    return _sorted(made) or (ColumnOrigin(group.table, group.event_at, False),)


def _of_base(group: FeatureGroup, base: Base) -> Iterator[ColumnOrigin]:
    measure = base.measure
    values = [measure.value] if measure.value and base.op.rule.takes != "none" else []
    filtered = group.filters[base.filter] if base.filter else ""
    deciding = [text for text in (measure.where, filtered, measure.each, measure.top, measure.by) if text]
    for texts, is_value in ((values, True), (deciding, False)):
        yield from (_in_group(group, name, is_value=is_value) for text in texts for name in columns_read(text))


def _in_group(group: FeatureGroup, name: str, *, is_value: bool) -> ColumnOrigin:
    looked_up = next((one.table for one in group.lookups if name in one.columns), group.table)
    return ColumnOrigin(looked_up, name, is_value)


def _behind(
    part: exp.Expr, branch: Branch, source: Source, parsed: ParsedSource, *, values: set[int]
) -> Iterator[ColumnOrigin]:
    for column in columns_of(part):
        found = resolve_column(column, branch, parsed.shapes)
        if not isinstance(found, tuple):
            continue
        view, is_value = branch.aliases[found[0]], id(column) in values
        if view.startswith(f"{CLEAN}."):
            yield ColumnOrigin(view, found[1], is_value)
        behind = columns_behind(view, found[1], source=source, views=parsed.views, shapes=parsed.shapes)
        for file, name in behind:
            yield ColumnOrigin(file, name, is_value, is_hashed=name in source.files[file].hashed)


def _sorted(origins: Iterable[ColumnOrigin]) -> tuple[ColumnOrigin, ...]:
    """Each column once; one whose values go in is not told again as one that decides."""
    every = set(origins)
    given = {(one.table, one.column) for one in every if one.is_value}
    return tuple(sorted(one for one in every if one.is_value or (one.table, one.column) not in given))
