"""Which fraud which rules find: ``python -m benchmarks.fraud BANK WAREHOUSE``.

The truth of a simulated bank says who committed or suffered what, when it began and which bookings were a part of it.
It is held against the flags that ``apply_rules`` stored: which kinds each family finds, how late, and how often rules
hit people who did nothing or only look like it. Nothing that the pipeline uses may read the truth.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from benchmarks.report import print_markdown
from tallystick.spec.rules import SEVERITIES
from tallystick.tables import Warehouse, read_arrow

SOURCE, ZONE = "simbank", "Asia/Shanghai"
FLAGS, DECISIONS = "score.fraud_flags", "score.fraud_decisions"
ANY = "any rule"
# An application made so many days before the first act prepares it, and one after the last act tries again.
BEFORE_DAYS, AFTER_DAYS = 30, 30


def main() -> None:
    """Print, for each observation set with flags, what is found of each kind and what is hit without fraud."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fraud", description="Hold rules against the truth.")
    parser.add_argument("bank", type=Path, help="folder of a simulated bank, with its truth")
    parser.add_argument("warehouse", type=Path, help="where apply_rules stored flags of it")
    parser.add_argument("--live", action="store_true", help="count live rules alone, not shadows")
    parser.add_argument("--severity", default=SEVERITIES[0], choices=SEVERITIES, help="count hits from this one on")
    args = parser.parse_args()
    home = Warehouse(args.warehouse)
    decisions, flags = (_dated(read_arrow(home, name).to_pandas()) for name in (DECISIONS, FLAGS))
    flags = flags[flags["status"] == "live"] if args.live else flags
    flags = flags[flags["severity"].isin(SEVERITIES[SEVERITIES.index(args.severity) :])]
    fraud, alike = (read_cases(args.bank / "truth" / f"{name}.csv.gz") for name in ("fraud", "lookalikes"))
    for name in sorted(decisions["observations"].unique()):
        asked, hit = (rows[rows["observations"] == name] for rows in (decisions, flags))
        families = [*sorted(hit["family"].unique()), ANY]
        sys.stdout.write(f"\n{name}: {len(asked)} observations, cases with at least one of them\n\n")
        told = ("kind", "cases", *families, "median days", "look-alikes", "hit")
        print_markdown(told, _kinds(asked, hit, fraud, alike))
        print_markdown(("observations of", "number", *families), _others(asked, hit, fraud, alike))


def read_cases(path: Path) -> pd.DataFrame:
    """One row per case and person: customer_id, case, kind, began, and ended (the last act or the beginning)."""
    events = pd.read_csv(path, parse_dates=["event_date"])
    events = events[events["event"] != "confirmed"]
    events["customer_id"] = f"{SOURCE}:" + events["cust_no"]
    grouped = events.groupby(["customer_id", "case_no", "kind"])["event_date"]
    return grouped.agg(began="min", ended="max").reset_index()


def within_cases(observations: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """The pairs of observation and case in which the observation's day lies in the case or close to it."""
    pairs = observations.merge(cases, on="customer_id")
    first, last = pd.Timedelta(days=BEFORE_DAYS), pd.Timedelta(days=AFTER_DAYS)
    return pairs[(pairs["day"] >= pairs["began"] - first) & (pairs["day"] <= pairs["ended"] + last)]


def _kinds(asked: pd.DataFrame, hit: pd.DataFrame, fraud: pd.DataFrame, alike: pd.DataFrame) -> list[tuple[str, ...]]:
    """One line per kind: the share of its cases that each family hits, how late, and the same of its look-alikes."""
    could, found = within_cases(asked, fraud), within_cases(hit, fraud)
    could_alike, found_alike = within_cases(asked, alike), within_cases(hit, alike)
    families, lines = sorted(hit["family"].unique()), []
    for kind in sorted(could["kind"].unique()):
        cases = could.loc[could["kind"] == kind, "case_no"].unique()
        own = found[found["kind"] == kind]
        shares = [_share(own.loc[own["family"] == family, "case_no"].nunique(), len(cases)) for family in families]
        first = own.groupby("case_no").apply(
            lambda rows: (rows["day"] - rows["began"]).min().days, include_groups=False
        )
        late = f"{round(first.median())}" if len(first) else ""
        others = could_alike.loc[could_alike["kind"] == kind, "case_no"].nunique()
        told = _share(found_alike.loc[found_alike["kind"] == kind, "case_no"].nunique(), others)
        every = _share(own["case_no"].nunique(), len(cases))
        lines.append((kind, str(len(cases)), *shares, every, late, str(others), told))
    return lines


def _others(asked: pd.DataFrame, hit: pd.DataFrame, fraud: pd.DataFrame, alike: pd.DataFrame) -> list[tuple[str, ...]]:
    """The share of observations that each family hits: of those in no case at all, and of those in a look-alike."""
    families = sorted(hit["family"].unique())
    key = ["observation_id", "as_of"]
    guilty = within_cases(asked, fraud)[key].drop_duplicates()
    similar = within_cases(asked, alike)[key].drop_duplicates()
    lines = []
    for word, chosen in (
        ("customers without a case", _without(asked, pd.concat([guilty, similar]), key)),
        ("customers in a look-alike", similar),
        ("customers in a case", guilty),
    ):
        own = hit.merge(chosen[key], on=key)
        shares = [_share(len(own.loc[own["family"] == name, key].drop_duplicates()), len(chosen)) for name in families]
        lines.append((word, str(len(chosen)), *shares, _share(len(own[key].drop_duplicates()), len(chosen))))
    return lines


def _without(rows: pd.DataFrame, others: pd.DataFrame, key: Sequence[str]) -> pd.DataFrame:
    named = pd.MultiIndex.from_frame(others[list(key)])
    return rows[~pd.MultiIndex.from_frame(rows[list(key)]).isin(named)]


def _dated(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with ``day``, the local date of as_of."""
    days = rows["as_of"].dt.tz_convert(ZONE).dt.tz_localize(None).dt.normalize()
    return rows.assign(day=days)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else ""


if __name__ == "__main__":
    main()
