"""What ties two customers: which rows of which clean table tie whom to whom, how strongly, and for how long.

The declaration that ``ties/<name>.yaml`` holds. Kept apart from ``graphs`` because a tie says what one table means, and
a graph which ties are looked at together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tallystick.errors import DeclarationError
from tallystick.spec.expressions import Node, columns_used, parse_condition, parse_number
from tallystick.spec.field_types import check_types
from tallystick.spec.names import check_name, nearest_name
from tallystick.spec.parts import declaring
from tallystick.spec.tables import TableContract
from tallystick.spec.windows import Window, parse_window

# Where a tie points: from the row's customer to the other one, back, or nowhere.
DIRECTIONS = ("out", "in", "both")

# Of whose rows only the last one counts; empty where every row does.
LAST_OF = ("", "pair", "customer")

# Everybody who shares a thing with more customers than this shares it with a crowd, and is tied to nobody by it.
USUAL_HUB_CAP = 50

# When a row was loaded or known decides whether it is seen at all; a condition cannot read it.
_HIDDEN = ("known_on", "loaded_on", "is_retracted")


@dataclass(frozen=True, kw_only=True, slots=True)
class Through:
    """A table that says which customer a value stands for: of an account, its owner.

    ``key`` is the column of that table that the tie's value is compared with; its customer is the table's entity. Of
    several visible rows with one key the last by ``event_at`` counts, then the one delivered last.
    """

    table: str
    key: str

    def __post_init__(self) -> None:
        check_types(self, where=f"through {self.table}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Tie:
    """One way in which customers are tied to each other.

    Each row of ``table`` that passes ``where`` ties its customer to the one that column ``to`` names, or, with
    ``thing``, to everybody else whose rows name the same thing: a telephone, an address, an employer. ``through`` finds
    the customer where ``to`` names something else, an account for instance. Rows with a null there tie nobody, and
    nobody is tied to oneself.

    ``weight`` is a number of each row, 1 where it is empty; null and negative ones count as 0, and a tie of weight 0 is
    none. With ``half_life`` in days, a row counts half as much when it is so old at the snapshot. ``window`` in days
    leaves older rows out; ``all`` takes every row. With ``last_of`` a row tells a state, and only the last row by
    ``event_at`` counts: of each ``pair`` of customer and other side, or of each ``customer``; it ties while its
    condition ``active`` holds (always, where that is empty).

    A thing that more than ``hub_cap`` customers share ties none of them. Ties of one ``kind`` are added up.
    """

    name: str
    title: str
    kind: str
    table: str
    owner: str
    to: str = ""
    through: Through | None = None
    thing: str = ""
    direction: str = "both"
    where: str = ""
    weight: str = ""
    half_life: str = ""
    window: str = "all"
    last_of: str = ""
    active: str = ""
    hub_cap: int = USUAL_HUB_CAP
    version: int = 1
    path: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        check_types(self, where=self.where_text)
        for key, name in (("name", self.name), ("kind", self.kind)):
            with declaring("key", key):
                check_name(key, name, where=self.where_text)
        for key in ("half_life", "window"):
            with declaring("key", key):
                self._check_days(key)
        for key, what, fix in self._faults():
            with declaring("key", key):
                raise DeclarationError(what, where=self.where_text, fix=fix)

    def _check_days(self, key: str) -> None:
        text = getattr(self, key)
        if text and not (key == "window" and text == "all") and parse_window(text).unit != "day":
            raise DeclarationError(f"{key} {text} is not in days", where=self.where_text, fix="90d")

    def _faults(self) -> Iterator[tuple[str, str, str]]:
        """Every fault: the key that is wrong, what is wrong and what to write."""
        if bool(self.to) == bool(self.thing):
            yield "thing", "a tie names another customer or a thing that is shared", "to: COLUMN, or thing: COLUMN"
        if self.through is not None and not self.to:
            yield "through", "through says what column to stands for, and there is none", "leave it out"
        if self.direction not in DIRECTIONS:
            yield "direction", f"unknown direction {self.direction!r}", f"one of {', '.join(DIRECTIONS)}"
        if self.thing and self.direction != "both":
            yield "direction", "what is shared has no direction", "leave it out"
        if self.last_of not in LAST_OF:
            yield "last_of", f"last_of is {self.last_of!r}", "pair, customer, or leave it out"
        if self.active and not self.last_of:
            yield "active", "active is asked of the last row, and every row counts", "last_of: pair"
        if self.hub_cap < 2:
            yield "hub_cap", f"hub_cap = {self.hub_cap} ties nobody", "2 or more"
        if self.version < 1:
            yield "version", f"version = {self.version} is no version", "1, 2, 3"
        for key in ("title", "owner"):
            if not getattr(self, key).strip():
                yield key, f"{key} is empty", "say what it is, and who answers for it"

    @property
    def where_text(self) -> str:
        """Where this tie stands, for messages."""
        return f"{self.path}: tie {self.name}" if self.path else f"tie {self.name}"

    @property
    def other(self) -> str:
        """The column that names the other side: another customer, what leads to one, or a thing."""
        return self.to or self.thing

    @property
    def tables(self) -> tuple[str, ...]:
        """The clean tables that it is read from."""
        return (self.table,) if self.through is None else (self.table, self.through.table)

    @property
    def half_life_days(self) -> int:
        """After so many days a row counts half; 0 where it does not fade."""
        return parse_window(self.half_life).count if self.half_life else 0

    @property
    def span(self) -> Window:
        """How far back rows count."""
        return parse_window(self.window)


@dataclass(frozen=True, kw_only=True, slots=True)
class TieNodes:
    """The expressions of a tie, typed: None where the declaration has none."""

    where: Node | None
    weight: Node | None
    active: Node | None

    @classmethod
    def of(cls, tie: Tie, contracts: Mapping[str, TableContract]) -> TieNodes:
        """The expressions over the columns of the tie's table; DeclarationError where they do not fit it."""
        columns, where = row_columns(contracts[tie.table]), tie.where_text

        def parsed(key: str, parse: Callable[..., Node]) -> Node | None:
            text = getattr(tie, key)
            with declaring("key", key):
                return parse(text, columns, where=f"{where}, {key}") if text else None

        return cls(
            where=parsed("where", parse_condition),
            weight=parsed("weight", parse_number),
            active=parsed("active", parse_condition),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that they read, each once."""
        nodes = [node for node in (self.where, self.weight, self.active) if node is not None]
        return tuple(dict.fromkeys(name for node in nodes for name in columns_used(node)))


def row_columns(contract: TableContract) -> dict[str, str]:
    """The columns of a clean table that an expression over its rows may read, with their types."""
    return {column.name: column.type for column in contract.file_columns if column.name not in _HIDDEN}


def check_event_table(name: str, contracts: Mapping[str, TableContract], *, where: str) -> TableContract:
    """The contract of a clean table with customers, event ids and times; DeclarationError for any other."""
    if name not in contracts:
        raise DeclarationError(f"unknown table {name}", where=where, fix=nearest_name(name, contracts), texts=(name,))
    contract = contracts[name]
    lacking = [word for word in ("entity", "event_id", "event_at", "known_on") if not getattr(contract, word)]
    if contract.layer != "clean" or lacking:
        fix = f"it lacks {', '.join(lacking)}" if lacking else "name a clean table"
        raise DeclarationError(f"{name} is no clean table of customers' events", where=where, fix=fix, texts=(name,))
    return contract


def refuse_protected(contract: TableContract, names: Iterable[str], *, where: str) -> None:
    """DeclarationError where one of the columns is a protected attribute: through a graph nobody would see it used."""
    for name in names:
        if contract.column(name).protected:
            what = f"{contract.name}.{name} is a protected attribute, and graphs are for decisions"
            raise DeclarationError(what, where=where, fix="leave it out", texts=(name,))


def check_tie(tie: Tie, contracts: Mapping[str, TableContract]) -> None:
    """DeclarationError where tables, columns, conditions or numbers of a tie do not exist or do not fit."""
    where = tie.where_text
    with declaring("key", "table"):
        own = check_event_table(tie.table, contracts, where=where)
    with declaring("key", "thing" if tie.thing else "to"):
        _check_text(tie.other, own, where=where)
        refuse_protected(own, [tie.other], where=where)
    if tie.through is not None:
        with declaring("key", "through"):
            owners = check_event_table(tie.through.table, contracts, where=where)
            _check_text(tie.through.key, owners, where=where)
            refuse_protected(owners, [tie.through.key], where=where)
    nodes = TieNodes.of(tie, contracts)
    with declaring("key", "where" if tie.where else "weight"):
        refuse_protected(own, nodes.columns, where=where)


def _check_text(name: str, contract: TableContract, *, where: str) -> None:
    texts = [column.name for column in contract.file_columns if column.type == "string"]
    if name not in texts:
        what = f"{contract.name} has no text column {name}"
        raise DeclarationError(what, where=where, fix=nearest_name(name, texts), texts=(name,))
