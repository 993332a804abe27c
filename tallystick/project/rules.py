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
    "outside", "clears_when", "earlier",
)  # fmt: skip
# What a rule may say in place of its family.
SHARED_KEYS = ("observations", "owner", "permitted_use")
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
    for path in _unread_files(root):
        problems.tell("nothing reads this file", where=str(path), fix="rules/<family>.yaml")
    return dict(sorted(found.items())), problems


def list_family_files(root: Path) -> list[Path]:
    """The files of families, in order; names that begin with ``_`` are not read."""
    return sorted((root / FOLDER).glob("[!_]*.yaml"))


def _unread_files(root: Path) -> Iterator[Path]:
    """Files beside the families that look like one and that nothing reads."""
    folder = root / FOLDER
    for path in sorted(folder.rglob("*.y*ml")) if folder.is_dir() else ():
        is_read = path.parent == folder and path.suffix == ".yaml"
        if not is_read and not path.name.startswith(("_", ".")):
            yield path


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
    before = len(problems)
    for key, what, fix in _family_faults(content, path.stem):
        problems.tell(what, where=f"{path}:{lines[key,]}" if (key,) in lines else str(path), fix=fix)
    if len(problems) > before or not isinstance(listed, list):
        return [], problems
    rules = []
    for number, item in enumerate(listed):
        place = f"{path}:{lines['rules', str(number)]}"
        with problems.collecting(where=place):
            rules.append(_rule(item, content, place=place, places=dict(_places(path, lines, number))))
    return rules, problems


def _family_faults(content: Mapping[str, Any], name: str) -> Iterator[tuple[str, str, str]]:
    """What is wrong with what a family says for all of its rules: the key, what, and what to write."""
    family, listed = content.get("family"), content.get("rules")
    if family is None:
        yield "family", "the family has no name", f"family: {name}, as the file is called"
    elif family != name:
        yield (
            "family",
            f"family {family} stands in the file of {name}",
            f"family: {name}, or call the file {family}.yaml",
        )
    if "title" not in content:
        yield "title", "the family has no title", "title: what its rules look for"
    if not listed:
        yield "rules", "the family has no rules", "rules: with one item a rule, each beginning with - id:"
    elif not isinstance(listed, list):
        yield "rules", "rules is no list", "one item a rule, each beginning with - id:"
    for key in ("title", *SHARED_KEYS):
        if key in content and not isinstance(content[key], str):
            yield key, f"{key} is {_kind(content[key])}, and a text is needed", _as_text(key, content[key])
    ages = content.get("max_age_days", {})
    if not isinstance(ages, dict) or not all(type(days) is int for days in ages.values()):
        yield "max_age_days", "max_age_days names no tables with days", "max_age_days: {clean.transactions: 2}"


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
            fix = nearest_name(str(key), RULE_KEYS)
            if key in FAMILY_KEYS:
                fix = "it stands at the top of the file, for all rules of the family"
            raise DeclarationError(f"unknown key {key}", where=where, fix=fix)
    told: dict[str, Any] = {**{key: family[key] for key in SHARED_KEYS if key in family}, **item}
    name = f"rule {item['id']}" if isinstance(item.get("id"), str) else "the rule"
    lacking = [key for key in (*_ALWAYS, "observations", "owner") if key not in told]
    if lacking:
        raise DeclarationError(f"{name} has no {lacking[0]}", where=place, fix=f"write {lacking[0]}: ...")
    for key, value in item.items():
        if fix := _fault(key, value):
            what = f"{name}: {key} is {_kind(value)}"
            raise DeclarationError(what, where=places.get(key, place), fix=fix)
    ages = family.get("max_age_days", {})
    return Rule(**told, family=family["family"], max_age_days=ages, path=place, places=places)


def _fault(key: str, value: Any) -> str:
    """What to write in place of a value of the wrong kind; empty where it is right."""
    if key == "since":
        is_date = isinstance(value, date) and not isinstance(value, datetime)
        return "" if is_date else "a date such as 2026-03-01, without quotes"
    if key == "earlier":
        is_dated = isinstance(value, dict) and all(type(day) is date for day in value)
        return "" if is_dated else "dates with the status that began on each: earlier: {2026-03-01: shadow}"
    if key == "needs":
        is_list = isinstance(value, list) and all(isinstance(table, str) for table in value)
        named = value if isinstance(value, str) else "clean.transactions"
        return "" if is_list else f"a list of tables: needs: [{named}]"
    return "" if isinstance(value, str) else _as_text(key, value)


def _as_text(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "put it in quotes: YAML reads on, off, yes and no as truth values"
    return "put it in quotes" if isinstance(value, int | float | date) else f"write {key}: ..., a text"


def _kind(value: Any) -> str:
    kinds = {
        bool: "a truth value",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "a mapping",
    }
    return "empty" if value is None else kinds.get(type(value), "a date or an instant")
