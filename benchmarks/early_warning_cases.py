"""The running loans of a simulated bank, night by night: their vectors, what happened to them, what the truth says.

Kept apart from ``early_warning`` because these are the definitions that its figures rest on. Only here, and in
``early_warning``, is the simulator's truth read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from tallystick.features import GroupWork, compute_from
from tallystick.labels import KnownTables, build_few_labels
from tallystick.observations import OBSERVATION_SCHEMA, ObservationSpec, observe
from tallystick.project import Project
from tallystick.tables import Warehouse, read_arrow
from tallystick.training.vectors import VectorPlan, assemble_vectors, plan_vectors
from tallystick.warning import find_arrears
from tallystick.warning.arrears import ARREARS_TABLES

SOURCE, ZONE, RECIPE = "simbank", "Asia/Shanghai", "early_warning"
BAD_DPD, WITHIN_DAYS = 90, 182
_NEVER = pd.Timestamp("2100-01-01")


@dataclass(frozen=True, kw_only=True, slots=True)
class Bank:
    """A loaded bank: its project, its clean tables as they are needed, and the folder with its truth."""

    project: Project
    warehouse: Warehouse
    folder: Path

    def table(self, name: str) -> pa.Table:
        """All rows of a clean table."""
        return read_arrow(self.warehouse, name)

    def plan(self, observations: str) -> VectorPlan:
        """The recipe's vectors for a set that it scores."""
        project = self.project
        recipe = project.recipes[RECIPE].scoring(observations)
        observed = project.observations[observations]
        return plan_vectors(recipe, project.feature_groups, project.contracts, observed=observed)

    def observe(self, observations: str, nights: Sequence[date], *, columns: Sequence[str]) -> pa.Table:
        """The loans of the set on these dates, with columns of their own table."""
        found = []
        for night in nights:
            declared = self.project.observations[observations]
            spec = ObservationSpec.of(declared, self.project.contracts, first=night, last=night, columns=columns)
            found.append(observe(spec, self.table, zone=ZONE))
        return pa.concat_tables(found)

    def vectors(self, observations: str, nights: Sequence[date]) -> pd.DataFrame:
        """observation_id, customer_id, as_of and all features of the recipe, of the loans of the set on these dates."""
        plan = self.plan(observations)
        observed = self.observe(observations, nights, columns=plan.own_columns)
        asked = observed.select(OBSERVATION_SCHEMA.names)
        features = {}
        for name in plan.columns:
            work = GroupWork.of(self.project.feature_groups[name], self.project.contracts)
            rows = {one: self.table(one) for one in sorted(work.tables)}
            features[name] = compute_from(work, rows, asked, zone=ZONE)
        made = assemble_vectors(plan, _placed(observed), features)
        return made.drop_columns(["source", "bucket", "period"]).to_pandas()

    def labels(self, observed: pd.DataFrame, *, cutoff: date) -> pd.DataFrame:
        """observation_id, as_of, label and status of the recipe's label, by what was known on the cut-off."""
        label = self.project.labels[self.project.recipes[RECIPE].label or ""]
        rows = pa.Table.from_pandas(observed[OBSERVATION_SCHEMA.names], preserve_index=False).cast(OBSERVATION_SCHEMA)
        tables = {name: self.table(name) for name in label.tables}
        known = KnownTables(frames=tables, contracts=self.project.contracts, cutoff=cutoff, zone=ZONE)
        own = self.project.observations["running"]
        made = build_few_labels(label, _placed(rows), known, observation_set=own)
        return made.select(["observation_id", "as_of", "label", "status"]).to_pandas()

    def arrears(self, night: date) -> pd.DataFrame:
        """Who is late or repaid at the start of a date, as known on it."""
        tables = {name: self.table(name) for name in ARREARS_TABLES}
        return find_arrears(tables, self.project.contracts, day=night, zone=ZONE).to_pandas()


