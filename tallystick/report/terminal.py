"""A page in the terminal: the sections that say how a run went, without pictures.

Rendered with rich, from the same blocks as the HTML page.
"""

from __future__ import annotations

from typing import TextIO

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from tallystick.report.blocks import Bars, Block, Code, Facts, Figure, Note, Page, Table, is_number, show_cell

_TONES = {"plain": "", "good": "green", "warning": "yellow", "bad": "red"}
_BAR_WIDTH = 30


def print_page(page: Page, file: TextIO, *, width: int | None = None) -> None:
    """Write the page's terminal sections to ``file``; colours only when it is a terminal."""
    console = Console(file=file, width=width, highlight=False)
    console.print(Text(page.title, style="bold"))
    if page.subtitle:
        console.print(Text(page.subtitle, style="dim"))
    for note in page.banner:
        _print_block(console, note)
    for section in page.sections:
        blocks = [block for block in section.blocks if not isinstance(block, Figure)]
        if not section.in_terminal or not blocks:
            continue
        console.print()
        console.print(Text(section.title, style="bold"))
        for block in blocks:
            _print_block(console, block)


def _print_block(console: Console, block: Block) -> None:
    if isinstance(block, Note):
        console.print(Text(block.text, style=_TONES[block.tone]))
    elif isinstance(block, Facts):
        console.print(_grid([("", False), ("", False)], [(name, cell) for name, cell in block.rows]))
    elif isinstance(block, Table):
        shown = [i for i, header in enumerate(block.headers) if header in (block.in_terminal or block.headers)]
        right = [any(is_number(row[i]) for row in block.rows) for i in shown]
        headers = [block.headers[i] for i in shown]
        console.print(_grid(list(zip(headers, right, strict=True)), [[row[i] for i in shown] for row in block.rows]))
    elif isinstance(block, Bars):
        longest = max((value for _, value in block.rows), default=0.0) or 1.0
        rows = [(name, "█" * round(_BAR_WIDTH * value / longest), value) for name, value in block.rows]
        console.print(_grid([("", False), ("", False), ("", True)], rows))
    elif isinstance(block, Code):
        # soft_wrap: a command stays on one line, so that it can be copied.
        console.print(Text(block.text), soft_wrap=True)


def _grid(columns: list[tuple[str, bool]], rows: object) -> RichTable:
    table = RichTable(box=box.SIMPLE_HEAD, show_header=any(title for title, _ in columns), pad_edge=False)
    for title, is_right in columns:
        table.add_column(title, justify="right" if is_right else "left", overflow="fold")
    for row in rows:  # type: ignore[attr-defined] # rows of any sequence type
        table.add_row(*(Text(show_cell(cell)) for cell in row))
    return table
