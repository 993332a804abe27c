"""The store: session, tables, versions, landed files. The only package that knows Delta Lake.

Here: the functions that write (``replace``, ``replace_files``, ``replace_arrow``), reading, pinned versions, the
landing of suppliers' files. Not here: a stage, or anything about what rows mean. Importing it loads no Spark.
"""

from tallystick.tables import landing
from tallystick.tables.buckets import aligned, check_layout
from tallystick.tables.commits import last_inputs
from tallystick.tables.compaction import LayoutPlan, commit_layout, plan_compaction
from tallystick.tables.door import replace_arrow, replace_files
from tallystick.tables.files import DataFile, new_rel, read_files, write_file
from tallystick.tables.frames import read, replace
from tallystick.tables.reading import query, read_arrow
from tallystick.tables.rebucketing import plan_rebucketing
from tallystick.tables.rewriting import write_merge
from tallystick.tables.schemas import arrow_schema, file_schema
from tallystick.tables.session import open_session
from tallystick.tables.slices import Commit, Run, Slice
from tallystick.tables.snapshots import Pinned, PinnedFile, pin
from tallystick.tables.spark_errors import without_values
from tallystick.tables.tasks import BucketStore
from tallystick.tables.vacuum import find_waste, keep_log, remove_waste
from tallystick.tables.warehouse import Warehouse, ensure_table

__all__ = [
    "BucketStore",
    "Commit",
    "DataFile",
    "LayoutPlan",
    "Pinned",
    "PinnedFile",
    "Run",
    "Slice",
    "Warehouse",
    "aligned",
    "arrow_schema",
    "check_layout",
    "commit_layout",
    "ensure_table",
    "file_schema",
    "find_waste",
    "keep_log",
    "landing",
    "last_inputs",
    "new_rel",
    "open_session",
    "pin",
    "plan_compaction",
    "plan_rebucketing",
    "query",
    "read",
    "read_arrow",
    "read_files",
    "remove_waste",
    "replace",
    "replace_arrow",
    "replace_files",
    "without_values",
    "write_file",
    "write_merge",
]
