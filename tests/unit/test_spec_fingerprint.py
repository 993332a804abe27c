"""A fingerprint changes with the meaning of a declaration and with nothing else."""

from __future__ import annotations

from dataclasses import replace

from tallystick.spec.features import FeatureGroup, Measure
from tallystick.spec.fingerprint import fingerprint

OUT = Measure(name="out", value="amount_minor", ops="sum count", reason="Spending")
DAYS = Measure(name="days", ops="active_days", reason="Use")


def group(**changes: object) -> FeatureGroup:
    declared = FeatureGroup(
        name="txn",
        table="clean.transactions",
        owner="risk",
        windows=("30d", "7d"),
        filters={"cash": "channel = 'cash'", "card": "channel = 'card'"},
        measures=(OUT, DAYS),
    )
    return replace(declared, **changes)  # type: ignore[arg-type]


def test_the_order_of_a_declaration_does_not_matter() -> None:
    turned = group(
        measures=(DAYS, OUT),
        windows=("7d", "30d"),
        filters={"card": "channel = 'card'", "cash": "channel = 'cash'"},
    )
    assert fingerprint(turned) == fingerprint(group())


def test_the_place_of_a_declaration_does_not_matter() -> None:
    assert fingerprint(group(path="features/a.py:3")) == fingerprint(group())


def test_a_changed_meaning_changes_it() -> None:
    changed = [
        group(windows=("7d", "31d")),
        group(measures=(OUT,)),
        group(measures=(replace(OUT, where="direction = 'out'"), DAYS)),
        group(filters={"cash": "channel = 'card'", "card": "channel = 'cash'"}),
        group(version=2),
    ]
    prints = {fingerprint(one) for one in [group(), *changed]}
    assert len(prints) == len(changed) + 1
