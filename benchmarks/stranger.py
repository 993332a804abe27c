"""A supplier that is not the simulated bank: five files of 102,000 lines with columns, words and a source of its own.

What a bank that tries this project brings on its first day: semicolons, ISO dates, German column names. Drawn from a
seed; who earns little and gambles repays worse, so there is something to learn. Apart from ``banks`` because this is no
simulation of lives, and needs none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv

from benchmarks.stranger_source import LOADED_ON, MAPPINGS, NAME, RECIPE, RECIPE_FILE, SOURCE_FILE

LINES = 102_000
_CUSTOMERS_SHARE, _SEED = 0.0112, 20_240_701
_FIRST, _LAST = np.datetime64("2023-01-01"), np.datetime64("2024-06-30")
_LENDING = np.datetime64("2023-06-01")
_WORDS = np.array(["LEBENSMITTEL", "EINKAUF", "FREIZEIT", "VERKEHR", "WETTEN", "BARGELD"])
_CAREFUL, _CARELESS = (np.array(weights) for weights in ((40, 25, 15, 14, 1, 5), (28, 20, 16, 10, 14, 12)))


def write_project(project: Path) -> Path:
    """Add the source and its recipe to a project folder."""
    folder = project / "sources" / NAME
    folder.mkdir()
    (folder / "source.yaml").write_text(SOURCE_FILE, encoding="utf-8")
    for table, query in MAPPINGS.items():
        (folder / f"{table}.sql").write_text(query, encoding="utf-8")
    (project / "recipes" / f"{RECIPE}.py").write_text(RECIPE_FILE, encoding="utf-8")
    return project


def write_files(folder: Path, *, lines: int = LINES, seed: int = _SEED) -> Path:
    """Write one delivery of exactly ``lines`` lines, headers not counted; returns ``folder``."""
    rng = np.random.Generator(np.random.PCG64(seed))
    people = _People(rng, max(20, round(lines * _CUSTOMERS_SHARE)))
    files = {"kunden": people.rows(rng), **_lending(rng, people)}
    bookings = lines - sum(table.num_rows for table in files.values())
    files["umsaetze"] = _bookings(rng, people, bookings)
    delivery = folder / LOADED_ON
    delivery.mkdir(parents=True, exist_ok=True)
    # Arrow would quote the header.
    options = pyarrow.csv.WriteOptions(delimiter=";", quoting_style="none", include_header=False)
    for name, table in files.items():
        with (delivery / f"{name}.csv").open("wb") as file:
            file.write(";".join(table.column_names).encode() + b"\n")
            pyarrow.csv.write_csv(table, file, options)
    return folder


class _People:
    """Who banks there: ``carelessness`` is about 0 for most, ``income`` in cents a month."""

    def __init__(self, rng: np.random.Generator, count: int) -> None:
        self.carelessness = rng.normal(0.0, 1.0, count)
        self.income = (np.exp(rng.normal(7.6, 0.35, count) - 0.12 * self.carelessness) * 100).astype(np.int64)
        self.names = np.array([f"K{number:06d}" for number in range(count)])

    def rows(self, rng: np.random.Generator) -> pa.Table:
        count = len(self.names)
        born = np.datetime64("1958-01-01") + rng.integers(0, 17_000, count)
        since = np.datetime64("2015-01-01") + rng.integers(0, 2_900, count)
        sex = np.where(rng.random(count) < 0.5, "W", "M")
        return _table(KUNDE_NR=self.names, GEBURTSDATUM=born, GESCHLECHT=sex, KUNDE_SEIT=since)


def _lending(rng: np.random.Generator, people: _People) -> dict[str, pa.Table]:
    """Requests, the loans of nine in ten of them, and what was paid until the last day."""
    who = np.repeat(np.arange(len(people.names)), rng.integers(1, 3, len(people.names)))
    asked = _LENDING + rng.integers(0, int((_LAST - _LENDING).astype(int)) - 2, len(who))
    amount = (people.income[who] * rng.uniform(0.4, 3.0, len(who))).astype(np.int64) // 10_000 * 10_000 + 50_000
    term = rng.choice([6, 12], len(who))
    instalment = (amount * 1.08 / term).astype(np.int64)
    numbers = np.array([f"A{number:06d}" for number in range(len(who))])
    requests = _table(
        ANTRAG=numbers,
        KUNDE=people.names[who],
        GESTELLT=_instants(rng, asked),
        BETRAG=_euro(amount),
        LAUFZEIT=term,
        RATE=_euro(instalment),
    )
    granted = np.flatnonzero(rng.random(len(who)) < 0.9)
    loans = np.array([f"L{number:06d}" for number in granted])
    paid_out = asked[granted] + 1
    due = paid_out + 30
    contracts = _table(
        VERTRAG=loans,
        ANTRAG=numbers[granted],
        KUNDE=people.names[who[granted]],
        AUSZAHLUNG=_instants(rng, paid_out),
        BETRAG=_euro(amount[granted]),
        LAUFZEIT=term[granted],
        RATE=_euro(instalment[granted]),
        ERSTE_RATE=due,
    )
    strain = instalment[granted] / people.income[who[granted]]
    chance = 1 / (1 + np.exp(2.9 - 1.3 * people.carelessness[who[granted]] - 3.0 * strain))
    stops_after = np.where(rng.random(len(granted)) < chance, rng.integers(0, 2, len(granted)), 99)
    paid = []
    for number in range(12):
        on = due + 30 * number + rng.integers(0, 4, len(granted))
        at = np.flatnonzero((number < term[granted]) & (number < stops_after) & (on <= _LAST))
        paid.append((at, on[at], np.full(len(at), number + 1)))
    at, on, nth = (np.concatenate(part) for part in zip(*paid, strict=True))
    receipts = _table(
        ZAHLUNG=np.array([f"Z{number:07d}" for number in range(len(at))]),
        VERTRAG=loans[at],
        KUNDE=people.names[who[granted[at]]],
        EINGANG=_instants(rng, on),
        RATE_NR=nth,
        BETRAG=_euro(instalment[granted[at]]),
    )
    return {"antraege": requests, "kredite": contracts, "zahlungen": receipts}


def _bookings(rng: np.random.Generator, people: _People, count: int) -> pa.Table:
    """A salary a month for everyone, and ``count`` bookings in all; balances add up in the order of time."""
    months = np.arange(_FIRST, _LAST, dtype="datetime64[M]")
    paid = np.repeat(np.arange(len(people.names)), len(months))[:count]
    paid_on = np.tile(months.astype("datetime64[D]") + 26, len(people.names))[: len(paid)]
    who = np.concatenate([paid, rng.integers(0, len(people.names), count - len(paid))])
    bought_on = _FIRST + rng.integers(0, int((_LAST - _FIRST).astype(int)), count - len(paid))
    order = np.lexsort((np.concatenate([paid_on, bought_on]), who))
    is_salary = np.arange(count) < len(paid)
    careless = 1 / (1 + np.exp(-people.carelessness[who]))
    shares = np.outer(1 - careless, _CAREFUL / 100) + np.outer(careless, _CARELESS / 100)
    word = np.minimum((rng.random((count, 1)) > shares.cumsum(axis=1)).sum(axis=1), len(_WORDS) - 1)
    cents = (
        np.where(
            is_salary, people.income[who], (people.income[who] * rng.gamma(2.0, 0.16, count) * (0.7 + 0.3 * careless))
        ).astype(np.int64)
        + 100
    )
    days, who, is_salary, word, cents = (
        part[order] for part in (np.concatenate([paid_on, bought_on]), who, is_salary, word, cents)
    )
    signed = np.where(is_salary, cents, np.negative(cents))
    total = np.cumsum(signed)
    starts = np.flatnonzero(np.r_[True, who[1:] != who[:-1]])
    before = np.repeat(np.r_[0, total[starts[1:] - 1]], np.diff(np.r_[starts, count]))
    return _table(
        BUCHUNG=np.array([f"B{number:08d}" for number in range(count)]),
        KUNDE=people.names[who],
        ZEITPUNKT=_instants(rng, days),
        BETRAG=_euro(signed),
        SALDO=_euro(total - before + 200_000),
        ART=np.where(is_salary, "UEBERWEISUNG", np.where(_WORDS[word] == "BARGELD", "BAR", "KARTE")),
        ZWECK=np.where(is_salary, "GEHALT", _WORDS[word]),
    )


def _instants(rng: np.random.Generator, days: np.ndarray) -> np.ndarray:
    return days.astype("datetime64[s]") + rng.integers(7 * 3600, 20 * 3600, len(days)).astype("timedelta64[s]")


def _euro(cents: Iterable[int]) -> Sequence[str]:
    return [f"{'-' if value < 0 else ''}{abs(value) // 100}.{abs(value) % 100:02d}" for value in cents]


def _table(**columns: np.ndarray | Sequence[str]) -> pa.Table:
    def spelt(values: np.ndarray | Sequence[str]) -> pa.Array:
        if isinstance(values, np.ndarray) and values.dtype.kind == "M":
            return pa.array(np.char.replace(np.datetime_as_string(values), "T", " "))
        return pa.array(values)

    return pa.table({name: spelt(values) for name, values in columns.items()})
