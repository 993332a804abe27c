"""An object store of this machine for tests: moto's S3 server, which refuses a conditional put as a real store does."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tallystick.places import object_store

BUCKET = "lake"


@contextmanager
def serving() -> Iterator[str]:
    """The address of the store, which is empty but for one bucket; the environment names it."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for every request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "tests")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
        patch.setenv("AWS_REGION", "us-east-1")
        object_store._client.cache_clear()
        try:
            boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1").create_bucket(
                Bucket=BUCKET
            )
            yield f"http://{host}:{port}"
        finally:
            object_store._client.cache_clear()
            server.stop()
