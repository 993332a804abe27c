"""Retired features in computed rows: values before the retirement, nulls from then on.

One rule for tasks, backfill and ``compute_vector`` of which rows still have a retired feature.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.kernel.zones import zone_offsets

_TYPES = {"int64": pa.int64(), "double": pa.float64()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Retiring:
    """A declared feature that business dates from ``retired_on`` on do not have; ``type`` is int64 or double."""

    name: str
    type: str
    retired_on: date


def without_retired(rows: pa.Table, retired: Iterable[Retiring], *, zone: str) -> pa.Table:
    """The rows with the retired features last: null where the local date of ``as_of`` is not before the retirement.

    A feature that was not computed at all is null in every row.
    """
    listed = list(retired)
    if not listed:
        return rows
    micros = rows["as_of"].cast(pa.int64()).to_numpy()
    days = pa.array(zone_offsets(zone).dates(micros).astype(np.int32)).cast(pa.date32())
    for one in listed:
        kind = _TYPES[one.type]
        values = pa.chunked_array([pa.nulls(rows.num_rows, kind)])
        if one.name in rows.column_names:
            is_before = pc.less(days, pa.scalar(one.retired_on, pa.date32()))
            values = pc.if_else(is_before, rows[one.name], pa.scalar(None, kind))
            rows = rows.drop_columns([one.name])
        rows = rows.append_column(one.name, values)
    return rows
