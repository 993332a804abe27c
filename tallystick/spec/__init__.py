"""Frozen, validated declarations and their fingerprints.

Here: what a table, source, feature, label or recipe *means*. Not here: Spark, storage, reading or writing of files.
"""
