"""One night's watch list: its rows, from the ranking, the arrears, the rules that hit, and the list before it.

A list is made of what was known on its date and of the list before it, so each can be made again as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

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
ARROW = {
    "string": pa.string(), "int32": pa.int32(), "int64": pa.int64(), "double": pa.float64(), "date": pa.date32(),
}  # fmt: skip
_KEYS = ("observation_id", "customer_id", "bucket", "period")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class NightInputs:
    """What a list is made of; every table is of the one night, but ``earlier``.

    ``scores`` has a row per running loan: observation_id, customer_id, bucket, period, pd, model_version and reason_1
    to reason_3. ``arrears`` is what ``find_arrears`` gives. ``hits`` has observation_id, rule_id, severity and reason
    (null where nobody may be told) of each live rule that hit; ``titles`` are those of the rules. ``earlier`` has
    EARLIER of every row of the lists before this night.
    """

    day: date
    scores: pa.Table
    arrears: pa.Table
    hits: pa.Table
    titles: Mapping[str, str]
    earlier: pa.Table


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _Night:
    """The same as frames. ``before`` is the last list, without those that had left it."""

    day: date
    scores: pd.DataFrame
    arrears: pd.DataFrame
    hits: pd.DataFrame
    titles: Mapping[str, str]
    before: pd.DataFrame
    first_seen: Mapping[str, date]

    @classmethod
    def of(cls, found: _Night) -> _Night:
        earlier = found.earlier.to_pandas()
        is_last = (earlier["list_date"] == earlier["list_date"].max()) & (earlier["level"] != OFF)
        return cls(
            day=found.day,
            scores=found.scores.to_pandas(),
            arrears=found.arrears.to_pandas(),
            hits=found.hits.to_pandas(),
            titles=found.titles,
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
    gone = _gone(found, scored, listed=set(listed["observation_id"]), kept=kept)
    rows = _with_texts(declared, pd.concat([listed, gone], ignore_index=True), found, ranked=len(ranked))
    return _typed(rows.assign(list_date=found.day), columns)


def _place(declared: WatchList, ranked: pd.DataFrame, found: _Night) -> tuple[pd.DataFrame, set[str]]:
    """The ranked loans with their level and since when, and those of the list before that kept the right to stay."""
    past = ranked[["observation_id"]].merge(
        found.before[["observation_id", "level", "listed_on", "level_on"]], on="observation_id", how="left"
    )
    was_on = past["level"].notna().to_numpy()
    was_act = past["level"].eq(ACT).to_numpy()
    rank, size = ranked["risk_rank"].to_numpy(dtype=np.int64), len(ranked)
    rule = {"keep_within": declared.keep_within, "stay_days": declared.stay_days}
    is_on, may_stay = take_places(
        rank, was_on, _days(past["listed_on"], found.day), places=declared.places(size), **rule
    )
    # The most urgent are chosen among those on the list, by the same rule.
    order = np.where(is_on, rank, size + rank)
    is_act, _ = take_places(
        order, was_act & is_on, _days(past["level_on"], found.day), places=declared.act_places(size), **rule
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


def _gone(found: _Night, scored: pd.DataFrame, *, listed: set[str], kept: set[str]) -> pd.DataFrame:
    """Who was on the list before and is not any more, and why."""
    before = found.before[~found.before["observation_id"].isin(listed)]
    gone = before[[*_KEYS, "listed_on"]].merge(
        scored[["observation_id", "pd", "model_version", "dpd", "is_repaid"]], on="observation_id", how="left"
    )
    is_late = gone["dpd"] > 0
    is_over = gone["pd"].isna() | gone["dpd"].isna() | gone["is_repaid"].eq(True)
    is_displaced = gone["observation_id"].isin(kept)
    cause = np.select([is_late, is_over, is_displaced], [LATE, ENDED, DISPLACED], CALMED)
    return gone.assign(level=OFF, cause=cause, level_on=found.day, risk_rank=np.nan).sort_values("observation_id")


def _with_texts(declared: WatchList, rows: pd.DataFrame, found: _Night, *, ranked: int) -> pd.DataFrame:
    order = {name: place for place, name in enumerate(reversed(SEVERITIES))}
    hits = found.hits.assign(_order=found.hits["severity"].map(order)).sort_values(["_order", "rule_id"])
    by_loan = dict(list(hits.groupby("observation_id")))
    model = found.scores.set_index("observation_id")[["reason_1", "reason_2", "reason_3"]]
    keep = int(declared.keep_within * declared.places(ranked))
    rules, reasons, clears, seen = [], [], [], []
    for row in rows.itertuples():
        own = by_loan.get(row.observation_id)
        ids = [] if own is None or row.level == OFF else own["rule_id"].tolist()
        told = [] if not ids else own["reason"].tolist()
        backup = [] if row.level == OFF else model.loc[row.observation_id].tolist()
        rules.append(" ".join(ids) or None)
        reasons.append(top_reasons(told, backup))
        until = row.listed_on + timedelta(days=declared.stay_days)
        titles = [found.titles[name] for name in ids]
        text = clears_text(keep=keep, ranked=ranked, until=until, day=found.day, titles=titles)
        clears.append(None if row.level == OFF else text)
        seen.append(found.first_seen.get(row.observation_id, row.listed_on))
    made = rows.assign(rules=rules, clears_when=clears, first_seen_on=seen, ranked_loans=ranked)
    for place in range(3):
        made[f"reason_{place + 1}"] = [told[place] if place < len(told) else None for told in reasons]
    return made.drop(columns=["dpd", "is_repaid"])


def _typed(rows: pd.DataFrame, columns: Sequence[Column]) -> pa.Table:
    """The frame's columns with the types of the contract; what pandas calls not a number is null."""
    made = {}
    for column in columns:
        if column.name in rows:
            values = [None if pd.isna(value) else value for value in rows[column.name]]
            is_whole = column.type in ("int32", "int64")
            made[column.name] = pa.array(
                [int(value) if is_whole and value is not None else value for value in values], ARROW[column.type]
            )
    return pa.table(made)


def _days(since: pd.Series, day: date) -> np.ndarray:
    """Days from each date to ``day``; 0 where there is none."""
    return np.array([0 if pd.isna(one) else (day - one).days for one in since], dtype=np.int64)
