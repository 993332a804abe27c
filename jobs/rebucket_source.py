"""Deal the rows of a source to the number of buckets that its layout declares, in every table that lies in buckets.

Takes a source. Change `layout.buckets` in source.yaml first: until this job has run, jobs that go bucket by bucket stop
and name the table. Each table changes in one commit; killed at any point and run again it does the rest.
"""

from __future__ import annotations

from tallystick.entrypoint import start
from tallystick.runs.params import RebucketSource
from tallystick.runs.rebucket_source import run

if __name__ == "__main__":
    start(RebucketSource, run, __doc__)
