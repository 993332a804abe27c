"""Turns a landed delivery into rows of the clean tables. Empty: a reading task imports only what it needs."""
