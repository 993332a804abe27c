"""The compose file, the Dockerfile and .env.example agree with each other and with the code.

What can be said of a deployment without starting it.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from tests.lib import house

VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)(?::?[-?+][^}]*)?\}")
ENV_LINE = re.compile(r"^([A-Z0-9_]+)=", re.MULTILINE)


@pytest.fixture(scope="module")
def text() -> str:
    return (house.ROOT / "docker-compose.yml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def compose(text: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (house.ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_every_variable_has_its_line_in_the_example_and_the_other_way_round(text: str) -> None:
    example = (house.ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(VARIABLE.findall(text)) == set(ENV_LINE.findall(example))


def test_every_file_that_is_mounted_exists(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            source = VARIABLE.sub(lambda _: "", volume).split(":")[0]
            if source.startswith("./"):
                assert (house.ROOT / source).exists(), f"{name}: {source}"
            elif source:
                assert source in compose["volumes"], f"{name}: {source}"


def test_writers_of_one_table_see_it_under_one_path(compose: dict[str, Any]) -> None:
    for name in ("airflow-scheduler", "spark-worker"):
        assert "warehouse:/warehouse" in compose["services"][name]["volumes"]
    assert compose["services"]["airflow-scheduler"]["environment"]["TALLYSTICK_WAREHOUSE"] == "/warehouse"


def test_images_are_pinned_or_built_from_a_stage_that_exists(compose: dict[str, Any], dockerfile: str) -> None:
    stages = set(re.findall(r"^FROM \S+ AS (\S+)", dockerfile, re.MULTILINE))
    for name, service in compose["services"].items():
        if "build" in service:
            assert service["build"]["target"] in stages, name
        else:
            tag = service["image"].removesuffix("}").rsplit(":", 1)[-1]
            assert re.fullmatch(r"\d+\.\d+(\.\d+)?", tag), f"{name}: {service['image']}"
    assert re.search(r"^ARG BASE_IMAGE=\S+:\d+\.\d+", dockerfile, re.MULTILINE)


def test_what_a_service_waits_for_can_become_true(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        for other, wait in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}"
            if wait["condition"] == "service_healthy":
                assert "healthcheck" in services[other], f"{name} waits for the health of {other}"


def test_published_ports_listen_on_this_machine_only(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), f"{name}: {port}"


def test_every_airflow_setting_is_one_that_airflow_knows(compose: dict[str, Any]) -> None:
    spec = importlib.util.find_spec("airflow")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    template = Path(next(iter(spec.submodule_search_locations))) / "config_templates" / "config.yml"
    sections = yaml.load(template.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    for name in compose["services"]["airflow-scheduler"]["environment"]:
        if name.startswith("AIRFLOW__"):
            _, section, option = name.lower().split("__")
            assert option in sections[section]["options"], name


def test_every_setting_of_ours_is_read_somewhere(compose: dict[str, Any]) -> None:
    code = "".join(source.text for source in house.sources(*house.MACHINERY))
    settings = {name for service in compose["services"].values() for name in service.get("environment", {})}
    # Of a file of a secret the code reads the secret's name with _FILE behind it.
    ours = {name.removesuffix("_FILE") for name in settings if name.startswith("TALLYSTICK_")}
    assert [name for name in ours if name not in code] == []


def test_every_setting_of_the_dags_can_be_given(compose: dict[str, Any]) -> None:
    table = (house.ROOT / "docs" / "deploy.md").read_text(encoding="utf-8").split("### Lineage")[0]
    named = set(re.findall(r"^\| `(TALLYSTICK_\w+)` \|", table, re.MULTILINE))
    assert len(named) > 10
    assert named - set(compose["services"]["airflow-scheduler"]["environment"]) == set()


def read_properties(path: Path) -> dict[str, str]:
    """Settings of a Spark properties file."""
    lines = [line.split(None, 1) for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("spark.")]
    return {name: value.strip() for name, value in lines}


def test_the_spark_settings_of_the_compose_file_mean_what_those_of_a_cluster_mean(compose: dict[str, Any]) -> None:
    path = compose["services"]["airflow-scheduler"]["environment"]["TALLYSTICK_SPARK_CONF"]
    here = read_properties(house.ROOT / path.removeprefix("/opt/tallystick/"))
    cluster = read_properties(house.ROOT / "conf" / "spark-cluster.conf")
    assert {name: value for name, value in here.items() if name.startswith("spark.sql.")} == {
        **{name: value for name, value in cluster.items() if name.startswith("spark.sql.")},
        "spark.sql.shuffle.partitions": "4",
    }
    assert set(cluster) <= set(here)


def test_what_the_image_copies_exists_and_reaches_the_builder(dockerfile: str) -> None:
    allowed = re.findall(r"^!(\S+)", (house.ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    for line in re.findall(r"^COPY (?!--)(.+)$", dockerfile, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (house.ROOT / source).exists(), source
            assert source == "." or source.split("/")[0] in allowed, source
    assert [name for name in allowed if not (house.ROOT / name).exists()] == []


def test_the_image_pins_the_uv_of_the_workshop(dockerfile: str) -> None:
    import prepare

    assert f"uv=={prepare.UV_VERSION}" in dockerfile


def test_the_image_holds_bytecode_because_its_user_may_not_write_any(dockerfile: str) -> None:
    made = dockerfile.index("UV_COMPILE_BYTECODE=1")
    assert (
        made
        < dockerfile.index("uv sync")
        < dockerfile.index("compileall")
        < dockerfile.index("PYTHONDONTWRITEBYTECODE=1")
    )


def test_every_service_that_stays_has_a_health_check_a_memory_limit_and_bounded_logs(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert "mem_limit" in service, name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
        if service["restart"] != "no":
            assert "healthcheck" in service, name


def test_everything_waits_until_the_secrets_were_checked(compose: dict[str, Any]) -> None:
    services = compose["services"]

    def waits_for(name: str) -> set[str]:
        direct = set(services[name].get("depends_on", {}))
        return direct.union(*(waits_for(other) for other in direct))

    check = services["check-secrets"]
    assert check["command"] == ["python3", "deploy/check_secrets.py"]
    assert check["environment"].items() <= services["airflow-init"]["environment"].items()
    # The database, too: it would keep the password of its first start.
    assert [name for name in services if name != "check-secrets" and "check-secrets" not in waits_for(name)] == []
    assert {services[name]["depends_on"]["check-secrets"]["condition"] for name in ("postgres", "object-store")} == {
        "service_completed_successfully"
    }
    ours = {name for name, service in services.items() if service.get("build", {}).get("target") == "app"}
    assert [name for name in ours - {"check-secrets", "airflow-init"} if "airflow-init" not in waits_for(name)] == []


def test_the_database_is_asked_by_address(compose: dict[str, Any]) -> None:
    """While its image makes the databases, the server listens on a socket only, and restarts after that."""
    test = compose["services"]["postgres"]["healthcheck"]["test"]
    assert test[:2] == ["CMD", "pg_isready"]
    assert test[test.index("-h") + 1] == "127.0.0.1"


def test_what_computes_has_no_secret_of_airflow(compose: dict[str, Any]) -> None:
    for name in ("spark-master", "spark-worker", "mlflow", "object-store"):
        settings = compose["services"][name].get("environment", {})
        assert [setting for setting in settings if setting.startswith("AIRFLOW")] == [], name


def test_a_worker_deletes_what_old_executors_wrote(compose: dict[str, Any]) -> None:
    assert (
        "-Dspark.worker.cleanup.enabled=true" in compose["services"]["spark-worker"]["environment"]["SPARK_WORKER_OPTS"]
    )


def test_no_secret_is_an_argument_of_a_command(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        words = " ".join([*service.get("command", []), *service.get("healthcheck", {}).get("test", [])])
        assert not re.search(r"PASSWORD|SECRET|FERNET|ACCESS_KEY", words), name


def test_a_secret_has_no_value_in_the_example_and_compose_refuses_an_empty_one(text: str) -> None:
    example = dict(
        line.split("=", 1) for line in (house.ROOT / ".env.example").read_text().splitlines() if "=" in line[:30]
    )
    for name in ("POSTGRES_PASSWORD", "AIRFLOW_FERNET_KEY", "AIRFLOW_JWT_SECRET"):
        assert example[name] == ""
        assert f"${{{name}:?" in text
        assert f"${{{name}}}" not in text


def wheel_tags(machine: str) -> set[Tag]:
    """What Debian 12's Python (3.11, glibc 2.36) installs without a compiler on a kind of processor."""
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in range(5, 37)] + [f"manylinux2014_{machine}"]
    return {*cpython_tags((3, 11), platforms=platforms), *compatible_tags((3, 11), "cp311", platforms)}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_package_of_the_lock_has_a_wheel_for_the_image_on_both_kinds_of_processor(machine: str) -> None:
    lock = tomllib.loads((house.ROOT / "uv.lock").read_text(encoding="utf-8"))
    installable = wheel_tags(machine)
    lacking = {package["name"] for package in lock["package"]}
    for package in lock["package"]:
        names = [wheel["url"].rsplit("/", 1)[-1] for wheel in package.get("wheels", [])]
        if any(parse_wheel_filename(name)[3] & installable for name in names):
            lacking.discard(package["name"])
    # Spark is Python and jars; its archive needs no compiler.
    assert lacking == {"pyspark", "tallystick"}


