"""The leakage audit of requests: does what was asked for depend on anything that came after the decision?

The removal here is a plain filter of its own, so that it does not repeat a mistake of ``observations.versions``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa

from tallystick.training.data import TrainingSet
from tallystick.training.findings import Finding
from tallystick.training.vectors import VectorPlan, assemble_vectors


def check_requests(
    plan: VectorPlan, data: TrainingSet, tables: Mapping[str, pa.Table], *, sample: pa.Table, zone: str
) -> list[Finding]:
    """Recompute the sampled rows' request features after removing every version that the decision cannot have seen.

    ``tables`` holds clean.applications, all versions, and ``feature.<group>``; ``sample`` has customer_id and as_of.
    Of each application the versions with ``known_on`` after the local date of as_of are removed, except the first
    one, without which there would be no application. Values are compared exactly, null with null.
    """
    names = [feature.column for feature in plan.request]
    if not names:
        return []
    wanted = data.keys.merge(sample.select(["customer_id", "as_of"]).to_pandas(), on=["customer_id", "as_of"])
    changed = dict.fromkeys(names, 0)
    own = _own_rows(tables, wanted)
    keyed = data.keys[["source", "application_id"]].join(data.vectors[names]).set_index(["source", "application_id"])
    stored = keyed.to_dict("index")
    for row in wanted.itertuples():
        found = _recompute(plan, own, row, zone=zone)
        for name in names:
            before, again = stored[row.source, row.application_id][name], found.get(name, "gone")
            if not (before == again or (pd.isna(before) and pd.isna(again))):
                changed[name] += 1
    detail = f"{len(wanted)} applications, {len(names)} request features recomputed"
    if not any(changed.values()):
        return [Finding(check="request_truncation", value=0.0, threshold=0.0, is_passed=True, detail=detail)]
    return [
        Finding(check="request_truncation", feature=name, value=float(count), threshold=0.0, is_passed=False,
                detail=f"{count} of {len(wanted)} applications change when later versions are removed")
        for name, count in sorted(changed.items()) if count
    ]  # fmt: skip


def _own_rows(tables: Mapping[str, pa.Table], wanted: pd.DataFrame) -> dict[str, pd.DataFrame]:
    customers = set(wanted["customer_id"])
    frames = {name: table.to_pandas() for name, table in tables.items() if name.startswith("feature.")}
    frames["clean.applications"] = tables["clean.applications"].to_pandas()
    return {name: frame[frame["customer_id"].isin(customers)] for name, frame in frames.items()}


def _recompute(plan: VectorPlan, own: Mapping[str, pd.DataFrame], row: Any, *, zone: str) -> dict[str, float | None]:
    today: date = row.as_of.tz_convert(ZoneInfo(zone)).date()
    versions = own["clean.applications"]
    versions = versions[(versions["source"] == row.source) & (versions["application_id"] == row.application_id)]
    is_kept = (versions["known_on"] <= today) | (versions["known_on"] == versions["known_on"].min())
    features = {}
    for group in plan.columns:
        stored = own[f"feature.{group}"]
        features[group] = _table(stored[(stored["customer_id"] == row.customer_id) & (stored["as_of"] == row.as_of)])
    found = assemble_vectors(plan, _table(pd.DataFrame(versions[is_kept])), features, zone=zone).to_pylist()
    return found[0] if found else {}


def _table(rows: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(rows, preserve_index=False)
