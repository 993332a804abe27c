"""Looking at a run: the HTML report, the model card and the summary in the terminal.

What lives here: what a reader is shown and in which order. What must not: storage, the registry, any computing of
results; a job hands over values.
"""

from __future__ import annotations

from tallystick.monitoring.blocks import Bars, Facts, Figure, Note, Page, Section, Table
from tallystick.monitoring.page import render_page
from tallystick.monitoring.terminal import print_page

__all__ = ["Bars", "Facts", "Figure", "Note", "Page", "Section", "Table", "print_page", "render_page"]
