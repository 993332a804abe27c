"""Measure what each dimension of a recipe's features is worth, and keep the table and its picture.

Takes a recipe and a source whose training set passed the leakage audit.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.ablate_dimensions import run
from tallystick.runs.params import AblateDimensions

if __name__ == "__main__":
    start(AblateDimensions, run, __doc__)
