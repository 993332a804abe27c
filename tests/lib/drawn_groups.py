"""Hypothesis strategies for feature groups: measures of any kind, and derived features over them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tallystick.spec.bases import group_bases
from tallystick.spec.features import Change, FeatureGroup, Ratio, Share, ZScore
from tallystick.spec.geography import Distance
from tallystick.spec.months import Months
from tallystick.spec.ops import OP_RULES, SHIFT_OPS, TOP_OPS, WHOLE_DAY_OPS, Op, parse_op
from tests.lib.feature_cases import make_group, make_measure

_DAYS = ["1d", "2d", "7d", "30d", "365d", "1m", "2m", "12m", "all"]
_HOURS = ["10min", "1h", "24h", "48h"]
_WINDOWS = st.lists(st.sampled_from([*_DAYS, *_HOURS]), min_size=1, max_size=4, unique=True)
_NUMBERS = (
    "CASE WHEN HOUR(event_at) >= 22 OR HOUR(event_at) < 6 THEN 1 ELSE 0 END",
    "amount_minor", "rate", "is_night", "small * 3 - amount_minor", "ABS(amount_minor)", "rate * 0.5 - 1",
    "LAST_VALUE(small IGNORE NULLS)", "EPOCH(event_at) - EPOCH(LAG(event_at) OVER (PARTITION BY channel))",
    "LAG(amount_minor)", "amount_minor / 3 - LAG(amount_minor, 2) OVER (PARTITION BY channel)",
    "amount_minor / small", "rate / (ISODOW(event_at) - 4)", "COALESCE(amount_minor, small, 7)",
    "CASE channel WHEN 'cash' THEN amount_minor WHEN 'card' THEN -amount_minor END", "ISODOW(event_at)",
)  # fmt: skip
_WHOLE = ("amount_minor", "is_night", "small", "1", "LAG(small)")
_KINDS = ["numbers", "rows", "values", "dates", "whole", "each", "compared", "top", "shift"]
# Windows that have one before, and what that is.
_COMPARED: tuple[dict[str, Any], ...] = (
    {"windows": ("1d", "7d")}, {"windows": ("2m",)}, {"windows": ("30d",), "base": "60d"},
    {"windows": ("1m",), "base": "3m"}, {"windows": ("7d", "1m", "24h"), "base": "all"},
    {"windows": ("10min", "1h"), "base": "36h"},
)  # fmt: skip
KEYS = ("channel", "is_night", "ISODOW(event_at)", "due_date", "LAST_VALUE(small IGNORE NULLS)")
_ANYTHING = (*_NUMBERS, "channel", "due_date", "event_at", "COALESCE(channel, 'none')")
_CONDITIONS = (
    "", "", "amount_minor > 0", "channel = 'cash'", "channel IN ('card', 'Card')", "NOT channel LIKE '%a%d'",
    "channel IS NULL OR rate BETWEEN 0 AND 1", "amount_minor <> small", "channel >= 'card' AND NOT is_night",
    "channel NOT LIKE 'c%' OR is_night", "due_date < DATE '2024-06-01'", "MONTH(event_at) = 3",
    "LAG(channel) = 'cash' OR LAG(event_at) OVER (PARTITION BY is_night, small) IS NULL",
    "LAST_VALUE(CASE WHEN LAG(channel) = 'cash' THEN channel END IGNORE NULLS) OVER (PARTITION BY is_night) = 'card'",
    "amount_minor * 2 < 3.5", "small / amount_minor < 1.5",
    "EXTRACT(DAY FROM event_at) IN (1, 29, 30, 31)", "QUARTER(due_date) = 1 AND YEAR(event_at) > 2000",
)  # fmt: skip
FILTERS = {"cash": "channel = 'cash'", "paid": "amount_minor < 0", "odd": "small IS NOT NULL AND NOT is_night"}
CATEGORY = {"channel": ("cash", "card", "strange one")}

NUMBER_OPS = [
    "sum",
    "mean",
    "std",
    "std_pop",
    "min",
    "max",
    "quantile(0.5)",
    "quantile(0.9)",
    "first",
    "last",
    "last_2",
    "last_3",
    "slope",
]
ROW_OPS = ["count", "active_days", "longest_streak", "days_since_first", "days_since_last", "mean_gap", "max_gap"]
WHOLE_OPS = ["pareto(0.8)", "pareto(0.5)"]
COMPARING_OPS = [op for op, rule in OP_RULES.items() if rule.compares]
SHIFTS = [*SHIFT_OPS, "shift_days(2)", "shift_share(3)"]
EACH_OPS = ["mean", "std", "std_pop", "min", "max", "quantile(0.5)"]
VALUE_OPS = ["distinct", "entropy", "top_share", "hhi"]


@st.composite
def feature_groups(draw: st.DrawFn) -> FeatureGroup:
    """A group with a few measures of any kind, and derived features over them."""
    measures = []
    for number in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(_KINDS))
        ops, values = {
            "numbers": (NUMBER_OPS, _NUMBERS), "rows": (ROW_OPS, ("",)), "values": (VALUE_OPS, _ANYTHING),
            "dates": (["age_days"], ("due_date",)), "whole": (WHOLE_OPS, _WHOLE),
            "compared": (COMPARING_OPS, _ANYTHING), "top": (TOP_OPS, _NUMBERS),
            "shift": (SHIFTS, _WHOLE),
            "each": ([*EACH_OPS, *WHOLE_OPS], _WHOLE) if draw(st.booleans()) else (EACH_OPS, _NUMBERS),
        }[kind]  # fmt: skip
        few, many = (5, 10) if kind == "compared" else (min(2, len(ops)), 4)
        families = draw(
            st.sampled_from([{}, {}, {"filters": ("cash", "odd"), "unfiltered": True}, {"filters": ("paid",)},
                             {"by": "channel"}])
        )  # fmt: skip
        drawn = draw(st.lists(st.sampled_from(ops), min_size=few, max_size=many, unique=True))
        compared = draw(st.sampled_from(_COMPARED)) if kind == "compared" else {}
        # No whole day lies in hours.
        by_day = {"windows": ("1d", "7d", "2m", "all")} if any(_by_day(parse_op(op)) for op in drawn) else {}
        measures.append(
            make_measure(
                " ".join(drawn),
                name=f"m{number}",
                value=draw(st.sampled_from(values)),
                where=draw(st.sampled_from(_CONDITIONS)),
                each=draw(st.sampled_from(KEYS)) if kind == "each" else "",
                top=draw(st.sampled_from(KEYS)) if kind == "top" else "",
                previous=draw(st.booleans()),
                **compared,
                **by_day,
                weekdays=draw(st.sampled_from([(), (1, 2, 3, 4, 5), (7,)])) if kind == "shift" else (),
                **families,
            )
        )
    parts = {"filters": FILTERS, "by": CATEGORY, "windows": tuple(draw(_WINDOWS))}
    group = make_group(*measures, where=draw(st.sampled_from(("", "", "small <> 0"))), **parts)
    return make_group(*measures, where=group.where, derived=draw(_derived(group)), **parts)


@st.composite
def _derived(draw: st.DrawFn, group: FeatureGroup) -> tuple[Any, ...]:
    # A window before of one unit goes with windows of that unit only.
    bases = {stem: base for stem, base in group_bases(group).items() if base.measure.base in ("", "all")}
    if not bases:
        return ()
    first, second = draw(st.sampled_from(list(bases))), draw(st.sampled_from(list(bases)))
    # The windows of a share are those of its first part, which may be all history.
    fits = bases[first].op.rule.compares or not bases[second].op.rule.compares
    fits &= all(window.has_days for window in group.windows_of(bases[first].measure)) or not _by_day(bases[second].op)
    has_hours = not (_by_day(bases[first].op) or _by_day(bases[second].op))
    made: list[Any] = [Share(name="part", a=first, b=second)] if fits and draw(st.booleans()) else []
    if draw(st.booleans()):
        made.append(Ratio(of=first, window=draw(st.sampled_from(["1d", "1m"])), against="90d"))
        made.append(Ratio(of=second, window="7d", against=draw(st.sampled_from(["7d", "30d"])), apart=True))
        made.append(Ratio(of=first, window="1m", against="2m", apart=True))
        if has_hours:
            made.append(Ratio(of=first, window="1h", against=draw(st.sampled_from(["24h", "7d"]))))
            made.append(Ratio(of=second, window="10min", against="2h", apart=True))
    if draw(st.booleans()):
        place, other = draw(st.sampled_from([(first, second), (second, second)])), (second, first)
        windows = (draw(st.sampled_from(["1d", "7d", "1m"])),)
        made.append(Distance(name="far", a=place, b=draw(st.sampled_from([(), other])), windows=windows))
    if draw(st.booleans()):
        windows = ["1d", "7d", "1m", *(["24h", "10min"] if has_hours else [])]
        made.append(Change(of=second, windows=(draw(st.sampled_from(windows)),)))
    if draw(st.booleans()):
        value, ops = draw(st.sampled_from(_monthly(first, second)))
        made.append(Months(name="by", value=value, ops=ops, windows=tuple(draw(_MONTHS))))
    if draw(st.booleans()):
        made.append(ZScore(of=first, windows=(draw(st.sampled_from(["1d", "7d", "1m"])),), k=draw(st.integers(3, 5))))
    return tuple(made)


def _by_day(op: Op) -> bool:
    return op.name in WHOLE_DAY_OPS


_MONTHS = st.lists(st.sampled_from(["1m", "3m", "14m"]), min_size=1, max_size=2, unique=True)
OF_CONDITION = "count longest_streak current_streak"


def _monthly(first: str, second: str) -> list[tuple[str, str]]:
    """Values of a month over two stems, with operations over the months."""
    return [
        (f"{first} > 0", OF_CONDITION),
        (f"{first} = 0 OR {second} IS NULL", OF_CONDITION),
        (f"{first} < LAG({first})", OF_CONDITION),
        (f"NOT {first} >= 2 * LAG({second}, 2)", OF_CONDITION),
        (f"{first} / {second}", "mean std min max last"),
        (f"LAST_VALUE({first} IGNORE NULLS) - LAG({second})", "mean last"),
        (f"{first} * 0.5 - LAG({first})", "mean min last"),
    ]
