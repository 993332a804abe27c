"""Landing: a supplier's files are copied unchanged into ``raw/<source>/<delivery>/`` before anything reads them.

Here: the copy, its manifest and its published mark. Not here: the content of the files (``ingest`` judges it), Delta.
"""

from tallystick.tables.landing.raw_folder import (
    LandedFile,
    Landing,
    alone,
    find_landing,
    land,
    landings,
    load_dates,
    mark_published,
)

__all__ = ["LandedFile", "Landing", "alone", "find_landing", "land", "landings", "load_dates", "mark_published"]
