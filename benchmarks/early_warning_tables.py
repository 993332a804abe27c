"""The tables of docs/early_warning.md, from what ``early_warning`` measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.report import print_markdown

# What a curve of the list cannot exceed, in words, and where it stands.
CEILINGS = {
    "granted by then": "granted_by_days_before",
    "ranked then: granted, and not late": "ranked_by_days_before",
    "its blow had begun": "blow_by_days_before",
}


def print_tables(measured: Mapping[str, Any]) -> None:
    """The tables of docs/early_warning.md."""
    rankings = measured["rankings"]
    head = ("ranking", "AUC", "capture", "precision", "false alarms per 1,000", "ever listed", "median lead, days",
            "leads of 90 days or more", "churn a month", "late or ended a month")  # fmt: skip
    rows = []
    for name, one in rankings.items():
        told = one["list"]
        rows.append((name, f"{one['auc']:.3f}", f"{told['capture']:.1%}", f"{told['precision']:.1%}",
                     f"{told['false_alarms_per_1000']:.0f}", f"{told['ever_captured']:.1%}",
                     f"{told['median_lead_days']:.0f}", f"{told['leads_of_90_days']:.1%}", f"{told['churn']:.1%}",
                     f"{told['late_or_ended']:.1%}"))  # fmt: skip
    print_markdown(head, rows)
    shares = [f"{float(share):.0%}" for share in next(iter(rankings.values()))["by_capacity"]]
    for what in ("capture", "precision"):
        print_markdown(
            (f"{what} at a capacity of", *shares),
            [
                (name, *(f"{found[what]:.1%}" for found in one["by_capacity"].values()))
                for name, one in rankings.items()
            ],
        )
    best = next(iter(rankings.values()))["by_capacity"].values()
    print_markdown(("a perfect ranking captures", *shares), [("", *(f"{found['best_capture']:.1%}" for found in best))])
    leads = list(measured["ceilings"]["granted_by_days_before"])
    rows = [(name, *(f"{one['list']['listed_by_days_before'][days]:.1%}" for days in leads))
            for name, one in rankings.items()]  # fmt: skip
    ceilings = measured["ceilings"]
    for what, key in CEILINGS.items():
        rows.append((what, *(f"{ceilings[key][days]:.1%}" for days in leads)))
    print_markdown(("on the list, days before the first missed payment", *leads), rows)
    bounds = [(name.replace("_", " "), f"{value:.3g}") for name, value in ceilings.items() if isinstance(value, float)]
    print_markdown(("what bounds the lead", "value"), bounds)
