"""The only package that knows Delta Lake, in four subpackages: ``runtime``, ``landing``, ``store`` and ``upkeep``.

Here: the names that the rest of the project uses; code is in the subpackages, and each says what belongs in it. Not
here: a stage, or anything about what rows mean. Importing it loads no Spark.
"""

from tallystick.spec.data_files import DataFile
from tallystick.tables import landing
from tallystick.tables.runtime.session import open_session, own_processes
from tallystick.tables.runtime.spark_errors import without_values
from tallystick.tables.store.bucket_store import BucketStore
from tallystick.tables.store.bucketing import aligned, check_layout
from tallystick.tables.store.door import replace_arrow, replace_files, write_arrow
from tallystick.tables.store.frames import read, replace, write_frame
from tallystick.tables.store.parquet_files import new_rel, read_files, write_file
from tallystick.tables.store.publications import TableChange, publish, recover
from tallystick.tables.store.queries import query, read_arrow
from tallystick.tables.store.schemas import arrow_schema, file_schema
from tallystick.tables.store.slices import Commit, Run, Slice
from tallystick.tables.store.snapshots import Pinned, pin, pin_all
from tallystick.tables.store.warehouse import Warehouse, ensure_table
from tallystick.tables.upkeep.compaction import LayoutPlan, commit_layout, plan_compaction
from tallystick.tables.upkeep.rebucketing import plan_rebucketing
from tallystick.tables.upkeep.rewriting import write_merge
from tallystick.tables.upkeep.vacuum import find_unused_files, keep_log, remove_unused_files

__all__ = [
    "BucketStore",
    "Commit",
    "DataFile",
    "LayoutPlan",
    "Pinned",
    "Run",
    "Slice",
    "TableChange",
    "Warehouse",
    "aligned",
    "arrow_schema",
    "check_layout",
    "commit_layout",
    "ensure_table",
    "file_schema",
    "find_unused_files",
    "keep_log",
    "landing",
    "new_rel",
    "open_session",
    "own_processes",
    "pin",
    "pin_all",
    "plan_compaction",
    "plan_rebucketing",
    "publish",
    "query",
    "read",
    "read_arrow",
    "read_files",
    "recover",
    "remove_unused_files",
    "replace",
    "replace_arrow",
    "replace_files",
    "without_values",
    "write_arrow",
    "write_file",
    "write_frame",
    "write_merge",
]
