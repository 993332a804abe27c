"""Sessions and changes of telephones: each reviewed on the next day."""

from __future__ import annotations

from tallystick.spec.observations import ObservationSet, RowsAfter

LOGINS = ObservationSet(
    name="logins",
    key="device_event_id",
    # A failed login opens no session; the one after it sees how many there were.
    population=RowsAfter(table="clean.device_events", where="kind <> 'failed_login'"),
    review_days=1,
    description="Each login and each new telephone or SIM card, as reviewed on the next day",
)
