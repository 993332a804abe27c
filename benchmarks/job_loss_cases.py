"""Who is asked about, and what the truth says of them: the cases of ``job_loss``.

Kept apart from the command because these are the definitions that its figures rest on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from tallystick.observations import OBSERVATION_SCHEMA
from tallystick.tables import Warehouse, read_arrow

SOURCE, ZONE = "simbank", "Asia/Shanghai"
# Who is asked about has had the job and an account for so long: every source has a base of its own by then.
SETTLED_DAYS, HISTORY_DAYS = 90, 120
OTHERS_EACH = 10
# The day after the last day off: then days off weigh most.
AFTER_HOLIDAYS = ("2025-05-06", "2025-10-08", "2026-02-25")
GAP_DAYS, BEFORE_GAP_DAYS, LEAST_BEFORE_GAP = 28, 56, 6
SIM_DAYS = 7
_NEVER = pd.Timestamp("2100-01-01")


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A bank's truth, as days without a zone. ``spells`` of no work: customer_id, since, until (excluded).

    ``people`` are those who declared an employer: customer_id, and since when they have had an account.
    """

    spells: pd.DataFrame
    people: pd.DataFrame
    first: pd.Timestamp
    last: pd.Timestamp

    def losses(self, days: int) -> pd.DataFrame:
        """Those who lost work they had for long, at the midnight so many days after it, if they had found none yet."""
        found = self.spells.merge(self.people, on="customer_id")
        found["as_of"] = found["since"] + pd.Timedelta(days=days)
        before = found.groupby("customer_id")["until"].shift(fill_value=pd.Timestamp(0))
        is_asked = (
            (found["since"] - before >= pd.Timedelta(days=SETTLED_DAYS))
            & (found["since"] - self.first >= pd.Timedelta(days=HISTORY_DAYS))
            & (found["since"] - found["account_since"] >= pd.Timedelta(days=HISTORY_DAYS))
            & (found["until"] > found["as_of"])
            & (found["as_of"] <= self.last)
        )
        return found.loc[is_asked, ["customer_id", "as_of"]].reset_index(drop=True)

    def settled(self, pairs: pd.DataFrame) -> pd.DataFrame:
        """Those pairs of customer_id and as_of whose customer has had work and an account for long."""
        found = pairs.merge(self.people, on="customer_id")
        old = found["account_since"].clip(lower=self.first) <= found["as_of"] - pd.Timedelta(days=HISTORY_DAYS)
        found = found[old & (found["as_of"] <= self.last)][["customer_id", "as_of"]].drop_duplicates()
        met = found.merge(self.spells, on="customer_id")
        begun = met["since"] < met["as_of"]
        idle = met[begun & (met["until"] > met["as_of"] - pd.Timedelta(days=SETTLED_DAYS))]
        keys = pd.MultiIndex.from_frame(idle[["customer_id", "as_of"]])
        return found[~pd.MultiIndex.from_frame(found).isin(keys)].reset_index(drop=True)

    def others(self, asked: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
        """For each of ``asked`` some settled customers on the same day, drawn by chance."""
        drawn = rng.choice(self.people["customer_id"].to_numpy(), size=len(asked) * OTHERS_EACH)
        days = np.repeat(asked["as_of"].to_numpy(), OTHERS_EACH)
        return self.settled(pd.DataFrame({"customer_id": drawn, "as_of": days}))


def read_truth(bank: Path, warehouse: Warehouse, *, first: date, last: date) -> Truth:
    """What ``truth/`` beside the deliveries says, and who declared an employer and never an end."""
    events = pd.read_csv(bank / "truth" / "work.csv.gz", parse_dates=["event_date"])
    events = events.sort_values(["cust_no", "event_date"], kind="stable")
    events["until"] = events.groupby("cust_no")["event_date"].shift(-1, fill_value=_NEVER)
    lost = events[events["event"] == "lost"]
    spells = pd.DataFrame(
        {"customer_id": SOURCE + ":" + lost["cust_no"], "since": lost["event_date"], "until": lost["until"]}
    )
    told = read_arrow(warehouse, "clean.employment", columns=["customer_id", "employer_id", "ended_on"]).to_pandas()
    facts = told.groupby("customer_id").agg(
        employers=("employer_id", "count"), facts=("customer_id", "size"), ends=("ended_on", "count")
    )
    steady = facts[(facts["employers"] == facts["facts"]) & (facts["ends"] == 0)].index
    accounts = read_arrow(warehouse, "clean.accounts", columns=["customer_id", "event_at"]).to_pandas()
    since = days_of(accounts).groupby("customer_id")["day"].min().rename("account_since")
    people = since[since.index.isin(steady)].reset_index()
    return Truth(spells=spells, people=people, first=pd.Timestamp(first), last=pd.Timestamp(last))


def alarm_cases(truth: Truth, warehouse: Warehouse, rng: np.random.Generator) -> Iterator[tuple[str, pd.DataFrame]]:
    """Settled customers where an alarm would be false, by what may deceive: days off, gaps, changes of the SIM card."""
    every = pd.date_range(truth.first + pd.Timedelta(days=HISTORY_DAYS), truth.last)
    drawn = {"customer_id": rng.choice(truth.people["customer_id"], 6_000), "as_of": rng.choice(every, 6_000)}
    yield "any day", truth.settled(pd.DataFrame(drawn))
    for day in AFTER_HOLIDAYS:
        if pd.Timestamp(day) in every:
            yield f"holidays until {day}", truth.settled(truth.people[["customer_id"]].assign(as_of=pd.Timestamp(day)))
    yield "sensor gap", truth.settled(_in_gaps(warehouse, every[::14]))
    changes = read_arrow(warehouse, "clean.device_events", columns=["customer_id", "event_at", "kind"]).to_pandas()
    changes = days_of(changes[changes["kind"] == "sim_change"])
    changes["as_of"] = changes["day"] + timedelta(days=SIM_DAYS)
    yield "SIM change", truth.settled(changes[changes["as_of"].isin(every)][["customer_id", "as_of"]])


def _in_gaps(warehouse: Warehouse, days: pd.DatetimeIndex) -> pd.DataFrame:
    """Who was seen often before, and by no telephone in the four weeks before the day."""
    seen = days_of(read_arrow(warehouse, "clean.location_events", columns=["customer_id", "event_at"]).to_pandas())
    parts = []
    for day in days:
        ago = (day - seen["day"]).dt.days
        counts = seen[ago > 0].assign(
            is_late=ago <= GAP_DAYS, is_base=(ago > GAP_DAYS) & (ago <= GAP_DAYS + BEFORE_GAP_DAYS)
        )
        found = counts.groupby("customer_id")[["is_late", "is_base"]].sum()
        silent = found[(found["is_late"] == 0) & (found["is_base"] >= LEAST_BEFORE_GAP)].index
        parts.append(pd.DataFrame({"customer_id": silent, "as_of": day}))
    return pd.concat(parts, ignore_index=True)


def days_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with ``day``, the local day of ``event_at``, without a zone."""
    local = pd.to_datetime(rows["event_at"]).dt.tz_convert(ZONE).dt.tz_localize(None)
    return rows.assign(day=local.dt.normalize().astype("datetime64[ns]"))


def observations_of(cases: pd.DataFrame) -> pa.Table:
    """The cases as observations at local midnights, in their order."""
    local = pd.to_datetime(cases["as_of"]).dt.tz_localize(ZONE)
    numbers = pd.Series(range(len(cases))).astype(str)
    found = {"observation_id": numbers, "customer_id": cases["customer_id"].reset_index(drop=True), "as_of": local}
    return pa.table({name: pa.array(list(column)) for name, column in found.items()}).cast(OBSERVATION_SCHEMA)
