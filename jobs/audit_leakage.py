"""Audit a recipe's training set for leaks, record what was found, and stop when any check failed.

Takes a recipe and a source; reads features and labels, and the clean rows of the sampled customers.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.audit_leakage import run
from tallystick.runs.params import AuditLeakage

if __name__ == "__main__":
    start(AuditLeakage, run, __doc__)
