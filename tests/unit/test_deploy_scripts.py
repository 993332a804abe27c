"""What the scripts of deploy/ refuse. They run without the environment, so they are loaded from their files."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import pytest

from tests.lib import house

GOOD = {
    "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(bytes(range(32))).decode(),
    "AIRFLOW__API_AUTH__JWT_SECRET": "0123456789abcdef0123456789abcdef",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": "postgresql+psycopg2://tallystick:k3jh45kj6hk7@postgres/airflow",
}


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, house.ROOT / "deploy" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_secrets_that_were_drawn_pass() -> None:
    assert load("check_secrets").find_faults(GOOD) == []


@pytest.mark.parametrize("address", ["sqlite:////srv/airflow.db", "/srv/mlflow", "file:///srv/mlflow", ""])
def test_a_file_has_no_password_to_refuse(address: str) -> None:
    other = {**GOOD, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": address, "MLFLOW_BACKEND_STORE_URI": address}
    assert load("check_secrets").find_faults(other) == []


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AIRFLOW__CORE__FERNET_KEY", ""),
        ("AIRFLOW__CORE__FERNET_KEY", "no base64!"),
        ("AIRFLOW__CORE__FERNET_KEY", base64.urlsafe_b64encode(b"change-me-change-me-change-me!!!").decode()),
        ("AIRFLOW__CORE__FERNET_KEY", base64.urlsafe_b64encode(bytes(32)).decode()),
        ("AIRFLOW__API_AUTH__JWT_SECRET", ""),
        ("AIRFLOW__API_AUTH__JWT_SECRET", "change-me-change-me-change-me-change-me-1234"),
        ("AIRFLOW__API_AUTH__JWT_SECRET", "0123456789"),
        ("AIRFLOW__API_AUTH__JWT_SECRET", "a" * 64),
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql+psycopg2://tallystick:change-me@postgres/airflow"),
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql+psycopg2://tallystick@postgres/airflow"),
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql+psycopg2://tallystick:PASSWORD@127.0.0.1/airflow"),
        ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", " postgresql://tallystick:k3jh45kj6hk7@postgres/airflow"),
        ("MLFLOW_BACKEND_STORE_URI", "postgresql+psycopg2://tallystick:PASSWORD@127.0.0.1/mlflow"),
        ("AIRFLOW__CORE__FERNET_KEY", "replace_me_with_a_key_from_the_vault_please="),
    ],
)
def test_a_secret_that_nobody_chose_is_refused_by_its_name_and_without_its_value(variable: str, value: str) -> None:
    faults = load("check_secrets").find_faults({**GOOD, variable: value})
    assert len(faults) == 1
    assert variable in faults[0]
    assert not value or value not in faults[0]


@pytest.mark.parametrize(
    "password",
    [
        "k3jh45[kj6hk7]", "密码：k3jh45kj6hk7", "ab@k3jh45kj6hk7", "k3jh%41kj6hk7abc", "k3jh#45kj6hk7", "k3jh/45kj6hk7",
        "k3jh?45kj6hk7", "k3jh:45kj6hk7", "k3jh 45kj6hk7", "'k3jh45kj6hk7'", "k3jh45kj6hk7\t", "k3jh45kj6hk7\n",
        "k3jh45kj6hk", "٣k3jh45kj6hk7", "$k3jh45kj6hk7", "\ud800k3jh45kj6hk7",
    ],
)  # fmt: skip
def test_a_password_that_an_address_could_change_is_refused_and_not_shown(password: str) -> None:
    value = f"postgresql+psycopg2://tallystick:{password}@postgres/airflow"
    (fault,) = load("check_secrets").find_faults({**GOOD, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": value})
    assert "letters and digits" in fault
    assert "jh" not in fault


@pytest.mark.parametrize("word", ["replaceme", "ChangeIt", "Ch4ngeMe", "P4ssw0rd", "EXAMPLE", "s3cret", "insertkey"])
def test_a_word_that_stands_for_a_secret_is_none(word: str) -> None:
    is_weak = load("check_secrets").is_weak
    assert is_weak(f"k3jh45{word}kj6hk7", 12)
    assert not is_weak("k3jh45kj6hk7", 12)


def test_secrets_that_are_drawn_as_told_pass() -> None:
    drawn, is_placeholder = random.Random(1), load("check_secrets").is_placeholder
    assert not any(is_placeholder(drawn.randbytes(32).hex()) for _ in range(300))
    keys = (base64.urlsafe_b64encode(drawn.randbytes(32)).decode() for _ in range(300))
    assert not any(is_placeholder(key) for key in keys)


def test_units_are_not_written_where_they_could_not_start(tmp_path: Path) -> None:
    faults = load("install_services").find_faults(tmp_path, "nobody-of-this-name", tmp_path / "settings.env")
    assert [fault.split(":")[0].rsplit(" ", 1)[-1] for fault in faults] == [
        "environment",
        "nobody-of-this-name",
        "exist",
    ]


def test_settings_that_others_can_read_are_refused(tmp_path: Path) -> None:
    settings = tmp_path / "settings.env"
    settings.write_text("", encoding="utf-8")
    settings.chmod(0o644)
    faults = load("install_services").find_faults(house.ROOT, "root", settings)
    assert len(faults) == 1
    assert "chmod 600" in faults[0]


def test_every_mark_of_a_unit_is_filled_in(tmp_path: Path) -> None:
    names = load("install_services").write_units(tmp_path, {"ROOT": "/code", "USER": "tally", "SETTINGS": "/etc/s.env"})
    assert "tallystick.target" in names
    for name in names:
        commands = [line for line in (tmp_path / name).read_text().splitlines() if not line.startswith("#")]
        assert not any("@" in line for line in commands), name


@pytest.fixture
def api_server() -> Iterator[tuple[str, dict[str, object]]]:
    """A stand-in for Airflow's api-server: its address, and what it answers."""
    said: dict[str, object] = {}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # the name that http.server calls
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name of the base class
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", said
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_service_is_alive_if_the_api_server_says_so(api_server: tuple[str, dict[str, object]]) -> None:
    address, said = api_server
    said.update(scheduler={"status": "healthy"}, triggerer={"status": "unhealthy"}, dag_processor={"status": None})
    main = load("is_alive").main
    assert [main(name, address) for name in ("scheduler", "triggerer", "dag_processor", "nobody")] == [0, 1, 1, 1]