def _placed(observed: pa.Table) -> pa.Table:
    rows = observed.num_rows
    observed = observed.append_column("source", pa.repeat(SOURCE, rows))
    observed = observed.append_column("bucket", pa.repeat(pa.scalar(0, pa.int32()), rows))
    return observed.append_column("period", pa.repeat("2025", rows))


def outcomes(bank: Bank, *, until: date) -> pd.DataFrame:
    """Of each loan, by all payments there are: when it was granted, when it was first 90 days past due, and when the
    first payment of that run was missed; without a date where it never was by ``until``.

    The due date of the oldest instalment that was not covered on the day on which it was 90 days past due is the date
    of the first missed payment.
    """
    loans, payments = bank.table("clean.loans").to_pandas(), bank.table("clean.repayments").to_pandas()
    # The simulated bank delivers each loan and payment once; a correction would need versions.
    if loans["loan_id"].duplicated().any() or payments["repayment_id"].duplicated().any():
        raise ValueError("a loan or payment has several versions")
    payments["day"] = _day_numbers(_local_days(payments["event_at"]))
    paid = {
        name: (part["day"].to_numpy(), part["amount_minor"].cumsum().to_numpy())
        for name, part in payments.sort_values(["day"], kind="stable").groupby("loan_id")
    }
    end, rows = _day_number(until), []
    for loan in loans.itertuples():
        missed = _first_missed(loan, paid.get(loan.loan_id), end=end)
        rows.append((loan.loan_id, loan.customer_id, missed))
    found = pd.DataFrame(rows, columns=["observation_id", "customer_id", "missed"])
    found["granted"] = _local_days(loans["event_at"]).to_numpy()
    found["missed"] = _dates_of(found["missed"])
    found["bad"] = found["missed"] + pd.Timedelta(days=BAD_DPD)
    return found


def _first_missed(loan: object, paid: tuple[np.ndarray, np.ndarray] | None, *, end: int) -> float:
    """The day number of the instalment that was first open for 90 days; not a number where none was."""
    first = pd.Timestamp(loan.first_due_date)  # type: ignore[attr-defined]
    days, sums = paid if paid is not None else (np.array([], dtype=np.int64), np.array([], dtype=np.int64))
    for number in range(loan.term_months):  # type: ignore[attr-defined]
        due = _day_number((first + pd.DateOffset(months=number)).date())
        if due + BAD_DPD > end:
            break
        # 90 days past due at the start of due + 90: payments of dates before it count.
        seen = int(np.searchsorted(days, due + BAD_DPD))
        covered = (sums[seen - 1] if seen else 0) // loan.instalment_minor  # type: ignore[attr-defined]
        if covered <= number:
            return float(due)
    return float("nan")


@dataclass(frozen=True, kw_only=True, slots=True)
class Causes:
    """What the bank cannot see: spells of hardship and of no work, and debts with other lenders, by customer.

    Each has customer_id, since and until (excluded), days without a zone.
    """

    hardship: pd.DataFrame
    idle: pd.DataFrame
    debts: pd.DataFrame

    def onset(self, bad: pd.DataFrame) -> pd.Series:
        """Of each bad loan when the first of the blows began that lasted when its payment was missed; NaT without."""
        found = []
        for spells, slack in ((self.hardship, 14), (self.idle, 0)):
            met = bad[["observation_id", "customer_id", "missed"]].merge(spells, on="customer_id")
            lasts = (met["since"] <= met["missed"]) & (met["until"] + pd.Timedelta(days=slack) > met["missed"])
            found.append(met[lasts].groupby("observation_id")["since"].min())
        return pd.concat(found, axis=1).min(axis=1).reindex(bad["observation_id"])

    def state(self, observed: pd.DataFrame) -> pd.DataFrame:
        """Columns of what holds of each loan's customer on a night: days since a blow, debts, instalments.

        ``observed`` has observation_id, customer_id and ``night``.
        """
        made = pd.DataFrame(index=observed.index)
        for name, spells in (("hardship", self.hardship), ("idle", self.idle)):
            met = observed[["customer_id", "night"]].reset_index().merge(spells, on="customer_id")
            met = met[(met["since"] < met["night"]) & (met["until"] >= met["night"])]
            days = (met["night"] - met["since"]).dt.days.groupby(met["index"]).max()
            made[f"truth_{name}_days"] = days.reindex(observed.index)
        met = observed[["customer_id", "night"]].reset_index().merge(self.debts, on="customer_id")
        met = met[(met["since"] < met["night"]) & (met["until"] >= met["night"])]
        by = met.groupby("index")["instalment"]
        made["truth_debts"] = by.count().reindex(observed.index).fillna(0)
        made["truth_debts_due"] = by.sum().reindex(observed.index).fillna(0)
        return made


