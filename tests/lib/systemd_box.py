"""A systemd of its own, in namespaces of its own, for the units of deploy/systemd.

Only Linux's ``unshare`` and systemd itself are needed, and root. The box shares the files and the loopback network of
the machine; processes, mounts and control groups are its own, and go when it is closed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

SYSTEMD = Path("/lib/systemd/systemd")
# What every unit depends on unless it says otherwise. A machine's own would start the whole machine.
DEFAULT_TARGETS = ("sysinit", "basic", "shutdown", "timers", "network-online")
APART = ("unshare", "--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--cgroup", "--ipc")
START = """
set -e
mount --make-rprivate /
mount -t tmpfs none /run
mkdir -p /run/lock
mount -t tmpfs none /sys/fs/cgroup
mkdir -p /sys/fs/cgroup/systemd
mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
exec env -i container=box SYSTEMD_UNIT_PATH={units} PATH=/usr/bin:/bin {systemd} --system --unit={target} \
    --log-target=console --show-status=no
"""


def why_not() -> str | None:
    """Why no box can be opened here; None if one can."""
    if os.geteuid() != 0:
        return "only root can open namespaces for a systemd of its own"
    if not SYSTEMD.exists() or not shutil.which("unshare"):
        return "this machine has no systemd or no unshare"
    return None


@contextlib.contextmanager
def box(units: Path, target: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a target of a folder of units, beside which empty default targets are written.

    Everything that it started is gone at the end.
    """
    for name in DEFAULT_TARGETS:
        (units / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n", encoding="utf-8")
    script = textwrap.dedent(START).format(units=units, systemd=SYSTEMD, target=target)
    with log.open("wb") as written:
        process = subprocess.Popen(
            [*APART, "sh", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        # The first process of a namespace takes all others with it.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def processes_of(unit: str) -> list[int]:
    """Ids of the processes that belong to a unit of the box, its first one first."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may end while it is looked at
            if f"/{unit}\n" in (folder / "cgroup").read_text():
                found.append(int(folder.name))
    return sorted(found)
