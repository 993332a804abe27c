"""Asks an object store that speaks S3: look, list, read, write, and write only where nothing or a known thing is.

Address and keys come from the environment, by the names that every AWS tool reads: AWS_ENDPOINT_URL_S3 or
AWS_ENDPOINT_URL, AWS_REGION or AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or whatever else that
chain finds. Apart from ``remote_path`` because it imports the client.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tallystick.errors import SetupError

# A store that fails one request in ten fails eight in a row once in a hundred million.
ATTEMPTS = 8
_GONE = ("404", "NoSuchKey", "NotFound")
_ITS_OWN = 500  # from this status on the fault is not of the request
_TAKEN = ("412", "PreconditionFailed", "409", "ConditionalRequestConflict")


class NoSuchObject(FileNotFoundError):
    """What ``pathlib`` raises for a file that is not there."""


@dataclass(frozen=True, slots=True)
class Found:
    """An object: its key, bytes, time of change by the store's clock, and the tag that changes with its content.

    A key that ends with a slash is what keys begin with that lie deeper.
    """

    key: str
    size: int
    changed_at: datetime
    tag: str = ""


def endpoint() -> str:
    """The store's address; empty for Amazon's own."""
    return os.environ.get("AWS_ENDPOINT_URL_S3", "") or os.environ.get("AWS_ENDPOINT_URL", "")


def region() -> str:
    """The store's region; stores other than Amazon's take any."""
    return os.environ.get("AWS_REGION", "") or os.environ.get("AWS_DEFAULT_REGION", "") or "us-east-1"


def _head(bucket: str, key: str) -> Any:
    """What the store says of an object; None when there is none."""
    with _sentences(bucket):
        try:
            told = _client().head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if _code(error) in _GONE:
                return None
            raise
    return told


def look(bucket: str, key: str) -> Found | None:
    """The object; None when there is none."""
    told = _head(bucket, key)
    if told is None:
        return None
    return Found(key, told["ContentLength"], told["LastModified"], told["ETag"])


def age(bucket: str, key: str) -> tuple[str, timedelta] | None:
    """The object's tag and how long ago it was written, both by the store's own clock; None when there is none."""
    told = _head(bucket, key)
    if told is None:
        return None
    now = told["ResponseMetadata"]["HTTPHeaders"]["date"]
    return told["ETag"], datetime.strptime(now, "%a, %d %b %Y %H:%M:%S %Z").replace(
        tzinfo=told["LastModified"].tzinfo
    ) - told["LastModified"]


def find(bucket: str, prefix: str, *, depth: int = 0) -> Iterator[Found]:
    """The objects whose key begins so, in order; with a ``depth`` of 1 none that lies deeper, but its folder."""
    asked: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix} | ({"Delimiter": "/"} if depth else {})
    with _sentences(bucket):
        for page in _client().get_paginator("list_objects_v2").paginate(**asked):
            for told in page.get("CommonPrefixes", ()):
                yield Found(told["Prefix"], -1, datetime.min)  # noqa: DTZ901 - a folder has no time
            for told in page.get("Contents", ()):
                if told["Key"] != prefix:
                    yield Found(told["Key"], told["Size"], told["LastModified"], told["ETag"])


def read(bucket: str, key: str) -> bytes:
    """The object; FileNotFoundError when there is none."""
    with _sentences(bucket):
        try:
            return bytes(_client().get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as error:
            if _code(error) in _GONE:
                raise NoSuchObject(f"s3a://{bucket}/{key}") from None
            raise


def write(bucket: str, key: str, data: bytes) -> str:
    """Put the object, whatever is there; its new tag."""
    with _sentences(bucket):
        return str(_client().put_object(Bucket=bucket, Key=key, Body=data)["ETag"])


def upload(bucket: str, key: str, path: str) -> None:
    """Put a file of this machine, in parts where it is large."""
    with _sentences(bucket):
        _client().upload_file(path, bucket, key)


def download(bucket: str, key: str, path: str) -> None:
    """Copy the object to a file of this machine."""
    with _sentences(bucket):
        _client().download_file(bucket, key, path)


def write_where(bucket: str, key: str, data: bytes, *, tag: str = "") -> str:
    """Put the object only where none is, or in place of the one with this ``tag``; its new tag.

    Empty when another writer was faster. So it is, too, when the store did it and its answer was lost: whoever puts
    something that can be told from others' looks what is there.
    """
    condition = {"IfMatch": tag} if tag else {"IfNoneMatch": "*"}
    with _sentences(bucket):
        try:
            return str(_client().put_object(Bucket=bucket, Key=key, Body=data, **condition)["ETag"])
        except ClientError as error:
            if _code(error) in (*_TAKEN, *_GONE):
                return ""
            raise


def remove(bucket: str, key: str) -> None:
    """Remove the object."""
    with _sentences(bucket):
        _client().delete_object(Bucket=bucket, Key=key)


@cache
def _client() -> Any:
    retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
    # Stores other than Amazon's have no name of its own for each bucket.
    style = {"addressing_style": "path" if endpoint() else "auto"}
    config = Config(retries=retries, s3=style, connect_timeout=10, read_timeout=60)
    return boto3.client("s3", endpoint_url=endpoint() or None, region_name=region(), config=config)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def _sentences(bucket: str) -> Iterator[None]:
    """Turn the client's errors into one sentence that says what to do."""
    where, again = f"s3a://{bucket}", "see whether it is up, and run it again"
    try:
        yield
    except ClientError as error:
        told, is_its_own = _code(error), error.response["ResponseMetadata"]["HTTPStatusCode"] >= _ITS_OWN
        if is_its_own:
            raise SetupError(f"the object store failed {ATTEMPTS} times: {told}", where=where, fix=again) from None
        fix = "check AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        raise SetupError(f"the object store refused: {told}", where=where, fix=fix) from None
    except BotoCoreError as error:
        fix = f"check AWS_ENDPOINT_URL_S3; {again}"
        raise SetupError(f"the object store does not answer: {type(error).__name__}", where=where, fix=fix) from None
