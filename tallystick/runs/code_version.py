"""What code ran, as commits and manifests record it."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path


def code_version(project: Path) -> str:
    """What code ran, for commits and manifests: the package's version, and the commit of the checkout if it is one."""
    package = f"tallystick {version('tallystick')}"
    command = ["git", "-C", str(project), "rev-parse", "--short=12", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)
    except FileNotFoundError:
        return package
    return f"{package} ({found.stdout.strip()})" if found.returncode == 0 else package
