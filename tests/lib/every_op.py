"""One group with everything: each operation over each kind of window, filter and category, and each derived kind."""

from __future__ import annotations

from typing import Any

from tallystick.spec.features import Change, FeatureGroup, Measure, Ratio, Share, ZScore
from tallystick.spec.geography import Distance, Gyration
from tallystick.spec.months import Months
from tallystick.spec.ops import SHIFT_OPS, TOP_OPS
from tests.lib.drawn_groups import (
    CATEGORY,
    COMPARING_OPS,
    EACH_OPS,
    FILTERS,
    KEYS,
    NUMBER_OPS,
    OF_CONDITION,
    ROW_OPS,
    VALUE_OPS,
    WHOLE_OPS,
)
from tests.lib.feature_cases import make_group, make_measure


def _sums_and_rows_before(**family: Any) -> list[Measure]:
    """Every operation over sums, and values that reach over several rows."""
    sums = " ".join([*EACH_OPS, *WHOLE_OPS])
    measures = [make_measure(sums, name="each", value="amount_minor", each=KEYS[0], previous=True, **family)]
    for number, each in enumerate(KEYS[1:]):
        measures.append(make_measure("std_pop max", name=f"each{number}", value="rate * 0.5", each=each))
    measures.append(
        make_measure(
            "mean std_pop", name="hours", filters=("odd",), unfiltered=True,
            value="(EPOCH(event_at) - EPOCH(LAG(event_at) OVER (PARTITION BY channel))) / 3600",
        )
    )  # fmt: skip
    # Runs of rows that a row in cash ends, each with the name of the row it began with.
    run = "CASE WHEN LAG(channel) = 'cash' OR LAG(event_at) IS NULL THEN transaction_id END"
    measures.append(make_measure("distinct", name="run", value=f"LAST_VALUE({run} IGNORE NULLS)", previous=True))
    return measures


def _compared(families: tuple[dict[str, Any], ...]) -> list[Measure]:
    """What compares a window with the one before, which is as long, longer, or everything before."""
    windows, ops = ("30d", "1m"), " ".join(COMPARING_OPS)
    measures = [
        make_measure(ops, name=f"again{number}", value="ISODOW(event_at)", windows=windows, previous=True, **family)
        for number, family in enumerate(families)
    ]
    longer = make_measure(ops, name="longer", value="channel", windows=("30d",), base="60d")
    return [*measures, longer, make_measure(ops, name="ever", value="small", windows=windows, base="all")]


def _at_the_top() -> list[Measure]:
    """Every operation over the rows of the most frequent value."""
    ops = " ".join(TOP_OPS)
    return [
        make_measure(ops, name="often", value="amount_minor", top="channel", previous=True),
        make_measure("last", name="east", value="rate * 0.1", top="channel"),
        make_measure("last mean std_pop", name="north", value="small / 30000000"),
        make_measure("std_pop", name="width", value="rate * 0.1"),
        make_measure(ops, name="seldom", value="rate * 0.5", top="ISODOW(event_at)", filters=("odd",)),
    ]


def _shifted(families: tuple[dict[str, Any], ...]) -> list[Measure]:
    """The largest shift of daily totals: of every day, and of the days of the week that are named."""
    ops, windows = " ".join(SHIFT_OPS), ("30d", "1m")
    every = [
        make_measure(ops, name=f"level{number}", value="amount_minor", previous=True, windows=windows, **family)
        for number, family in enumerate(families)
    ]
    every.append(make_measure(ops, name="ever", value="small", windows=("all",)))
    ops, working = "shift_days(2) shift_size(2) shift_share(2)", (1, 2, 3, 4, 5)
    return [*every, make_measure(ops, name="working", value="rate * 0.5", windows=("30d",), weekdays=working)]


