"""Train, test and register a recipe's model, and store the rows it learned from.

Takes a recipe and a source whose training set passed the leakage audit.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.params import TrainModel
from tallystick.runs.train_model import run

if __name__ == "__main__":
    start(TrainModel, run, __doc__)