def test_a_service_is_not_alive_if_nobody_can_tell(capsys: pytest.CaptureFixture[str]) -> None:
    assert load("is_alive").main("scheduler", "http://127.0.0.1:9") == 1
    assert "does not tell how scheduler is" in capsys.readouterr().err


@pytest.fixture
def airflow_home(tmp_path: Path) -> Path:
    """A home of Airflow with an airflow beside it that writes down what it is asked."""
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "airflow"
    command.write_text('#!/bin/sh\necho "$@" >> "$AIRFLOW_HOME/asked"\nexit ${ENDS_WITH:-0}\n', encoding="utf-8")
    command.chmod(0o755)
    return tmp_path


def clean(home: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    path = f"{home / 'bin'}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "deploy/clean_airflow.sh"], env={"PATH": path, "AIRFLOW_HOME": str(home), **settings},
        cwd=house.ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_old_logs_go_and_a_folder_that_a_task_has_just_made_stays(airflow_home: Path) -> None:
    now = time.time()
    ages = {"old/run/1.log": 8, "young/run/1.log": 6, "emptied": 1, "begun": 0}
    for name, days in ages.items():
        path = airflow_home / "logs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8") if path.suffix else path.mkdir()
        os.utime(path, (now - days * 86400, now - days * 86400))
    assert clean(airflow_home, KEEP_RUN_DAYS="7").returncode == 0
    left = {str(path.relative_to(airflow_home / "logs")) for path in (airflow_home / "logs").rglob("*")}
    assert left == {"old", "old/run", "young", "young/run", "young/run/1.log", "begun"}
    asked = (airflow_home / "asked").read_text(encoding="utf-8").split()
    assert asked[:2] == ["db", "clean"]
    before = asked[asked.index("--clean-before-timestamp") + 1]
    assert datetime.fromisoformat(before).timestamp() == pytest.approx(now - 7 * 86400, abs=60)


def test_logs_stay_where_the_database_could_not_be_cleaned(airflow_home: Path) -> None:
    log = airflow_home / "logs" / "1.log"
    log.parent.mkdir()
    log.write_text("", encoding="utf-8")
    os.utime(log, (0, 0))
    assert clean(airflow_home, ENDS_WITH="1").returncode == 1
    assert log.exists()


@pytest.mark.parametrize("days", ["0", "-1", "a week", "7;ls"])
def test_a_wrong_number_of_days_deletes_nothing(airflow_home: Path, days: str) -> None:
    done = clean(airflow_home, KEEP_RUN_DAYS=days)
    assert (done.returncode, (airflow_home / "asked").exists()) == (2, False)
    assert "KEEP_RUN_DAYS" in done.stderr
