"""The rules of one observation set laid out over its tables: which columns each reads, and which tables it rests on.

Apart from ``rules``, which one file can say alone: this needs features, contracts and the set.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from tallystick.errors import DeclarationError
from tallystick.spec.bases import FeatureColumn
from tallystick.spec.columns import features_read, group_columns, retired_columns
from tallystick.spec.combined_columns import COMBINED
from tallystick.spec.expressions import Node, columns_used, parse_condition
from tallystick.spec.features import FeatureGroup
from tallystick.spec.names import nearest_name
from tallystick.spec.observations import ObservationSet
from tallystick.spec.permissions import protected_sources
from tallystick.spec.predicates import contradiction, same_text
from tallystick.spec.rules import Rule
from tallystick.spec.tables import TableContract
from tallystick.spec.uses import split_uses


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedRule:
    """A rule that fits its set: the parsed condition, the columns it reads, and all tables that it needs, sorted.

    ``tie_tables`` are those that the graphs rest on whose features it reads: they are needed of a source that fills
    them, for a graph goes without the ties that a source knows nothing of.
    """

    rule: Rule
    node: Node
    columns: tuple[str, ...]
    tables: tuple[str, ...]
    tie_tables: tuple[str, ...] = ()

    def of_source(self, filled: Collection[str]) -> PlannedRule:
        """The rule at a source that fills these tables."""
        ties = (table for table in self.tie_tables if table in filled)
        return replace(self, tables=tuple(sorted({*self.tables, *ties})), tie_tables=())

    @property
    def predicate(self) -> str:
        """The same text for every rule that asks the same."""
        return same_text(self.node)


@dataclass(frozen=True, kw_only=True, slots=True)
class SetColumns:
    """All that rules of one observation set may read: the columns of the set's own table with their types, and the
    features of every group that can be computed for the set. A group that is wrong has none; its own check tells it.
    ``beneath`` has the clean tables that each graph rests on, by the graph's table. ``retired`` are features that are
    retired and still declared: they stay stored, so a rule may read them that is not in force from their retirement on.
    """

    observed: ObservationSet
    contracts: Mapping[str, TableContract]
    own: Mapping[str, str]
    features: Mapping[str, tuple[FeatureGroup, FeatureColumn]]
    beneath: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    retired: Mapping[str, tuple[FeatureGroup, FeatureColumn]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        observed: ObservationSet,
        groups: Iterable[FeatureGroup],
        contracts: Mapping[str, TableContract],
        *,
        beneath: Mapping[str, tuple[str, ...]],
    ) -> SetColumns:
        """Look all columns up."""
        own = observed.own_columns(contracts)
        features, retired = {}, {}
        for group in groups:
            if group.per in ("", observed.key):
                try:
                    columns, gone = group_columns(group, contracts), retired_columns(group, contracts)
                except DeclarationError:
                    continue
                features.update({column.name: (group, column) for column in columns if column.name not in own})
                retired.update({column.name: (group, column) for column in gone if column.name not in own})
        retired = {name: found for name, found in retired.items() if name not in features}
        return cls(observed=observed, contracts=contracts, own=own, features=features, beneath=beneath, retired=retired)

    @property
    def types(self) -> dict[str, str]:
        """The type of every column by name."""
        return {**self.own, **{name: one.type for name, (_, one) in (*self.retired.items(), *self.features.items())}}

    def feature_of(self, column: str) -> tuple[FeatureGroup, FeatureColumn]:
        """The feature of a name and its group, be it retired."""
        return self.features[column] if column in self.features else self.retired[column]

    def group_of(self, column: str) -> str:
        """The feature group of a column; empty for one of the set's own table."""
        return "" if column in self.own else self.feature_of(column)[0].name

    def tables_of(self, column: str) -> tuple[str, ...]:
        """The clean tables that must have arrived for a column's values, sorted.

        An event's own columns need none: the event itself is there.
        """
        if column in self.own:
            return () if self.observed.by_event else (self.observed.table,)
        return tuple(table for table in _tables_of(*self.feature_of(column)) if table not in self.beneath)

    def tie_tables_of(self, column: str) -> tuple[str, ...]:
        """The clean tables of the graph that a column comes from; none where it comes from no graph."""
        tables = () if column in self.own else _tables_of(*self.feature_of(column))
        return tuple(beneath for table in tables for beneath in self.beneath.get(table, ()))

    def refusal_of(self, column: str, use: str) -> str:
        """Why no rule for that use may read a column, as the end of a sentence; empty where rules may."""
        if column in self.own:
            is_protected = self.contracts[self.observed.table].column(column).protected
            return "a protected attribute" if is_protected else ""
        group, feature = self.feature_of(column)
        if use not in (split_uses(feature.permitted_use) if feature.permitted_use else ()):
            return f"permitted for {feature.permitted_use or 'no use'}, not for {use}"
        sources = protected_sources(group, feature, self.contracts)
        return f"made of {' and '.join(sources)}, which is protected" if sources else ""

    def plan(self, rule: Rule, types: Mapping[str, str] | None = None) -> PlannedRule:
        """The rule over these columns; DeclarationError with file and line where it does not fit them.

        ``types`` are those of all columns, for whoever plans many rules.
        """
        where = rule.at("when")
        node = parse_condition(rule.when, types or self.types, where=f"{where}: rule {rule.id}")
        columns = columns_used(node)
        if not columns:
            what = f"rule {rule.id} reads no column, so it has one answer for everybody"
            raise DeclarationError(what, where=where, fix="compare a feature with a value")
        if never := contradiction(node):
            raise DeclarationError(f"rule {rule.id} can never hit", where=where, fix=f"{never}: correct a number")
        for name in columns:
            if refusal := self.refusal_of(name, rule.permitted_use):
                fix = f"read another column, or have its owner permit {rule.permitted_use}"
                raise DeclarationError(f"rule {rule.id} reads {name}, which is {refusal}", where=where, fix=fix)
            self._check_retired(rule, name)
        for key in ("needs", "max_age_days"):
            for name in getattr(rule, key):
                self._check_table(rule, key, name)
        tables = sorted({*rule.needs, *(table for name in columns for table in self.tables_of(name))})
        ties = sorted({table for name in columns for table in self.tie_tables_of(name)})
        return PlannedRule(rule=rule, node=node, columns=columns, tables=tuple(tables), tie_tables=tuple(ties))

    def _check_retired(self, rule: Rule, name: str) -> None:
        """A rule that is in force when a feature has no values any more would be held about everybody."""
        retired_on = self.retired[name][1].retired_on if name in self.retired else None
        if retired_on is not None and any(span.end > retired_on for span in rule.asked_spans):
            what = f"rule {rule.id} reads {name}, which is retired on {retired_on}, and is in force then"
            fix = f"retire the rule by that date (status: retired, since: {retired_on}, and earlier), or read another"
            raise DeclarationError(what, where=rule.at("when"), fix=fix)

    def _check_table(self, rule: Rule, key: str, name: str) -> None:
        if not name.startswith("clean.") or name not in self.contracts:
            clean = [table for table in self.contracts if table.startswith("clean.")]
            what = f"rule {rule.id} needs {name}, which is no clean table"
            raise DeclarationError(what, where=rule.at(key), fix=nearest_name(name, clean))


def same_predicates(planned: Iterable[PlannedRule]) -> list[tuple[PlannedRule, PlannedRule]]:
    """Pairs of rules of one set that ask the same: each later rule with the first that asks it. Retired ones count."""
    first: dict[tuple[str, str], PlannedRule] = {}
    pairs = []
    for one in planned:
        earlier = first.setdefault((one.rule.observations, one.predicate), one)
        if earlier is not one:
            pairs.append((earlier, one))
    return pairs


def _tables_of(group: FeatureGroup, column: FeatureColumn) -> tuple[str, ...]:
    """The clean tables that a feature's values come from; a combined one rests on those of all that it reads."""
    if column.formula == COMBINED:
        read = features_read(group, column)
        return tuple(sorted({table for owner, one in read for table in _tables_of(owner, one)}))
    looked_up, among = (one.table for one in group.lookups), (one.table for one in group.among)
    return tuple(sorted({group.table, *looked_up, *among}))
