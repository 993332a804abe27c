"""Reads ``sources/<name>/source.yaml`` and its ``<clean_table>.sql`` files, and says what a mapping lacks.

``spec.sources`` and ``spec.mappings`` say what a declaration means; this part turns files into it and goes on after a
problem, so that an author sees all of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick.errors import DeclarationError, NotFound
from tallystick.project.files import read_yaml
from tallystick.project.places import split_place
from tallystick.project.yaml_lines import key_lines
from tallystick.spec.frozen import FrozenMap
from tallystick.spec.identifiers import PseudonymRules
from tallystick.spec.names import nearest_name
from tallystick.spec.sources import (
    BUILT_IN_PARAMETERS,
    DerivedView,
    KnownOn,
    Layout,
    Problem,
    Source,
    SourceFile,
    TableMapping,
)

if TYPE_CHECKING:
    from tallystick.spec.tables import TableContract

_SOURCE_KEYS = (
    *("title", "zone", "currency", "load_date", "history_until", "delivers", "reject_rate", "layout", "parameters"),
    *("reading", "files", "views", "tables", "pseudonyms"),
)
_READING_KEYS = (
    "format",
    "encoding",
    "delimiter",
    "quote",
    "header",
    "nulls",
    "extra_columns",
    "longest_line",
    "largest_gb",
    "counted_in",
)
_FILE_KEYS = (
    *("file", "columns", "key", "optional", "sparse", "member", "places", "line_length", "identifiers"),
    *_READING_KEYS,
)
# What a file of some format must have as well.
_FITTING: dict[str, dict[str, Any]] = {
    "fixed": {"places": ("1",)},
    "parquet": {"types": FrozenMap({"some": "string"})},
}
_VIEW_KEYS = ("sql", "key")
_TABLE_KEYS = ("known_on", "reject_rate", "parents", "keep_raw_lines")
# A mapping that makes cells of coordinates is not to leave them in its rejects.
_READS_PLACES = re.compile(r"\bH3_CELL\s*\(", re.IGNORECASE)
_PSEUDONYM_KEYS = ("key", "keep_first")
_LAYOUT_KEYS = ("buckets", "period", "compact_after_days")


def load_sources(root: Path) -> dict[str, Source]:
    """Every source of the project by name; DeclarationError, with file and line, for the first that is wrong."""
    return {name: load_source(root, name) for name in source_names(root)}


def source_names(root: Path) -> list[str]:
    """The names of the folders in ``sources/`` that hold a source.yaml, sorted; nothing is read."""
    return sorted(path.parent.name for path in (Path(root) / "sources").glob("*/source.yaml"))


def load_source(root: Path, name: str) -> Source:
    """The source called ``name``; NotFound when there is none, DeclarationError for the first thing that is wrong."""
    source, problems, _ = read_source(root, name)
    if source is None or problems:
        first, more = problems[0], len(problems) - 1
        fix = first.fix + (f"; {more} more: tally source check {name}" if more else "")
        raise DeclarationError(first.what, where=first.where, fix=fix.lstrip("; "))
    return source


def read_source(
    root: Path, name: str, *, clean_tables: Collection[str] = ()
) -> tuple[Source | None, list[Problem], list[str]]:
    """The source called ``name`` as far as it can be read, what is wrong with its declaration, and the unread views.

    With any problem the source is fit for further checks alone: what was wrong is replaced or left out in it. A table
    that is none of ``clean_tables``, if they are given, is a problem.
    """
    folder = Path(root) / "sources" / name
    path = folder / "source.yaml"
    if not path.is_file():
        known = ", ".join(source_names(root)) or "none yet"
        raise NotFound(f"there is no source {name}", where=str(path), fix=f"known sources: {known}")
    try:
        content = read_yaml(path)
    except DeclarationError as error:
        return None, [Problem(where=error.where, what=error.what, fix=error.fix)], []
    return _Reader(name, path, content, clean_tables=clean_tables).read()


def check_source(
    root: Path,
    name: str,
    *,
    contracts: Mapping[str, TableContract],
    is_unread: Callable[[str], bool] = lambda table: False,
) -> list[Problem]:
    """What the source called ``name`` lacks, before any data is read: empty when a delivery could be loaded.

    ``root`` is the project's folder, ``contracts`` its tables by name. Reads declarations only; needs no Spark. Each
    problem names file and line. A table whose contract ``is_unread``, because its own file is wrong, counts as there.
    Raises NotFound when there is no such source.
    """
    from tallystick.project.mappings import find_mapping_problems
    from tallystick.spec.mappings import CLEAN

    layers = [full.partition(".") for full in contracts]
    clean = {table for layer, _, table in layers if layer == CLEAN and not table.endswith("_rejected")}
    clean |= {path.stem for path in (root / "sources" / name).glob("*.sql") if is_unread(f"{CLEAN}.{path.stem}")}
    source, problems, unread = read_source(root, name, clean_tables=clean)
    if source is not None:
        hidden = [table for table in source.tables if is_unread(f"{CLEAN}.{table}")]
        unread += [f"{CLEAN}.{table}" for table in hidden]
        source = replace(source, tables=FrozenMap({t: m for t, m in source.tables.items() if t not in hidden}))
        problems = [*problems, *find_mapping_problems(source, contracts, unread=unread)]
    return sorted(set(problems), key=_place)


def _place(problem: Problem) -> tuple[str, int, str]:
    return (*split_place(problem.where), problem.what)


class _Reader:
    """Reads one source.yaml and goes on after a problem, so that its author sees all of them at once."""

    def __init__(self, name: str, path: Path, content: dict[str, Any], *, clean_tables: Collection[str]) -> None:
        self.name = name
        self.path = path
        self.content = content
        self.clean_tables = clean_tables
        self.lines = key_lines(path)
        self.problems: list[Problem] = []

    def read(self) -> tuple[Source | None, list[Problem], list[str]]:
        self._refuse_unknown(self.content, _SOURCE_KEYS, ())
        for key in ("zone", "reject_rate", "files", "tables"):
            if key not in self.content:
                self._tell((), f"{key} is missing", "see docs/sources.md")
        files = dict(self._files())
        views = dict(self._views())
        tables = dict(self._tables())
        self._stray_sql(tables)
        layout = self._build(("layout",), "", Layout, self._section("layout", _LAYOUT_KEYS)) or Layout()
        rules = self._section("pseudonyms", _PSEUDONYM_KEYS)
        if isinstance(rules.get("keep_first"), dict):
            rules = rules | {"keep_first": FrozenMap(rules["keep_first"])}
        values = {
            "pseudonyms": self._build(("pseudonyms",), "", PseudonymRules, rules) or PseudonymRules(),
            "files": FrozenMap(files),
            "views": FrozenMap(views),
            "tables": FrozenMap(tables),
            "layout": layout,
            "currency": str(self.content.get("currency") or ""),
            "title": str(self.content.get("title") or ""),
        }
        unread = [view for view in self._declared("files", "views") if view not in {**files, **views}]
        # A table that has its SQL, or should, was meant to be filled: that it is not was told.
        meant = {path.stem for path in self.path.parent.glob("*.sql")} | set(self._declared("tables"))
        unread += sorted(f"clean.{table}" for table in meant - set(tables))
        return self._source(values), self.problems, unread

    def _declared(self, *names: str) -> list[str]:
        """The keys of sections of source.yaml."""
        sections = [self.content.get(name) for name in names]
        return [str(key) for section in sections if isinstance(section, dict) for key in section]

    def _source(self, values: dict[str, Any]) -> Source | None:
        """The source. A value that is wrong on its own is told at its key and replaced, so that the rest is checked."""
        bare: dict[str, Any] = {"name": self.name, "zone": "UTC", "files": FrozenMap(), "tables": FrozenMap()}
        if self._build((), "", Source, bare) is None:
            return None
        parameters = self._parameters()
        given: dict[str, Any] = {
            "zone": str(self.content.get("zone", "UTC")),
            "load_date": self.content.get("load_date"),
            "delivers": self.content.get("delivers", "daily"),
            "history_until": self.content.get("history_until"),
            "parameters": FrozenMap(parameters),
        }
        own = {name: value for name, value in parameters.items() if name not in BUILT_IN_PARAMETERS}
        instead: dict[str, Any] = {"zone": "UTC", "parameters": FrozenMap(own)}
        for key, value in given.items():
            is_good = self._build((key,), "", Source, bare | {key: value}) is not None
            values[key] = value if is_good else instead.get(key)
        source: Source | None = self._build((), "", Source, {"name": self.name, "path": str(self.path), **values})
        return source

    def _files(self) -> Iterator[tuple[str, SourceFile]]:
        defaults = self._defaults()
        for view, given in self._entries("files"):
            place = ("files", view)
            self._refuse_unknown(given, _FILE_KEYS, place)
            for key in ("file", "columns"):
                if key not in given:
                    self._tell(place, f"file {view} has no {key}", "see docs/sources.md")
            given = self._with_types(given)
            lists = {key: self._texts(given, key, place) for key in ("columns", "key", "sparse", "places")}
            values = defaults | self._with_nulls(given, place)
            values |= {key: value for key, value in lists.items() if value is not None}
            values |= {"identifiers": self._names(given, "identifiers", place)}
            if not lists["columns"]:
                continue
            built = None
            if "file" in given:
                built = self._build(place, f"file {view}", SourceFile, values | {"view": view})
            if built is None:
                # Something of it was told: with its names alone the mappings that read it can still be checked.
                names = {"view": view, "file": "unknown", "columns": lists["columns"], "key": lists["key"] or ()}
                names |= {"format": "csv"}
                built = self._try(SourceFile, names)[0]
            if built is not None:
                yield view, built

    @staticmethod
    def _with_types(given: dict[str, Any]) -> dict[str, Any]:
        """``given`` with a mapping of columns to types as the list of its names, and the types apart."""
        columns = given.get("columns")
        if not isinstance(columns, dict):
            return given
        types = {str(name).strip(): str(kind).strip() for name, kind in columns.items()}
        return given | {"columns": list(types), "types": FrozenMap(types)}

    def _defaults(self) -> dict[str, Any]:
        """The section ``reading``; a value that no file could have is told once, and left out."""
        given = self._with_nulls(self._section("reading", _READING_KEYS), ("reading",))
        some = {"view": "some", "file": "some", "columns": ("some",)}
        for key in [key for key in given if key in _READING_KEYS and key != "nulls"]:
            needed = _FITTING.get(str(given[key]), {}) if key == "format" else {}
            if self._build(("reading", key), "", SourceFile, some | needed | {key: given[key]}) is None:
                given = {name: value for name, value in given.items() if name != key}
        return given

    def _with_nulls(self, given: dict[str, Any], place: tuple[str, ...]) -> dict[str, Any]:
        """``given`` with its ``nulls`` as texts. One text alone is told: its letters would each mean nothing."""
        if "nulls" not in given:
            return given
        value = given["nulls"] or []
        if not isinstance(value, list):
            self._tell((*place, "nulls"), "nulls is not a list of texts", 'write nulls: ["", "NULL"]')
            value = []
        return given | {"nulls": tuple(str(text) for text in value)}

    def _views(self) -> Iterator[tuple[str, DerivedView]]:
        for view, given in self._entries("views"):
            place = ("views", view)
            self._refuse_unknown(given, _VIEW_KEYS, place)
            key = self._texts(given, "key", place)
            if not given.get("sql") or not key:
                self._tell(place, f"view {view} needs sql and key", "its key is what makes a row unique")
                continue
            where = f"{self.path}:{self.lines.get((*place, 'sql'), 1)}"
            values = {"view": view, "sql": str(given["sql"]), "key": key, "where": where}
            built = self._build(place, f"view {view}", DerivedView, values)
            if built is not None:
                yield view, built

    def _tables(self) -> Iterator[tuple[str, TableMapping]]:
        for table, given in self._entries("tables"):
            place = ("tables", table)
            self._refuse_unknown(given, _TABLE_KEYS, place)
            path = self.path.parent / f"{table}.sql"
            if self.clean_tables and table not in self.clean_tables:
                self._tell(place, f"there is no clean table {table}", nearest_name(table, self.clean_tables))
                continue
            if not path.is_file():
                self._tell(place, f"{path.name} is missing", f"write the SELECT for {table} beside source.yaml")
                continue
            sql = path.read_text(encoding="utf-8")
            values: dict[str, Any] = {
                "table": table,
                "sql": sql,
                "path": str(path),
                "known_on": self._known_on(given, place, sql),
                "parents": FrozenMap({str(key): str(value) for key, value in (given.get("parents") or {}).items()}),
            }
            values_too = {
                "reject_rate": given.get("reject_rate", self.content.get("reject_rate", 0)),
                "keeps_raw_lines": given.get("keep_raw_lines", not _READS_PLACES.search(sql)),
            }
            built = self._build(place, f"table {table}", TableMapping, values | values_too)
            yield table, built or TableMapping(**values, reject_rate=0)

    def _known_on(self, given: Mapping[str, Any], place: tuple[str, ...], sql: str) -> KnownOn:
        """The declared rule, or, when it is wrong, which is told, one that fits what the mapping selects."""
        rule: KnownOn | None = None
        if "known_on" in given:
            rule = self._build((*place, "known_on"), "", KnownOn.parse, {"text": given["known_on"]})
        else:
            self._tell(place, f"table {place[1]} has no known_on rule", "such as event_date + 1 day, or load_date")
        return rule or KnownOn(kind="column" if re.search(r"\bknown_on\b", sql) else "load_date")

    def _parameters(self) -> dict[str, str]:
        """Parameters as text; a date keeps its ISO form."""
        given = self._section("parameters", None)
        return {str(key): value.isoformat() if isinstance(value, date) else str(value) for key, value in given.items()}

    def _stray_sql(self, tables: Mapping[str, object]) -> None:
        declared = self._declared("tables")
        # A misspelt table was told; that its SQL is read by nobody is the same mistake.
        meant = {problem.fix for problem in self.problems}
        for path in sorted(self.path.parent.glob("*.sql")):
            if path.stem not in tables and path.stem not in declared and f"did you mean {path.stem}?" not in meant:
                fix = f"declare {path.stem} under tables: in source.yaml"
                self.problems.append(Problem(where=f"{path}:1", what="nothing reads this file", fix=fix))

    def _entries(self, section: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name, given in self._section(section, None).items():
            if isinstance(given, dict):
                yield str(name), given
            else:
                self._tell((section, name), f"{name} is not a mapping", "see docs/sources.md")

    def _section(self, name: str, keys: tuple[str, ...] | None) -> dict[str, Any]:
        given = self.content.get(name) or {}
        if not isinstance(given, dict):
            self._tell((name,), f"{name} is not a mapping", "see docs/sources.md")
            return {}
        if keys is not None:
            self._refuse_unknown(given, keys, (name,))
        return given

    def _names(self, given: Mapping[str, Any], key: str, place: tuple[str, ...]) -> FrozenMap[str]:
        """A mapping of names to names."""
        value = given.get(key) or {}
        if not isinstance(value, dict):
            self._tell((*place, key), f"{key} is not a mapping of columns", f"write {key}: {{a: customer}}")
            return FrozenMap()
        return FrozenMap({str(name): str(told) for name, told in value.items()})

    def _texts(self, given: Mapping[str, Any], key: str, place: tuple[str, ...]) -> tuple[str, ...] | None:
        value = given.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, (str, int)) for item in value):
            self._tell((*place, key), f"{key} is not a list of names", f"write {key}: [a, b]")
            return None
        return tuple(str(item).strip() for item in value)

    def _build(self, place: tuple[str, ...], what: str, build: Any, values: Mapping[str, Any]) -> Any:
        """``build(**values)``, or None and a problem that carries the place and the words of the error."""
        built, error = self._try(build, values)
        if isinstance(error, DeclarationError):
            self._tell(place, f"{what}: {error.what}" if what else error.what, error.fix)
        elif error is not None:
            self._tell(place, f"{what or 'source.yaml'} holds a value of the wrong type", "see docs/sources.md")
        return built

    @staticmethod
    def _try(build: Any, values: Mapping[str, Any]) -> tuple[Any, Exception | None]:
        try:
            return build(**values), None
        except (DeclarationError, TypeError) as error:
            return None, error

    def _refuse_unknown(self, given: Mapping[str, Any], known: tuple[str, ...], place: tuple[str, ...]) -> None:
        for key in given:
            if key not in known:
                self._tell((*place, str(key)), f"unknown key {key}", f"known: {', '.join(known)}")

    def _tell(self, place: tuple[str, ...], what: str, fix: str = "") -> None:
        """Note a problem at the line of the nearest key that has one."""
        while place and place not in self.lines:
            place = place[:-1]
        self.problems.append(Problem(where=f"{self.path}:{self.lines.get(place, 1)}", what=what, fix=fix))
