"""Which observations are fraud, as known on a date: confirmed cases joined to observations.

Apart from the judging of rules, since weights, back-tests and mined rules all rest on the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from tallystick.kernel.nullable import Bools, Ints
from tallystick.kernel.zones import zone_offsets
from tallystick.spec.fraud_labels import FraudLabel
from tallystick.visibility.rows import rows_in_force

# FRAUD and CLEAN are judged. IMMATURE may still turn out to be fraud; of KNOWN the bank knew before.
CLEAN, FRAUD, IMMATURE, KNOWN = 0, 1, 2, 3
_EPOCH = date(1970, 1, 1).toordinal()
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FraudCases:
    """One code per observation, and for FRAUD the date on which the first of its cases was known to the bank."""

    codes: npt.NDArray[np.int8]
    known_on: Ints

    @property
    def is_judged(self) -> Bools:
        """Where an observation counts for or against a rule."""
        return self.codes <= FRAUD

    @property
    def is_fraud(self) -> Bools:
        """Where it is fraud."""
        return self.codes == FRAUD


def label_fraud(
    customers: pa.ChunkedArray, dates: Ints, reports: pa.Table, *, label: FraudLabel, cutoff: date, zone: str
) -> FraudCases:
    """Judge observations of these customers on these local dates by the reports that are in force on ``cutoff``.

    ``reports`` are all versions of the label's table. An observation younger than ``maturity_days`` on the cut-off is
    IMMATURE whether or not a case is known already: else the newest ones would be fraud more often than they are.
    """
    size, last = dates.size, cutoff.toordinal() - _EPOCH
    cases = _cases(reports, label, cutoff=cutoff, zone=zone)
    asked = pd.DataFrame({"row": np.arange(size), "customer_id": customers.to_pandas(), "day": dates})
    pairs = asked.merge(cases, on="customer_id")
    within = pairs[(pairs["day"] >= pairs["begins"]) & (pairs["day"] <= pairs["confirmed"])]
    after = pairs[pairs["day"] > pairs["confirmed"]]
    known_on: Ints = np.full(size, _NEVER, dtype=np.int64)
    np.minimum.at(known_on, within["row"].to_numpy(), within["known_on"].to_numpy())
    codes = np.full(size, CLEAN, dtype=np.int8)
    codes[after["row"].to_numpy()] = KNOWN
    codes[within["row"].to_numpy()] = FRAUD
    codes[(dates + label.maturity_days > last) & (codes != KNOWN)] = IMMATURE
    return FraudCases(codes=codes, known_on=known_on)


def _cases(reports: pa.Table, label: FraudLabel, *, cutoff: date, zone: str) -> pd.DataFrame:
    """The cases that count: customer, and the days on which each begins to count, was confirmed and was known."""
    found = rows_in_force(reports, "fraud_report_id", on=cutoff)
    rows = found.select(["customer_id", "kind", "role", "began_on", "known_on"]).to_pandas()
    instants = found["event_at"].cast(pa.int64()).to_numpy()
    rows["confirmed"] = zone_offsets(zone).dates(instants).astype(np.int64)
    rows = rows[rows["kind"].isin(label.kinds) & rows["role"].isin(label.roles)]
    unknown = rows["confirmed"] - label.unknown_days
    began = [_EPOCH if pd.isna(day) else day.toordinal() for day in rows["began_on"]]
    days = np.array(began, dtype=np.int64) - _EPOCH
    began_on = np.where(rows["began_on"].isna(), unknown, days)
    known = np.array([day.toordinal() for day in rows["known_on"]], dtype=np.int64) - _EPOCH
    return pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "begins": began_on - label.lead_days,
            "confirmed": rows["confirmed"],
            "known_on": known,
        }
    )
