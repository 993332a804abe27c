"""One night's watch list: its rows, from the ranking, the arrears, the rules that hit, and the list before it.

A list is made of what was known on its date and of the list before it, so each can be made again as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import zip_longest
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from tallystick.spec.rules import SEVERITIES
from tallystick.spec.tables import Column
from tallystick.spec.watch_lists import ACT, CALMED, DISPLACED, ENDED, LATE, OFF, WATCH, WatchList
from tallystick.warning.alert_texts import clears_text, top_reasons
from tallystick.warning.ranked_places import rank_of, take_places

# What a list needs of the rows of those before it.
EARLIER = (
    "observation_id", "customer_id", "bucket", "period", "level", "list_date", "listed_on", "level_on", "first_seen_on",
)  # fmt: skip
REASONS = ("reason_1", "reason_2", "reason_3")
# What a line says; its source, recipe, instant and run are the caller's.
LINE = (
    *EARLIER, "cause", "risk_rank", "ranked_loans", "pd", "model_version", "rules", "clears_when", *REASONS,
)  # fmt: skip
ARROW = {
    "string": pa.string(), "int32": pa.int32(), "int64": pa.int64(), "double": pa.float64(), "date": pa.date32(),
}  # fmt: skip
_KEYS = ("observation_id", "customer_id", "bucket", "period")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NightInputs:
    """What a list is made of; every table is of the one night, but ``earlier``.

    ``scores`` has a row per running loan: observation_id, customer_id, bucket, period, pd, model_version and reason_1
    to reason_3. ``arrears`` is what ``find_arrears`` gives. ``hits`` has observation_id, rule_id, severity and reason
    (null where nobody may be told) of each live rule that hit; ``clears`` says of each rule what would clear it.
    ``earlier`` has EARLIER of every row of the lists before this night.
    """

    day: date
    scores: pa.Table
    arrears: pa.Table
    hits: pa.Table
    clears: Mapping[str, str]
    earlier: pa.Table


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Night:
    """The same as frames. ``before`` is the last list, without those that had left it."""

    day: date
    scores: pd.DataFrame
    arrears: pd.DataFrame
    hits: pd.DataFrame
    clears: Mapping[str, str]
    before: pd.DataFrame
    first_seen: Mapping[str, date]

    @classmethod
    def of(cls, found: NightInputs) -> _Night:
        earlier: Any = found.earlier.to_pandas()
        is_last = (earlier["list_date"] == earlier["list_date"].max()) & (earlier["level"] != OFF)
        return cls(
            day=found.day,
            scores=found.scores.to_pandas(),
            arrears=found.arrears.to_pandas(),
            hits=found.hits.to_pandas(),
            clears=found.clears,
            before=earlier[is_last].reset_index(drop=True),
            first_seen=earlier.groupby("observation_id")["first_seen_on"].min().to_dict(),
        )


def list_night(declared: WatchList, inputs: NightInputs, *, columns: Sequence[Column]) -> pa.Table:
    """The rows of ``score.watchlist`` of the night: who is on the list, by rank, then who has left it.

    A loan is ranked when it is not late, not repaid, and has a schedule that says so. The table has those of
    ``columns`` that follow from the night; which source, recipe, instant and run it is of, the caller knows.
    """
    found = _Night.of(inputs)
    scored = found.scores.merge(found.arrears, on="observation_id", how="left")
    is_ranked = (scored["dpd"] == 0) & ~scored["is_repaid"].eq(True)
    ranked = scored[is_ranked].reset_index(drop=True)
    ranked = ranked.assign(risk_rank=rank_of(ranked["pd"].to_numpy(), ranked["observation_id"].to_numpy(dtype=str)))
    placed, kept = _place(declared, ranked, found)
    listed = placed[placed["level"] != OFF].sort_values("risk_rank")
    gone = _gone(found, listed=set(listed["observation_id"]), kept=kept)
    lines = _with_texts(declared, pd.concat([listed, gone], ignore_index=True), found, ranked=len(ranked))
    return _typed(lines, columns, day=found.day)


def _place(declared: WatchList, ranked: pd.DataFrame, found: _Night) -> tuple[pd.DataFrame, set[str]]:
    """The ranked loans with their level and since when, and those of the list before that kept the right to stay."""
    past = ranked[["observation_id"]].merge(
        found.before[["observation_id", "level", "listed_on", "level_on"]], on="observation_id", how="left"
    )
    was_on = past["level"].notna().to_numpy()
    was_act = past["level"].eq(ACT).to_numpy()
    rank, size = ranked["risk_rank"].to_numpy(dtype=np.int64), len(ranked)
    places, act_places, stay_days = declared.places(size), declared.act_places(size), declared.stay_days
    is_on, may_stay = take_places(
        rank,
        was_on,
        _days(past["listed_on"], found.day),
        places=places,
        keeps=declared.kept_places(places),
        stay_days=stay_days,
    )
    # The most urgent are chosen among those on the list, by the same rule.
    order = np.where(is_on, rank, size + rank)
    is_act, _ = take_places(
        order,
        was_act & is_on,
        _days(past["level_on"], found.day),
        places=act_places,
        keeps=declared.kept_places(act_places),
        stay_days=stay_days,
    )
    level = np.where(is_on, np.where(is_act, ACT, WATCH), OFF)
    is_same = level == past["level"].to_numpy()
    placed = ranked.assign(
        level=level,
        listed_on=[since if on else found.day for since, on in zip(past["listed_on"], was_on, strict=True)],
        level_on=[since if same else found.day for since, same in zip(past["level_on"], is_same, strict=True)],
        cause=None,
    )
    return placed, set(ranked["observation_id"][may_stay])


def _gone(found: _Night, *, listed: set[str], kept: set[str]) -> pd.DataFrame:
    """Who was on the list before and is not any more, and why.

    A loan whose last instalment is unpaid has no score any more and is late all the same.
    """
    before = found.before[~found.before["observation_id"].isin(listed)]
    scores = found.scores[["observation_id", "pd", "model_version"]]
    gone = before[[*_KEYS, "listed_on"]].merge(scores, on="observation_id", how="left")
    gone = gone.merge(found.arrears, on="observation_id", how="left")
    is_late = gone["dpd"] > 0
    is_over = gone["pd"].isna() | gone["dpd"].isna() | gone["is_repaid"].eq(True)
    is_displaced = gone["observation_id"].isin(kept)
    cause = np.select([is_late, is_over, is_displaced], [LATE, ENDED, DISPLACED], CALMED)
    return gone.assign(level=OFF, cause=cause, level_on=found.day, risk_rank=np.nan).sort_values("observation_id")


def _with_texts(declared: WatchList, rows: pd.DataFrame, found: _Night, *, ranked: int) -> list[dict[str, Any]]:
    order = {name: place for place, name in enumerate(reversed(SEVERITIES))}
    hits = found.hits.assign(_order=found.hits["severity"].map(order)).sort_values(["_order", "rule_id"])
    by_loan = dict(list(hits.groupby("observation_id")))
    model = {row["observation_id"]: row for row in found.scores.to_dict("records")}
    keep = declared.kept_places(declared.places(ranked))
    lines: list[dict[str, Any]] = []
    records: Any = rows.drop(columns=["dpd", "is_repaid"]).to_dict("records")
    for row in records:
        name = row["observation_id"]
        line: dict[str, Any] = {**row, "ranked_loans": ranked, "rules": None, "clears_when": None}
        line["first_seen_on"] = found.first_seen.get(name, row["listed_on"])
        reasons: list[str] = []
        if row["level"] != OFF:
            own = by_loan.get(name)
            ids = [] if own is None else own["rule_id"].tolist()
            told = [] if own is None else own["reason"].tolist()
            reasons = top_reasons(told, [model[name][reason] for reason in REASONS])
            until = row["listed_on"] + timedelta(days=declared.stay_days)
            clears = [found.clears[one] for one in ids]
            line["rules"] = " ".join(ids) or None
            line["clears_when"] = clears_text(keep=keep, ranked=ranked, until=until, day=found.day, signs=clears)
        lines.append({**line, **dict(zip_longest(REASONS, reasons))})
    return lines


def _typed(lines: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, day: date) -> pa.Table:
    """The lines' columns with the types of the contract; what pandas calls not a number is null."""
    made = {"list_date": pa.array([day] * len(lines), pa.date32())}
    for column in columns:
        if column.name in LINE and column.name not in made:
            values = [None if pd.isna(line[column.name]) else line[column.name] for line in lines]
            is_whole = column.type in ("int32", "int64")
            whole = [int(value) if is_whole and value is not None else value for value in values]
            made[column.name] = pa.array(whole, ARROW[column.type])
    return pa.table(made)


def _days(since: pd.Series, day: date) -> np.ndarray:
    """Days from each date to ``day``; 0 where there is none."""
    return np.array([0 if pd.isna(one) else (day - one).days for one in since], dtype=np.int64)
