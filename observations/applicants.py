"""Applications as the night before knew their customers: what a score that is only looked up is learned from."""

from __future__ import annotations

from tallystick.spec.observations import ObservationSet, RowsAtMidnight

APPLICANTS = ObservationSet(
    name="applicants",
    key="application_id",
    population=RowsAtMidnight(table="clean.applications"),
    description="Each application at the midnight that begins its day, before anything of the application was known",
)
