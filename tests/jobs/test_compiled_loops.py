"""The compiled loops of the kernel in a process of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tallystick.kernel import fusion


def test_compiled_code_needs_no_place_to_be_kept(tmp_path: Path) -> None:
    # Neither beside the source nor in the user's cache: a file stands where the folder would be.
    package = tmp_path / "tallystick"
    shutil.copytree(Path(fusion.__file__).parents[1], package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in (package / "kernel" / "__pycache__", tmp_path / ".cache"):
        folder.touch()
    code = "from tallystick.kernel import loops; print(loops.__file__)"
    env = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "PYTHONPATH": str(tmp_path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(package / "kernel" / "loops.py")
