"""The split against its definition: what a model of the test's first day could not have learned from is not taught."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tallystick.errors import ModelError
from tallystick.spec.recipes import Recipe, Split
from tallystick.training.data import UNIT
from tallystick.training.split import check_parts, draw_customers, find_test_start, split_rows
from tests.lib.training_sets import make_recipe, make_set

START = pd.Timestamp("2024-01-01")


def recipe(split: Split, *, retrospective: str = "") -> Recipe:
    return replace(make_recipe(), split=split, retrospective=retrospective)


def loans_by_month(loans: int = 30, seed: int = 3) -> pd.DataFrame:
    """A book: each loan at the start of many months, its label over spans of one to nine months, some without one."""
    rng = np.random.default_rng(seed)
    rows = []
    for loan in range(loans):
        months = pd.date_range("2023-01-01", "2024-12-01", freq="MS")
        for day in months[np.sort(rng.choice(len(months), rng.integers(1, 15), replace=False))]:
            span = int(rng.integers(1, 10))
            end = day + pd.DateOffset(months=span)
            rows.append(
                {"source": "s", UNIT: f"l{loan}", "customer_id": f"s:c{loan // 2}", "day": day, "window_from": day,
                 "window_to": end, "known_on": end + pd.Timedelta(days=int(rng.integers(0, 40))),
                 "label": rng.choice([0.0, 1.0, np.nan])}
            )  # fmt: skip
    return pd.DataFrame(rows).sample(frac=1, random_state=1, ignore_index=True)


def part_by_definition(keys: pd.DataFrame, row: pd.Series, *, keeps_late: bool) -> str:
    if np.isnan(row["label"]):
        return ""
    if row["day"] >= START:
        return "test"
    if row["known_on"] > START and not keeps_late:
        return "late"
    for _, other in keys.iterrows():
        is_tested = not np.isnan(other["label"]) and other["day"] >= START and other[UNIT] == row[UNIT]
        if is_tested and row["window_from"] < other["window_to"] and other["window_from"] < row["window_to"]:
            return "overlapping"
    return "train"


@pytest.mark.parametrize("retrospective", ["", "Known at the extract."])
def test_every_row_has_the_part_that_its_dates_say(retrospective: str) -> None:
    keys = loans_by_month()
    declared = recipe(Split(test_from=START.date()), retrospective=retrospective)
    part = split_rows(keys, declared, start=find_test_start(keys, declared.split))
    expected = [part_by_definition(keys, row, keeps_late=bool(retrospective)) for _, row in keys.iterrows()]
    assert list(part) == expected
    assert {"", "test", "train", "overlapping" if retrospective else "late"} == set(expected)


def test_the_newest_rows_are_the_test_and_no_date_is_on_both_sides() -> None:
    data = make_set()
    declared = recipe(Split(test_share=0.3))
    part = split_rows(data.keys, declared, start=find_test_start(data.keys, declared.split))
    day = data.keys["day"]
    assert day[part == "train"].max() < day[part == "test"].min()
    assert data.keys["known_on"][part == "train"].max() <= day[part == "test"].min()
    assert (part[data.label.isna()] == "").all()
    assert (part == "test").sum() / (part != "").sum() == pytest.approx(0.3, abs=0.02)


def test_a_label_that_became_known_on_the_first_day_of_the_test_may_be_learned_from() -> None:
    keys = loans_by_month(1).head(1).assign(day=pd.Timestamp("2023-06-01"), label=1.0)
    declared = recipe(Split(test_from=START.date()))
    for known_on, expected in ((START, "train"), (START + pd.Timedelta(days=1), "late"), (pd.NaT, "late")):
        assert list(split_rows(keys.assign(known_on=known_on), declared, start=START)) == [expected]


def test_a_part_without_bad_rows_is_refused() -> None:
    data = make_set()
    declared = recipe(Split(test_from=date(2021, 1, 1)))
    part = split_rows(data.keys, declared, start=find_test_start(data.keys, declared.split))
    with pytest.raises(ModelError, match="train part has 0 bad rows"):
        check_parts(data.keys, part, recipe=declared)


def test_a_cross_section_cannot_be_split_by_time_and_is_told_what_it_needs() -> None:
    data = make_set()
    keys = data.keys.assign(day=START)
    declared = recipe(Split())
    part = split_rows(keys, declared, start=find_test_start(keys, declared.split))
    with pytest.raises(ModelError, match='declare Split\\(method="random_by_customer"\\)'):
        check_parts(keys, part, recipe=declared)


def test_a_random_split_keeps_customers_whole_and_moves_nobody_when_rows_are_added() -> None:
    keys = loans_by_month(400)
    declared = recipe(Split(method="random_by_customer", test_share=0.3))
    assert find_test_start(keys, declared.split) is None
    part = split_rows(keys, declared, start=None)
    labelled = keys["label"].notna()
    assert (part[~labelled] == "").all()
    sides = part[labelled].groupby(keys["customer_id"]).nunique()
    assert sides.max() == 1
    drawn = pd.Series(draw_customers(keys["customer_id"], share=0.3, seed=1)).groupby(keys["customer_id"]).first()
    assert drawn.mean() == pytest.approx(0.3, abs=0.08)
    few = keys.head(50)
    assert list(split_rows(few, declared, start=None)) == list(part.head(50))
    assert list(split_rows(keys, replace(declared, seed=2), start=None)) != list(part)
