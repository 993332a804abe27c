"""Events that are observed the microsecond after they happened."""

from __future__ import annotations

from datetime import timedelta

from tallystick.spec.observations import Rows, RowsAfter
from tests.lib.observed_rows import DAY, TABLE, Version, local, rows_table, seen_by, spec_of


def test_the_last_microsecond_of_a_day_is_observed_after_on_the_next_one() -> None:
    after = DAY + timedelta(days=1)
    late = local(after) - timedelta(microseconds=1)
    versions = [Version(row="a1", at=late, known=DAY), Version(row="a1", at=late, known=after, gone=True)]
    for kind, days, seen in ((Rows, 0, True), (RowsAfter, 0, False), (Rows, 1, False)):
        assert bool(seen_by(spec_of(kind(table=TABLE), review_days=days), {TABLE: rows_table(versions)})) is seen
    spec = spec_of(RowsAfter(table=TABLE), first=after, last=after)
    assert seen_by(spec, {TABLE: rows_table(versions[:1])}) == [("a1", "c1", local(after))]
