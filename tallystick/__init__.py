"""tallystick: point-in-time features, labels, audited models and scores from a bank's raw files.

Here: the names for people who write declarations or ask for one customer's vector. Not here: anything else. A name is
loaded when it is first used, so that importing the package costs nothing.

>>> import tallystick
>>> group = tallystick.FeatureGroup(
...     name="txn", table="clean.transactions", owner="risk", windows=("30d",),
...     measures=(tallystick.Measure(name="moves", ops="count", reason="Use of the account"),),
... )
>>> [column.name for column in tallystick.group_columns(group)]
['txn_moves_count_30d']
"""

from __future__ import annotations

import importlib as _importlib

# Where each public name is defined; the keys are the surface.
_HOMES = {
    "Change": "tallystick.spec.features",
    "Customers": "tallystick.spec.observations",
    "DelinquencyLabel": "tallystick.spec.labels",
    "FeatureGroup": "tallystick.spec.features",
    "Lookup": "tallystick.spec.features",
    "Measure": "tallystick.spec.features",
    "MonthEnds": "tallystick.spec.observations",
    "Months": "tallystick.spec.months",
    "ObservationSet": "tallystick.spec.observations",
    "OutcomeLabel": "tallystick.spec.labels",
    "Ratio": "tallystick.spec.features",
    "Recipe": "tallystick.spec.recipes",
    "RequestFeature": "tallystick.spec.recipes",
    "Rows": "tallystick.spec.observations",
    "Share": "tallystick.spec.features",
    "TallystickError": "tallystick.errors",
    "Warehouse": "tallystick.tables",
    "ZScore": "tallystick.spec.features",
    "compute_vector": "tallystick.features.vector",
    "find_project": "tallystick.project",
    "group_columns": "tallystick.spec.columns",
    "load_project": "tallystick.project",
    "prepare_group": "tallystick.kernel",
    "query": "tallystick.tables",
    "read_arrow": "tallystick.tables",
}

__all__ = [
    "Change",
    "Customers",
    "DelinquencyLabel",
    "FeatureGroup",
    "Lookup",
    "Measure",
    "MonthEnds",
    "Months",
    "ObservationSet",
    "OutcomeLabel",
    "Ratio",
    "Recipe",
    "RequestFeature",
    "Rows",
    "Share",
    "TallystickError",
    "Warehouse",
    "ZScore",
    "compute_vector",
    "find_project",
    "group_columns",
    "load_project",
    "prepare_group",
    "query",
    "read_arrow",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'tallystick' has no attribute {name!r}")
    return getattr(_importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
