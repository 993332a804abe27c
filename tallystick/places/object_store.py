"""Asks an object store that speaks S3: look, list, read, write, and write only where nothing or a known thing is.

Address and keys come from the environment, by the names that every AWS tool reads: AWS_ENDPOINT_URL_S3 or
AWS_ENDPOINT_URL, AWS_REGION or AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or whatever else that
chain finds. Apart from ``remote_path`` because it imports the client.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from tallystick.errors import SetupError
from tallystick.places.store_interface import Found, NoSuchObject

if TYPE_CHECKING:
    from pyarrow.fs import FileSystem

# A store that fails one request in ten fails eight in a row once in a hundred million.
ATTEMPTS = 8
_GONE = ("404", "NoSuchKey", "NotFound")
_NO_BUCKET = "NoSuchBucket"
_LAST_PORT = 65535
_ITS_OWN = 500  # from this status on the fault is not of the request
_EMPTY = "InvalidRange"  # no part of an object without bytes can be asked for
_TAKEN = ("412", "PreconditionFailed", "409", "ConditionalRequestConflict")


_ENDPOINT = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?(/[A-Za-z0-9._/-]*)?")


def endpoint() -> str:
    """The store's address; empty for Amazon's own. SetupError, which does not show it, for what is no address."""
    variable = "AWS_ENDPOINT_URL_S3" if os.environ.get("AWS_ENDPOINT_URL_S3") else "AWS_ENDPOINT_URL"
    told = os.environ.get(variable, "")
    found = _ENDPOINT.fullmatch(told)
    if told and (found is None or int(found["port"] or 0) > _LAST_PORT):
        fix = "such as http://object-store:9000, without keys, which AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY hold"
        raise SetupError("the address of the object store cannot be used", where=variable, fix=fix)
    return told


def region() -> str:
    """The store's region; stores other than Amazon's take any."""
    return os.environ.get("AWS_REGION", "") or os.environ.get("AWS_DEFAULT_REGION", "") or "us-east-1"


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """One bucket (``Store`` says what each method promises)."""

    bucket: str

    def _head(self, key: str) -> Any:
        """What the store says of an object; None when there is none."""
        with _sentences(self.bucket):
            try:
                return _client().head_object(Bucket=self.bucket, Key=key)
            except ClientError as error:
                if _code(error) not in _GONE:
                    raise
                _see_bucket(self.bucket)
        return None

    def look(self, key: str) -> Found | None:
        """One request."""
        told = self._head(key)
        if told is None:
            return None
        return Found(key, told["ContentLength"], told["LastModified"], told["ETag"])

    def age(self, key: str) -> tuple[str, timedelta] | None:
        """Every answer of the store has the time by its clock."""
        told = self._head(key)
        if told is None:
            return None
        now = told["ResponseMetadata"]["HTTPHeaders"]["date"]
        return told["ETag"], datetime.strptime(now, "%a, %d %b %Y %H:%M:%S %Z").replace(
            tzinfo=told["LastModified"].tzinfo
        ) - told["LastModified"]

    def find(self, prefix: str, *, depth: int = 0) -> Iterator[Found]:
        """In the order of the keys; a request for each thousand of them."""
        asked: dict[str, Any] = {"Bucket": self.bucket, "Prefix": prefix} | ({"Delimiter": "/"} if depth else {})
        with _sentences(self.bucket):
            for page in _client().get_paginator("list_objects_v2").paginate(**asked):
                for told in page.get("CommonPrefixes", ()):
                    yield Found(told["Prefix"], -1, datetime.min)  # noqa: DTZ901 - a folder has no time
                for told in page.get("Contents", ()):
                    if told["Key"] != prefix:
                        yield Found(told["Key"], told["Size"], told["LastModified"], told["ETag"])

    def read(self, key: str) -> bytes:
        """One request."""
        with _sentences(self.bucket):
            try:
                return bytes(_client().get_object(Bucket=self.bucket, Key=key)["Body"].read())
            except ClientError as error:
                if _code(error) in _GONE:
                    raise NoSuchObject(f"s3a://{self.bucket}/{key}") from None
                raise

    def read_end(self, key: str, length: int) -> tuple[bytes, int]:
        """One request."""
        with _sentences(self.bucket):
            try:
                told = _client().get_object(Bucket=self.bucket, Key=key, Range=f"bytes=-{length}")
            except ClientError as error:
                if _code(error) == _EMPTY:
                    return b"", 0
                if _code(error) in _GONE:
                    raise NoSuchObject(f"s3a://{self.bucket}/{key}") from None
                raise
            content = bytes(told["Body"].read())
        return content, int(told["ContentRange"].rpartition("/")[2]) if "ContentRange" in told else len(content)

    def write(self, key: str, data: bytes) -> None:
        """One request."""
        with _sentences(self.bucket):
            _client().put_object(Bucket=self.bucket, Key=key, Body=data)

    def upload(self, key: str, path: str) -> None:
        """In parts where the file is large."""
        with _sentences(self.bucket), Path(path).open("rb") as file:
            _client().upload_fileobj(file, self.bucket, key)

    def download(self, key: str, path: str) -> None:
        """In parts where the object is large."""
        with _sentences(self.bucket):
            try:
                _client().download_file(self.bucket, key, path)
            except ClientError as error:
                if _code(error) not in _GONE:
                    raise
                _see_bucket(self.bucket)
                raise NoSuchObject(f"s3a://{self.bucket}/{key}") from None

    def write_where(self, key: str, data: bytes, *, tag: str = "") -> str:
        """A put with ``If-None-Match: *`` or ``If-Match``."""
        condition = {"IfMatch": tag} if tag else {"IfNoneMatch": "*"}
        with _sentences(self.bucket):
            try:
                return str(_client().put_object(Bucket=self.bucket, Key=key, Body=data, **condition)["ETag"])
            except ClientError as error:
                if _code(error) in (*_TAKEN, *_GONE):
                    return ""
                raise

    def create(self, key: str, data: bytes) -> str | None:
        """As ``write_where`` does."""
        return self.write_where(key, data) or None

    def remove(self, key: str) -> None:
        """The store does not tell whether it was there."""
        with _sentences(self.bucket):
            _client().delete_object(Bucket=self.bucket, Key=key)

    def arrow_files(self) -> FileSystem:
        """One for all buckets."""
        return _arrow_files()

    def arrow_path(self, key: str) -> str:
        """The bucket, too."""
        return f"{self.bucket}/{key}"

    def delta_options(self) -> dict[str, str]:
        """Entries of the log are put only where there is none yet."""
        options = {"aws_conditional_put": "etag", "aws_region": region(), "max_retries": str(ATTEMPTS)}
        if endpoint():
            options |= {"aws_endpoint": endpoint(), "allow_http": str(endpoint().startswith("http:")).lower()}
        return options


@cache
def _client() -> Any:
    retries = {"mode": "standard", "total_max_attempts": ATTEMPTS}
    # Stores other than Amazon's have no name of its own for each bucket.
    style = {"addressing_style": "path" if endpoint() else "auto"}
    config = Config(retries=retries, s3=style, connect_timeout=10, read_timeout=60)
    return boto3.client("s3", endpoint_url=endpoint() or None, region_name=region(), config=config)


@cache
def _see_bucket(bucket: str) -> None:
    """Raise the store's answer, which becomes a sentence, where there is no such bucket; asked once that there is.

    To a question about one object it says the same of a bucket that is missing as of an object that is.
    """
    try:
        _client().head_bucket(Bucket=bucket)
    except ClientError as error:
        # Who may not ask that is not told that an object is missing either.
        if _code(error) in _GONE or _is_its_own(error):
            raise


@cache
def _arrow_files() -> FileSystem:
    from pyarrow.fs import AwsDefaultS3RetryStrategy, S3FileSystem

    # Not the standard strategy: it has a budget of a hundred retries, which Arrow never gives back, and a process that
    # has used it up fails at the next request that does.
    retry = AwsDefaultS3RetryStrategy(max_attempts=ATTEMPTS)
    # A small file is then one request, not three.
    return S3FileSystem(
        endpoint_override=endpoint() or None, region=region(), retry_strategy=retry, allow_delayed_open=True
    )


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _is_its_own(error: ClientError) -> bool:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"]) >= _ITS_OWN


@contextmanager
def _sentences(bucket: str) -> Iterator[None]:
    """Turn the client's errors into one sentence that says what to do."""
    where, again = f"s3a://{bucket}", "see whether it is up, and run it again"
    try:
        yield
    except ClientError as error:
        told = _code(error)
        if _is_its_own(error):
            raise SetupError(f"the object store failed {ATTEMPTS} times: {told}", where=where, fix=again) from None
        # Of an object that is gone every method makes what it says, so this is about the bucket.
        if told in (_NO_BUCKET, *_GONE):
            raise SetupError("there is no such bucket", where=where, fix="make it, or correct its name") from None
        fix = "check AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        raise SetupError(f"the object store refused: {told}", where=where, fix=fix) from None
    except (BotoCoreError, Boto3Error, ResponseParserError) as error:
        fix = f"check AWS_ENDPOINT_URL_S3; {again}"
        raise SetupError(f"the object store does not answer: {type(error).__name__}", where=where, fix=fix) from None
