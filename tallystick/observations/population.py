"""Draws observations from rows, kind by kind: pure functions over Arrow tables.

A row is seen at a local midnight that begins business date D when it happened before that instant and its version is
in force on D (``visibility``). Every function sorts by (customer_id, as_of, observation_id).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import ContractError
from tallystick.kernel.nullable import one_array
from tallystick.kernel.row_values import evaluate_expression
from tallystick.kernel.zones import zone_offsets
from tallystick.observations.decided import decided_versions
from tallystick.observations.needs import columns_to_read
from tallystick.observations.specs import ObservationSpec
from tallystick.spec.expressions import columns_used
from tallystick.spec.observations import MOB, OF_OPEN, Given, Nights, Nodes
from tallystick.visibility import NEVER
from tallystick.visibility.rows import day_number, day_numbers, only_versions, version_spans

_INSTANT = pa.timestamp("us", tz="UTC")
OBSERVATION_SCHEMA = pa.schema([("observation_id", pa.string()), ("customer_id", pa.string()), ("as_of", _INSTANT)])
_ORDER = [("customer_id", "ascending"), ("as_of", "ascending"), ("observation_id", "ascending")]


def observe(
    spec: ObservationSpec, read: Callable[[str], pa.Table], *, zone: str, single_version: Collection[str] = ()
) -> pa.Table:
    """The observations of the rows that ``read`` gives: observation_id, customer_id, as_of and ``spec.columns``.

    ``read`` gives the rows of a table by its name, all versions of them, with at least ``columns_to_read``; they may be
    those of one bucket or of a whole source. It is called once a table. ``zone`` is the business time zone.
    ``single_version`` names tables whose rows are known to have one version each.
    """
    if spec.kind == Given.kind:
        return observe_given(read(next(iter(spec.tables))))
    if spec.declared.table:
        rows, has_versions = _known(read(spec.declared.table), spec), spec.declared.table not in single_version
        draw = observe_rows if spec.declared.by_event else observe_open
        return draw(spec, rows, zone=zone, has_versions=has_versions)
    columns = columns_to_read(spec, single_version)
    ids = {table: event_id if event_id in columns[table] else "" for table, event_id in spec.tables.items()}
    # One table after the other: what only the population reads is given up at once.
    tables = ((event_id, _known(read(table), spec)) for table, event_id in ids.items())
    return observe_customers(tables, zone=zone, days=_asked_days(spec))


def observe_rows(spec: ObservationSpec, rows: pa.Table, *, zone: str, has_versions: bool = True) -> pa.Table:
    """One observation per event, in the version that was decided on (``decided_versions``).

    as_of is the event's instant or, where the set says so, the microsecond after it or the local midnight that begins
    its date. The run's dates bound the date of as_of. ``has_versions`` False says that each event has one version.
    """
    declared, offsets = spec.declared, zone_offsets(zone)
    if has_versions:
        decided = decided_versions(
            rows, declared.key, zone=zone, review_days=declared.review_days, after=declared.microseconds_after
        )
    else:
        decided = rows.filter(pc.invert(rows["is_retracted"]))
    instants = _micros(decided["event_at"]) if decided.num_rows else np.zeros(0, dtype=np.int64)
    instants = instants + declared.microseconds_after
    days = offsets.dates(instants)
    wanted = np.ones(len(days), dtype=bool)
    if spec.first is not None:
        wanted &= days >= day_number(spec.first)
    if spec.last is not None:
        wanted &= days <= day_number(spec.last)
    decided, instants = decided.filter(pa.array(wanted)), instants[wanted]
    if declared.at_midnight:
        instants = offsets.midnights(days[wanted])
    decided = decided.append_column("as_of", pa.array(instants, pa.int64()).cast(_INSTANT))
    return _chosen(spec, decided.filter(_holds(spec, decided)), as_of="as_of")


def observe_open(spec: ObservationSpec, rows: pa.Table, *, zone: str, has_versions: bool = True) -> pa.Table:
    """Each event at every local midnight of its set, while its version in force is not closed.

    The midnights are those that begin a month (MonthEnds) or any date (Nights); the run's dates bound them. A
    retraction ends an event as it ends any row. ``closed_on`` before the date of the midnight closes it; null closes
    nothing. ``has_versions`` False says that each event has one version.
    """
    population = spec.declared.population
    if not isinstance(population, OF_OPEN) or spec.last is None:
        raise ContractError(f"{spec.name} is no set of open rows up to a date", where="observe_open")
    spans = version_spans(rows, spec.declared.key) if has_versions else only_versions(rows)
    happened = zone_offsets(zone).dates(_micros(spans.rows["event_at"]))
    # What happens at a local midnight is not before it: in both cases it is seen from the next day on.
    begin = np.maximum(spans.known, happened + 1)
    end = np.minimum(spans.until, day_number(spec.last) + 1)
    if spec.first is not None:
        begin = np.maximum(begin, day_number(spec.first))
    if population.closed_on:
        closed = day_numbers(pc.fill_null(spans.rows[population.closed_on], date.max))
        end = np.minimum(end, closed + 1)
    end = np.where(_flags(spans.rows["is_retracted"]), begin, end)
    at, days = (_days_within if isinstance(population, Nights) else _months_within)(begin, end)
    offsets = zone_offsets(zone)
    if isinstance(population, Nights):
        # A date that the zone's clock skipped has no midnight of its own.
        is_date = offsets.midnights(days) < offsets.midnights(days + 1)
        at, days = at[is_date], days[is_date]
    seen = spans.rows.take(pa.array(at))
    seen = seen.append_column("as_of", pa.array(offsets.midnights(days), pa.int64()).cast(_INSTANT))
    seen = seen.append_column(MOB, pa.array(_whole_months(happened[at], days), pa.int64()))
    return _chosen(spec, seen.filter(_holds(spec, seen)), as_of="as_of")


def observe_customers(tables: Iterable[tuple[str, pa.Table]], *, zone: str, days: np.ndarray) -> pa.Table:
    """All customers with a visible row in any of the tables, at the local midnight of each of ``days``.

    ``tables`` gives (event_id column, rows) pairs; the name is empty where no event of the rows has a second version,
    and then neither it nor loaded_on is needed. ``days`` are day numbers in rising order; a date that the zone's clock
    skipped has no midnight of its own and observes nobody.
    """
    offsets = zone_offsets(zone)
    days = days[offsets.midnights(days) < offsets.midnights(days + 1)]
    spans = [
        _version_spans(rows, event_id=event_id, zone=zone) if event_id else _open_spans(rows, zone=zone, first=days[0])
        for event_id, rows in tables
        if rows.num_rows and days.size
    ]
    if not spans:
        return OBSERVATION_SCHEMA.empty_table()
    customers = one_array(pa.chunked_array([span[0] for span in spans]))
    codes = customers.indices.to_numpy()
    starts = np.concatenate([span[1] for span in spans])
    ends = np.concatenate([span[2] for span in spans])
    order = pc.array_sort_indices(customers.dictionary).to_numpy()
    names = customers.dictionary.take(pa.array(order))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    present = _presence(rank[codes], starts, ends, days=days, customers=len(order))
    who, when = np.nonzero(present)
    instants = offsets.midnights(days)[when]
    ids = names.take(pa.array(who))
    return pa.table([ids, ids, pa.array(instants, type=pa.int64()).cast(_INSTANT)], schema=OBSERVATION_SCHEMA)


def observe_given(rows: pa.Table) -> pa.Table:
    """Each distinct observation of ``rows`` once.

    A customer of whom nothing is stored is observed like any other: counts are 0 and statistics null. ContractError
    where one observation_id stands for two customers at one instant.
    """
    distinct = rows.group_by(OBSERVATION_SCHEMA.names).aggregate([]).select(OBSERVATION_SCHEMA.names)
    if distinct.group_by(["observation_id", "as_of"]).aggregate([]).num_rows < distinct.num_rows:
        what = "an observation_id stands for two customers at one instant"
        raise ContractError(what, where="given observations", fix="give each observation an id of its own")
    return distinct.cast(OBSERVATION_SCHEMA).sort_by(_ORDER)


def period_names(as_of: pa.ChunkedArray, zone: str, period: str) -> pa.Array:
    """The period each observation is stored in: the local year ``1997`` or month ``1997-05`` of its business date."""
    days = zone_offsets(zone).dates(_micros(as_of)).astype("datetime64[D]")
    return pa.array(days.astype(f"datetime64[{'M' if period == 'month' else 'Y'}]").astype(str))


def _known(rows: pa.Table, spec: ObservationSpec) -> pa.Table:
    """The rows without those that were not known yet."""
    if spec.known_by is None:
        return rows
    return rows.filter(pc.less_equal(rows["known_on"], pa.scalar(spec.known_by, pa.date32())))


def _holds(spec: ObservationSpec, rows: pa.Table) -> pa.ChunkedArray | pa.Array:
    """Where the set's condition holds; null counts as not holding."""
    if spec.condition is None:
        return pa.array(np.ones(rows.num_rows, dtype=bool))
    return pc.fill_null(evaluate_expression(spec.condition, rows.select(columns_used(spec.condition))), False)


