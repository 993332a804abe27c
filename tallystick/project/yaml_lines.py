"""Where each key of a YAML file stands, so that a problem can be found by line.

Kept apart from ``files`` because it parses a second time, for lines alone, which only sources need.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import yaml


def key_lines(path: Path) -> dict[tuple[str, ...], int]:
    """The line of every key by its path of keys, ``("files", "trans", "columns")``. The file must be valid YAML.

    An item of a list has its number, counted from 0, in the place of a key: ``("rules", "0", "when")``.

    A block of text that begins on the line below its key (``sql: |``) counts from that line.
    """
    # Imported here so that a look at another part of the project does not pay for it.
    import yaml

    # The parser in C marks the same lines in a tenth of the time.
    root = yaml.compose(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    lines: dict[tuple[str, ...], int] = {}
    if root is not None:
        _collect(root, (), lines)
    return lines


def _collect(node: yaml.Node, place: tuple[str, ...], lines: dict[tuple[str, ...], int]) -> None:
    import yaml

    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            lines[*place, str(number)] = item.start_mark.line + 1
            _collect(item, (*place, str(number)), lines)
    if not isinstance(node, yaml.MappingNode):
        return
    for key, value in node.value:
        here = (*place, str(key.value))
        is_block = isinstance(value, yaml.ScalarNode) and value.style in ("|", ">")
        lines[here] = key.start_mark.line + (2 if is_block else 1)
        _collect(value, here, lines)
