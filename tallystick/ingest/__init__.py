"""Turns a landed delivery into rows of the clean tables.

Here: reading a supplier's files, mapping them, judging each row. Not here: storage (``tables``), what a mapping means
(``spec``). This module imports nothing, so that a Spark task that reads files loads only what it needs.
"""
