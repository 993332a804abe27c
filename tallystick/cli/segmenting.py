"""``tally segments``: from arguments to the runs that fit and assign segments.

Kept apart from ``running`` because it takes no files and no recipe: events are stored already.
"""

from __future__ import annotations

import uuid
from pathlib import Path

from tallystick.cli.running import open_project, spark_session
from tallystick.cli.warehouse_option import existing_warehouse
from tallystick.errors import NotFound
from tallystick.pipeline import Dates, Place, list_segment_steps, run_steps
from tallystick.project.segment_checks import check_segmentation
from tallystick.spec.names import nearest_name


def make_segments(
    name: str,
    source: str,
    *,
    dates: Dates,
    refit: bool,
    warehouse: Path,
    project: Path | None,
) -> None:
    """Features at the month ends, a model where there is none or one is asked for, and the customers' segments.

    An unknown name, and what is wrong with the segmentation, is told before Spark is started.
    """
    home, declared = existing_warehouse(warehouse), open_project(project)
    if name not in declared.segmentations:
        raise NotFound(f"there is no segmentation {name}", fix=nearest_name(name, declared.segmentations))
    if source not in declared.sources:
        raise NotFound(f"there is no source {source}", where="sources/", fix=nearest_name(source, declared.sources))
    chosen = declared.segmentations[name]
    check_segmentation(declared, chosen)
    place = Place(project=declared.root, warehouse=home)
    steps = list_segment_steps(chosen, source, place=place, dates=dates, refit=refit)
    with spark_session(declared.root) as session:
        run_steps(steps, session=session, run_id=uuid.uuid4().hex)
