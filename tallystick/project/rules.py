"""Reads ``rules/<family>.yaml``: one family of rules a file.

Kept apart from ``rule_checks`` because one file says nothing of columns: what is wrong with the file itself is found
here, with file and line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from tallystick.errors import DeclarationError
from tallystick.project.files import read_yaml
from tallystick.project.problems import Problems, as_problem
from tallystick.project.yaml_lines import key_lines
from tallystick.spec.names import nearest_name
from tallystick.spec.rules import Rule

FOLDER = "rules"

# What a family says for all of its rules, and what each rule says for itself.
FAMILY_KEYS = ("family", "title", "observations", "owner", "permitted_use", "max_age_days", "rules")
RULE_KEYS = (
    "id", "title", "observations", "when", "severity", "reason", "internal", "owner", "needs", "status", "since",
    "outside", "clears_when",
)  # fmt: skip
_ALWAYS = ("id", "title", "when", "severity", "status", "since")


def load_rules(root: Path) -> dict[str, Rule]:
    """Every rule under ``root/rules`` by its id, sorted; none without the folder. DeclarationError with file and line
    for the first thing that is wrong.
    """
    found, problems = read_rules(root)
    problems.raise_first()
    return found


def read_rules(root: Path) -> tuple[dict[str, Rule], Problems]:
    """The rules that can be read by id, sorted, and everything that is wrong with the files."""
    found: dict[str, Rule] = {}
    problems = Problems()
    for path in list_family_files(root):
        rules, wrong = _read_family(path)
        problems += wrong
        for rule in rules:
            if rule.id in found:
                fix = f"also at {found[rule.id].path}"
                problems.tell(f"rule {rule.id} is declared twice", where=rule.at("id"), fix=fix)
            else:
                found[rule.id] = rule
    return dict(sorted(found.items())), problems


def list_family_files(root: Path) -> list[Path]:
    """The files of families, in order; names that begin with ``_`` are not read."""
    return sorted((root / FOLDER).glob("[!_]*.yaml"))


def _read_family(path: Path) -> tuple[list[Rule], Problems]:
    problems = Problems()
    try:
        content = read_yaml(path)
        lines = key_lines(path)
    except DeclarationError as error:
        problems.append(as_problem(error))
        return [], problems
    for key in content:
        if key not in FAMILY_KEYS:
            where = f"{path}:{lines[str(key),]}"
            problems.tell(f"unknown key {key}", where=where, fix=nearest_name(str(key), FAMILY_KEYS))
    listed = content.get("rules")
    if content.get("family") != path.stem or not isinstance(listed, list) or not listed:
        what = "a family has its name and a list of rules"
        problems.tell(what, where=str(path), fix=f"family: {path.stem}, then rules: with one item a rule")
        return [], problems
    if not isinstance(content.get("title"), str):
        problems.tell("the family has no title", where=str(path), fix="title: what its rules look for")
    rules = []
    for number, item in enumerate(listed):
        place = f"{path}:{lines['rules', str(number)]}"
        with problems.collecting(where=place):
            rules.append(_rule(item, content, place=place, places=dict(_places(path, lines, number))))
    return rules, problems


def _places(path: Path, lines: Mapping[tuple[str, ...], int], number: int) -> Iterator[tuple[str, str]]:
    """``file:line`` of every key of a rule; of what its family says for it, where that stands."""
    yield from ((key[0], f"{path}:{line}") for key, line in lines.items() if len(key) == 1)
    for key, line in lines.items():
        if key[:2] == ("rules", str(number)) and len(key) == 3:
            yield key[2], f"{path}:{line}"


def _rule(item: Any, family: Mapping[str, Any], *, place: str, places: Mapping[str, str]) -> Rule:
    if not isinstance(item, dict):
        raise DeclarationError("a rule is no mapping", where=place, fix="id: VEL001, then its other keys")
    for key in item:
        if key not in RULE_KEYS:
            where = places.get(str(key), place)
            raise DeclarationError(f"unknown key {key}", where=where, fix=nearest_name(str(key), RULE_KEYS))
    shared = {key: family[key] for key in ("observations", "owner", "permitted_use") if key in family}
    told: dict[str, Any] = {**shared, **item}
    lacking = [key for key in (*_ALWAYS, "observations", "owner") if key not in told]
    if lacking:
        name = f"rule {item['id']}" if "id" in item else "the rule"
        raise DeclarationError(f"{name} has no {lacking[0]}", where=place, fix=f"write {lacking[0]}: ...")
    if not isinstance(told["since"], date) or isinstance(told["since"], datetime):
        raise DeclarationError("since is no date", where=places.get("since", place), fix="a date such as 2026-03-01")
    ages = family.get("max_age_days", {})
    return Rule(**told, family=family["family"], max_age_days=ages, path=place, places=places)
