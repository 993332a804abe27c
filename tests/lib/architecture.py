"""Figures of the house, read from its source: who imports whom, the longest chain of imports, the longest function.

docs/architecture.md shows them: ``python -m tests.lib.architecture`` prints them into it, between marks.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache

from tests.lib import house

PACKAGE = "tallystick"
PAGE = house.ROOT / "docs" / "architecture.md"
CODE = ("tallystick", "jobs", "dags")

# At commit d401901, before the house was re-planned, by the functions below.
CHAIN_BEFORE, FUNCTION_BEFORE, FILE_BEFORE = 22, 53, 392

LONGEST_CHAIN = 14


def module_name(path: str) -> str:
    """The dotted name of a file: ``tallystick/spec/names.py`` is ``tallystick.spec.names``."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def import_graph() -> dict[str, frozenset[str]]:
    """For each module of the package the modules of it that it imports when it is loaded itself.

    Imports inside functions and under ``if TYPE_CHECKING`` do not count: they happen later or never.
    """
    sources = {module_name(source.path): source for source in house.sources(PACKAGE)}
    graph = {}
    for name, source in sources.items():
        found = {target for node in _loading(source.tree) for target in _targets(node, frozenset(sources))}
        graph[name] = frozenset(found - {name})
    return graph


def longest_chain() -> list[str]:
    """The longest path of imports, from a module that nobody imports to one that imports nothing of the package."""
    graph = import_graph()

    @cache
    def below(name: str) -> tuple[str, ...]:
        chains = [below(target) for target in sorted(graph[name])]
        return (name, *max(chains, key=len, default=()))

    return list(max((below(name) for name in sorted(graph)), key=len))


def longest_function(*folders: str) -> tuple[int, str]:
    """Lines of the longest function below the folders, and where it is."""
    return max(
        ((node.end_lineno or 0) - node.lineno + 1, f"{source.path}::{name}")
        for source in house.sources(*folders)
        for name, node in house.functions(source)
    )


def longest_file(*folders: str) -> tuple[int, str]:
    """Lines of the longest file below the folders, and its path."""
    return max((source.text.count("\n"), source.path) for source in house.sources(*folders))


def _loading(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that run when the module is loaded."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif not isinstance(node, house.Function | ast.Lambda) and not house.is_type_checking(node):
            yield from _loading(node)


def _targets(node: ast.Import | ast.ImportFrom, known: frozenset[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
        return
    for alias in node.names:
        deeper = f"{node.module}.{alias.name}"
        if deeper in known:
            yield deeper
        elif node.module in known:
            yield str(node.module)


def room_of(module: str) -> str:
    """The folder or file directly below the package that a module belongs to."""
    return (f"{module}.{PACKAGE}").split(".")[1]


@cache
def room_imports() -> dict[str, frozenset[str]]:
    """For each room the other rooms that any of its modules imports, the package's own ``__init__`` left out."""
    found: dict[str, set[str]] = {room_of(name): set() for name in import_graph() if name != PACKAGE}
    for name, targets in import_graph().items():
        if name != PACKAGE:
            found[room_of(name)] |= {room_of(target) for target in targets} - {room_of(name)}
    return {room: frozenset(targets) for room, targets in sorted(found.items())}


def drawn_imports() -> list[tuple[str, str]]:
    """The imports of rooms without those that follow from others: a drawn arrow is the only way between its ends."""
    graph = room_imports()

    @cache
    def below(room: str) -> frozenset[str]:
        return graph[room].union(*(below(target) for target in graph[room]))

    return [
        (room, target)
        for room, targets in graph.items()
        for target in sorted(targets)
        if not any(target in below(other) for other in targets - {target})
    ]


def declared_layers() -> list[set[str]]:
    """The layers of pyproject.toml's import contract, from the top; rooms of one layer do not import each other."""
    content = tomllib.loads((house.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(one for one in content["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    return [set(re.findall(r"\w+", layer)) for layer in contract["layers"]]


def picture() -> str:
    """The rooms and who imports whom, as Mermaid text."""
    place = {room: number for number, layer in enumerate(declared_layers()) for room in layer}
    rooms = sorted(room_imports(), key=lambda room: (place.get(room, len(place)), room))
    lines = ["```mermaid", "flowchart TD"]
    lines += [f"  {room}[{room}]" for room in rooms]
    lines += [f"  {room} --> {target}" for room, target in drawn_imports()]
    return "\n".join([*lines, "```"])


def rooms_table() -> str:
    """What each folder says of itself in its ``__init__``: what it is, what belongs in it and what does not."""
    lines = ["| folder | what it is | here | not here |", "|---|---|---|---|"]
    for source in house.sources(PACKAGE):
        text = " ".join((ast.get_docstring(source.tree) or "").split())
        match = re.match(r"(?P<what>.+?) Here: (?P<here>.+?\.) Not here: (?P<not>.+?\.)(?= |$)", text)
        if match and source.path.endswith("/__init__.py"):
            parts = [match["what"].partition(". ")[0].rstrip(".") + ".", match["here"], match["not"]]
            lines.append(f"| `{source.path.removesuffix('__init__.py')}` | {' | '.join(parts)} |".replace("``", "`"))
    return "\n".join(lines)


def figures_table() -> str:
    """The sizes that tests limit: before the re-planning, today, and at most."""
    chain, (function, function_at), (file, file_at) = longest_chain(), longest_function(*CODE), longest_file(*CODE)
    rows = [
        ("longest chain of imports, in modules", CHAIN_BEFORE, f"{len(chain)}, from `{chain[0]}`", LONGEST_CHAIN),
        ("longest function, in lines", FUNCTION_BEFORE, f"{function}, `{function_at}`", 60),
        ("longest file, in lines", FILE_BEFORE, f"{file}, `{file_at}`", 400),
    ]
    lines = ["| | before (commit d401901) | today | at most |", "|---|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def printed(page: str) -> str:
    """The page with what stands between its marks printed again."""
    for name, text in (("picture", picture()), ("rooms", rooms_table()), ("figures", figures_table())):
        pattern = rf"(?s)(<!-- {name} -->\n).*?(<!-- end of {name} -->)"
        page, count = re.subn(pattern, lambda match, text=text: f"{match[1]}{text}\n{match[2]}", page)
        if count != 1:
            raise ValueError(f"docs/architecture.md has no place for {name}")
    return page


if __name__ == "__main__":
    PAGE.write_text(printed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
