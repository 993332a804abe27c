"""Applications for a loan: each is observed at the instant it was made."""

from __future__ import annotations

from tallystick.spec.observations import ObservationSet, Rows

APPLICATIONS = ObservationSet(
    name="applications",
    key="application_id",
    population=Rows(table="clean.applications"),
    description="Each application at the instant it was made, as it stood when it was decided",
)
