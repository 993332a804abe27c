"""The audit of the split passes what the splitter makes, and names what a wrong splitter would do."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pytest

from tallystick.spec.recipes import Recipe, Split
from tallystick.training.audit_findings import AuditFinding
from tallystick.training.audit_split import check_split
from tallystick.training.split import UNIT, find_test_start, split_rows
from tests.lib.training_sets import make_recipe
from tests.unit.test_training_split import START, loans_by_month

ZONE = "Europe/Prague"
BY_TIME = replace(make_recipe(), split=Split(test_from=START.date()))
AT_RANDOM = replace(make_recipe(), split=Split(method="random_by_customer"))


def book() -> tuple[pd.DataFrame, pa.Table]:
    """Keys of a book at local midnights, and its label table."""
    keys = loans_by_month(60)
    keys["as_of"] = keys["day"].dt.tz_localize(ZONE).dt.tz_convert("UTC")
    columns = ["source", UNIT, "as_of", "label", "known_on", "window_from", "window_to"]
    labels = keys[columns].assign(**{name: keys[name].dt.date for name in columns[4:]})
    return keys, pa.Table.from_pandas(labels, preserve_index=False)


def audited(recipe: Recipe, part: pd.Series) -> dict[str, AuditFinding]:
    keys, labels = book()
    return {finding.check: finding for finding in check_split(keys, part, labels, recipe=recipe, zone=ZONE)}


def parts(recipe: Recipe) -> pd.Series:
    keys, _ = book()
    return split_rows(keys, recipe, start=find_test_start(keys, recipe.split))


@pytest.mark.parametrize("recipe", [BY_TIME, replace(BY_TIME, retrospective="Known late."), AT_RANDOM])
def test_what_the_splitter_makes_passes(recipe: Recipe) -> None:
    found = audited(recipe, parts(recipe))
    assert all(finding.is_passed for finding in found.values()), found
    expected = {"split_time", "split_label_known", "split_overlap", "split_customer"}
    assert set(found) == (expected if recipe.split.is_by_time else {"split_customer"})


def test_training_rows_with_late_labels_or_shared_days_are_counted() -> None:
    part = parts(BY_TIME)
    found = audited(BY_TIME, part.replace({"late": "train"}))
    assert not found["split_label_known"].is_passed
    assert found["split_label_known"].value == (part == "late").sum()
    assert not found["split_overlap"].is_passed
    kept = audited(replace(BY_TIME, retrospective="Known late."), part.replace({"late": "train"}))
    assert (kept["split_label_known"].is_passed, kept["split_label_known"].value) == (True, (part == "late").sum())
    assert "kept, as the recipe is retrospective" in kept["split_label_known"].detail
    assert not kept["split_overlap"].is_passed


def test_a_training_row_newer_than_the_test_is_counted() -> None:
    part = parts(BY_TIME)
    newest = part[part == "test"].index[:3]
    first = book()[0].loc[part[part == "test"].index, "day"].idxmin()
    found = audited(BY_TIME, part.mask(part.index.isin(newest.difference([first])), "train"))
    assert not found["split_time"].is_passed


def test_a_customer_on_both_sides_of_a_random_split_is_counted() -> None:
    part = parts(AT_RANDOM)
    one = part[part == "test"].index[0]
    found = audited(AT_RANDOM, part.mask(part.index == one, "train"))
    assert (found["split_customer"].is_passed, found["split_customer"].value) == (False, 1.0)
