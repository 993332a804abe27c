"""What a report is made of: a page of sections, a section of blocks, as plain values.

The HTML page and the terminal both show these blocks, so neither knows what a report says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A text that leads to another page of the warehouse: ``href`` is relative, so that the folder may be copied."""

    text: str
    href: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """Money as text, in the main unit of its currency: it stands with numbers."""

    text: str


Cell = str | int | float | bool | Link | Amount | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """A paragraph. ``tone`` is ``plain``, ``good``, ``warning`` or ``bad``."""

    text: str
    tone: str = "plain"


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Names and what they are, one a line."""

    rows: Sequence[tuple[str, Cell]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """Rows under headers. Numbers stand right; a boolean reads yes or no; None is a dash.

    ``in_terminal`` names the headers that fit a terminal of 80 characters; empty for all of them. With ``folded`` a
    page shows this line, which opens the table.
    """

    headers: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    caption: str = ""
    in_terminal: Sequence[str] = ()
    folded: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Bars:
    """Labelled quantities as horizontal bars, the longest one full width."""

    rows: Sequence[tuple[str, float]]
    caption: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A picture, as PNG."""

    title: str
    png: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """Commands to copy."""

    text: str


Block = Note | Facts | Table | Bars | Figure | Code


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A heading and its blocks. The terminal shows a section only when ``in_terminal`` is set, and no figures."""

    title: str
    blocks: Sequence[Block]
    in_terminal: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """A report: title, one line below it, the verdicts that stand on top, and its sections.

    Sections without blocks are left out. ``banner`` is what a reader must not miss, also in the terminal.
    """

    title: str
    subtitle: str
    sections: Sequence[Section]
    banner: Sequence[Note] = ()


def show_cell(cell: Cell) -> str:
    """A value as text: thousands in groups, three decimals below 10, two below 1000, yes/no, a dash for nothing.

    A whole number from 10 on has no decimals: it is a count that was stored beside shares.
    """
    if cell is None:
        return "–"
    if isinstance(cell, Link | Amount):
        return cell.text
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        if cell != cell:
            return "–"
        is_count = abs(cell) >= 10 and cell == round(cell)
        return f"{cell:,.0f}" if abs(cell) >= 1000 or is_count else f"{cell:.2f}" if abs(cell) >= 10 else f"{cell:.3f}"
    return cell


def is_number(cell: Cell) -> bool:
    """Whether a cell is set to the right."""
    return isinstance(cell, int | float | Amount) and not isinstance(cell, bool)
