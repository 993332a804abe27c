"""Finds and reads declaration files: folders of ``<layer>/<table>.yaml``, and YAML with errors that name the line.

Kept apart from the readers because several kinds of file are found and parsed alike; what their keys mean differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tallystick.errors import DeclarationError
from tallystick.project.problems import Problems

# Mappings and lists in each other; the declarations of a project have seven.
_DEEPEST = 100

# Of what YAML can do besides: one document a file holds its values as they are.
_ALL_WRITTEN_OUT = "one document, without anchors (&), aliases (*) and tags (!)"


def find_declarations(folder: Path, *, layers: Sequence[str]) -> tuple[dict[str, Path], Problems]:
    """The files ``folder/<layer>/<table>.yaml`` by ``layer.table``, sorted; none when the folder does not exist.

    A file or folder that is not of that shape is a problem: it would never be read, and its author should know.
    """
    found, problems = {}, Problems()
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_dir() or path.name.startswith((".", "_")):
            continue
        parts = path.relative_to(folder).parts
        if len(parts) != 2 or parts[0] not in layers or path.suffix != ".yaml":
            fix = f"{folder.name}/<layer>/<table>.yaml, layers {', '.join(layers)}"
            problems.tell("nothing reads this file", where=str(path), fix=fix)
        else:
            found[f"{parts[0]}.{path.stem}"] = path
    return found, problems


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file. DeclarationError names file and line when it is no YAML, or a key stands twice."""
    # Imported here so that a look at another part of the project does not pay for it.
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        try:
            # The parser in C reads a project's files in a tenth of the time; the other one says better what is wrong.
            content = _load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader), path)
        except yaml.YAMLError:
            content = _load(text, yaml.SafeLoader, path)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where, fix = f"{path}:{mark.line + 1}" if mark else str(path), _ALL_WRITTEN_OUT
        if mark and isinstance(error, (yaml.scanner.ScannerError, yaml.parser.ParserError)):
            fix = _advice(text, mark.line)
        raise DeclarationError(f"not YAML: {getattr(error, 'problem', '')}", where=where, fix=fix) from error
    except UnicodeDecodeError as error:
        raise DeclarationError("not UTF-8", where=str(path)) from error
    except ValueError:  # of a day such as 2024-13-45
        what, fix = "a value looks like a date or a number and is none", "correct it, or put it in quotes"
        raise DeclarationError(what, where=f"{path}{_line_of_wrong_value(text)}", fix=fix) from None
    except RecursionError:
        raise DeclarationError("brackets in brackets, too deep", where=str(path)) from None
    if content is None:
        raise DeclarationError("the file holds nothing", where=str(path), fix="write its keys, or delete it")
    if not isinstance(content, dict):
        raise DeclarationError("not a mapping", where=str(path), fix="key: value, from the first column on")
    return content


def _load(text: str, parser: Any, path: Path) -> Any:
    """What ``text`` holds. Refuses a key that stands twice, where YAML would keep the last."""
    import yaml

    depth = 0
    for event in yaml.parse(text, parser):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        # The composer calls itself for each level, and the one in C ends the process where there are too many.
        if depth > _DEEPEST:
            raise RecursionError

    class Loader(parser):  # type: ignore[misc]
        """The parser with a rule for mappings of its own."""

    def construct(loader: yaml.SafeLoader, node: yaml.MappingNode) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise DeclarationError("a key is no word", where=f"{path}:{key.start_mark.line + 1}")
            if key.value in seen:
                raise DeclarationError(f"{key.value} stands twice", where=f"{path}:{key.start_mark.line + 1}")
            seen.add(key.value)
        return loader.construct_mapping(node, deep=True)

    Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, construct)
    return yaml.load(text, Loader)


def _advice(text: str, number: int) -> str:
    """What is mostly wrong with a line at which YAML ends, judged by the line itself."""
    line = [*text.splitlines(), ""][min(number, text.count("\n"))]
    key, _, value = line.partition(": ")
    if "\t" in line[: len(line) - len(line.lstrip())]:
        return "indent with spaces: the line begins with a tab"
    if ": " in value:
        return f"a text with a colon stands in quotes: {key.strip(' -')}: '...'"
    if value.startswith(("'", '"', "{", "[", "*", "&", "!", "%", "@", "`")):
        return f"a text that begins with {value[0]} stands below its key: {key.strip(' -')}: >-"
    return "compare how this line and those above it are indented, and their quotes and brackets"


def _line_of_wrong_value(text: str) -> str:
    """``:line`` of the first value that is not what it looks like; empty where each is."""
    import yaml

    def scalars(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
        if isinstance(node, yaml.ScalarNode):
            yield node
        for inner in node.value if isinstance(node, yaml.CollectionNode) else ():
            for one in inner if isinstance(inner, tuple) else (inner,):
                yield from scalars(one)

    loader, root = yaml.SafeLoader(""), yaml.compose(text, yaml.SafeLoader)
    for node in scalars(root) if root else ():
        try:
            loader.construct_object(node)
        except ValueError:
            return f":{node.start_mark.line + 1}"
    return ""
