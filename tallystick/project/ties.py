"""Reads ``ties/<name>.yaml``, one tie a file, and puts file and line before what is wrong.

Kept apart from ``declared`` because a tie says which columns of a table name whom, and needs no program.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tallystick.errors import DeclarationError
from tallystick.project.files import read_yaml
from tallystick.project.problems import Problems, as_problem
from tallystick.project.yaml_lines import key_lines
from tallystick.spec.names import nearest_name
from tallystick.spec.sources import Problem
from tallystick.spec.ties import Through, Tie, check_tie

if TYPE_CHECKING:
    from tallystick.project.project import Project

_KEYS = tuple(one.name for one in fields(Tie) if one.name not in ("name", "path"))
_NEEDED = ("title", "kind", "table", "owner")


def read_ties(root: Path) -> tuple[dict[str, Tie], Problems]:
    """The ties that can be read by name, sorted, and a problem with file and line for every other file.

    None where a project has no such folder.
    """
    found, problems = {}, Problems()
    for path in sorted((Path(root) / "ties").glob("*")):
        if path.name.startswith((".", "_")):
            continue
        if path.suffix != ".yaml":
            problems.tell("nothing reads this file", where=str(path), fix="ties/<name>.yaml")
            continue
        with problems.collecting(where=str(path)):
            found[path.stem] = read_tie(path)
    return found, problems


def read_tie(path: Path) -> Tie:
    """The tie in one file, called as the file; DeclarationError names the line of the key that is wrong."""
    content = read_yaml(path)
    for key in content:
        if key not in _KEYS:
            raise _wrong(path, f"a tie has no {key}", key=str(key), fix=nearest_name(str(key), _KEYS))
    for key in _NEEDED:
        if key not in content:
            raise _wrong(path, f"{key} is missing", key=key, fix=f"{key}: ...")
    values: dict[str, Any] = dict(content)
    if "through" in values:
        values["through"] = _through(path, values["through"])
    try:
        return Tie(name=path.stem, path=str(path), **values)
    except DeclarationError as error:
        raise _wrong(path, error.what, key=error.part[1], fix=error.fix) from error


def tie_problems(project: Project) -> Iterator[Problem]:
    """The tables and columns of ties exist, and their conditions and weights fit them."""
    for tie in project.ties.values():
        if not any(project.is_unread(table) for table in tie.tables):
            try:
                check_tie(tie, project.contracts)
            except DeclarationError as error:
                yield as_problem(_wrong(Path(tie.path), error.what, key=error.part[1], fix=error.fix))


def _wrong(path: Path, what: str, *, key: str, fix: str) -> DeclarationError:
    """An error of a tie with the line of the key that is wrong, the first one where the file lacks it."""
    line = key_lines(path).get((key,), 1)
    return DeclarationError(what, where=f"{path}:{line}", fix=fix)


def _through(path: Path, told: Any) -> Through:
    if not isinstance(told, Mapping) or set(told) != {"table", "key"}:
        fix = "through: {table: clean.accounts, key: account_id}"
        raise _wrong(path, "through names a table and its key", key="through", fix=fix)
    return Through(**told)
