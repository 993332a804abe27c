"""The command: ``python -m benchmarks.operations``. CPU seconds of the kernel for single operations of the vocabulary.

Apart from the engine's benchmark, which compares whole jobs of cheap operations with other programs: here a family of
operations is computed alone, beside two declared groups, over the same made-up messages and calls.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from tallystick.kernel import GroupPlan, compute_group, prepare_group
from tallystick.project import load_project
from tallystick.spec.features import FeatureGroup, Measure
from tallystick.spec.tables import TableContract

TABLE = "clean.social_events"
_DAY = 86_400_000_000
_START = 20_089 * _DAY  # 2025-01-01
_RUNS = 3
_ARROW = {
    "string": pa.string(), "timestamp": pa.timestamp("us", "UTC"), "date": pa.date32(), "int64": pa.int64(),
    "int32": pa.int32(), "boolean": pa.bool_(), "double": pa.float64(),
}  # fmt: skip
_HOURS = "ISODOW(event_at) * 24 + HOUR(event_at)"

# What is computed alone: a name, operations, and the other parts of their measure.
MEASURES: tuple[tuple[str, str, dict[str, object]], ...] = (
    ("count", "count", {}),
    ("distinct", "distinct", {"value": "counterpart_id"}),
    ("entropy, top share, hhi", "entropy top_share hhi", {"value": "counterpart_id"}),
    ("quantile", "quantile(0.5)", {"value": "duration_seconds"}),
    ("slope", "slope", {"value": "duration_seconds"}),
    ("sums of each contact", "mean std_pop", {"value": "1", "each": "counterpart_id"}),
    ("values again: kept_share", "kept_share", {"value": "counterpart_id"}),
    ("all that compare", "kept new lost kept_share new_share jaccard similarity usual_share top_kept old_top_share",
     {"value": "counterpart_id"}),
    ("similarity of hours", "similarity", {"value": _HOURS}),
    ("shifts", "shift_days(5) shift_size(5) shift_share(5)", {"value": "1"}),
    ("at the top", "last count active_days", {"value": "duration_seconds", "top": "counterpart_id"}),
)  # fmt: skip


def main() -> None:
    """Print CPU seconds and milliseconds a column, one line a family, the best of three runs each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.operations", description="Measure single operations.")
    parser.add_argument("--customers", type=int, default=4_000, help="each with 400 events (default %(default)s)")
    customers = parser.parse_args().customers
    project = load_project(Path.cwd())
    events, asked = made_up_events(project.contracts[TABLE], customers), made_up_observations(customers)
    for name, group in _groups(dict(project.feature_groups)):
        plan = prepare_group(group, project.contracts)
        compute_group(events.slice(0, 1_000), asked.slice(0, 1), plan, zone="UTC", has_versions=False)
        best = min(_seconds(events, asked, plan) for _ in range(_RUNS))
        count = len(plan.names)
        sys.stdout.write(f"{name:26} {count:4} columns {best:7.3f} CPU s {1_000 * best / count:7.2f} ms a column\n")


def _seconds(events: pa.Table, asked: pa.Table, plan: GroupPlan) -> float:
    began = time.process_time()
    compute_group(events, asked, plan, zone="UTC", has_versions=False)
    return time.process_time() - began


def _groups(declared: dict[str, FeatureGroup]) -> Iterator[tuple[str, FeatureGroup]]:
    for name in ("social", "rhythm"):
        yield f"group {name}", declared[name]
    for name, ops, parts in MEASURES:
        measure = Measure(name="m", ops=ops, reason="a benchmark", **parts)  # type: ignore[arg-type]  # texts
        yield (
            name,
            FeatureGroup(name="alone", table=TABLE, owner="benchmark", windows=("28d", "84d"), measures=(measure,)),
        )


def made_up_events(contract: TableContract, customers: int, *, each: int = 400, seed: int = 1) -> pa.Table:
    """Messages and calls of a year, ``each`` a customer, with up to 60 contacts of very unequal frequency."""
    source, size = np.random.default_rng(seed), customers * each
    customer = np.repeat(np.arange(customers), each)
    at = _START + source.integers(0, 365 * 86_400, size) * 1_000_000
    at = at[np.lexsort((at, customer))]
    contact = customer * 60 + source.zipf(1.6, size) % 60
    made = {
        "customer_id": _texts(customer, [_customer(number) for number in range(customers)]),
        "social_event_id": pa.array([f"e{number:08}" for number in range(size)]),
        "event_at": pa.array(at, _ARROW["timestamp"]),
        "known_on": pa.array((at // _DAY + 1).astype(np.int32), pa.int32()).cast(pa.date32()),
        "is_retracted": pa.array(np.zeros(size, dtype=np.bool_)),
        "counterpart_id": _texts(contact, [f"c{number}" for number in range(customers * 60)]),
        "kind": _texts(source.integers(0, 4, size), ["message", "call", "group", "post"]),
        "direction": _texts(source.integers(0, 2, size), ["in", "out"]),
        "duration_seconds": pa.array(source.integers(0, 1_000, size)),
    }
    return pa.table({c.name: made.get(c.name, pa.nulls(size, _ARROW[c.type])) for c in contract.columns})


def made_up_observations(customers: int, *, seed: int = 2) -> pa.Table:
    """Three observations of two customers, at midnights of the second half of the year."""
    count = customers * 3 // 2
    days = np.random.default_rng(seed).integers(180, 365, count)
    who = [_customer(number % customers) for number in range(count)]
    return pa.table({"customer_id": who, "as_of": pa.array(_START + days * _DAY, _ARROW["timestamp"])})


def _customer(number: int) -> str:
    return f"bank:{number:07}"


def _texts(codes: np.ndarray, texts: list[str]) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(texts))


if __name__ == "__main__":
    main()
