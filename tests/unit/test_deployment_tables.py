"""Where the tables of a deployment are: as OpenLineage names them, and as the address of an asset."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tallystick.orchestration.deployment import Deployment, table_address, table_place
from tallystick.places import to_place


def deployment(warehouse: str) -> Deployment:
    return Deployment(
        project=Path(), warehouse=to_place(warehouse), sources={}, recipe="r", zone="UTC", properties=Path()
    )


@pytest.mark.parametrize(
    ("warehouse", "place", "address"),
    [
        ("/data/w", ("file", "/data/w/clean/loans"), "file:///data/w/clean/loans"),
        ("/data/#2?/w 100%", ("file", "/data/#2?/w 100%/clean/loans"), "file:///data/%232%3F/w%20100%25/clean/loans"),
        ("s3a://bank/w", ("s3a://bank", "w/clean/loans"), "s3a://bank/w/clean/loans"),
        ("hdfs://name:9000/w", ("hdfs://name:9000", "w/clean/loans"), "hdfs://name:9000/w/clean/loans"),
    ],
)
def test_a_place_is_whole_whatever_its_folder_is_called(warehouse: str, place: tuple[str, str], address: str) -> None:
    assert table_place(deployment(warehouse), "clean.loans") == place
    assert table_address(deployment(warehouse), "clean.loans") == address
    assert unquote(urlsplit(address).path).lstrip("/") == place[1].lstrip("/")
