"""Holds the names a file comes with against the declared columns: a header's fields, or the keys of JSON records.

What lives here: what a name that is missing, unknown or misspelt means. What must not: reading of files
(``ingest.reading``).
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Sequence

from tallystick.errors import InputError
from tallystick.spec.sources import SourceFile

# Other delimiters that files come with; used only to say what a wrong one looks like.
DELIMITERS = {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}


def match_header(file: SourceFile, names: Sequence[str], line: str, *, where: str) -> list[str]:
    """The columns in a header that are not declared and are to be noted; ``line`` is the header as it stands.

    InputError, with ``where`` and the column, for one that is missing or stands twice, or that is refused.
    """
    if len(names) == 1 and set(file.columns) - set(names):
        refuse_delimiter(file, line, where=where)
    extra = _match(file, names, where=where, is_header=True)
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise InputError("the header has a column twice", where=f"{where}, column {twice}", fix="ask the supplier")
    return extra


def match_keys(file: SourceFile, keys: Collection[str], *, where: str) -> list[str]:
    """The keys of a file's JSON records that are not declared and are to be noted. ``keys`` are those of all records.

    A key that one record lacks is null there; one that every record lacks was renamed, unless it is declared sparse.
    InputError as for a header.
    """
    return _match(file, sorted(keys), where=where, is_header=False)


def _match(file: SourceFile, names: Sequence[str], *, where: str, is_header: bool) -> list[str]:
    missing = [name for name in file.columns if name not in names and name not in file.sparse]
    extra = [name for name in names if name not in file.columns]
    if missing:
        _refuse_encoding(file, missing, extra, where=where)
        one = missing[0]
        told = f"column {one} is missing from the header" if is_header else f"no record has the key {one}"
        near = difflib.get_close_matches(one.casefold(), [name.casefold() for name in extra], n=1)
        likely = [name for name in extra if name.casefold() in near][:1] or extra
        renamed = f"; the file has {', '.join(likely)}, which is not declared" if likely else ""
        leaves_out = "" if is_header else f"; if it is left out when empty, declare sparse: [{one}]"
        fix = (
            "was it renamed? correct columns in source.yaml" if likely else "the supplier must deliver it"
        ) + leaves_out
        raise InputError(told + renamed, where=f"{where}, column {one}", fix=fix)
    if extra and file.extra_columns == "refuse":
        fix = "declare it under columns, or set extra_columns: note"
        raise InputError("a column that is not declared", where=f"{where}, column {extra[0]}", fix=fix)
    return extra if file.extra_columns == "note" else []


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
