"""The services of deploy/systemd under a real systemd: they come up, listen on this machine only, and come back."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lib import house, systemd_box

LONG_RUNNING = ("api", "scheduler", "dag-processor", "triggerer", "mlflow")
# As /proc/net/tcp writes 127.0.0.1, and the state of a socket that listens.
LOOPBACK, LISTENS = "0100007F", "0A"


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def wait_until(what: str, holds: Callable[[], bool], *, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"after {seconds:.0f} s still not so: {what}"
        time.sleep(0.5)


def install(folder: Path, settings: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "deploy/install_services.py", "--user", "root", "--settings", str(settings)]
    return subprocess.run(
        [*command, "--into", str(folder)], cwd=house.ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {"airflow": free_port(), "mlflow": free_port()}


@pytest.fixture(scope="module")
def password() -> str:
    return secrets.token_hex(12)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int], password: str) -> Iterator[None]:
    if lacking := systemd_box.why_not():
        pytest.skip(f"no systemd of its own here: {lacking}")
    home = tmp_path_factory.mktemp("services")
    units = home / "units"
    for folder in (units, home / "dags"):
        folder.mkdir()
    address = f"http://127.0.0.1:{ports['airflow']}"
    values = {
        "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "AIRFLOW__API_AUTH__JWT_SECRET": password + secrets.token_hex(16),
        "AIRFLOW_PORT": ports["airflow"],
        "MLFLOW_PORT": ports["mlflow"],
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW_HOME": home / "airflow",
        "AIRFLOW__CORE__DAGS_FOLDER": home / "dags",
        "MLFLOW_BACKEND_STORE_URI": f"sqlite:///{home}/{password}.db",
        "MLFLOW_ARTIFACTS_DESTINATION": home / "models",
    }
    settings = home / "settings.env"
    settings.write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")
    settings.chmod(stat.S_IRUSR | stat.S_IWUSR)
    done = install(units, settings)
    assert done.returncode == 0, done.stderr
    with systemd_box.box(units, "tallystick.target", home / "systemd.log"):
        wait_until("every service answers", lambda: set(health(ports).values()) == {"healthy"})
        yield
    wait_until("nothing is left", lambda: all_processes() == [])


def read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: bytes = answer.read()
        return text


def health(ports: dict[str, int]) -> dict[str, str]:
    """State of each service, as Airflow's api-server and MLflow tell it; none while they do not answer."""
    try:
        told = json.loads(read(f"http://127.0.0.1:{ports['airflow']}/api/v2/monitor/health"))
        mlflow = read(f"http://127.0.0.1:{ports['mlflow']}/health")
    except OSError:
        return {}
    states = {name: str(one["status"]) for name, one in told.items()}
    return {**states, "mlflow": "healthy" if mlflow == b"OK" else "unhealthy"}


def listening(processes: list[int]) -> set[str]:
    """Addresses, in hexadecimal, on which processes accept connections."""
    inodes = set()
    for process in processes:
        for link in Path(f"/proc/{process}/fd").iterdir():
            target = str(link.readlink()) if link.is_symlink() else ""
            if target.startswith("socket:["):
                inodes.add(target.removeprefix("socket:[").removesuffix("]"))
    rows = [
        line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    return {row[1].split(":")[0] for row in rows if row[3] == LISTENS and row[9] in inodes}


def all_processes() -> list[int]:
    return [one for unit in LONG_RUNNING for one in systemd_box.processes_of(f"tallystick-{unit}.service")]


@pytest.mark.usefixtures("running")
def test_services_listen_on_this_machine_only() -> None:
    assert listening(all_processes()) == {LOOPBACK}


@pytest.mark.usefixtures("running")
def test_no_secret_stands_on_a_command_line(password: str) -> None:
    lines = [Path(f"/proc/{process}/cmdline").read_text() for process in all_processes()]
    assert lines
    assert [line for line in lines if password in line] == []


@pytest.mark.usefixtures("running")
def test_a_service_that_is_killed_comes_back(ports: dict[str, int]) -> None:
    killed = {unit: systemd_box.processes_of(f"tallystick-{unit}.service") for unit in LONG_RUNNING}
    for unit, processes in killed.items():
        assert processes, unit
        os.kill(processes[0], signal.SIGKILL)
    for unit, processes in killed.items():
        wait_until(
            f"{unit} runs again",
            lambda unit=unit, old=processes: bool(
                set(systemd_box.processes_of(f"tallystick-{unit}.service")) - set(old)
            ),
        )
    wait_until("every service answers again", lambda: set(health(ports).values()) == {"healthy"})