def read_causes(bank: Bank) -> Causes:
    """The spells of ``truth/``; what has not ended has no end."""
    truth = bank.folder / "truth"
    hardship = pd.read_csv(truth / "hardship.csv.gz", parse_dates=["event_date", "last_date"])
    work = pd.read_csv(truth / "work.csv.gz", parse_dates=["event_date"])
    work = work.sort_values(["cust_no", "event_date"], kind="stable")
    work["until"] = work.groupby("cust_no")["event_date"].shift(-1)
    lost = work[work["event"] == "lost"]
    return Causes(
        hardship=_spells(hardship["cust_no"], hardship["event_date"], hardship["last_date"] + pd.Timedelta(days=1)),
        idle=_spells(lost["cust_no"], lost["event_date"], lost["until"]),
        debts=_debts(pd.read_csv(truth / "debts.csv.gz", parse_dates=["event_date"])),
    )


def _debts(events: pd.DataFrame) -> pd.DataFrame:
    """Debts from taken to settled or given up, matched in order by customer, lender and instalment."""
    keys = ["cust_no", "lender", "instalment"]
    taken, ended = events[events["event"] == "taken"], events[events["event"] != "taken"]
    left = taken.assign(number=taken.groupby(keys).cumcount())
    # A debt that ends without having been taken was there before the first day, and comes first.
    right = ended.merge(left[[*keys, "event_date", "number"]], on=keys, how="left", suffixes=("", "_taken"))
    right = right[(right["event_date_taken"] <= right["event_date"])].drop_duplicates([*keys, "number"])
    met = left.merge(right[[*keys, "number", "event_date"]], on=[*keys, "number"], how="left", suffixes=("", "_ended"))
    return _spells(met["cust_no"], met["event_date"], met["event_date_ended"]).assign(
        instalment=met["instalment"].to_numpy()
    )


def _spells(customers: pd.Series, since: pd.Series, until: pd.Series) -> pd.DataFrame:
    found = {"customer_id": SOURCE + ":" + customers, "since": since, "until": until.fillna(_NEVER)}
    return pd.DataFrame({name: column.to_numpy() for name, column in found.items()})


def nights_between(first: date, last: date, *, days: int) -> list[date]:
    """Every ``days``-th date from the first to the last."""
    return [first + timedelta(days=number) for number in range(0, (last - first).days + 1, days)]


def night_of(as_of: pd.Series) -> pd.Series:
    """The local date of each instant, as a day without a zone."""
    return _local_days(as_of)


def _local_days(instants: pd.Series) -> pd.Series:
    local = pd.to_datetime(instants).dt.tz_convert(ZONE).dt.tz_localize(None)
    return local.dt.normalize().astype("datetime64[ns]")


def _day_numbers(days: pd.Series) -> pd.Series:
    return (days - pd.Timestamp(0)).dt.days


def _day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


def _dates_of(numbers: pd.Series) -> pd.Series:
    return pd.Timestamp(0) + pd.to_timedelta(numbers, unit="D")


def join_columns(parts: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Series by name as a frame, by position."""
    return pd.DataFrame({name: part.to_numpy() for name, part in parts.items()})
