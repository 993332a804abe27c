"""From a group's declaration to its columns, each with what it means and what it is computed from.

The one place that knows which columns a group has and in which order, and so the contract of its feature table, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache

from tallystick.errors import DeclarationError
from tallystick.spec import names
from tallystick.spec.bases import NAMED_FORMULAS, Base, FeatureColumn, group_bases
from tallystick.spec.checks import check_group, value_type
from tallystick.spec.combined_columns import combined_columns, combined_node, combined_of
from tallystick.spec.derived_columns import aggregate_columns, derived_columns
from tallystick.spec.expressions import columns_used
from tallystick.spec.features import FeatureGroup
from tallystick.spec.ops import WHOLE_DAY_OPS
from tallystick.spec.parts import declaring
from tallystick.spec.tables import Column, Retirement, TableContract
from tallystick.spec.uses import strictest


def group_columns(
    group: FeatureGroup, contracts: Mapping[str, TableContract] | None = None
) -> tuple[FeatureColumn, ...]:
    """The features of a group in their order: measures as declared, then derived ones; retired ones left out.

    With ``contracts`` the expressions are checked and every type is known. A name made twice is refused.
    """
    return tuple(column for column in _every_column(group, contracts) if column.retired_on is None)


def retired_columns(
    group: FeatureGroup, contracts: Mapping[str, TableContract] | None = None
) -> tuple[FeatureColumn, ...]:
    """The declared features that are retired, today or on a later date: still stored, and computed before that date."""
    declared = (*group.measures, *group.derived)
    if not group.retired and all(part.retired_on is None for part in declared):
        return ()
    return tuple(column for column in _every_column(group, contracts) if column.retired_on is not None)


def group_retirements(group: FeatureGroup) -> tuple[Retirement, ...]:
    """What stands for columns that readers should leave: old names, retired features, and the group's own patterns."""
    return _retirements(group, _every_column(group, None))


def _retirements(group: FeatureGroup, every: Iterable[FeatureColumn]) -> tuple[Retirement, ...]:
    every = list(every)
    renamed = [Retirement(pattern=c.replaces, replaced_by=c.name) for c in every if c.replaces]
    retired = [Retirement(pattern=c.name, retired_on=c.retired_on) for c in every if c.retired_on is not None]
    named = {one.pattern for one in retired}
    patterns = [Retirement(pattern=p, retired_on=day) for p, day in group.retired.items() if p not in named]
    return (*renamed, *retired, *patterns)


class _GroupTables:
    """The contracts of the tables that a group reads, as the key of what is made of them.

    Equal to another where both hold the same objects: to compare what contracts say would take longer than it saves.
    """

    __slots__ = ("_held", "contracts")

    def __init__(self, group: FeatureGroup, contracts: Mapping[str, TableContract]) -> None:
        self.contracts = contracts
        # The objects and not their ids alone: an id may come back for another object once the first is gone.
        self._held = tuple(contracts.get(name) for name in sorted(group.reads))

    def __hash__(self) -> int:
        return hash(tuple(id(one) for one in self._held))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _GroupTables) or len(self._held) != len(other._held):
            return False
        return all(mine is theirs for mine, theirs in zip(self._held, other._held, strict=True))


def _every_column(group: FeatureGroup, contracts: Mapping[str, TableContract] | None) -> tuple[FeatureColumn, ...]:
    return _make_columns(group, None if contracts is None else _GroupTables(group, contracts))


# A check of the project asks for the columns of every group for each observation set, recipe and list of rules.
@lru_cache(maxsize=512)
def _make_columns(group: FeatureGroup, tables: _GroupTables | None) -> tuple[FeatureColumn, ...]:
    contracts = None if tables is None else tables.contracts
    bases = group_bases(group)
    columns = [c for base in bases.values() for c in aggregate_columns(group, base)]
    for derived in group.derived:
        columns.extend(derived_columns(group, bases, derived))
    _check_windows(group, bases, columns)
    seen: set[str] = set()
    for column in columns:
        names.check_name("feature", column.name, where=group.where_text)
        if column.name in seen:
            kind = column.formula if column.formula in NAMED_FORMULAS else "measure"
            where = f"{group.where_text}, {kind} {column.measure}"
            with declaring(kind, column.measure, is_last=True):
                raise DeclarationError(f"two features are called {column.name}", where=where, fix="rename one")
        seen.add(column.name)
    old: dict[str, str] = {}
    for column in columns:
        if column.replaces in seen:
            what = f"{column.name} replaces {column.replaces}, which is declared"
            raise DeclarationError(what, where=group.where_text, fix="remove the old one")
        if column.replaces in old:
            what = f"{column.name} and {old[column.replaces]} both replace {column.replaces}"
            raise DeclarationError(what, where=group.where_text, fix="an old name leads to one new name")
        if column.replaces:
            old[column.replaces] = column.name
    columns = [
        replace(c, retired_on=_retired_on(group, c), **strictest(group, (bases[cell.stem].measure for cell in c.cells)))
        for c in columns
    ]
    if contracts is not None:
        check_group(group, contracts)
        types = {m: value_type(group, m, contracts) for m in group.measures if m.value}
        columns = [replace(c, type=c.type or types[bases[c.cells[0].stem].measure]) for c in columns]
    beside = [column for other in group.beside for column in group_columns(other, contracts)]
    combined = combined_columns(group, columns, beside)
    return (*columns, *(replace(column, retired_on=_retired_on(group, column)) for column in combined))


