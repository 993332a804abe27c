"""Turns a landed delivery into rows of the clean tables: every row read is accepted, rejected, a duplicate or excluded.

What lives here: the names that jobs use. What must not: definitions, storage.
"""

from __future__ import annotations

from tallystick.ingest.deliveries import Delivery, find_deliveries, match_files
from tallystick.ingest.load import PreparedLoad, PreparedTable, describe_load, prepare_load
from tallystick.ingest.rejected import rejected_summary_sql, summarise_rejected

__all__ = [
    "Delivery",
    "PreparedLoad",
    "PreparedTable",
    "describe_load",
    "find_deliveries",
    "match_files",
    "prepare_load",
    "rejected_summary_sql",
    "summarise_rejected",
]
