"""Whether a source's mappings keep what its identifiers promise: found before any data is read.

Apart from ``mapping_checks``, which says whether a mapping can run: a mapping runs as well when it stores a name that
was meant to be hashed, or looks for letters in a hash.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from tallystick.spec.identifiers import AS_DELIVERED
from tallystick.spec.mapping_checks import Shape, columns_of, query_views, resolve_column
from tallystick.spec.mappings import Branch, ParsedMapping, line_of, split_conjunction
from tallystick.spec.sources import Problem, Source
from tallystick.spec.tables import TableContract
from tallystick.spec.view_columns import columns_behind, value_columns

# What takes an identifier as a whole: whatever else looks into it finds the letters of a hash.
_WHOLE_CALLS = frozenset(("CONCAT", "CONCAT_WS", "COALESCE", "NVL", "IFNULL", "NVL2", "ISNULL", "ISNOTNULL", "NULLIF"))
_WHOLE_NODES = (exp.DPipe, exp.Is, exp.Paren, exp.Case, exp.If, exp.Alias, exp.Select)
_LETTER_CALLS = frozenset(
    ("LEFT", "RIGHT", "SUBSTR", "LPAD", "RPAD", "LTRIM", "RTRIM", "BTRIM", "REPLACE", "TRANSLATE", "SPLIT",
     "SPLIT_PART", "SUBSTRING_INDEX", "REGEXP_EXTRACT", "REGEXP_REPLACE", "INSTR", "LOCATE", "STARTSWITH", "ENDSWITH",
     "CONTAINS", "LENGTH", "CHAR_LENGTH", "INT", "BIGINT")
)  # fmt: skip
_LETTER_NODES = (exp.Substring, exp.Trim, exp.Like, exp.RegexpLike)
_EQUAL = (exp.EQ, exp.NEQ, exp.NullSafeEQ)


@dataclass(frozen=True, kw_only=True, slots=True)
class IdentifierChecks:
    """The checks of one source that hashes identifiers; ``views`` are the queries of its derived views."""

    source: Source
    views: Mapping[str, exp.Expr]
    shapes: Mapping[str, Shape]

    def problems(self, mapping: ParsedMapping, contract: TableContract) -> Iterator[Problem]:
        """What a mapping does to identifiers that it should not."""
        for branch in mapping.branches:
            parts = [part for _, part in branch.outputs] + [join.on for join in branch.joins]
            for part in [*parts, *([branch.where] if branch.where is not None else [])]:
                yield from self._misread(part, branch, mapping.path)
            for name, part in branch.outputs:
                if _names_somebody(name, contract):
                    yield from self._undeclared(name, part, branch, mapping.path)
            for join in branch.joins:
                for compared in split_conjunction(join.on):
                    yield from self._unequal(compared, branch, mapping.path)

    def view_problems(self, view: str) -> Iterator[Problem]:
        """What a derived view does to them."""
        tree, where = self.views[view], self.source.views[view].where
        hashed = [name for name in query_views(tree) if name in self.source.files and self.source.files[name].hashed]
        if hashed and any(column.name.lower() == "_raw" for column in tree.find_all(exp.Column)):
            yield _no_text(where, hashed[0])
        of_file = {table.alias_or_name: table.name for table in tree.find_all(exp.Table) if table.name in hashed}
        for column in tree.find_all(exp.Column):
            # In a query of many parts only what surely reads letters is told, not all that may.
            files = [of_file[column.table]] if column.table in of_file else [] if column.table else hashed
            spaces = {self.source.files[name].hashed.get(column.name, "") for name in files}
            if spaces - {"", *self.source.pseudonyms.keep_first} and _reads_letters(column):
                yield _looked_into(where, column)

    def _misread(self, part: exp.Expr, branch: Branch, path: str) -> Iterator[Problem]:
        for column in columns_of(part):
            where = f"{path}:{line_of(column, branch.line)}"
            file = self.source.files.get(branch.view)
            if column.name.lower() == "_raw" and file is not None and file.hashed:
                yield _no_text(where, branch.view)
            space = self._space(column, branch)
            if space and space not in self.source.pseudonyms.keep_first and not _is_whole(column):
                yield _looked_into(where, column)

    def _undeclared(self, name: str, part: exp.Expr, branch: Branch, path: str) -> Iterator[Problem]:
        for column in value_columns(part):
            for view, origin in sorted(self._origins(column, branch)):
                if origin not in self.source.files[view].identifiers:
                    fix = f"files.{view}: identifiers: {{{origin}: <namespace>}}, or {AS_DELIVERED} if it names nobody"
                    what = f"{name} takes {origin} of {view}, of which nothing says whether it is hashed"
                    yield Problem(where=f"{path}:{line_of(column, branch.line)}", what=what, fix=fix)

    def _unequal(self, compared: exp.Expr, branch: Branch, path: str) -> Iterator[Problem]:
        sides = (compared.this, compared.expression) if isinstance(compared, exp.EQ) else ()
        if len(sides) == 2 and all(isinstance(side, exp.Column) for side in sides):
            views = [self._origins(side, branch) for side in sides]
            one, other = (self._space(side, branch) for side in sides)
            if all(views) and one != other:
                what = f"{sides[0].name} and {sides[1].name} are compared, and are not of one namespace"
                fix = "their hashes never agree: declare the same namespace for both"
                yield Problem(where=f"{path}:{line_of(compared, branch.line)}", what=what, fix=fix)

    def _space(self, column: exp.Column, branch: Branch) -> str:
        """The namespace of a column that is hashed; empty for another, or one that is of several."""
        found = {self.source.files[view].hashed.get(name, "") for view, name in self._origins(column, branch)}
        return found.pop() if len(found) == 1 else ""

    def _origins(self, column: exp.Column, branch: Branch) -> set[tuple[str, str]]:
        """The files' columns that a column of a branch comes from; none for those of clean tables."""
        found = resolve_column(column, branch, self.shapes)
        if not isinstance(found, tuple):
            return set()
        view = branch.aliases[found[0]]
        return columns_behind(view, found[1], source=self.source, views=self.views, shapes=self.shapes)


