"""What rules say of a customer on a date: those of the night, and hits of what the customer did lately."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tallystick.answers.shelves import Customer, Shelf, up_to
from tallystick.tables.store.customer_rows import CustomerFiles, instants_of

DECISIONS, FLAGS = "score.fraud_decisions", "score.fraud_flags"

# A hit of an application, a transfer or a login is told for so many days. Of a set that is observed night by night,
# such as running loans, the newest night counts that is not older; of the scored set that of the newest answers.
HIT_DAYS = 30
LOOK_BACK = timedelta(days=HIT_DAYS)

# What keeps a request from being granted at once.
GRAVE = ("high", "critical")


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleHit:
    """A live rule that hit, once however often it did.

    ``observations`` is the set of what it hit, ``decided_on`` the date of its last hit, ``since`` that of its first one
    of the last 30 days. ``reason`` is None where nobody may be told.
    """

    rule_id: str
    family: str
    severity: str
    decided_on: date
    since: date
    observations: str
    reason: str | None

    def __str__(self) -> str:
        when = f"of {self.decided_on}"
        if self.since < self.decided_on:
            when = f"since {self.since}, last seen {self.decided_on}"
        return f"{self.rule_id} ({self.severity}, {self.observations} {when})"


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleSets:
    """The observation set that is ``scored``, and those that are observed night by night."""

    scored: str
    nightly: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleAnswer:
    """What the rules say.

    ``decided_on`` is the date of the newest answers about the set that is scored each night, None where there are none;
    ``asked`` live rules were asked then, ``held`` of them had no answer for want of data. ``hits`` are live ones.
    """

    decided_on: date | None
    asked: int
    held: int
    fraud_score: float | None
    hits: tuple[RuleHit, ...]

    @property
    def grave(self) -> tuple[RuleHit, ...]:
        """The hits that keep a request from being granted at once."""
        return tuple(hit for hit in self.hits if hit.severity in GRAVE)


def find_rules(
    customer: Customer, *, decisions: Shelf, flags: Shelf | None, files: CustomerFiles, sets: RuleSets, day: date
) -> RuleAnswer:
    """The newest decision of the scored set at or before the start of the date, its hits, and those of other sets."""
    counted = ("decided_on", "live_rules", "live_held", "fraud_score")
    asked = _rows(decisions, files, customer, counted, sets=(sets.scored,), day=day)
    newest = max((row for _, row in asked), key=lambda row: row["decided_on"], default=None)
    held_sets = flags.values("observations", customer.source.name) if flags else []
    told = ("decided_on", "rule_id", "family", "severity", "status", "reason")
    found = _rows(flags, files, customer, told, sets=held_sets, day=day) if flags else []
    nightly = sets.nightly.intersection(name for name, _ in found)
    nights = _rows(decisions, files, customer, ("decided_on",), sets=sorted(nightly - {sets.scored}), day=day)
    last: dict[str, date] = {}
    for name, row in (*nights, *((name, row) for name, row in found if name in nightly)):
        last[name] = max(last.get(name, row["decided_on"]), row["decided_on"])
    last[sets.scored] = newest["decided_on"] if newest else date.min
    live = [(name, row) for name, row in found if row["status"] == "live"]
    # However old they are, the newest answers about the scored set are told; ``stale`` says their age.
    hits = _merged(
        (name, row)
        for name, row in live
        if row["decided_on"] > day - LOOK_BACK or (name == sets.scored and row["decided_on"] == last[name])
    )
    return RuleAnswer(
        decided_on=newest["decided_on"] if newest else None,
        asked=newest["live_rules"] if newest else 0,
        held=newest["live_held"] if newest else 0,
        fraud_score=newest["fraud_score"] if newest else None,
        hits=tuple(hit for hit in hits if hit.decided_on == last.get(hit.observations, hit.decided_on)),
    )


def _merged(found: Iterable[tuple[str, dict[str, Any]]]) -> list[RuleHit]:
    """One hit for each rule and set, as the last of its rows says it; the newest first."""
    rows: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for name, row in found:
        rows.setdefault((name, row["rule_id"]), []).append(row)
    hits = []
    for (name, _), own in rows.items():
        last = max(own, key=lambda row: row["decided_on"])
        said = {key: last[key] for key in ("rule_id", "family", "severity", "decided_on", "reason")}
        hits.append(RuleHit(**said, since=min(row["decided_on"] for row in own), observations=name))
    return sorted(hits, key=lambda hit: (hit.decided_on, hit.rule_id), reverse=True)


def _rows(
    shelf: Shelf,
    files: CustomerFiles,
    customer: Customer,
    columns: tuple[str, ...],
    *,
    sets: Iterable[str],
    day: date,
) -> list[tuple[str, dict[str, Any]]]:
    """The customer's rows of these sets, each with its set: of what came before the date begins, and was decided by it.

    What happens during the date is answered in the night after it, so nobody could have said it on the date.
    """
    end, found = customer.midnight(day), []
    for name in sets:
        rows = files.read(up_to(shelf.files(customer, observations=name), end), customer.id, ("as_of", *columns))
        if rows is not None:
            values = zip(instants_of(rows["as_of"]), rows.select(columns).to_pylist(), strict=True)
            found += [(name, row) for instant, row in values if instant <= end and row["decided_on"] <= day]
    return found
