"""The command: ``python -m benchmarks.features --help``.

It saves each row's result as the row ends, so a run that was stopped can be resumed.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks import agreement, layouts, report
from benchmarks.layouts import Folder
from benchmarks.report import say
from benchmarks.rows import GROWTH, Row, all_rows
from benchmarks.running import largest_share, run_process
from benchmarks.scale import Scale

EVENTS = 40_000_000


def main() -> None:
    """Run the rows that are wanted and print the table; exit 1 when answers differ or a process fails."""
    args = _parser().parse_args()
    scale = Scale.of(args.events)
    if args.customers or args.observations or args.buckets:
        given = {name: getattr(args, name) for name in ("customers", "observations", "buckets") if getattr(args, name)}
        scale = replace(scale, **given)
    root = args.folder or Path(tempfile.gettempdir()) / "tallystick-benchmark"
    run = _Run(Folder(root.absolute(), scale), args)
    run.rows_all()
    lines = report.lines_of(run.rows, run.results, run.layout, scale)
    facts = report.machine_facts()
    report.print_table(lines, facts, scale)
    if args.json:
        told = {"machine": facts, "scale": asdict(scale), "layout": run.layout, "results": run.results}
        args.json.write_text(json.dumps(told | {"table": [asdict(line) for line in lines]}, indent=2), encoding="utf-8")
    if any(result["status"] in ("failed", "differs") for result in run.results.values()):
        sys.exit(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features", description="Measure the feature engine.")
    parser.add_argument("--events", type=int, default=EVENTS, help="events of the main scale (default %(default)s)")
    parser.add_argument("--customers", type=int, help="default: one for 200 events")
    parser.add_argument("--observations", type=int, help="default: three for two customers")
    parser.add_argument("--buckets", type=int, help="default: one for 625,000 events")
    parser.add_argument("--folder", type=Path, help="where data and results are kept and found again")
    parser.add_argument("--only", action="append", default=[], help="rows whose name holds this text; repeatable")
    parser.add_argument("--skip", action="append", default=[], help="leave out rows whose name holds this text")
    parser.add_argument("--limit", type=float, default=300.0, help="seconds of work a contender may take")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--resume", action="store_true", help="keep the results of rows that ended in an earlier run")
    parser.add_argument("--list", action="store_true", help="print the names of the rows and the expected time")
    parser.add_argument("--keep", action="store_true", help="keep the answers that were compared")
    parser.add_argument("--json", type=Path, help="write everything that was measured to this file")
    return parser


class _Run:
    """The rows of one invocation and their results."""

    def __init__(self, folder: Folder, args: argparse.Namespace) -> None:
        self.folder, self.args = folder, args
        self.out = folder.path / "out"
        self.saved = folder.path / "results"
        every = all_rows(folder.root, self.out, folder.scale, args.cores)
        chosen = [row for row in every if _is_wanted(row.name, args)]
        # A row needs the one it is compared with.
        needed = {row.name for row in chosen} | {row.against for row in chosen}
        self.rows = [row for row in every if row.name in needed]
        self.results: dict[str, dict[str, Any]] = {}
        self.layout: dict[str, Any] | None = None

    def rows_all(self) -> None:
        """Make the data, then run row by row."""
        by_name = {row.name: row for row in self.rows}
        again = [by_name[row.against] for row in self.rows if row.against]
        seconds = sum(row.expected_seconds() for row in (*self.rows, *again))
        data = 8 + self.folder.scale.events * (1 + sum(self.factors())) * 4e-6
        say(f"{len(self.rows)} rows; expected: data {data / 60:.0f} min (if not there), rows {seconds / 60:.0f} min")
        if self.args.list:
            say("\n".join(f"{row.name:34} {row.title}" for row in self.rows))
            sys.exit(0)
        self.saved.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        say(f"data in {self.folder.path}")
        self.layout = layouts.make_main(self.folder, self.args.cores)
        for factor in self.factors():
            layouts.make_clean(Folder(self.folder.root, self.folder.scale.times(factor)), self.args.cores)
        for events in {row.spec.hot for row in self.rows if row.spec.hot}:
            layouts.make_hot(self.folder, events)
        say(f"data ready after {time.monotonic() - began:.0f} s")
        for number, row in enumerate(self.rows, start=1):
            began = time.monotonic()
            self.results[row.name] = result = self.one(row)
            told = (
                f"{result['wall']:.2f} s of 1/{result['fraction']}" if result["status"] == "done" else result["status"]
            )
            say(f"[{number}/{len(self.rows)}] {row.name}: {told} ({time.monotonic() - began:.0f} s in all)")
            if result.get("log"):
                say(result["log"])
        if not self.args.keep:
            shutil.rmtree(self.out, ignore_errors=True)

    def factors(self) -> list[float]:
        """The other scales that the rows need."""
        events = {row.spec.scale["events"] for row in self.rows}
        return [f for f in GROWTH if f != 1.0 and self.folder.scale.times(f).events in events]

    def one(self, row: Row) -> dict[str, Any]:
        """The row's result, from an earlier run if that is wanted, it was done, and no row that is compared with it is
        still to come: that one needs a measurement right before it.
        """
        is_awaited = any(self.held(other) is None for other in self.rows if other.against == row.name)
        found = self.held(row)
        if self.args.resume and found is not None and not is_awaited:
            return found
        result = self.compared(row) if row.against and row.spec.contender != "ours" else self.whole(row)
        if row.against and result["status"] == "done":
            result |= self.beside(row.against)
        self.place(row).write_text(json.dumps(result), encoding="utf-8")
        return result

    def place(self, row: Row) -> Path:
        """Where a row's result is saved."""
        return self.saved / f"{row.name}.json"

    def held(self, row: Row) -> dict[str, Any] | None:
        """A row's result of an earlier run; None where it failed, differed, or was not measured beside ours."""
        if not self.place(row).exists():
            return None
        found: dict[str, Any] = json.loads(self.place(row).read_text(encoding="utf-8"))
        is_compared = found["status"] == "done" and (not row.against or "beside" in found)
        return found if is_compared or found["status"] == "over" else None

    def whole(self, row: Row) -> dict[str, Any]:
        """A row of ours: everything, whatever it takes; of its files only answers to be compared are kept."""
        result = run_process(row.spec, limit=10 * self.args.limit) | {"fraction": 1}
        if not any(other.against == row.name and other.spec.contender != "ours" for other in self.rows):
            shutil.rmtree(row.spec.out, ignore_errors=True)
        return result

    def compared(self, row: Row) -> dict[str, Any]:
        """The largest share that ends in time, compared with our answers."""
        return largest_share(lambda fraction: self.share(row, fraction), limit=self.args.limit)

    def share(self, row: Row, fraction: int) -> dict[str, Any]:
        """One share of a row; ``differs`` when the answers do not agree."""
        spec = replace(row.spec, fraction=fraction)
        result = run_process(spec, limit=self.args.limit) | {"fraction": fraction}
        if result["status"] == "done":
            wrong = self.disagreements(row, result, is_part=fraction > 1)
            if wrong:
                result |= {"status": "differs", "log": "\n".join(wrong[:10])}
        shutil.rmtree(spec.out, ignore_errors=True)
        return result

    def beside(self, name: str) -> dict[str, Any]:
        """The row that another was compared with, measured again right after it: ``beside`` are the seconds of
        both measurements, before and after. A machine whose speed drifts flatters neither side then.
        """
        before = self.results[name]
        again = self.again(name)
        if before["status"] != "done" or again["status"] != "done":
            return {"status": "failed", "log": again.get("log", "")}
        before["latest"], walls = again["walls"], before.get("latest", before["walls"])
        return {"beside": sorted([*walls, *again["walls"]])}

    def disagreements(self, row: Row, result: dict[str, Any], *, is_part: bool) -> list[str]:
        ours = self.results[row.against].get("paths")
        if self.results[row.against]["status"] != "done":
            return [f"nothing to compare with: {row.against} did not end"]
        if not ours or not Path(ours[0]).exists():
            ours = self.again(row.against).get("paths", [])
        columns = agreement.compared_columns(row.spec.width)
        answers = agreement.Answer(tuple(ours)), agreement.Answer(tuple(result["paths"]))
        return agreement.differences(*answers, columns, is_part=is_part)

    def again(self, name: str) -> dict[str, Any]:
        """A row of ours again; the answers to compare with are those it left."""
        row = next(row for row in self.rows if row.name == name)
        result = run_process(row.spec, limit=10 * self.args.limit)
        if result["status"] == "done":
            self.results[name]["paths"] = result["paths"]
        return result


def _is_wanted(name: str, args: argparse.Namespace) -> bool:
    wanted = not args.only or any(text in name for text in args.only)
    return wanted and not any(text in name for text in args.skip)


if __name__ == "__main__":
    main()
