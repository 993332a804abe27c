"""README: short, with links that lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

MOST_LINES = 150
DOCS = Path(__file__).resolve().parents[2] / "docs"
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


def test_readme_is_short(project_root: Path) -> None:
    assert len((project_root / "README.md").read_text().splitlines()) <= MOST_LINES


def test_readme_holds_real_output_and_no_gaps(project_root: Path) -> None:
    assert re.findall(r"\b[A-Z]+_OUTPUT\b|\bTODO\b", (project_root / "README.md").read_text()) == []


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "DEVELOPERS.md",
        "CHANGELOG.md",
        "GLOSSARY.md",
        *sorted(f"docs/{page.relative_to(DOCS)}" for page in DOCS.rglob("*.md")),
    ],
)
def test_links_of_a_page_lead_somewhere(project_root: Path, name: str) -> None:
    page = project_root / name
    links = LINK.findall(page.read_text())
    broken = [link for link in links if not (page.parent / link).exists()]
    assert broken == []
