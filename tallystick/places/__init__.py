"""Where a warehouse may be: a folder of this machine, or a path in an object store that speaks S3 or on HDFS.

``to_place`` reads what a person wrote. What it gives for ``s3a://bucket/path`` or ``hdfs://namenode:port/path`` is a
``Path`` too, so the rest of the project need not ask which of them it has.

Here: addresses, and what a store is asked, by us and by Arrow and deltalake for us. Not here: tables, Parquet.
"""

from tallystick.places.remote_path import SCHEMES, RemotePath, check_signs, local_home, to_place

__all__ = ["SCHEMES", "RemotePath", "check_signs", "local_home", "to_place"]
