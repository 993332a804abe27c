"""Make the buckets of an object store that are missing.

The compose file runs it once. Address and keys come from the AWS_* variables.

    python deploy/make_bucket.py NAME [NAME ...]
"""

from __future__ import annotations

import sys

import boto3


def main(names: list[str]) -> None:
    """Make each bucket unless it is there."""
    store = boto3.client("s3")
    existing = {bucket["Name"] for bucket in store.list_buckets()["Buckets"]}
    for name in names:
        if name not in existing:
            store.create_bucket(Bucket=name)


if __name__ == "__main__":
    main(sys.argv[1:])
