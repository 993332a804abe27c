"""Which observations a case of the truth holds, and what counts as found: held against cases counted by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmarks import fraud

TRUTH = """\
cust_no,case_no,kind,role,event,event_date,event_time,amount
C1,X1,ring,perpetrator,began,2026-03-05,00:00:00,0.00
C1,X1,ring,perpetrator,act,2026-03-09,10:00:00,5.00
C1,X1,ring,perpetrator,confirmed,2026-05-09,10:00:00,5.00
C2,X1,ring,perpetrator,began,2026-03-06,00:00:00,0.00
"""


def observations(*days: tuple[str, str]) -> pd.DataFrame:
    rows = [(f"o{n}", f"simbank:{customer}", pd.Timestamp(day)) for n, (customer, day) in enumerate(days)]
    return pd.DataFrame(rows, columns=["observation_id", "customer_id", "day"]).assign(as_of=0)


def test_a_case_holds_the_days_from_its_beginning_to_its_last_act_and_those_close_to_it(tmp_path: Path) -> None:
    path = tmp_path / "fraud.csv"
    path.write_text(TRUTH, encoding="utf-8")
    cases = fraud.read_cases(path)
    assert cases["ended"].tolist() == [pd.Timestamp("2026-03-09"), pd.Timestamp("2026-03-06")]
    asked = observations(
        ("C1", "2026-02-02"), ("C1", "2026-02-03"), ("C1", "2026-04-08"), ("C1", "2026-04-09"), ("C2", "2026-03-06"),
        ("C3", "2026-03-06"),
    )  # fmt: skip
    assert sorted(fraud.within_cases(asked, cases)["observation_id"]) == ["o1", "o2", "o4"]
