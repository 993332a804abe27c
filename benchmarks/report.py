"""From results to the table and to what is met.

Ratios, judgements and Markdown, from results that are saved; it runs nothing.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.rows import COMPARED_WIDTHS, FLAT, GROWTH, HOT_LIMIT, WIDEST, Row
from benchmarks.scale import Scale

Result = Mapping[str, Any]
HEADINGS = ("what", "wall s", "CPU s", "peak MB", "JVM MB", "beside s", "ratio", "required", "met")
# A worker's memory counts as flat within this factor; Python's allocator alone moves it by a tenth.
FLAT_MEMORY = 1.3


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One line of the table; an empty cell says nothing."""

    what: str
    wall: str = ""
    cpu: str = ""
    peak: str = ""
    jvm: str = ""
    beside: str = ""
    ratio: str = ""
    required: str = ""
    met: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells in the order of the headings."""
        return (self.what, self.wall, self.cpu, self.peak, self.jvm, self.beside, self.ratio, self.required, self.met)


def machine_facts() -> dict[str, str]:
    """What the figures depend on: processor, memory, versions."""
    cpu = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text(encoding="utf-8"))
    java = shutil.which("java") or ""
    told = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr if java else ""
    names = ("numpy", "pyarrow", "duckdb", "pyspark", "delta-spark", "deltalake")
    return {
        "processor": cpu[1] if cpu else platform.processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory[1]) / 2**20:.0f} GB" if memory else "",
        "system": platform.system(),
        "python": platform.python_version(),
        "java": told.splitlines()[0] if told else "",
        **{name: importlib.metadata.version(name) for name in names},
    }


def lines_of(rows: Sequence[Row], results: Mapping[str, Result], layout: Result | None, scale: Scale) -> list[Line]:
    """The whole table: one line a row that has a result, then the judgements that need several rows."""
    made = _layout_lines(layout, scale) if layout else []
    made += [_row_line(row, results) for row in rows if row.name in results]
    return made + _growth_lines(results, scale)


def _layout_lines(layout: Result, scale: Scale) -> list[Line]:
    plain, clean = ((layout[f"{name}_wall"], layout[f"{name}_cpu"]) for name in ("plain", "clean"))
    sizes = [layout[f"{name}_bytes"] / 1e6 for name in ("plain", "clean")]
    words = f"layout: {scale.events / 1e6:g} M events written"
    return [
        Line(what=f"{words} plain ({sizes[0]:.0f} MB)", wall=f"{plain[0]:.1f}", cpu=f"{plain[1]:.1f}"),
        Line(
            what=f"{words} bucketed, sorted, checked, committed ({sizes[1]:.0f} MB, {layout['clean_files']} files)",
            wall=f"{clean[0]:.1f}",
            cpu=f"{clean[1]:.1f}",
            ratio=f"{clean[0] / plain[0]:.2f}",
        ),
    ]


def _row_line(row: Row, results: Mapping[str, Result]) -> Line:
    result = results[row.name]
    if result["status"] != "done":
        words = {"over": "past the limit on every share", "failed": "failed", "differs": "ANSWERS DIFFER"}
        return Line(what=f"{row.title}: {words[result['status']]}", met="no" if result["status"] != "over" else "")
    if row.spec.contender == "vector":
        met = "yes" if result["median_ms"] < row.required else "no"
        return Line(what=row.title, wall=f"{result['median_ms']:.1f} ms", required=f"{row.required:g} ms", met=met)
    fraction = result["fraction"]
    mark = f" (1/{fraction} of the customers, times {fraction})" if fraction > 1 else ""
    line = {
        "what": row.title + mark,
        "wall": f"{result['wall'] * fraction:.1f}",
        "cpu": f"{result['cpu'] * fraction:.1f}",
        "peak": f"{result['peak_mb']:.0f}",
        "jvm": f"{result['jvm_mb']:.0f}" if result["jvm_mb"] else "",
    }
    ratio = ratio_of(row, results)
    if ratio is None:
        return Line(**line)
    required = f"at most {row.required:g}" if row.required else ""
    met = ("yes" if ratio <= row.required else "no") if row.required else ""
    return Line(**line, beside=f"{_beside(result):.2f}", ratio=f"{ratio:.3f}", required=required, met=met)


def ratio_of(row: Row, results: Mapping[str, Result]) -> float | None:
    """Tallystick's time over the contender's; for the huge entity the time with it over that without.

    The time of the row it is compared with is the median of two measurements, right before and right after.
    """
    one = results[row.name]
    if not row.against or results.get(row.against, {}).get("status") != "done":
        return None
    own = one["wall"] * one["fraction"]
    return own / _beside(one) if row.required == HOT_LIMIT else _beside(one) / own


def _beside(result: Result) -> float:
    return statistics.median(result["beside"])


def _growth_lines(results: Mapping[str, Result], scale: Scale) -> list[Line]:
    def found(factor: float, width: int) -> Result | None:
        at = scale.times(factor) if factor != 1.0 else scale
        name = f"ours_training_{width}" if factor == 1.0 and width != WIDEST else f"ours_{at.events}_{width}"
        result = results.get(name)
        return result if result and result["status"] == "done" else None

    lines = []
    for width in COMPARED_WIDTHS:
        sizes = {factor: result for factor in GROWTH if (result := found(factor, width))}
        if len(sizes) < len(GROWTH):
            continue
        each = {factor: result["wall"] / factor for factor, result in sizes.items()}
        nanoseconds = ", ".join(f"{1e9 * value / scale.events:.0f}" for value in each.values())
        worst = max(each.values()) / min(each.values())
        lines.append(_judged(f"growth, {width} features: {nanoseconds} ns an event", worst, FLAT))
        memory = [result["worker_mb"] for result in sizes.values()]
        told = ", ".join(f"{value:.0f}" for value in memory)
        lines.append(_judged(f"growth, {width} features: {told} MB a worker", max(memory) / min(memory), FLAT_MEMORY))
    widths = {width: result for width in (*COMPARED_WIDTHS, WIDEST) if (result := found(1.0, width))}
    if len(widths) == 3:
        costs = [1000 * result["wall"] / width for width, result in widths.items()]
        told = ", ".join(f"{cost:.0f}" for cost in costs)
        met = "yes" if costs == sorted(costs, reverse=True) else "no"
        lines.append(
            Line(what=f"growth: {told} ms a feature at {', '.join(map(str, widths))}", required="falling", met=met)
        )
    return lines


def _judged(what: str, ratio: float, limit: float) -> Line:
    met = "yes" if ratio <= limit else "no"
    return Line(what=what, ratio=f"{ratio:.2f}", required=f"at most {limit:g}", met=met)


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """A ratio and the most that it may be; None where nothing is required."""

    what: str
    ratio: float
    limit: float | None = None

    @property
    def is_met(self) -> bool | None:
        """None where nothing is required."""
        return None if self.limit is None else self.ratio <= self.limit


def print_table(lines: Sequence[Line], facts: Mapping[str, str], scale: Scale) -> None:
    """Facts and table as Markdown on stdout."""
    print_facts(facts)
    numbers = f"{scale.events:,} events, {scale.customers:,} customers, {scale.observations:,} observations"
    _console().print(f"\n{numbers}, {scale.buckets} buckets")
    print_markdown(HEADINGS, [line.cells for line in lines])


def print_facts(facts: Mapping[str, str]) -> None:
    """The facts of the machine in one line on stdout."""
    _console().print(", ".join(f"{name} {value}" for name, value in facts.items() if value))


def print_judgements(judgements: Sequence[Judgement]) -> None:
    """Ratios, what is required of them, and whether they meet it."""
    words = {None: "", True: "yes", False: "no"}
    cells = [
        (one.what, f"{one.ratio:.2f}", "" if one.limit is None else f"at most {one.limit:g}", words[one.is_met])
        for one in judgements
    ]
    print_markdown(("ratio of", "ratio", "required", "met"), cells)


def print_markdown(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table as Markdown on stdout; the first column is text, the others are numbers."""
    table = Table(box=box.MARKDOWN)
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    _console().print()
    _console().print(table)


def say(text: str) -> None:
    """How far a benchmark is, on stderr."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _console() -> Console:
    return Console(width=400, soft_wrap=True, highlight=False, markup=False)
