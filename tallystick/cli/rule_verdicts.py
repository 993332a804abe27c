"""What a study of rules says beside its table, on stderr: warnings, what its verdicts rest on, how good a choice is.

Apart from ``rule_texts``, which tells what is declared: these need answers.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from tallystick.errors import InputError
from tallystick.spec.names import check_name

if TYPE_CHECKING:
    from tallystick.cli.asked_rules import AskedRules
    from tallystick.runs.rule_mining import Proposals
    from tallystick.runs.rule_reports import EnoughRules
    from tallystick.runs.rule_study import Grounds
    from tallystick.spec.sources import Problem

# What a reader of a back-test sees first; --json and --csv have all columns.
SHOWN = ("rule", "status", "hits", "judged_hits", "frauds_hit", "precision", "precision_low", "precision_high",
         "recall", "gain", "beside", "lag_days", "stability", "overlap", "overlap_with", "held")  # fmt: skip


def backtest_columns(table: pa.Table) -> pa.Table:
    """What fits a screen of a back-test, to three places."""
    for place, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            table = table.set_column(place, field, pc.round(table[field.name], ndigits=3))
    return table.select(list(SHOWN))


def tell_warnings(warnings: Sequence[Problem]) -> None:
    """One line for each."""
    for warning in warnings:
        _tell(f"warning: {warning}")


def tell_notes(notes: Sequence[str]) -> None:
    """One line for each."""
    for note in notes:
        _tell(note)


def tell_uncomputed(answers: pa.Table, asked: AskedRules) -> None:
    """What to run where rules of a dry run had no computed features in any decision."""
    is_held = pc.equal(answers["held_not_computed"], answers["decisions"])
    held = pc.sum(pc.and_(is_held, pc.greater(answers["decisions"], 0))).as_py()
    if held:
        dates = "".join(f" {flag} {day}" for flag, day in (("--from", asked.first), ("--to", asked.last)) if day)
        run = f"tally rules run {asked.observations} --source {asked.source}{dates}"
        _tell(
            f"{held} of {len(answers)} rules read features that are computed for none of these observations: run {run}"
        )


def tell_judged(judged: Grounds) -> None:
    """How many observations could be judged, by what was known when, and which versions of the tables were read."""
    versions = ", ".join(f"{name} {version}" for name, version in sorted(judged.versions.items()))
    _tell(f"{judged.judged} of {judged.observations} observations can be judged on {judged.cutoff}, "
          f"{judged.frauds} of them are confirmed fraud")  # fmt: skip
    _tell(f"versions: {versions}")
    if not judged.frauds:
        _tell(
            "without confirmed fraud nothing can be said about what a rule finds: name other dates or a later --cutoff"
        )


def tell_subset(found: EnoughRules) -> None:
    """What the judgement rests on, and whether the chosen rules are enough."""
    tell_judged(found.judged)
    if not found.found:
        which = (
            "no rule finds any of it" if found.judged.frauds else "there is no confirmed fraud in these observations"
        )
        _tell(f"no rules can be chosen: {which}")
        return
    told = f"the chosen rules find {found.share:.0%} of the {found.found} frauds that all rules find"
    if found.share < found.least:
        told += f"; for {found.least:.0%}, more than {found.most:.0%} of the rules are needed"
    _tell(told.replace("%", " %"))


def check_new_family(path: Path) -> None:
    """Refuse, before a search, a file for proposals that exists or that no family can be read from."""
    if path.exists():
        raise InputError("the file exists", where=str(path), fix="name a new one: proposals never replace rules")
    if path.suffix != ".yaml" or not path.parent.is_dir():
        raise InputError("it is no file of a family", where=str(path), fix="--out rules/<family>.yaml")
    check_name("family", path.stem, where=str(path))


def tell_proposals(proposed: Proposals, out: Path | None) -> None:
    """Print the proposals to stdout, or write them to a new file ``out``; without any, say so and write nothing."""
    if not proposed.number:
        _tell("nothing is proposed: no condition holds on later observations once all that were tried are counted")
    elif out is None:
        sys.stdout.write(proposed.text)
    else:
        out.write_text(proposed.text, encoding="utf-8")
        _tell(f"{proposed.number} rules in shadow: {out}")


def _tell(text: str) -> None:
    print(text, file=sys.stderr)
