"""Write the report of a recipe on a source as one HTML file, and print its summary.

Takes a recipe and a source; reads the newest versions of all tables and the model in force.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.params import WriteReport
from tallystick.runs.write_report import run

if __name__ == "__main__":
    start(WriteReport, run, __doc__)
