"""The stored score of one customer: the newest one at or before a date, word for word as the night wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tallystick.answers.rule_hits import RuleAnswer
from tallystick.answers.shelves import Customer, Shelf, bounds_of, up_to
from tallystick.answers.staleness import Hindsight, NotEvaluated, Outdated, Stale
from tallystick.answers.watch_entries import WatchAnswer
from tallystick.errors import InputError, NotFound
from tallystick.tables.store.customer_rows import CustomerFiles, instants_of

# What is read of a score table, as the answer names it.
COLUMNS = (
    "as_of", "pd", "score", "decision", "limit_minor", "currency", "reason_1", "reason_2", "reason_3",
    "is_in_training", "model_version",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """What the bank can say to a customer at once.

    ``as_of`` is the date asked for, ``scored_on`` that of the stored row. ``decision``, ``limit_minor`` and
    ``currency`` are None for a model without a policy. ``rules`` and ``watch`` are None where no night has asked the
    rules or made the list; ``not_evaluated`` then names the table and what fills it. ``stale`` says what is older than
    ``as_of``, was made before rows came that count on its date, or was made in hindsight, and is empty when nothing is.
    """

    customer_id: str
    as_of: date
    scored_on: date
    recipe: str
    model_version: str
    pd: float
    score: float
    decision: str | None
    limit_minor: int | None
    currency: str | None
    reasons: tuple[str, ...]
    is_in_training: bool
    rules: RuleAnswer | None = None
    watch: WatchAnswer | None = None
    not_evaluated: tuple[NotEvaluated, ...] = ()
    stale: tuple[Stale | Outdated | Hindsight, ...] = ()

    @property
    def objections(self) -> tuple[str, ...]:
        """All that speaks against granting a request up to the limit at once; nothing where it is empty."""
        return (
            *([] if self.decision == "approve" else [f"the decision is {self.decision}"]),
            *(f"rule {hit}" for hit in (self.rules.grave if self.rules else ())),
            *(f"watch list, {entry}" for entry in (self.watch.entries if self.watch else ())),
            *self._unanswered(),
            *(f"{one.table} was not evaluated" for one in self.not_evaluated),
            *(str(one) for one in self.stale),
        )

    def _unanswered(self) -> tuple[str, ...]:
        """That no live rule had an answer: nobody was looked at, whatever the number of hits says."""
        if self.rules is None or self.rules.decided_on is None or self.rules.asked > self.rules.held:
            return ()
        return (f"none of {self.rules.asked} live rules had an answer",)

    @property
    def is_granted_at_once(self) -> bool:
        """Whether a request up to the limit can be granted without a person looking at it."""
        return not self.objections

    def record(self) -> dict[str, object]:
        """The answer as names and values, for printing and JSON."""
        return {
            "customer_id": self.customer_id,
            "as_of": self.as_of.isoformat(),
            "scored_on": self.scored_on.isoformat(),
            "is_granted_at_once": self.is_granted_at_once,
            "decision": self.decision,
            "limit_minor": self.limit_minor,
            "currency": self.currency,
            "pd": self.pd,
            "score": self.score,
            "reasons": list(self.reasons),
            "model_version": self.model_version,
            "is_in_training": self.is_in_training,
            "rules": self._rules_record(),
            "watch_list": self._watch_record(),
            "not_evaluated": [str(one) for one in self.not_evaluated],
            "stale": [str(one) for one in self.stale],
        }

    def _rules_record(self) -> list[str]:
        if self.rules is None:
            return []
        asked = f"{self.rules.asked} asked on {self.rules.decided_on}, {self.rules.held} held for want of data"
        if self.rules.decided_on is None:
            asked = f"none was asked about the customer by {self.as_of}"
        score = [] if self.rules.fraud_score is None else [f"fraud score {self.rules.fraud_score:.1f}"]
        return [asked, *score, *(str(hit) for hit in self.rules.hits)]

    def _watch_record(self) -> list[str]:
        if self.watch is None:
            return []
        listed = [f"loan {entry.loan_id}: {entry}" for entry in self.watch.entries]
        return listed or [f"not on the list of {self.watch.list_of}"]


def choose_recipe(shelf: Shelf, customer: Customer, named: str) -> str:
    """The recipe whose scores are meant: the named one, or the only one; an error says which there are."""
    known = shelf.values("recipe", customer.source.name)
    if named and named not in known:
        told = f"scored by {', '.join(known)}" if known else "nobody of this source is scored"
        raise NotFound(f"recipe {named} has no scores in {shelf.pinned.name}", fix=told)
    if not named and len(known) > 1:
        raise InputError(f"{shelf.pinned.name} has scores of {', '.join(known)}", fix="say --recipe NAME")
    if not known:
        raise NotFound(f"{shelf.pinned.name} has no scores of {customer.source.name}", fix="score a night first")
    return named or known[0]


def find_row(
    shelf: Shelf, files: CustomerFiles, customer: Customer, *, recipe: str, last: date | None
) -> Mapping[str, Any] | None:
    """The customer's newest row of the recipe with ``as_of`` at or before the start of ``last``; None without one."""
    end = customer.midnight(last) if last else None
    best: Mapping[str, Any] | None = None
    for file in up_to(shelf.files(customer, recipe=recipe), end):
        if best is not None and bounds_of(file)[1] <= best["as_of"]:
            break
        rows = files.read([file], customer.id, COLUMNS)
        if rows is None:
            continue
        instants = instants_of(rows["as_of"])
        values = rows.drop_columns(["as_of"]).to_pylist()
        for instant, row in zip(instants, values, strict=True):
            if (end is None or instant <= end) and (best is None or instant > best["as_of"]):
                best = {**row, "as_of": instant}
    return best
