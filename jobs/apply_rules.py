"""Answer all anti-fraud rules of an observation set, and replace its flags and decisions of these dates.

Takes an observation set, a source and optionally the first and last business date; reads the set's table and the
stored features at pinned versions.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.apply_rules import run
from tallystick.runs.params import ApplyRules

if __name__ == "__main__":
    start(ApplyRules, run, __doc__)
