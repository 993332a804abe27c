"""Holds the names a file comes with against the declared columns: a header's fields, or the keys of JSON records.

Kept apart from ``delivered_files`` because CSV and JSON lines have the same rules for names that are missing, unknown
or misspelt.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

from tallystick.errors import InputError
from tallystick.spec.sources import SourceFile

# Other delimiters that files come with; used only to say what a wrong one looks like.
DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}
# Beyond these, names say nothing to a reader, and may well be data: a JSON object can be keyed by people.
MOST_NAMES = 20


def list_names(names: Sequence[str]) -> str:
    """Some names for people; of very many only that there are."""
    return ", ".join(names) if len(names) <= MOST_NAMES else f"more than {MOST_NAMES} others"


def match_header(file: SourceFile, names: Sequence[str], line: str, *, where: str) -> list[str]:
    """The columns in a header that are not declared and are to be noted; ``line`` is the header as it stands.

    InputError, with ``where`` and the column, for one that is missing or stands twice, or that is refused.
    """
    if len(names) == 1 and set(file.columns) - set(names):
        refuse_delimiter(file, line, where=where)
    extra = _match(file, names, where=where, holder="the header")
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise InputError("the header has a column twice", where=f"{where}, column {twice}", fix="ask the supplier")
    return extra


def match_columns(file: SourceFile, names: Sequence[str], *, where: str) -> list[str]:
    """The columns in a file's own schema that are not declared and are to be noted. InputError as for a header."""
    return _match(file, names, where=where, holder="the file")


def match_keys(file: SourceFile, keys: Collection[str], *, where: str) -> list[str]:
    """The keys of a file's JSON records that are not declared and are to be noted. ``keys`` are those of all records.

    A key that one record lacks is null there; one that every record lacks was renamed, unless it is declared sparse.
    InputError as for a header.
    """
    return _match(file, sorted(keys), where=where, holder="")


def _match(file: SourceFile, names: Sequence[str], *, where: str, holder: str) -> list[str]:
    """``holder`` is where names should be; empty for the records themselves."""
    missing = [name for name in file.columns if name not in names and name not in file.sparse]
    extra = [name for name in names if name not in file.columns]
    if missing:
        _refuse_encoding(file, missing, extra, where=where)
        is_only = not set(file.columns).intersection(names)
        raise _missing(missing[0], extra, where=where, holder=holder, is_only=is_only)
    if extra and file.extra_columns == "refuse":
        fix = "declare it under columns, or set extra_columns: note"
        raise InputError("a column that is not declared", where=f"{where}, column {extra[0]}", fix=fix)
    return extra if file.extra_columns == "note" else []


def _missing(name: str, extra: Sequence[str], *, where: str, holder: str, is_only: bool) -> InputError:
    """The error of a declared name that the file lacks; ``is_only`` when it has no declared name at all.

    Then what stands where names should be may be a person's row, and is not quoted.
    """
    near = difflib.get_close_matches(name.casefold(), [one.casefold() for one in extra], n=1)
    likely = [one for one in extra if one.casefold() in near][:1]
    told = f"column {name} is missing from {holder}" if holder else f"no record has the key {name}"
    fix = "the supplier must deliver it"
    if is_only and not likely:
        told += ", nor any other that is declared"
        fix = "correct columns in source.yaml" + (", or set header: false" if holder == "the header" else "")
    elif extra:
        told += f"; the file has {list_names(likely or extra)}, which is not declared"
        fix = "was it renamed? correct columns in source.yaml"
    if not holder:
        fix += f"; if it is left out when empty, declare sparse: [{name}]"
    return InputError(told, where=f"{where}, column {name}", fix=fix)


def _refuse_encoding(file: SourceFile, missing: Sequence[str], extra: Sequence[str], *, where: str) -> None:
    """InputError when a name, taken as UTF-8, is one of the missing: single-byte encodings read any bytes as text."""
    for name in extra:
        try:
            meant = name.encode(file.encoding).decode("utf-8")
        except UnicodeError:
            continue
        if meant != name and meant in missing:
            what = f"the file is utf-8, not {file.encoding} as declared: column {meant} reads {name}"
            raise InputError(what, where=f"{where}, column {meant}", fix="correct encoding in source.yaml")


def refuse_delimiter(file: SourceFile, line: str, *, where: str) -> None:
    """InputError when the line looks split by another delimiter than the declared one."""
    counts = {sign: line.count(sign) for sign in DELIMITERS if sign != file.delimiter}
    likely = max(counts, key=lambda sign: counts[sign])
    if counts[likely]:
        expected = DELIMITERS.get(file.delimiter, repr(file.delimiter))
        what = f"fields are not separated by {expected}, as declared; the first line has {DELIMITERS[likely]}"
        raise InputError(what, where=where, fix="correct delimiter in source.yaml")