def _chosen(spec: ObservationSpec, rows: pa.Table, *, as_of: str) -> pa.Table:
    names = (spec.declared.key, "customer_id", as_of, *spec.columns)
    made = pa.table([rows[name] for name in names], names=[*OBSERVATION_SCHEMA.names, *spec.columns])
    return made.sort_by(_ORDER)


def _asked_days(spec: ObservationSpec) -> np.ndarray:
    """The day numbers on which customers are observed: all of the run, or those that the set lists within them."""
    population = spec.declared.population
    if isinstance(population, Nodes):
        days = np.array([day_number(day) for day in population.dates], dtype=np.int64)
        low = day_number(spec.first) if spec.first else days[0]
        high = day_number(spec.last) if spec.last else days[-1]
        return days[(days >= low) & (days <= high)]
    if spec.first is None or spec.last is None:
        raise ContractError(f"{spec.name} needs a first and a last date", where="observe")
    return np.arange(day_number(spec.first), day_number(spec.last) + 1, dtype=np.int64)


def _month_on_or_after(days: np.ndarray) -> np.ndarray:
    """The first month, counted from 1970-01, that begins on each day or after it."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    return np.asarray(months.astype(np.int64) + (months.astype("datetime64[D]") < dates))


def _months_within(begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every day within a span of days that begins a month: the number of the span, and the day."""
    at, months = _days_within(_month_on_or_after(begin), _month_on_or_after(end))
    return at, months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _days_within(begin: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every day of half-open spans: the number of the span, and the day."""
    counts = np.maximum(end - begin, 0)
    at = np.repeat(np.arange(len(counts)), counts)
    return at, begin[at] + np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)


def _whole_months(since: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Whole months from each day to the other; months clamp, so from 31 January one is over on 28 February."""
    (first, first_day), (last, last_day) = _month_and_day(since), _month_and_day(days)
    _, next_day = _month_and_day(days + 1)
    is_short = (last_day < first_day) & (next_day != 1)
    return np.asarray(last - first - is_short)


def _month_and_day(days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The month of each day, counted from 1970-01, and the day of the month, from 1."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    return months.astype(np.int64), (dates - months.astype("datetime64[D]")).astype(np.int64) + 1


def _version_spans(rows: pa.Table, *, event_id: str, zone: str) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """Per version of a row: its customer (a code) and the half-open span of business dates on which it is visible."""
    spans = version_spans(rows, event_id)
    # An event at a local midnight is not before that midnight, so in both cases it is seen from the next day on.
    starts = np.maximum(spans.known, zone_offsets(zone).dates(_micros(spans.rows["event_at"])) + 1)
    keep = ~_flags(spans.rows["is_retracted"]) & (starts < spans.until)
    return _coded(spans.rows["customer_id"]).filter(pa.array(keep)), starts[keep], spans.until[keep]


def _open_spans(rows: pa.Table, *, zone: str, first: int) -> tuple[pa.Array, np.ndarray, np.ndarray]:
    """The same of rows of which no event has a second version: spans that never end, from ``first`` on at the earliest.

    Whoever is visible on the first day stays so: his other rows are not looked at.
    """
    customers, midnight = _coded(rows["customer_id"]), zone_offsets(zone).midnights(np.array([first]))
    codes = customers.indices.to_numpy()
    known, micros = _day_numbers(rows["known_on"]), _micros(rows["event_at"])
    is_kept = ~_flags(rows["is_retracted"])
    is_seen = is_kept & (known <= first) & (micros < midnight)
    # Rows of a customer mostly stand together: each such run is looked at as one.
    runs = np.flatnonzero(np.concatenate(([True], codes[1:] != codes[:-1])))
    who = codes[runs]
    is_present = np.zeros(len(customers.dictionary), dtype=bool)
    is_present[who[np.logical_or.reduceat(is_seen, runs)]] = True
    present = np.flatnonzero(is_present).astype(codes.dtype)
    sizes = np.diff(runs, append=codes.size)
    later = np.flatnonzero(is_kept & np.repeat(~is_present[who], sizes)) if not is_present[who].all() else runs[:0]
    starts = np.maximum(known[later], zone_offsets(zone).dates(micros[later]) + 1)
    starts = np.concatenate((np.full(present.size, first, dtype=np.int64), starts))
    seen = pa.DictionaryArray.from_arrays(pa.array(np.concatenate((present, codes[later]))), customers.dictionary)
    return seen, starts, np.full(starts.size, NEVER, dtype=np.int64)


def _coded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    customers = one_array(column)
    return customers if pa.types.is_dictionary(customers.type) else customers.dictionary_encode()


def _flags(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.to_numpy(zero_copy_only=False)).astype(bool)


def _presence(
    codes: np.ndarray, starts: np.ndarray, ends: np.ndarray, *, days: np.ndarray, customers: int
) -> np.ndarray:
    """Boolean (customer, day): does any span of the customer hold the day. Counts openings less closings per day."""
    width = len(days)
    size = customers * (width + 1)
    opened = np.bincount(codes * (width + 1) + _places(starts, days), minlength=size)
    # Nearly all spans are open: those that end behind the last day close nothing.
    closing = np.flatnonzero(ends <= days[-1])
    at = codes[closing] * (width + 1) + _places(ends[closing], days)
    delta = (opened - np.bincount(at, minlength=size)).reshape(customers, width + 1)
    return np.cumsum(delta, axis=1)[:, :width] > 0


def _places(values: np.ndarray, days: np.ndarray) -> np.ndarray:
    """The place of the first of ``days`` that is not before each value; behind the last where none is."""
    if days[-1] - days[0] == len(days) - 1:
        return np.clip(values - days[0], 0, len(days))
    return np.searchsorted(days, values)


def _micros(column: pa.ChunkedArray) -> np.ndarray:
    return one_array(column).view(pa.int64()).to_numpy()


def _day_numbers(column: pa.ChunkedArray) -> np.ndarray:
    return one_array(column).view(pa.int32()).to_numpy()