def _derived() -> tuple[Any, ...]:
    """Each kind of derived feature over them."""
    return (
        Share(name="odd", a="number0_odd_sum", b="number0_sum"),
        Ratio(of="rows0_count number0_sum", window="2d", against="1m"),
        Ratio(of="rows0_count", window="1m", against="30d"),
        Ratio(of="rows0_count number0_sum", window="7d", against="30d", apart=True),
        Ratio(of="rows0_count", window="24h", against="7d"),
        Ratio(of="rows0_count", window="10min", against="2h", apart=True),
        Change(of="soon_odd_count", windows=("1h",)),
        Ratio(of="again0_kept", window="1m", against="3m", apart=True),
        Distance(name="moved", a=("east_last", "north_last")),
        Distance(name="far", a=("east_last", "north_last"), b=("number0_odd_max", "real0_max")),
        Gyration(name="about", latitude="north", longitude="width"),
        Change(of="number0_mean", windows=("2d", "1m")),
        ZScore(of="rows0_count number0_sum number0_max", windows=("2d", "1m"), k=4),
        Months(
            name="fewer",
            value="rows0_count < LAG(rows0_count) OR rows0_count = 0",
            ops=OF_CONDITION,
            windows=("1m", "5m"),
        ),
        Months(
            name="odd", value="number0_odd_sum / number0_sum - 1", ops="mean std min max last last_2", windows=("5m",)
        ),
        Months(name="known", value="LAST_VALUE(number0_q90 IGNORE NULLS)", ops="mean last", windows=("2m", "5m")),
        Months(
            name="again",
            value="again0_kept_share - ever_new",
            ops="mean last",
            windows=("3m",),
        ),
        Months(
            name="shape",
            value="text0_entropy + number0_last * LAG(number0_q50) - rows0_longest_streak",
            ops="max last",
            windows=("2m",),
        ),
    )


def every_op_group() -> FeatureGroup:
    """Each operation over windows of every unit and of all history, filtered, by category, before, and derived."""
    families: tuple[dict[str, Any], ...] = ({"filters": ("odd",), "unfiltered": True}, {"by": "channel"})
    values = {"rows": "", "number": "amount_minor", "real": "rate * 0.5", "flag": "is_night", "text": "channel"}
    ops = {
        "rows": ROW_OPS, "number": [*NUMBER_OPS, *WHOLE_OPS], "real": ("sum", "mean", "std", "max"),
        "flag": ("sum", "mean", "last"),
        "text": VALUE_OPS,
    }  # fmt: skip
    measures = [
        make_measure(" ".join(ops[name]), name=f"{name}{number}", value=value, previous=True, **family)
        for name, value in values.items()
        for number, family in enumerate(families)
    ]
    hours: dict[str, Any] = {"windows": ("10min", "1h", "24h", "48h")}
    measures.append(make_measure("count mean_gap", name="soon", filters=("odd",), previous=True, **hours))
    measures.append(make_measure("new_share kept", name="soon_again", value="channel", base="36h", **hours))
    measures.append(make_measure("age_days", name="due", value="due_date", previous=True))
    measures.append(
        make_measure("sum", name="late", value="small * 3 - amount_minor", where="HOUR(event_at) >= 12 OR is_night")
    )
    measures.append(make_measure("sum mean", name="part", value="amount_minor / (small - 1)"))
    measures.append(
        make_measure(
            "sum max last", name="step", previous=True,
            value="amount_minor - LAG(amount_minor) OVER (PARTITION BY channel)",
            where="LAG(is_night, 2) IS NOT NULL OR ISODOW(LAG(event_at)) < 6", filters=("odd",), unfiltered=True,
        )
    )  # fmt: skip
    measures += _sums_and_rows_before(**families[0])
    measures += _compared(families)
    measures += [*_at_the_top(), *_shifted(families)]
    measures.append(make_measure("distinct", name="before", value="LAG(channel)"))
    parts = {"filters": FILTERS, "by": CATEGORY, "windows": ("2d", "1m", "all")}
    return make_group(*measures, derived=_derived(), where="COALESCE(small, 1) <> 0", **parts)