def _check_windows(group: FeatureGroup, bases: Mapping[str, Base], columns: Iterable[FeatureColumn]) -> None:
    """Refuse a window whose operation compares it with the one before, where there is none, and hours where it looks at
    whole days.
    """
    for cell in dict.fromkeys(cell for column in columns for cell in column.cells):
        base = bases[cell.stem]
        if base.op.name in WHOLE_DAY_OPS and not cell.span.has_days:
            where = f"{group.where_text}, measure {base.measure.name}"
            with declaring("measure", base.measure.name):
                what = f"{base.op.token} looks at whole days, and window {cell.window} has none for sure"
                raise DeclarationError(what, where=where, fix="windows=('7d',)")
        if base.op.rule.compares:
            with declaring("measure", base.measure.name):
                base.before(cell)


def _retired_on(group: FeatureGroup, column: FeatureColumn) -> date | None:
    """The earliest date that is declared for it."""
    days = [day for pattern, day in group.retired.items() if fnmatchcase(column.name, pattern)]
    return min((day for day in (column.retired_on, *days) if day is not None), default=None)


def features_read(
    group: FeatureGroup, column: FeatureColumn, contracts: Mapping[str, TableContract] | None = None
) -> list[tuple[FeatureGroup, FeatureColumn]]:
    """The features that a combined column reads, each with its group, in the order in which they are first named."""
    owners = (group, *group.beside)
    known = {one.name: (owner, one) for owner in owners for one in group_columns(owner, contracts)}
    types = {name: one.type for name, (_, one) in known.items()}
    node = combined_node(combined_of(group, column), types, where=group.where_text)
    return [known[name] for name in columns_used(node)]


def group_contract(group: FeatureGroup, contracts: Mapping[str, TableContract]) -> TableContract:
    """The contract of ``feature.<group>``: one row per observation of each set.

    Features may be null, since rows can be older than a feature; a row that is written now has every count and sum.
    Retired features that are still declared stand at the end.
    """
    technical = (
        Column(name="observations", type="string", required=True, description="The set of observations"),
        Column(name="source", type="string", required=True, description="The supplier"),
        Column(name="bucket", type="int32", required=True, description="Hash bucket of the customer"),
        Column(name="period", type="string", required=True, description="Year or month of as_of"),
        Column(name="observation_id", type="string", filled=True, pii="pseudonymous",
               description="The observation's own key: an application, a loan, a customer, as the set declares"),
        Column(name="customer_id", type="string", required=True, description="The customer", pii="pseudonymous"),
        Column(name="as_of", type="timestamp", required=True, description="The instant of the observation, UTC"),
    )  # fmt: skip
    every = sorted(_every_column(group, contracts), key=lambda c: c.retired_on is not None)
    features = tuple(
        Column(name=c.name, type=c.type, description=c.description, pii=c.pii,
               filled=c.empty == "0" and c.retired_on is None)
        for c in every
    )  # fmt: skip
    return TableContract(
        name=group.feature_table,
        description=group.description or f"Features of {group.table}",
        grain="one row per set of observations, observation and as_of",
        owner=group.owner,
        columns=(*technical, *features),
        key=("source", "observations", "observation_id", "as_of"),
        partition_by=("observations", "source", "bucket", "period"),
        sort_by=("customer_id", "as_of", "observation_id"),
        entity="customer_id",
        derived_from=tuple(dict.fromkeys((group.table, *sorted(group.reads)))),
        retired=_retirements(group, every),
        path=group.path,
    )
