"""The store: session, tables, versions, landed files. The only package that knows Delta Lake.

What lives here: the door for writing (``replace``, ``replace_files``, ``replace_arrow``), reading, pinned versions, the
landing of suppliers' files. What must not: a stage, or anything about what rows mean. Importing it loads no Spark.
"""

from tallystick.tables import landing
from tallystick.tables.commits import last_inputs
from tallystick.tables.door import new_rel, replace_arrow, replace_files
from tallystick.tables.files import DataFile, read_files, write_file
from tallystick.tables.frames import read, replace
from tallystick.tables.reading import query, read_arrow
from tallystick.tables.schemas import arrow_schema, file_schema
from tallystick.tables.session import open_session
from tallystick.tables.slices import Commit, Run, Slice
from tallystick.tables.snapshots import Pinned, PinnedFile, pin
from tallystick.tables.spark_errors import without_values
from tallystick.tables.tasks import BucketStore
from tallystick.tables.warehouse import Warehouse, ensure_table

__all__ = [
    "BucketStore",
    "Commit",
    "DataFile",
    "Pinned",
    "PinnedFile",
    "Run",
    "Slice",
    "Warehouse",
    "arrow_schema",
    "ensure_table",
    "file_schema",
    "landing",
    "last_inputs",
    "new_rel",
    "open_session",
    "pin",
    "query",
    "read",
    "read_arrow",
    "read_files",
    "replace",
    "replace_arrow",
    "replace_files",
    "without_values",
    "write_file",
]
