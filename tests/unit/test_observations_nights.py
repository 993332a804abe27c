"""Rows observed at every midnight while they are open, against the definition night by night, and by hand."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pyarrow as pa
import pytest

from tallystick.spec.observations import Nights
from tests.lib.observed_rows import (
    DAY,
    TABLE,
    ZONE,
    Expected,
    Version,
    by_row,
    draw_versions,
    in_force,
    local,
    rows_table,
    seen_by,
    spec_of,
)

NIGHTLY = Nights(table=TABLE, closed_on="closed_on")


@pytest.mark.parametrize("zone", [ZONE, "Asia/Shanghai", "America/Santiago"])
def test_nights_agree_with_the_definition_night_by_night(zone: str) -> None:
    draw = random.Random(8)
    start, first, last = date(2026, 3, 25), date(2026, 3, 26), date(2026, 4, 9)  # clocks change on the 29th and the 5th
    counted = 0
    for _ in range(30):
        versions = draw_versions(draw, rows=12, start=start, days=14)
        expected: Expected = []
        for row, own in by_row(versions).items():
            for day in (first + timedelta(days=number) for number in range((last - first).days + 1)):
                version = in_force(own, day)
                if version is None or version.gone or version.at >= local(day, zone=zone):
                    continue
                closed = version.more["closed_on"]
                if closed is None or closed >= day:
                    expected.append((row, version.customer, local(day, zone=zone)))
        expected.sort(key=lambda one: (one[1], one[2], one[0]))
        rows = rows_table(versions, closed_on=pa.date32())
        assert seen_by(spec_of(NIGHTLY, first=first, last=last), {TABLE: rows}, zone=zone) == expected
        counted += len(expected)
    assert counted > 200


@pytest.mark.parametrize(
    ("granted", "day", "mob"),
    [
        (date(2026, 1, 15), date(2026, 2, 14), 0),
        (date(2026, 1, 15), date(2026, 2, 15), 1),
        (date(2026, 1, 31), date(2026, 2, 27), 0),
        (date(2026, 1, 31), date(2026, 2, 28), 1),  # February ends: the month is over
        (date(2026, 1, 31), date(2026, 3, 30), 1),
        (date(2026, 1, 31), date(2026, 3, 31), 2),
        (date(2025, 12, 1), date(2026, 2, 1), 2),
        (date(2026, 2, 28), date(2026, 3, 27), 0),
        (date(2026, 2, 28), date(2026, 3, 28), 1),
    ],
)
def test_months_on_book_of_a_night_clamp_at_the_end_of_a_month(granted: date, day: date, mob: int) -> None:
    rows = {TABLE: rows_table([Version(row="r", at=local(granted, 9), known=granted)])}
    for number in range(4):
        population = Nights(table=TABLE, where=f"mob = {number}")
        spec = spec_of(population, types={"mob": "int64"}, first=day, last=day)
        assert len(seen_by(spec, rows)) == int(number == mob)


def test_nights_without_a_first_date_begin_with_the_first_row() -> None:
    rows = rows_table([Version(row="r", at=local(DAY, 9), known=DAY)])
    last = DAY + timedelta(days=2)
    found = seen_by(spec_of(Nights(table=TABLE), last=last), {TABLE: rows})
    assert found == [("r", "c1", local(DAY + timedelta(days=1))), ("r", "c1", local(last))]
