"""docs/own-tables.md: its commands give the output it prints, and its four files make a table with features."""

from __future__ import annotations

import datetime as dt
import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

import tallystick
from tallystick.cli.app import app
from tallystick.project.grammar import PROMISES, SHAPES
from tests.lib.adding import file_digests, touched
from tests.lib.deliveries import write_project

PAGE = Path(__file__).resolve().parents[2] / "docs" / "own-tables.md"
BLOCK = re.compile(r"(?P<before>[^\n]*)\n\n```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)
PATH = re.compile(r"`([\w/]+\.(?:sql|py))`:\Z")


@pytest.fixture(scope="module")
def page() -> str:
    """The page's text."""
    return PAGE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def root(page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A village bank's project, as it is after the page was followed, and every command's output compared."""
    root = write_project(tmp_path_factory.mktemp("village"))
    checkout = PAGE.parents[1]
    # The village has no segmentation, so nothing is expected of its table.
    of_segments = shutil.ignore_patterns("segment")
    shutil.copytree(checkout / "expectations", root / "expectations", dirs_exist_ok=True, ignore=of_segments)
    before = file_digests(root)
    for block in BLOCK.finditer(page):
        path = PATH.search(block["before"])
        if path:
            (root / path[1]).write_text(block["text"], encoding="utf-8")
        elif block["kind"] == "yaml":
            merge_lines(root / "sources" / "village" / "source.yaml", block["text"])
        elif block["kind"] == "console":
            follow(block["text"], root)
    assert touched(before, file_digests(root)) == [
        "expectations/clean/support_calls.yaml",
        "features/support.py",
        "schemas/clean/support_calls.yaml",
        "sources/village/source.yaml",
        "sources/village/support_calls.sql",
    ]
    return root


def merge_lines(path: Path, text: str) -> None:
    """Add the items of each section of ``text`` to the YAML file."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    for section, items in yaml.safe_load(text).items():
        content[section] |= items
    path.write_text(yaml.safe_dump(content), encoding="utf-8")


def follow(console: str, root: Path) -> None:
    """Run each command of a console block and compare what it prints with what stands below it."""
    for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        words = shlex.split(command)
        assert words[0] == "tally"
        outcome = CliRunner().invoke(app, [*words[1:], "--project", str(root)])
        assert outcome.exit_code == 0, outcome.output
        assert outcome.output == printed


def test_the_page_is_followed_and_its_output_is_real(root: Path) -> None:
    assert (root / "features" / "support.py").is_file()


def test_the_new_features_can_be_computed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    at = dt.datetime(2026, 3, 4, 9, 15, tzinfo=dt.UTC)
    call = {
        "customer_id": "village:1",
        "call_id": "c1",
        "event_at": at,
        "known_on": dt.date(2026, 3, 5),
        "loaded_on": dt.date(2026, 3, 5),
        "is_retracted": False,
        "topic": "limit",
        "duration_seconds": 240,
    }
    vector = tallystick.compute_vector([call], dt.date(2026, 3, 10), "support")
    assert vector["support_calls_limit_sum_30d"] == 240
    assert vector["support_calls_count_30d"] == 1


def test_the_rules_for_names_are_the_checks_own(page: str) -> None:
    rows = re.findall(r"^\| (`[^|]+) \| ([^|]+) \| ([^|]+) \|$", page.partition("## Names")[2], flags=re.MULTILINE)
    expected = [(", ".join(types), reason) for _, types, reason in (*PROMISES, *SHAPES)]
    assert [(types, reason) for _, types, reason in rows] == expected
