"""Where a customer's rows are: the bank the id names, the bucket, the date, and the files of pinned versions.

All that scores and vectors ask before they read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from tallystick.errors import InputError
from tallystick.project import Project
from tallystick.spec.calendar import business_date, business_instant
from tallystick.spec.data_files import DataFile
from tallystick.spec.names import nearest_name
from tallystick.spec.sources import Source
from tallystick.tables.store.bucketing import mark_of
from tallystick.tables.store.customer_rows import customer_bucket
from tallystick.tables.store.snapshots import Pinned, live_files
from tallystick.tables.store.warehouse import Warehouse

_ALWAYS = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer's id and the source that it names."""

    id: str
    source: Source

    def midnight(self, day: date) -> datetime:
        """The instant at which a business date begins; InputError where that is before or after the calendar."""
        try:
            return business_instant(datetime.combine(day, time()), self.source.zone)
        except OverflowError:
            fix = "name one from 0001-01-02 to 9999-12-30"
            raise InputError(f"the date {day} begins at no instant of the calendar", fix=fix) from None

    def date_of(self, instant: datetime) -> date:
        """The business date of an instant."""
        return business_date(instant, self.source.zone)


def find_customer(name: str, project: Project) -> Customer:
    """The customer of an id ``<source>:<id>``; InputError, which shows no id, where it names no declared source."""
    source, found, _ = name.partition(":")
    if found and source and source not in project.sources:
        fix = f"<source>:<id>; {nearest_name(source, project.sources)}"
        raise InputError("the customer's id names a source that is not declared", fix=fix)
    if not found or not source:
        told = ", ".join(sorted(project.sources))
        raise InputError("the customer's id names no source", fix=f"<source>:<id>, one of the sources {told}")
    return Customer(name, project.sources[source])


@dataclass(slots=True)
class Shelf:
    """One table at one version, its files by partition, ready to be asked for one customer's.

    ``marks`` are the numbers of buckets that each source's rows lie in, as far as the table says.
    """

    pinned: Pinned
    marks: dict[str, int | None] = field(default_factory=dict)
    _by_place: dict[tuple[str, int], list[DataFile]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for file in self.pinned.files:
            place = (file.partition.get("source", ""), int(file.partition.get("bucket", 0)))
            self._by_place.setdefault(place, []).append(file)

    @classmethod
    def open(cls, warehouse: Warehouse, name: str, sources: Iterable[str]) -> Shelf:
        """The newest version of a table that exists."""
        table = warehouse.open(name)
        pinned = Pinned(name, str(warehouse.table_path(name)), table.version(), tuple(live_files(table)))
        marks = {source: table.transaction_version(mark_of(source)) for source in sources}
        return cls(pinned, marks)

    def files(self, customer: Customer, **values: str) -> list[DataFile]:
        """The files that can hold rows of the customer with these partition values."""
        source = customer.source
        buckets = self.marks.get(source.name) or source.layout.buckets
        found = self._by_place.get((source.name, customer_bucket(customer.id, buckets)), [])
        return [file for file in found if all(file.partition.get(name) == value for name, value in values.items())]

    def shared_files(self, source: str, **values: str) -> Sequence[DataFile]:
        """All files of a source with these partition values, whoever's rows they hold."""
        wanted = {"source": source, **values}
        return [
            file
            for file in self.pinned.files
            if all(file.partition.get(name) == value for name, value in wanted.items())
        ]

    def values(self, name: str, source: str) -> list[str]:
        """The different values of a partition column that the source has."""
        found = {file.partition[name] for file in self.pinned.files if file.partition.get("source") == source}
        return sorted(found)


def up_to(files: Iterable[DataFile], last: datetime | None) -> list[DataFile]:
    """The files that may hold an ``as_of`` up to ``last``, those with the newest first."""
    known = [(bounds_of(file), file) for file in files]
    found = [(high, file) for (low, high), file in known if last is None or low <= last]
    return [file for _, file in sorted(found, key=lambda pair: pair[0], reverse=True)]


def bounds_of(file: DataFile) -> tuple[datetime, datetime]:
    """The least and the greatest ``as_of`` of a file; all of time where it does not say."""
    low, high = file.bounds.get("as_of", (None, None))
    if not (isinstance(low, datetime) and isinstance(high, datetime)):
        return _ALWAYS
    # Spark cuts the bounds of its files to milliseconds.
    return low, high + timedelta(milliseconds=1)
