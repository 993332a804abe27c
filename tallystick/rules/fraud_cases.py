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
from tallystick.visibility.rows import version_spans

# FRAUD and CLEAN are judged. IMMATURE may still turn out to be fraud; of KNOWN the bank knew before.
CLEAN, FRAUD, IMMATURE, KNOWN = 0, 1, 2, 3
_EPOCH = date(1970, 1, 1).toordinal()
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FraudCases:
    """One code per observation, and for FRAUD the first date on which one of its cases made it so to the bank.

    A later correction of a case that made it fraud before does not move that date.
    """

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
    """Judge observations of these customers on these local dates by the reports that a decision on ``cutoff`` sees.

    ``reports`` are all versions of the label's table. Of each report the version in force on the cut-off counts, if it
    was confirmed before the midnight that begins that date. An observation younger than ``maturity_days`` on the
    cut-off is IMMATURE whether or not a case is known already: else the newest ones would be fraud more often than
    they are.
    """
    size, last = dates.size, cutoff.toordinal() - _EPOCH
    cases = _cases(reports, label, last=last, zone=zone)
    asked = pd.DataFrame({"row": np.arange(size), "customer_id": customers.to_pandas(), "day": dates})
    pairs = asked.merge(cases, on="customer_id")
    after = pairs[pairs["counts"] & (pairs["day"] > pairs["confirmed"])]
    covered = pairs[(pairs["day"] >= pairs["begins"]) & (pairs["day"] <= pairs["confirmed"])]
    by_case = covered.groupby(["row", "case"], as_index=False).agg({"since": "min", "counts": "max"})
    within = by_case[by_case["counts"].astype(bool)]
    known_on: Ints = np.full(size, _NEVER, dtype=np.int64)
    np.minimum.at(known_on, within["row"].to_numpy(), within["since"].to_numpy())
    codes = np.full(size, CLEAN, dtype=np.int8)
    codes[within["row"].to_numpy()] = FRAUD
    # Last, because a known fraudster's next case is no example of a fraud that was still to be found.
    codes[after["row"].to_numpy()] = KNOWN
    codes[(dates + label.maturity_days > last) & (codes != KNOWN)] = IMMATURE
    return FraudCases(codes=codes, known_on=known_on)


def _cases(reports: pa.Table, label: FraudLabel, *, last: int, zone: str) -> pd.DataFrame:
    """The versions of cases that a decision on a date up to ``last`` sees: case, customer, the days on which each
    begins to count and was confirmed, the first such date as ``since``, and whether it still ``counts`` on the last.
    """
    spans = version_spans(reports, "fraud_report_id")
    rows = spans.rows.select(["customer_id", "kind", "role", "began_on", "is_retracted"]).to_pandas()
    instants = spans.rows["event_at"].cast(pa.int64()).to_numpy()
    confirmed = zone_offsets(zone).dates(instants).astype(np.int64)
    began = [_EPOCH if pd.isna(day) else day.toordinal() for day in rows["began_on"]]
    began_on = np.where(rows["began_on"].isna(), confirmed - label.unknown_days, np.array(began, np.int64) - _EPOCH)
    # What happens on a day is seen from the next midnight on.
    since = np.maximum(spans.known, confirmed + 1)
    cases = pd.DataFrame(
        {
            "case": np.cumsum(spans.starts),
            "customer_id": rows["customer_id"],
            "begins": began_on - label.lead_days,
            "confirmed": confirmed,
            "since": since,
            "counts": spans.until > last,
        }
    )
    is_seen = (since < spans.until) & (since <= last) & ~rows["is_retracted"].astype(bool)
    return cases[is_seen & rows["kind"].isin(label.kinds) & rows["role"].isin(label.roles)]
