"""The rows of the benchmark: what runs, in which order, against what, and what is required.

A list, so that what is compared can be read without reading how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.contender import Spec
from benchmarks.scale import Scale
from benchmarks.sql import STYLES, WORKS

ENGINES = {"spark": "Spark SQL", "duckdb": "DuckDB"}
# Of the time of each contender, at most this share is allowed.
REQUIRED = {
    (45, "spark", "naive"): 0.2,
    (45, "duckdb", "naive"): 0.3,
    (450, "spark", "naive"): 0.05,
    (450, "duckdb", "naive"): 0.3,
    (450, "spark", "rings"): 0.05,
    (450, "duckdb", "rings"): 0.3,
}
COMPARED_WIDTHS = (45, 450)
GROWTH = (0.25, 1.0, 4.0)
WIDEST = 2000
FLAT, HOT_LIMIT, VECTOR_LIMIT_MS = 1.3, 1.5, 20.0
REPEATS = 3

# Seconds of 40 M events on two cores, of the work or of the longest share of it that is tried; for the estimate only.
_EXPECTED = {"spark naive": 60, "spark rings": 60, "duckdb naive": 20, "duckdb rings": 10, "ours": 12, "vector": 3}
_EXPECTED_WIDE = {"spark naive": 400, "spark rings": 330, "duckdb naive": 350, "duckdb rings": 70}
_START = {"spark": 30, "ours": 15, "duckdb": 3, "vector": 2}

MakeSpec = Callable[..., Spec]


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One measured process. ``title`` is what the table calls it. ``against`` names the row whose time is divided by
    this one's, and ``required`` is the greatest ratio allowed (0: none).
    """

    name: str
    title: str
    spec: Spec
    against: str = ""
    required: float = 0.0

    def expected_seconds(self) -> float:
        """A guess, good to a factor of two."""
        size = self.spec.scale["events"] / 40_000_000
        kind = f"{self.spec.contender} {self.spec.style}".strip()
        wide = 1.0 if self.spec.width <= 450 else 4.0
        known = _EXPECTED if self.spec.width == COMPARED_WIDTHS[0] else _EXPECTED | _EXPECTED_WIDE
        return _START[self.spec.contender] + self.spec.repeats * wide * size * known[kind]


def all_rows(root: Path, out: Path, scale: Scale, cores: int) -> list[Row]:
    """Every row, those of tallystick before those they are compared with."""

    def spec(name: str, contender: str, at: Scale = scale, **more: Any) -> Spec:
        places = {"root": str(root), "out": str(out / name)}
        return Spec(contender=contender, scale=asdict(at), cores=cores, **places, **more)

    rows = list(_compared(spec))
    rows += _growth(spec, scale)
    rows += _hot(spec, scale)
    rows.append(
        Row(
            name="vector",
            title="one customer's vector, 2,000 events, 450 features",
            spec=spec("vector", "vector", width=450, work=""),
            required=VECTOR_LIMIT_MS,
        )
    )
    return rows


def _compared(spec: MakeSpec) -> Iterator[Row]:
    for work in WORKS:
        for width in COMPARED_WIDTHS:
            what = f"{work}, {width} features"
            mine = f"ours_{work}_{width}"
            yield Row(
                name=mine, title=f"{what}: tallystick", spec=spec(mine, "ours", width=width, work=work, repeats=REPEATS)
            )
            for style in STYLES:
                for engine, words in ENGINES.items():
                    name = f"{engine}_{style}_{work}_{width}"
                    yield Row(
                        name=name,
                        title=f"{what}: {words}, {'one FILTER a feature' if style == 'naive' else 'rings by hand'}",
                        spec=spec(name, engine, style=style, width=width, work=work),
                        against=mine,
                        required=REQUIRED.get((width, engine, style), 0.0),
                    )


def _growth(spec: MakeSpec, scale: Scale) -> Iterator[Row]:
    for factor in GROWTH:
        at = scale.times(factor) if factor != 1.0 else scale
        for width in COMPARED_WIDTHS if factor != 1.0 else (WIDEST,):
            name = f"ours_{at.events}_{width}"
            title = f"growth: {at.events / 1e6:g} M events, {width} features"
            yield Row(name=name, title=title, spec=spec(name, "ours", at, width=width, repeats=REPEATS))


def _hot(spec: MakeSpec, scale: Scale) -> Iterator[Row]:
    buckets, events = max(1, scale.buckets * 7 // 8), scale.events // 8
    for width in COMPARED_WIDTHS:
        without, name = f"hot_without_{width}", f"hot_with_{width}"
        words = f"{(scale.events - events) / 1e6:g} M events, {width} features"
        yield Row(
            name=without,
            title=f"one huge entity: {words}, without it",
            spec=spec(without, "ours", width=width, buckets=buckets, repeats=REPEATS),
        )
        yield Row(
            name=name,
            title=f"one huge entity: {words}, with it ({events / 1e6:g} M more)",
            spec=spec(name, "ours", width=width, buckets=buckets, hot=events, repeats=REPEATS),
            against=without,
            required=HOT_LIMIT,
        )
