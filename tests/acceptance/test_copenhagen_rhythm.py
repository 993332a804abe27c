"""The group ``rhythm`` on the calls and messages of real people equals the definitions that it cites.

For everybody, at the end of the study, in the middle of it, and within a day whose own events are not known yet; with
an independent computation straight from the files (``tests/lib/call_indicators.py``).
"""

from __future__ import annotations

import csv
import gzip
import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from tallystick.features import GroupWork, compute_local
from tallystick.project import load_project
from tallystick.tables import Warehouse, read_arrow
from tests.lib.call_indicators import Contact, Value, indicators

ZONE = "Europe/Copenhagen"


def local(*parts: int) -> datetime:
    """The local clock, which is not changed during the study."""
    return datetime(*parts, tzinfo=ZoneInfo(ZONE))  # type: ignore[misc,arg-type]


START = local(2013, 9, 1)
# Instants, each with the local midnight before which an event must be to be known.
SEEN = {
    "whole study": (local(2013, 9, 29), local(2013, 9, 29)),
    "half of it": (local(2013, 9, 15), local(2013, 9, 15)),
    "within a day": (local(2013, 9, 20, 15), local(2013, 9, 20)),
}
PEOPLE = 844
INDICATORS = 51


def read(data_dir: Path, name: str) -> Iterator[dict[str, str]]:
    """The rows of one of the supplier's files."""
    with gzip.open(data_dir / "copenhagen" / f"{name}.csv.gz", "rt") as file:
        yield from csv.DictReader(file)


@pytest.fixture(scope="module")
def people(data_dir: Path) -> dict[str, list[Contact]]:
    """Everybody's contacts, from the files. Two messages of one person to another in one second are one."""
    found: dict[str, set[Contact]] = defaultdict(set)
    for name, columns in (("genders", ("user",)), ("fb_friends", (" user_a", "user_b"))):
        for row in read(data_dir, name):
            for column in columns:
                found[row[column]]  # known, perhaps without a contact
    for kind, name, (one, two) in (
        ("message", "sms", ("sender", "recipient")),
        ("call", "calls", ("caller", "callee")),
    ):
        for row in read(data_dir, name):
            at, length = START + timedelta(seconds=int(row["timestamp"])), int(row.get("duration", -1))
            known = f"{'sms' if kind == 'message' else 'call'}-{row['timestamp']}-{row[one]}-{row[two]}"
            for me, other, way in ((row[one], row[two], "out"), (row[two], row[one], "in")):
                seconds = length if length >= 0 else None
                found[me].add(Contact(at, f"{known}-{way}", kind, way, other, seconds))
    return {person: list(contacts) for person, contacts in found.items()}


@pytest.fixture(scope="module")
def features(copenhagen: Warehouse, project_root: Path, people: dict[str, list[Contact]]) -> dict[str, pa.Table]:
    """The group for everybody at each instant, from the clean table."""
    project = load_project(project_root)
    work = GroupWork.of(project.feature_groups["rhythm"], project.contracts)
    events = read_arrow(copenhagen, "clean.social_events", columns=work.stored_columns())
    customers = [f"copenhagen:{person}" for person in people]

    def computed(at: datetime) -> pa.Table:
        asked = {"observation_id": customers, "customer_id": customers}
        instant = at.astimezone(UTC)
        when = pa.array([instant] * len(customers), pa.timestamp("us", "UTC"))
        return compute_local(work, events, pa.table({**asked, "as_of": when}), dimensions={}, zone=ZONE)

    return {name: computed(at) for name, (at, _) in SEEN.items()}


def differing(found: Value, expected: Value) -> bool:
    if found is None or expected is None or isinstance(expected, int):
        return found != expected
    return not math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9)


def compared(
    people: dict[str, list[Contact]], features: pa.Table, known: datetime
) -> Iterator[tuple[str, str, Value, Value]]:
    """Person, indicator, feature and what the definition gives."""
    for row, (person, contacts) in enumerate(people.items()):
        for name, value in indicators(contact for contact in contacts if contact.at < known).items():
            yield person, name, features[f"rhythm_{name}_28d"][row].as_py(), value


@pytest.mark.parametrize("name", SEEN)
def test_every_indicator_of_everybody_is_what_its_definition_gives(
    people: dict[str, list[Contact]], features: dict[str, pa.Table], name: str
) -> None:
    pairs = list(compared(people, features[name], SEEN[name][1]))
    assert len(pairs) == len(people) * INDICATORS
    assert len(people) == PEOPLE
    wrong = [(who, what, found, value) for who, what, found, value in pairs if differing(found, value)]
    assert not wrong, wrong[:5]
    told = {what for _, what, found, _ in pairs if found}
    assert len(told) == INDICATORS, "an indicator that is 0 or null for everybody compares nothing"


def test_every_feature_of_the_group_is_compared(
    people: dict[str, list[Contact]], features: dict[str, pa.Table]
) -> None:
    declared = {name for name in features["whole study"].column_names if name.endswith("_28d")}
    assert declared == {f"rhythm_{name}_28d" for name in indicators(next(iter(people.values())))}
