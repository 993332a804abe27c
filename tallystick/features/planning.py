"""Which tasks a run has, which observations it makes and which rows it owns.

Decided once on the driver, from declarations and lists of files, so that all tasks of a run agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, TypeVar

from tallystick.buckets import BucketTask
from tallystick.errors import DeclarationError, NotFound
from tallystick.spec.data_files import DataFile
from tallystick.spec.names import nearest_name
from tallystick.spec.observations import CUSTOMER, Customers, Given, Nights, ObservationSet
from tallystick.spec.sources import Source

if TYPE_CHECKING:
    from tallystick.project import Project
    from tallystick.spec.features import FeatureGroup

Declared = TypeVar("Declared")

# The set of observations that groups are computed for when neither a recipe nor a set is named.
DEFAULT_SET = "daily"


def find_declared(kind: str, name: str, known: Mapping[str, Declared]) -> Declared:
    """The declaration of that name; NotFound with the nearest name if there is none. ``kind`` is for the message."""
    if name not in known:
        raise NotFound(f"there is no {kind} {name}", fix=nearest_name(name, known))
    return known[name]


def choose_work(
    project: Project, *, groups: Sequence[str] = (), recipe: str = "", observations: str = ""
) -> tuple[list[FeatureGroup], ObservationSet]:
    """The groups to compute and the set of observations to compute them for.

    A recipe gives its observations where no set is named, and its groups where no group is. Groups alone are computed
    for the set ``daily``. NotFound for an unknown name, DeclarationError when no group is named and when a group needs
    another key than the set has.
    """
    chosen = find_declared("recipe", recipe, project.recipes) if recipe else None
    names = tuple(dict.fromkeys(groups)) or (chosen.groups if chosen else ())
    if not names:
        raise DeclarationError("nothing to compute is named", fix="say --recipe NAME or --group NAME")
    wanted = observations or (chosen.observations if chosen else DEFAULT_SET)
    declared = find_declared("observation set", wanted, project.observations)
    return find_groups(project, names, declared), declared


def find_groups(project: Project, names: Iterable[str], declared: ObservationSet) -> list[FeatureGroup]:
    """The groups of those names; DeclarationError when one counts rows by another key than the set has."""
    found = [find_declared("feature group", name, project.feature_groups) for name in names]
    for group in found:
        group.check_key(declared.key, where=declared.where_text)
    return found


def settle_dates(
    observations: ObservationSet,
    loaded: date | None,
    *,
    first: date | None,
    last: date | None,
) -> tuple[date | None, date | None]:
    """The first and last business date (inclusive) of a run that may not name them.

    Events at their own instant need none; those that are reviewed later end, whatever last date is named, with the last
    one whose review is over. What is seen at midnights ends with the last night that is ``loaded``, and customers and
    nights begin so many days before as their set declares. DeclarationError when there is no load to end with.
    """
    population = observations.population
    if observations.by_event:
        reviewed = observations.last_reviewed(loaded)
        if reviewed is None:
            return first, last
        last = min(last or reviewed, reviewed)
        return (min(first, last) if first else None), last
    last = last or loaded
    if last is None:
        what = f"no rows are loaded, so {observations.name} has no last date to be observed on"
        raise DeclarationError(what, fix="ingest first")
    if first is None and isinstance(population, (Customers, Nights)):
        first = last - timedelta(days=population.days - 1)
    return first, last


def last_load(files: Iterable[DataFile]) -> date | None:
    """The date of the newest load among the files; None when there is none."""
    return max((file.bounds["loaded_on"][1] for file in files if "loaded_on" in file.bounds), default=None)


def note_unloaded(last: date | None, loaded: date | None, *, tell: Callable[[str], None]) -> None:
    """Tell of days after the last load, which may be computed but have not seen their own."""
    if last is not None and loaded is not None and last > loaded:
        tell(f"      note: {last} is after the last load, that of {loaded}; such days become late with their load")


def list_read_tables(groups: Iterable[FeatureGroup], drawn_from: Iterable[str]) -> list[str]:
    """The clean tables that a run reads: those of the groups, those they look up, those it observes; sorted."""
    return sorted(frozenset(drawn_from).union(*(group.reads for group in groups)))


def list_bucket_tasks(source: Source, files: Mapping[str, Sequence[DataFile]]) -> list[BucketTask]:
    """One task per bucket of the source that holds any file; tables without a customer go to every task."""
    shared = {table: stored for table, stored in files.items() if _is_everywhere(stored)}
    own: dict[int, dict[str, list[DataFile]]] = {}
    for table, stored in files.items():
        for file in stored:
            tables = own.setdefault(int(file.partition["bucket"]), {})
            tables.setdefault(table, []).append(file)
    tasks = []
    for bucket, tables in sorted(own.items()):
        held = {**{name: found for name, found in tables.items() if name not in shared}, **shared}
        tasks.append(
            BucketTask(
                source=source.name,
                bucket=bucket,
                zone=source.zone,
                period=source.layout.period,
                files={table: tuple(file.path for file in found) for table, found in held.items()},
                single_version=_single_version(source, tables),
                size=sum(file.size for found in held.values() for file in found),
            )
        )
    return tasks


def list_given_tasks(
    source: Source, files: Mapping[str, Sequence[DataFile]], given: Mapping[str, Mapping[int, str]]
) -> list[BucketTask]:
    """One task per bucket that has given observations, also where nothing else is stored in it.

    ``given`` maps the name of the observations to their file in each bucket.
    """
    tables = {name: tuple(f.path for f in found) for name, found in files.items() if _is_everywhere(found)}
    # Of files that every task reads, those of one bucket do not tell how many versions an event has.
    stored = {
        task.bucket: replace(task, single_version=task.single_version.difference(tables))
        for task in list_bucket_tasks(source, files)
    }
    bare = BucketTask(source=source.name, bucket=0, zone=source.zone, period=source.layout.period, files=tables)
    buckets = sorted({bucket for paths in given.values() for bucket in paths})
    return [
        replace(task, bucket=bucket, files={**task.files, **{n: (p[bucket],) for n, p in given.items() if bucket in p}})
        for bucket, task in ((bucket, stored.get(bucket, bare)) for bucket in buckets)
    ]


def find_given(name: str, project: Project) -> tuple[ObservationSet, str]:
    """The set of that name whose observations a file gives, and the file's column of instants.

    A set that is not declared has the key ``customer_id`` and the column ``as_of``. DeclarationError for a set that is
    drawn from clean tables: its rows would be replaced.
    """
    declared = project.observations.get(name) or ObservationSet(name=name, key=CUSTOMER, population=Given())
    if not isinstance(declared.population, Given):
        what = f"observations {name} are drawn from {', '.join(declared.tables)}"
        raise DeclarationError(what, where=declared.where_text, fix="take another name")
    return declared, declared.population.as_of


def _is_everywhere(stored: Sequence[DataFile]) -> bool:
    """Files that every task reads: of tables without customers, or whose buckets are not those of the layout."""
    return all(file.partition["period"] == "all" for file in stored)


def _single_version(source: Source, files: Mapping[str, Sequence[DataFile]]) -> frozenset[str]:
    """The clean tables whose rows in these files all came in one load, which cannot bring an event twice.

    A load rejects two versions of one event, unless the mapping itself says when each row was known.
    """
    found = []
    for name, table in source.tables.items():
        stats = [file.bounds for file in files.get(f"clean.{name}", ())]
        loads = {day for own in stats for day in own.get("loaded_on", (date.min, date.max))}
        if len(loads) == 1 and table.known_on.kind != "column":
            found.append(f"clean.{name}")
    return frozenset(found)
