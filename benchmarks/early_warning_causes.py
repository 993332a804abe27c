"""When the way into a simulated default begins: ``python -m benchmarks.early_warning_causes --help``.

Of each loan that was ninety days late: which of the causes of the simulator held when the first payment of that run
was missed, and how long before it had begun. No ranking can warn of a cause before it is there. Kept apart from
``early_warning``, which measures rankings, because this judges the simulated bank. Reads its truth; measures no time.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.banks import work_folder
from benchmarks.early_warning import CUSTOMERS, UNTIL, load_bank
from benchmarks.early_warning_cases import SOURCE, Bank, Causes, outcomes, read_causes
from benchmarks.groups import ROOT
from benchmarks.report import print_markdown, say
from tallystick.project import load_project
from tallystick.tables import Warehouse

# Banks that early warning was written on; those of its figures are others.
SEEDS = (501, 502)
# With a year of truth before the first of them: what began before the first day of the bank has no date.
MISSED_FROM = date(2024, 10, 1)
FRAUD, HARDSHIP, WORK, DEBTS, BETS, EMPTY = (
    "fraud: the loan was never to be paid back",
    "hardship: illness, accident, separation, a relative",
    "work lost",
    "debts elsewhere of 30 of 100 of the declared income",
    "bets of 5 of 100 of what was spent in 90 days",
    "none of these, and the account did not hold the instalment",
)
NONE = "none of these, and the account held the instalment"
CAUSES = (FRAUD, HARDSHIP, WORK, DEBTS, BETS)
DEBT_SHARE, BET_SHARE, WINDOW_DAYS = 0.3, 0.05, 90
LEADS = (0, 14, 30, 60, 90, 120, 180)
_LONG_AGO = pd.Timestamp("1970-01-01")


@dataclass(frozen=True, kw_only=True, slots=True)
class Defaults:
    """The loans of a bank that were ninety days late, by loan: when it missed, and since when each cause held then.

    ``since`` has a column per cause, null where it did not hold; ``held`` says whether the account held the instalment
    at the end of the day before. ``balances`` has, by days before the missed payment, the balance in instalments.
    """

    loans: pd.DataFrame
    since: pd.DataFrame
    held: pd.Series
    balances: pd.DataFrame


def main() -> None:
    """Make and load the banks, and print the tables of docs/early_warning.md that say what could be known."""
    args = _parser().parse_args()
    folder, found = work_folder(args.folder, "early_warning"), []
    for seed in args.seeds:
        home = load_bank(folder / f"bank_{seed}_{args.customers}", customers=args.customers, seed=seed)
        bank = Bank(project=load_project(ROOT), warehouse=Warehouse(home / "warehouse"), folder=home / "bank")
        found.append(find_defaults(bank))
        say(f"seed {seed}: {len(found[-1].loans)} loans went bad")
    print_causes(found)


def _parser() -> argparse.ArgumentParser:
    about = "When the causes of simulated defaults begin."
    parser = argparse.ArgumentParser(prog="python -m benchmarks.early_warning_causes", description=about)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="of the simulated banks")
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help="of each bank")
    parser.add_argument("--folder", type=Path, help="where the banks are kept and found again")
    return parser


def find_defaults(bank: Bank) -> Defaults:
    """The loans of the bank that went bad and missed their payment from ``MISSED_FROM`` on, with their causes."""
    loans = outcomes(bank, until=UNTIL)
    loans = loans[loans["missed"] >= pd.Timestamp(MISSED_FROM)].set_index("observation_id")
    own = bank.table("clean.loans").to_pandas().set_index("loan_id")
    loans["instalment"] = own["instalment_minor"].reindex(loans.index)
    money, causes = _money(bank), read_causes(bank)
    held = _balance_at(money, loans, days=0)
    return Defaults(
        loans=loans,
        since=pd.DataFrame(
            {
                FRAUD: _since_fraud(bank, loans),
                HARDSHIP: _since_spell(causes.hardship, loans),
                WORK: _since_spell(causes.idle, loans),
                DEBTS: _since_debts(bank, causes, loans),
                BETS: _since_bets(money, loans),
            }
        ),
        held=held >= loans["instalment"],
        balances=pd.DataFrame(
            {days: _balance_at(money, loans, days=days) / loans["instalment"] for days in LEADS}, index=loans.index
        ),
    )


def _money(bank: Bank) -> pd.DataFrame:
    """Movements by customer, day, and in the order of booking."""
    names = ["customer_id", "event_at", "sequence", "direction", "category", "amount_minor", "balance_minor"]
    rows = bank.table("clean.transactions").select([*names, "account_id"]).to_pandas()
    # Only the account that instalments are taken from: that of the pay and of everyday life.
    main_of = bank.table("clean.loans").select(["customer_id", "account_id"]).to_pandas().drop_duplicates()
    rows = rows.merge(main_of, on=["customer_id", "account_id"]).sort_values(["event_at", "sequence"], kind="stable")
    days = pd.to_datetime(rows["event_at"]).dt.tz_convert("Asia/Shanghai").dt.tz_localize(None).dt.normalize()
    return rows.assign(day=days.astype("datetime64[ns]"))


def _balance_at(money: pd.DataFrame, loans: pd.DataFrame, *, days: int) -> pd.Series:
    """The balance at the start of the day so many days before the missed payment; null before the loan was granted."""
    at = loans.reset_index()[["observation_id", "customer_id", "missed", "granted"]]
    at["day"] = at["missed"] - pd.Timedelta(days=days)
    found = pd.merge_asof(
        at.sort_values("day"),
        money[["customer_id", "day", "balance_minor"]],
        on="day",
        by="customer_id",
        allow_exact_matches=False,
    )
    found = found[found["day"] > found["granted"]].set_index("observation_id")
    return found["balance_minor"].reindex(loans.index)


def _since_spell(spells: pd.DataFrame, loans: pd.DataFrame) -> pd.Series:
    met = loans.reset_index().merge(spells, on="customer_id")
    met = met[(met["since"] <= met["missed"]) & (met["until"] > met["missed"])]
    return met.groupby("observation_id")["since"].min().reindex(loans.index)


def _since_fraud(bank: Bank, loans: pd.DataFrame) -> pd.Series:
    cases = pd.read_csv(bank.folder / "truth" / "fraud.csv.gz", parse_dates=["event_date"])
    cases = cases[(cases["event"] == "began") & (cases["role"] == "perpetrator")]
    cases = pd.DataFrame({"customer_id": SOURCE + ":" + cases["cust_no"], "since": cases["event_date"]})
    return _since_spell(cases.assign(until=pd.Timestamp("2100-01-01")), loans)


def _since_debts(bank: Bank, causes: Causes, loans: pd.DataFrame) -> pd.Series:
    """When the debt was taken with which those that ran at the missed payment reached the share of the income."""
    facts = bank.table("clean.customers").to_pandas()
    income = facts[facts["declared_income_minor"] > 0].groupby("customer_id")["declared_income_minor"].last()
    met = loans.reset_index().merge(causes.debts, on="customer_id", suffixes=("_here", ""))
    met = met[(met["since"] <= met["missed"]) & (met["until"] > met["missed"])]
    met = met.sort_values(["observation_id", "since"], kind="stable")
    # Truth is in yuan, tables are in fen.
    owed = 100 * met.groupby("observation_id")["instalment"].cumsum()
    reached = owed >= DEBT_SHARE * met["customer_id"].map(income).to_numpy()
    return met[reached].groupby("observation_id")["since"].min().reindex(loans.index)


def _since_bets(money: pd.DataFrame, loans: pd.DataFrame) -> pd.Series:
    """A leaning, not a blow: it counts from long ago where bets took the share in the days before."""
    met = loans.reset_index()[["observation_id", "customer_id", "missed"]].merge(money, on="customer_id")
    met = met[(met["day"] < met["missed"]) & (met["day"] >= met["missed"] - pd.Timedelta(days=WINDOW_DAYS))]
    out = met[met["direction"] == "out"]
    spent = out.groupby("observation_id")["amount_minor"].sum()
    bets = out[out["category"] == "gambling"].groupby("observation_id")["amount_minor"].sum().reindex(spent.index)
    gambles = (bets >= BET_SHARE * spent).reindex(loans.index, fill_value=False)
    return pd.Series(np.where(gambles, _LONG_AGO, pd.NaT), index=loans.index, dtype="datetime64[ns]")


def print_causes(banks: Sequence[Defaults]) -> None:
    """Which cause held, the first of the list that did; how long before; what was there so many days before."""
    loans = pd.concat([one.loans for one in banks], ignore_index=True)
    since = pd.concat([one.since for one in banks], ignore_index=True)
    held = pd.concat([one.held for one in banks], ignore_index=True)
    balances = pd.concat([one.balances for one in banks], ignore_index=True)
    first = since.notna().idxmax(axis=1).where(since.notna().any(axis=1), held.map({True: NONE, False: EMPTY}))
    rows = []
    for cause in (*CAUSES, EMPTY, NONE):
        mine = first == cause
        days = (loans["missed"] - since[cause]).dt.days[mine] if cause in CAUSES[:-1] else None
        rows.append((cause, f"{mine.mean():.1%}", *_spread(days)))
    print_markdown(("cause", "share", "days before, first quarter", "median", "third quarter"), rows)
    print_markdown(("days before the first missed payment", *map(str, LEADS)), _curves(loans, since, balances))
    say(f"{len(loans)} loans, {(loans['missed'] - loans['granted']).dt.days.median():.0f} days after the grant")


def _spread(days: pd.Series | None) -> Sequence[str]:
    return ("", "", "") if days is None else [f"{value:.0f}" for value in days.quantile([0.25, 0.5, 0.75])]


def _curves(loans: pd.DataFrame, since: pd.DataFrame, balances: pd.DataFrame) -> list[Sequence[str]]:
    """By days before: which share was granted, had a cause begun, had one and was granted; the balance."""
    made: Mapping[str, list[str]] = {name: [] for name in ("granted", "a cause had begun", "both", "median balance")}
    for days in LEADS:
        at = loans["missed"] - pd.Timedelta(days=days)
        granted = loans["granted"] < at
        begun = since[list(CAUSES)].le(at, axis=0).any(axis=1)
        made["granted"].append(f"{granted.mean():.1%}")
        made["a cause had begun"].append(f"{begun.mean():.1%}")
        made["both"].append(f"{(begun & granted).mean():.1%}")
        made["median balance"].append(f"{balances[days].median():.2f}")
    return [(name, *values) for name, values in made.items()]


if __name__ == "__main__":
    main()
