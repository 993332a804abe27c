"""docs/observations.md teaches with declarations that load, and with rows that are observed as it says."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from tallystick.features import GroupWork
from tallystick.observations import ObservationSpec, observe
from tallystick.spec.features import FeatureGroup
from tallystick.spec.observations import MonthEnds, ObservationSet
from tallystick.spec.tables import Column, TableContract
from tests.lib.shipped import shipped_project

ZONE = "Asia/Shanghai"
PAGE = Path("docs") / "observations.md"
FIRST, LAST = dt.date(2026, 3, 9), dt.date(2026, 3, 11)

_TYPES = {"event_at": pa.timestamp("us", "UTC"), "known_on": pa.date32(), "loaded_on": pa.date32(),
          "closed_on": pa.date32(), "is_retracted": pa.bool_()}  # fmt: skip


def sections(project_root: Path) -> Iterator[tuple[str, str]]:
    """Title and text of each part of the page."""
    text = (project_root / PAGE).read_text(encoding="utf-8")
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        yield title, body


def declared_in(body: str) -> list[object]:
    names: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", body, flags=re.DOTALL):
        exec(code, names)
    return [value for value in names.values() if isinstance(value, (ObservationSet, FeatureGroup))]


@pytest.fixture(scope="module")
def contracts() -> Mapping[str, TableContract]:
    """The project's tables; loans have the closing date that the page speaks of."""
    found = dict(shipped_project().contracts)
    loans = found["clean.loans"]
    found["clean.loans"] = replace(loans, columns=(*loans.columns, Column(name="closed_on", type="date")))
    return found


def drawn_rows(body: str) -> list[dict[str, str]]:
    """The rows of the part's drawn table, the one that says when each is observed."""
    lines = [line for line in body.splitlines() if "|" in line]
    head = next(n for n, line in enumerate(lines) if line.rstrip().endswith("| observed at"))
    names = [name.strip() for name in lines[head].split("|")]
    rows = []
    for line in lines[head + 2 :]:
        cells = [cell.strip() for cell in line.split("|")]
        rows.append(dict(zip(names, [*cells, *[""] * len(names)], strict=False)))
    return rows


def value_of(name: str, text: str) -> object:
    if name == "event_at":
        return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).astimezone(dt.UTC)
    if name.endswith("_on"):
        return dt.date.fromisoformat(text) if text else None
    return text == "yes" if name == "is_retracted" else text


def stored(rows: list[dict[str, str]], contract: TableContract) -> pa.Table:
    """Them as rows of the table; columns that the page does not draw are null, or hold what passes the condition."""
    made = {"amount_minor": 20_000_000, "term_months": 12, "customer_id": "c1"}
    columns = {}
    for column in contract.file_columns:
        drawn = column.name in rows[0]
        values = [value_of(column.name, r[column.name]) if drawn else made.get(column.name) for r in rows]
        numbers = pa.int64() if column.type.startswith("int") else pa.string()
        columns[column.name] = pa.array(values, _TYPES.get(column.name, numbers))
    return pa.table(columns)


def test_every_declaration_of_the_page_fits_the_projects_tables(
    project_root: Path, contracts: Mapping[str, TableContract]
) -> None:
    found = [one for _, body in sections(project_root) for one in declared_in(body)]
    for one in found:
        if isinstance(one, ObservationSet):
            one.check(contracts)
        else:
            GroupWork.of(one, contracts)
    assert len(found) == 8


@pytest.mark.parametrize(
    "title",
    [
        "Rows: an event at its own instant",
        "MonthEnds: the book",
        "Nights: the book, night after night",
        "Customers: day by day",
    ],
)
def test_drawn_rows_are_observed_as_they_say(
    project_root: Path, contracts: Mapping[str, TableContract], title: str
) -> None:
    body = dict(sections(project_root))[title]
    (declared,) = declared_in(body)
    assert isinstance(declared, ObservationSet)
    rows = drawn_rows(body)
    is_book = isinstance(declared.population, MonthEnds)
    first, last = (dt.date(2026, 1, 1), dt.date(2026, 4, 15)) if is_book else (FIRST, LAST)
    spec = ObservationSpec.of(declared, contracts, first=first, last=last)
    empty = {name: stored(rows, contracts[name]).slice(0, 0) for name in declared.tables[1:]}
    tables = {declared.tables[0]: stored(rows, contracts[declared.tables[0]]), **empty}
    expected = [
        (row[declared.key], moment.strip())
        for row in rows
        for moment in row["observed at"].split(",")
        if moment.strip()
    ]
    assert len(expected) > 2
    told = [
        (one["observation_id"], one["as_of"].astimezone(ZoneInfo(ZONE)).strftime("%Y-%m-%d %H:%M"))
        for one in observe(spec, tables.__getitem__, zone=ZONE).to_pylist()
    ]
    assert sorted(told) == sorted(expected)
