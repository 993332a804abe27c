"""Frozen, validated declarations and their fingerprints.

What lives here: what a table, source, feature, label or recipe *means*. What must not: Spark, storage, any I/O.
"""
