"""The digest of what features mean: any file that says so changes it, and no other does."""

from __future__ import annotations

from pathlib import Path

import pytest

from tallystick.project.digests import digest_features

FILES = {"features/a.py": "A = 1", "observations/daily.py": "D = 1", "schemas/clean/t.yaml": "a: 1",
         "ties/t.yaml": "t: 1", "recipes/r.py": "R = 1", "features/notes.md": "words"}  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_changes_the_digest_where_it_says_what_features_mean(root: Path, name: str) -> None:
    before = digest_features(root)
    (root / name).write_text("B = 2")
    assert (digest_features(root) != before) == (not name.startswith("recipes/") and not name.endswith(".md"))
    (root / name).write_text(FILES[name])
    assert digest_features(root) == before


def test_a_new_file_a_lost_one_and_one_of_another_name_change_the_digest(root: Path) -> None:
    before = digest_features(root)
    (root / "features" / "a.py").rename(root / "features" / "b.py")
    renamed = digest_features(root)
    (root / "features" / "b.py").unlink()
    assert len({before, renamed, digest_features(root)}) == 3
