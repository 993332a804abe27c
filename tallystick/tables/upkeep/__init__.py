"""Upkeep: maintenance that changes the files of a table and never its rows.

Here: compaction, moving rows to another number of buckets, removing files that no version names. Not here: a write that
changes rows (``store.door``). The store imports nothing from here.
"""
