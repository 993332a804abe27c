"""The leakage audit of features together: a leak that no single column shows, and the siblings of a column that does.

    model_auc    all features together
    table_auc    the features of one clean table
    group_auc    the features of one group
    sibling      a column of an accused table or group, or of the same measure as an accused column

A table that knows the outcome tells it in many ways: sum, mean, counts by sign, smallest, largest. Without the columns
that are accused alone, the rest tells it still; so the whole is judged, each part, and the siblings are named.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from tallystick.how_far import HowFar, parts_of, untold
from tallystick.model.evaluation import column_aucs
from tallystick.model.inputs import Feature
from tallystick.model.joint import cross_validated_auc, split_customers
from tallystick.training.audit_findings import LEAST_PER_CLASS, AuditFinding
from tallystick.training.data import TrainingSet


def check_joint(data: TrainingSet, *, limit: float, seed: int, how_far: HowFar = untold) -> list[AuditFinding]:
    """The cross-validated AUC of all features, of each table's and of each group's, against ``limit``.

    Labelled rows count. Nothing is judged with fewer than ``LEAST_PER_CLASS`` rows of a class.
    """
    labelled = data.label.notna()
    label, customer = data.label[labelled].to_numpy(dtype=float), data.keys["customer_id"][labelled].to_numpy()
    if min(label.sum(), (1 - label).sum()) < LEAST_PER_CLASS:
        return [AuditFinding(check="model_auc", threshold=limit, is_passed=True, detail="too few rows of one class")]
    vectors, folds = data.vectors[labelled], split_customers(label, customer, seed=seed)
    areas: dict[tuple[str, ...], float] = {}
    found, parts = [], _parts(data.features)
    ends = parts_of(how_far, [len(columns) for _, _, columns in parts])
    for (check, name, columns), end in zip(parts, ends, strict=True):
        if columns not in areas:
            matrix = vectors[list(columns)].to_numpy(dtype=float)
            areas[columns] = cross_validated_auc(matrix, label, folds, seed=seed)
        area, what = areas[columns], f"cross-validated AUC of {len(columns)} features together"
        is_passed = math.isnan(area) or area <= limit
        found.append(
            AuditFinding(check=check, feature=name, value=area, threshold=limit, is_passed=is_passed, detail=what)
        )
        end(1.0)
    return found


def name_siblings(data: TrainingSet, found: Iterable[AuditFinding]) -> list[AuditFinding]:
    """A finding for each feature that probably knows what an accused one, or an accused table or group, knows.

    The strongest alone first. A feature that is accused already is not named again.
    """
    failed = [finding for finding in found if not finding.is_passed]
    accused = {finding.feature for finding in failed}
    tables = {finding.feature for finding in failed if finding.check == "table_auc"}
    groups = {finding.feature for finding in failed if finding.check == "group_auc"}
    measures = {(f.table, f.measure): f.name for f in data.features if f.name in accused and f.measure}
    why: dict[str, str] = {}
    for feature in data.features:
        if feature.name in accused:
            continue
        if feature.table in tables:
            why[feature.name] = f"made of {feature.table}, whose features together know too much"
        elif feature.group in groups:
            why[feature.name] = f"of group {feature.group}, whose features together know too much"
        elif (feature.table, feature.measure) in measures:
            why[feature.name] = f"of the same measure as {measures[feature.table, feature.measure]}"
    labelled = data.label.notna()
    return _named(data.vectors[labelled], data.label[labelled], why)


def _named(vectors: pd.DataFrame, label: pd.Series, why: dict[str, str]) -> list[AuditFinding]:
    if not why:
        return []
    areas = column_aucs(label.to_numpy(dtype=float), vectors[list(why)].to_numpy(dtype=float))
    alone = dict(zip(why, np.maximum(areas, 1 - areas).tolist(), strict=True))
    ranked = sorted(why, key=lambda name: (-np.nan_to_num(alone[name]), name))
    return [
        AuditFinding(
            check="sibling", feature=name, value=alone[name], is_passed=False, detail=f"{why[name]}; AUC alone"
        )
        for name in ranked
    ]


def _parts(features: Sequence[Feature]) -> list[tuple[str, str, tuple[str, ...]]]:
    """Check, name and columns of what is judged: all, each table, each group."""
    tables = sorted({feature.table for feature in features} - {""})
    groups = sorted({feature.group for feature in features} - {""})
    return [
        ("model_auc", "", tuple(f.name for f in features)),
        *(("table_auc", table, tuple(f.name for f in features if f.table == table)) for table in tables),
        *(("group_auc", group, tuple(f.name for f in features if f.group == group)) for group in groups),
    ]
