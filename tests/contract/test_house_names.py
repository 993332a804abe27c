"""Names: columns follow a grammar, the machinery knows no bank, the project knows no machine.

Rules on names in schemas, code and prose.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import yaml

from tests.lib import house

COLUMN = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# Type of a column -> how its name must read. `as_of` is the field's own word for the moment of an observation.
ENDINGS = {
    "TIMESTAMP": (re.compile(r".*_at|as_of"), "<event>_at or as_of"),
    "DATE": (re.compile(r".*_(on|date)"), "<event>_on or <event>_date"),
    "BOOLEAN": (re.compile(r"(is|has)_.*"), "is_... or has_..."),
}
ABBREVIATIONS = frozenset(
    {
        "acct",
        "amt",
        "avg",
        "bal",
        "cat",
        "cnt",
        "cust",
        "desc",
        "dt",
        "flag",
        "freq",
        "idx",
        "inst",
        "nbr",
        "no",
        "num",
        "pct",
        "qty",
        "ref",
        "ts",
        "tx",
        "txn",
        "val",
    }
)
SCHEMAS = sorted((house.ROOT / "schemas").rglob("*.yaml"))


def columns() -> list[tuple[str, str, str]]:
    """File, name and physical type of every declared column."""
    found = []
    for path in SCHEMAS:
        for table in yaml.safe_load(path.read_text(encoding="utf-8"))["schema"]:
            for column in table["properties"]:
                place = path.relative_to(house.ROOT).as_posix()
                found.append((place, column["name"], str(column.get("physicalType", "")).upper()))
    return found


def test_column_names_are_lower_case_words_without_abbreviations() -> None:
    found = [
        f"{place}: {name}"
        for place, name, _ in columns()
        if not COLUMN.fullmatch(name.removeprefix("_")) or ABBREVIATIONS & set(name.split("_"))
    ]
    assert not found, house.listed(found)


def test_column_names_tell_their_type() -> None:
    found = [
        f"{place}: {name} is a {kind.lower()}, so its name is {ENDINGS[kind][1]}"
        for place, name, kind in columns()
        if kind in ENDINGS and not ENDINGS[kind][0].fullmatch(name)
    ]
    found += [
        f"{place}: {name} reads like a {kind.lower()} but is a {actual.lower()}"
        for place, name, actual in columns()
        for kind, ending in (("TIMESTAMP", "_at"), ("DATE", "_on"), ("DATE", "_date"))
        if name.endswith(ending) and actual != kind
    ]
    assert not found, house.listed(found)


def test_amounts_of_money_are_whole_minor_units() -> None:
    found = [
        f"{place}: {name} {kind.lower()}"
        for place, name, kind in columns()
        if name.endswith("_minor") and kind != "BIGINT"
    ]
    assert not found, house.listed(found)


def test_the_name_of_a_schema_file_is_the_name_of_its_table() -> None:
    found = []
    for path in SCHEMAS:
        contract = yaml.safe_load(path.read_text(encoding="utf-8"))
        if contract["name"] != f"{path.parent.name}.{path.stem}":
            found.append(f"{path.relative_to(house.ROOT)}: {contract['name']}")
    assert not found, house.listed(found)


def test_versions_are_fields_and_never_names() -> None:
    numbered = re.compile(r"(.*_)?v\d+|.*_(new|old|final|nextgen)\d*")
    found = []
    for source in house.sources(*house.CODE):
        for node in house.nodes(source.tree):
            name = node.id if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else ""
            name = node.name if isinstance(node, house.Function | ast.ClassDef) else name
            if numbered.fullmatch(name.lower()) and not name.startswith(("is_", "has_")):
                found.append(f"{source.at(node)} {name}")
    assert not found, house.listed(found)


def test_no_attic_is_called_utils() -> None:
    attic = {"utils", "util", "helpers", "common", "misc", "base"}
    found = [source.path for source in house.sources(*house.CODE, "tests") if attic & set(source.path[:-3].split("/"))]
    assert not found, house.listed(found)


def test_the_machinery_knows_the_name_of_no_bank() -> None:
    banks = [path.parent.name for path in (house.ROOT / "sources").glob("*/source.yaml")]
    words = [*banks, "pkdd", "czech", "czk", "dtu"]
    # The simulated bank is the project's own, made in tallystick/simulation and shown by `tally demo`.
    own = {"simbank"}
    pattern = re.compile(r"\b(" + "|".join(sorted({*words} - own)) + r")", re.IGNORECASE)
    found = [
        f"{source.path}:{number} {match[0]}"
        for source in house.sources(*house.MACHINERY)
        for number, line in enumerate(source.text.splitlines(), start=1)
        if (match := pattern.search(line))
    ]
    assert not found, house.listed(found)


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    pattern = re.compile(r"(?<![\w.}])(/work/|/root/|/home/\w|/Users/\w|/mnt/\w|[CD]:\\\\)")
    found = []
    for path in house.text_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.name == Path(__file__).name or not pattern.search(text):
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{path.relative_to(house.ROOT)}:{number} {line.strip()[:100]}")
    assert not found, house.listed(found)
