"""Who is observed, and when: from a bucket's clean rows to ``(observation_id, customer_id, as_of)``.

A set is declared in the project's ``observations/`` (``spec.observations`` has the classes). Every stage that needs
observations asks here: the feature stage inside its tasks (``observe``), labels and training for a whole source
(``observe_source``). Here: the kinds of sets, and which days lack their rows. Not here: storage (a run hands in the
functions that read), features, labels.
"""

from __future__ import annotations

from tallystick.observations.decided import decided_versions
from tallystick.observations.looking_back import ExpectedRows, backfill_start
from tallystick.observations.needs import columns_to_read
from tallystick.observations.population import OBSERVATION_SCHEMA, observe, period_names
from tallystick.observations.source import observe_bucket, observe_source
from tallystick.observations.specs import ObservationSpec

__all__ = [
    "OBSERVATION_SCHEMA",
    "ExpectedRows",
    "ObservationSpec",
    "backfill_start",
    "columns_to_read",
    "decided_versions",
    "observe",
    "observe_bucket",
    "observe_source",
    "period_names",
]
