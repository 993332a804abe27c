"""What a deployment names in its environment, refused where it is missing or mistyped.

Apart from the tasks, since it knows no Airflow: an error here is an import error of the DAGs, long before a night.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tallystick.errors import DeclarationError, InputError, SetupError
from tallystick.pipeline import Place
from tallystick.places import RemotePath, check_signs, to_place

ZONE = "Asia/Shanghai"


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployment:
    """Where things are in one deployment; the same paths on every machine that runs a task or a Spark executor."""

    project: Path
    warehouse: Path
    sources: Mapping[str, Path]
    recipe: str
    zone: str
    properties: Path
    segmentation: str = ""
    returning: str = ""
    watch_list: str = ""
    rule_sets: tuple[str, ...] = ()
    connection: str = "spark_default"

    @property
    def place(self) -> Place:
        """Where the runs work."""
        return Place(project=self.project, warehouse=self.warehouse)


def read_deployment(project: Path, environment: Mapping[str, str] = os.environ) -> Deployment:
    """The deployment that the environment describes; DeclarationError names a variable that is missing or wrong.

    TALLYSTICK_WAREHOUSE, TALLYSTICK_SOURCES (``name=dir;name=dir``) and TALLYSTICK_RECIPE must be set.
    TALLYSTICK_SEGMENTATION names the segmentation that is assigned each month, TALLYSTICK_RETURNING the recipe that
    scores all customers each night, TALLYSTICK_WATCH_LIST the watch list of running loans, TALLYSTICK_RULES the sets
    (``applications;transfers``) whose rules are answered each night; without one of them, nothing of the kind is done.
    TALLYSTICK_ZONE is the zone in which a business date begins (default Asia/Shanghai), TALLYSTICK_SPARK_CONF the
    properties of spark-submit (default: the ones ``make setup`` writes).
    """
    properties = environment.get("TALLYSTICK_SPARK_CONF", "") or project / "conf" / "local" / "spark-defaults.conf"
    sources = parse_sources(_demand(environment, "TALLYSTICK_SOURCES", "such as name=dir;name=dir"))
    return Deployment(
        project=project,
        warehouse=_check_warehouse(_demand(environment, "TALLYSTICK_WAREHOUSE", "the folder of all tables")),
        sources=_check_names(sources, project),
        recipe=_demand(environment, "TALLYSTICK_RECIPE", "a file's name in recipes/"),
        zone=_check_zone(environment.get("TALLYSTICK_ZONE", "").strip() or ZONE),
        properties=_check_properties(Path(properties)),
        segmentation=environment.get("TALLYSTICK_SEGMENTATION", "").strip(),
        returning=environment.get("TALLYSTICK_RETURNING", "").strip(),
        watch_list=environment.get("TALLYSTICK_WATCH_LIST", "").strip(),
        rule_sets=tuple(filter(None, map(str.strip, environment.get("TALLYSTICK_RULES", "").split(";")))),
    )


def parse_sources(text: str) -> dict[str, Path]:
    """``name=dir;name=dir`` as a mapping, in that order."""
    sources: dict[str, Path] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, found, directory = part.partition("=")
        if not found or not name.strip() or not directory.strip() or name.strip() in sources:
            raise DeclarationError(f"{part!r} is not name=dir", where="TALLYSTICK_SOURCES", fix="name=dir;name=dir")
        sources[name.strip()] = Path(directory.strip())
    return sources


def table_address(deployment: Deployment, table: str) -> str:
    """Where a table is, as an address such as ``file:///warehouse/clean/loans``; what is no address is written %23."""
    space, path = table_place(deployment, table)
    return f"file://{quote(path)}" if space == "file" else f"{space}/{quote(path)}"


def table_place(deployment: Deployment, table: str) -> tuple[str, str]:
    """Where a table is: ``file`` and its path, or a bucket such as ``s3a://name`` and the key in it."""
    home, inner = deployment.warehouse, table.replace(".", "/")
    if not isinstance(home, RemotePath):
        return "file", f"{home}/{inner}"
    scheme, _, rest = str(home).partition("://")
    bucket, _, key = rest.partition("/")
    return f"{scheme}://{bucket}", "/".join(filter(None, (key.rstrip("/"), inner)))


def check_deliveries(deployment: Deployment) -> None:
    """DeclarationError where the folder of a source's deliveries does not exist: a night would wait for nothing."""
    for name, directory in deployment.sources.items():
        if not directory.is_dir():
            what = f"there is no folder {directory} with the deliveries of {name}"
            raise DeclarationError(what, where="TALLYSTICK_SOURCES", fix="create or mount it, or correct the path")


def _check_names(sources: Mapping[str, Path], project: Path) -> Mapping[str, Path]:
    known = sorted(path.parent.name for path in project.glob("sources/*/source.yaml"))
    for name in sources:
        if name not in known:
            raise DeclarationError(f"no source {name}", where="TALLYSTICK_SOURCES", fix=f"one of {', '.join(known)}")
    return sources


def _check_warehouse(text: str) -> Path:
    """A first night makes the folder itself, so only the one that holds it must be there; a store is not asked."""
    try:
        path = to_place(text)
        check_signs(path)
    except (InputError, SetupError) as error:
        raise DeclarationError(f"{error.where}: {error.what}", where="TALLYSTICK_WAREHOUSE", fix=error.fix) from None
    if isinstance(path, RemotePath):
        return path
    if not Path(text).expanduser().is_absolute():
        raise DeclarationError(f"{text!r} is no absolute path", where="TALLYSTICK_WAREHOUSE", fix="such as /warehouse")
    if not path.is_dir() and not path.parent.is_dir():
        what = f"there is neither {path} nor the folder that would hold it"
        raise DeclarationError(what, where="TALLYSTICK_WAREHOUSE", fix="create or mount it, or correct the path")
    return path


def _check_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        what = f"unknown time zone {name}"
        raise DeclarationError(what, where="TALLYSTICK_ZONE", fix="a name such as Europe/Prague") from None
    return name


def _check_properties(path: Path) -> Path:
    if not path.is_file():
        fix = "run make setup, or name the properties of spark-submit"
        raise DeclarationError(f"there is no file {path}", where="TALLYSTICK_SPARK_CONF", fix=fix)
    return path


def _demand(environment: Mapping[str, str], name: str, meaning: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise DeclarationError("the environment variable is not set", where=name, fix=meaning)
    return value