def find_compose() -> tuple[list[str], tuple[int, int]] | None:
    """The command of Compose on this machine and its version; None without one."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            done = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
            found = re.search(r"(\d+)\.(\d+)", done.stdout)
            if done.returncode == 0 and found:
                return command, (int(found.group(1)), int(found.group(2)))
    return None


def test_compose_itself_accepts_the_file(text: str, tmp_path: Path) -> None:
    stated = re.search(r"Docker Compose (\d+)\.(\d+) or newer", text)
    assert stated is not None
    oldest = (int(stated.group(1)), int(stated.group(2)))
    compose = find_compose()
    if compose is None:
        pytest.skip("no Docker Compose on this machine; the other tests of this file stand in for it")
    command, version = compose
    if version < oldest:
        pytest.skip(f"Docker Compose {version[0]}.{version[1]} is too old, {oldest[0]}.{oldest[1]} is needed")
    example = (house.ROOT / ".env.example").read_text(encoding="utf-8")
    (tmp_path / "env").write_text(
        re.sub(r"^(\w+)=$", r"\1=drawn4this7test9", example, flags=re.MULTILINE), encoding="utf-8"
    )
    done = subprocess.run(
        [*command, "--env-file", str(tmp_path / "env"), "-f", "docker-compose.yml", "config", "-q"],
        cwd=house.ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
