"""What a supplier of data is: its files, the views made of them, and how clean tables come out, as frozen values.

``project.sources`` reads the YAML and ``spec.mappings`` understands the SQL. The checks here need one value alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tallystick.errors import DeclarationError
from tallystick.spec.file_formats import (
    EXTRA_COLUMNS,
    FORMATS,
    LARGEST_GB,
    LONGEST_LINE,
    check_choice,
    check_encoding,
    check_line_length,
    check_places,
    check_types,
    format_of,
    span_of,
)
from tallystick.spec.frozen import FrozenMap
from tallystick.spec.identifiers import AS_DELIVERED, PseudonymRules, check_identifiers

PERIODS = ("year", "month")

# What every raw view has beside the file's own columns.
ORIGIN_COLUMNS = ("_file", "_line", "_raw")

# On which days a source delivers.
DELIVERS = ("daily", "weekdays", "irregularly")

# Parameters that every mapping may use as ${name} without declaring them.
BUILT_IN_PARAMETERS = ("source", "zone", "currency", "load_date")

# What becomes known ten years after it happened is no use to any decision; more is a slip of the pen.
MOST_DAYS = 3660

# Partition values and paths are made of source names; nothing wilder was tried with all three engines.
SOURCE_NAME = re.compile(r"[a-z][a-z0-9_]*")
VIEW_NAME = re.compile(r"[a-z][a-z0-9_]*")

# What landing writes beside a delivery's files (``tables.landing``): no pattern takes it for one of them.
LANDING_FILES = ("_manifest.json", "_published.json")

_EVENT_DATE_RULE = re.compile(r"event_date(?:\s*\+\s*(\d+)\s+days?)?")


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Something a declaration lacks: ``where`` is file and line, ``what`` is wrong there, ``fix`` what to do."""

    where: str
    what: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f" ({self.fix})" if self.fix else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """One kind of file of a delivery, and the raw view of text columns that it becomes.

    ``file`` is a name or a glob: several files of one view hold the same columns. ``columns`` are the names in the
    header, in any order, or, with ``header`` false, the file's columns in order. ``nulls`` are the texts that mean
    "nothing". ``key`` is what makes a row unique; only a view with a key may be joined. An ``optional`` file may be
    absent from a delivery and then has no rows. ``sparse`` are keys of JSON records that a whole file may lack, because
    the supplier leaves out what is empty. A line of more than ``longest_line`` characters, or a file that unpacks to
    more than ``largest_gb`` times 2**30 bytes, stops the load.

    ``format`` is told by the end of the name where that is enough, and is csv else. Of a zip archive the members that
    ``member`` names are read. Of a fixed width file ``places`` says where each column stands: first and last character
    of the line from 1 on, or bytes, as ``counted_in`` says; ``line_length`` is that of all lines, 0 for the end of the
    last place. Columns of Parquet have ``types``; those of all other formats are text.

    ``identifiers`` gives, per column that names somebody or something, its namespace: views show a keyed hash in its
    place, alike for equal identifiers of one namespace, or the identifier itself where it is AS_DELIVERED.
    """

    view: str
    file: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ()
    format: str = ""
    encoding: str = "utf-8"
    delimiter: str = ","
    quote: str = '"'
    header: bool = True
    nulls: tuple[str, ...] = ("",)
    extra_columns: str = "note"
    optional: bool = False
    sparse: tuple[str, ...] = ()
    longest_line: int = LONGEST_LINE
    largest_gb: float = LARGEST_GB
    member: str = "*"
    places: tuple[str, ...] = ()
    line_length: int = 0
    counted_in: str = "characters"
    types: Mapping[str, str] = field(default_factory=FrozenMap)
    identifiers: Mapping[str, str] = field(default_factory=FrozenMap)

    def __post_init__(self) -> None:
        _check_view(self.view, self.columns, self.key)
        if self.file in LANDING_FILES:
            raise DeclarationError(f"file {self.file} is a name that landing uses itself", fix="ask for another name")
        if not self.file or "/" in self.file or self.file.startswith("."):
            raise DeclarationError("file is not a file name", fix="a name or a glob such as trans_*.csv.gz, no folders")
        object.__setattr__(self, "format", self.format or format_of(self.file))
        check_choice("format", self.format, FORMATS)
        check_choice("extra_columns", self.extra_columns, EXTRA_COLUMNS)
        stray = [column for column in self.sparse if column not in self.columns or not self.is_json]
        if stray:
            raise DeclarationError(f"sparse column {stray[0]} is not a declared key of a jsonl or json file")
        if len(self.delimiter) != 1 or self.delimiter in "\r\n":
            raise DeclarationError("delimiter is not one character", fix=r'for a tab write "\t"')
        if len(self.quote) > 1 or self.quote == self.delimiter:
            raise DeclarationError("quote is not one character of its own", fix='empty when the file never quotes: ""')
        check_encoding(self.encoding)
        for name in ("longest_line", "largest_gb"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                raise DeclarationError(f"{name} is not a number above 0")
        check_places(self.format, self.places, self.columns, counted_in=self.counted_in, encoding=self.encoding)
        check_line_length(self.line_length, least=max((end for _, end in self.spans), default=0))
        check_types(self.format, self.file, self.columns, types=self.types)
        check_identifiers(self.identifiers, self.columns, self.types)

    @property
    def is_pattern(self) -> bool:
        """Whether ``file`` may stand for several files."""
        return any(character in self.file for character in "*?[")

    @property
    def has_header(self) -> bool:
        """Whether the file's first line names its columns."""
        return self.header and self.format == "csv"

    @property
    def is_json(self) -> bool:
        """Whether the file holds JSON records, which have keys."""
        return self.format in ("json", "jsonl")

    @property
    def hashed(self) -> dict[str, str]:
        """The namespace of each column whose values are replaced by pseudonyms."""
        return {column: space for column, space in self.identifiers.items() if space != AS_DELIVERED}

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Where each column of a fixed width line stands: its first place from 0 on, and the one behind its last."""
        return tuple(span_of(place) for place in self.places)

    @property
    def width(self) -> int:
        """The length of every line of a fixed width file."""
        return self.line_length or max((end for _, end in self.spans), default=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class DerivedView:
    """A view made from other views by SQL, unique on ``key``; ``where`` is file and line of its declaration."""

    view: str
    sql: str
    key: tuple[str, ...]
    where: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        _check_view(self.view, self.key, self.key)


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownOn:
    """The rule that gives ``known_on``, the first business date whose decisions may use a row.

    ``event_date``: the event's local date plus ``days``. ``assumed``: the event's local date, of a snapshot that has no
    dates of its own. ``load_date``: the delivery's. ``column``: the mapping selects it. After a source's history ends,
    no row is known before its load date, whatever the rule.
    """

    kind: str
    days: int = 0

    def __post_init__(self) -> None:
        check_choice("known_on", self.kind, ("event_date", "assumed", "load_date", "column"))
        if self.days < 0 or (self.days and self.kind != "event_date"):
            raise DeclarationError("known_on: only event_date takes days, and no negative ones")
        if self.days > MOST_DAYS:
            raise DeclarationError(f"known_on: at most {MOST_DAYS} days after the event")

    @property
    def is_assumed(self) -> bool:
        """Whether the date is an assumption: what uses such rows must say so."""
        return self.kind == "assumed"

    @classmethod
    def parse(cls, text: str) -> KnownOn:
        """The rule as source.yaml writes it: ``event_date + 1 day``, ``assumed``, ``load_date`` or ``column``."""
        rule = " ".join(str(text).split())
        match = _EVENT_DATE_RULE.fullmatch(rule)
        if match:
            return cls(kind="event_date", days=int(match[1] or 0))
        if rule not in ("assumed", "load_date", "column"):
            raise DeclarationError(
                "known_on is no rule", fix="event_date + 1 day, load_date, assumed, or column (the mapping selects it)"
            )
        return cls(kind=rule)

    def __str__(self) -> str:
        if self.kind != "event_date" or not self.days:
            return self.kind
        return f"event_date + {self.days} day{'s' if self.days > 1 else ''}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """How a source's rows lie in the tables: ``buckets`` by hash of the customer, ``period`` year or month.

    Compaction merges the files of loads that are more than ``compact_after_days`` days older than its date.
    """

    buckets: int = 1
    period: str = "year"
    compact_after_days: int = 35

    def __post_init__(self) -> None:
        for name, least in (("buckets", 1), ("compact_after_days", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise DeclarationError(f"layout.{name} is not a whole number of at least {least}")
        check_choice("layout.period", self.period, PERIODS)


@dataclass(frozen=True, kw_only=True, slots=True)
class TableMapping:
    """How one clean table comes out of the views: the SQL text as written, and the rules beside it.

    ``table`` is without its layer. ``parents`` gives, per column, the clean table whose object it names: a row that
    meets none is parked until a later load brings the parent. ``reject_rate`` is the share of rows read that may be
    rejected before the load stops; above it nothing is published. Without ``keeps_raw_lines`` a rejected row is stored
    with file and line alone.
    """

    table: str
    sql: str
    known_on: KnownOn
    reject_rate: float
    parents: Mapping[str, str] = field(default_factory=FrozenMap)
    keeps_raw_lines: bool = True
    path: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.keeps_raw_lines, bool):
            raise DeclarationError("keep_raw_lines is neither true nor false")
        if isinstance(self.reject_rate, bool) or not 0 <= self.reject_rate < 1:
            raise DeclarationError("reject_rate is not a share", fix="0 for none, 0.01 for one row in a hundred")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A supplier. ``zone`` is the time zone of its local times and of its customers' business days.

    ``load_date`` is the default load date of a delivery whose folder is not named by one. Loads up to and including
    ``history_until`` are history: their rows may be known before they were loaded. After that the source ``delivers`` a
    night for each day (``daily``) or each Monday to Friday (``weekdays``), or nobody knows when (``irregularly``): so a
    night that was missed is told.
    """

    name: str
    zone: str
    files: Mapping[str, SourceFile]
    tables: Mapping[str, TableMapping]
    views: Mapping[str, DerivedView] = field(default_factory=FrozenMap)
    parameters: Mapping[str, str] = field(default_factory=FrozenMap)
    currency: str = ""
    title: str = ""
    load_date: date | None = None
    history_until: date | None = None
    delivers: str = "daily"
    layout: Layout = field(default_factory=Layout)
    pseudonyms: PseudonymRules = field(default_factory=PseudonymRules)
    path: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if not SOURCE_NAME.fullmatch(self.name):
            raise DeclarationError(f"{self.name} is no source name", fix="lower-case letters, digits and _")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise DeclarationError(f"unknown time zone {self.zone}", fix="a name such as Europe/Prague") from None
        twice = sorted(set(self.files) & set(self.views))
        if twice:
            raise DeclarationError(f"{twice[0]} is both a file and a view")
        built_in = sorted(set(self.parameters) & set(BUILT_IN_PARAMETERS))
        if built_in:
            raise DeclarationError(f"parameter {built_in[0]} is set by the machinery", fix="choose another name")
        unknown = sorted(set(self.pseudonyms.keep_first) - self.namespaces)
        if unknown:
            raise DeclarationError(f"keep_first: no identifier is of {unknown[0]}")
        check_choice("delivers", self.delivers, DELIVERS)
        for kind, value in (("load_date", self.load_date), ("history_until", self.history_until)):
            if value is not None and type(value) is not date:
                raise DeclarationError(f"{kind} is not a date", fix="write 1998-12-31")

    @property
    def namespaces(self) -> set[str]:
        """The kinds of identifiers that are hashed; none where the source is stored as it was delivered."""
        return {space for file in self.files.values() for space in file.hashed.values()}

    @property
    def assumed_tables(self) -> tuple[str, ...]:
        """The clean tables, as ``clean.<name>``, whose ``known_on`` is an assumption, sorted."""
        return tuple(sorted(f"clean.{name}" for name, table in self.tables.items() if table.known_on.is_assumed))

    @property
    def fingerprint(self) -> str:
        """A short text that is equal when the declarations are, whatever their order or place."""
        content = json.dumps(_plain(self), sort_keys=True, default=str)
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def delivers_on(self, day: date) -> bool:
        """Whether a night of that business date is expected."""
        return self.delivers == "daily" or (self.delivers == "weekdays" and day.weekday() < 5)

    def is_history(self, load_date: date) -> bool:
        """Whether the load of that date is history, so that its rows may be known before they were loaded."""
        return self.history_until is not None and load_date <= self.history_until

    def values(self, load_date: date) -> dict[str, str]:
        """What ``${name}`` stands for in the source's SQL when the delivery of ``load_date`` is read.

        That is the delivery's business date, also where it came late: so it says the same whenever it came.
        """
        built_in = {"source": self.name, "zone": self.zone, "currency": self.currency}
        return built_in | {"load_date": load_date.isoformat()} | dict(self.parameters)


def _plain(value: Any) -> Any:
    """``value`` as JSON can say it, without the places where it was declared: they are no part of its meaning."""
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: _plain(getattr(value, part.name)) for part in fields(value) if part.compare}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _check_view(view: str, columns: tuple[str, ...], key: tuple[str, ...]) -> None:
    if not VIEW_NAME.fullmatch(view):
        raise DeclarationError(f"{view} is no view name", fix="lower-case letters, digits and _")
    if not columns:
        raise DeclarationError("no columns are declared")
    folded = [column.casefold() for column in columns]
    if len(set(folded)) < len(folded):
        raise DeclarationError("a column is declared twice", fix="names that differ only in case are the same to SQL")
    reserved = [column for column in columns if column.startswith("_")]
    if reserved:
        raise DeclarationError(f"column {reserved[0]} starts with _", fix="such names belong to the machinery")
    stray = [column for column in key if column not in columns]
    if stray:
        raise DeclarationError(f"key column {stray[0]} is not among the columns")