def _names_somebody(name: str, contract: TableContract) -> bool:
    """Whether a column of a table names a person or thing; the table's own id names a row."""
    column = next((column for column in contract.columns if column.name == name), None)
    if column is None or name == contract.event_id:
        return False
    return column.pii == "pseudonymous" or (column.pii == "personal" and name.endswith("_id"))


def _is_whole(column: exp.Column) -> bool:
    """Whether what stands around a column takes it as a whole."""
    around = column.parent
    while isinstance(around, exp.Paren):
        around = around.parent
    if around is None or isinstance(around, _WHOLE_NODES):
        return True
    if isinstance(around, exp.Cast):
        return bool(around.to.is_type(exp.DType.TEXT))
    if isinstance(around, _EQUAL):
        return not any(isinstance(side.unnest(), exp.Literal) for side in (around.this, around.expression))
    return isinstance(around, exp.Anonymous) and around.name.upper() in _WHOLE_CALLS


def _reads_letters(column: exp.Column) -> bool:
    """Whether what stands around a column reads its letters, or holds it against a text."""
    around = column.parent
    if isinstance(around, exp.Anonymous):
        return around.name.upper() in _LETTER_CALLS
    if isinstance(around, (*_EQUAL, exp.In)):
        others = around.expressions if isinstance(around, exp.In) else [around.this, around.expression]
        return any(isinstance(other.unnest(), exp.Literal) for other in others)
    return isinstance(around, _LETTER_NODES)


def _looked_into(where: str, column: exp.Column) -> Problem:
    fix = "it can be joined, selected and have text put around it; keep_first keeps its first letters"
    return Problem(where=where, what=f"column {column.name} is hashed and is looked into here", fix=fix)


def _no_text(where: str, view: str) -> Problem:
    return Problem(where=where, what=f"_raw of {view} holds identifiers and is not kept", fix="select its columns")
