"""Anti-fraud rules: the declarations that ``rules/<family>.yaml`` is read into.

A rule is a condition on one observation of a set: on columns of the set's own table and on features of any group that
can be computed for the set. It has three answers. ``hit``: the condition holds. ``clear``: it does not. ``held``:
nobody can say, because a table that it needs had not arrived by the decision's date, or was too old, or because the
condition is null. Want of data is never ``clear``. Where a rule was not in force it has no answer at all.

Apart from ``predicates``, which knows the condition alone, and from ``rule_plans``, which lays the rules of a set out
over its tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from tallystick.errors import DeclarationError
from tallystick.spec.field_types import check_types
from tallystick.spec.frozen import FrozenMap
from tallystick.spec.names import check_name
from tallystick.spec.uses import split_uses

# From a matter of interest to what stops a payment.
SEVERITIES = ("low", "medium", "high", "critical")

# ``live`` counts, ``shadow`` is answered and counts for nothing, ``retired`` is not answered any more.
LIVE, SHADOW, RETIRED = "live", "shadow", "retired"
STATUSES = (LIVE, SHADOW, RETIRED)

# Rules that people write are numbered; one that a search proposes has nine digits that come from its condition.
ID_PATTERN = re.compile(r"[A-Z]{2,5}(?:[0-9]{3}|[0-9]{9})")

# A decision is made after its own date's load.
MAX_AGE_DAYS = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class StatusSpan:
    """From the date ``first`` until the day before ``end`` a rule has this ``status``; date.max stands for no end."""

    status: str
    first: date
    end: date = date.max

    def overlaps(self, first: date, last: date) -> bool:
        """Whether a date from ``first`` to ``last`` lies in it."""
        return self.first <= last and first < self.end


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One rule. ``when`` is a condition in the grammar of ``spec.expressions``; its null is ``held``.

    ``observations`` names the set that it is about. ``reason`` is what a person may be told of a hit; where nobody may
    be told, ``internal`` says why: exactly one of the two is there. Every feature that ``when`` reads must be permitted
    for ``permitted_use``, which the family says. The tables that the columns of ``when`` are computed from are always
    needed; ``needs`` names more of them, or repeats some for the reader. ``max_age_days`` maps a needed table to how
    many days before the decision's date its newest load may lie (others: 0).

    ``since`` is the date from which the rule has its ``status``; ``earlier`` maps dates before it to the status that
    the rule got on each. They hold for observations whose ``as_of`` falls on that date in the source's zone, or later.
    Before its first date, and while it is retired, the rule is not in force.

    ``outside`` says why a number in ``when`` lies outside what the feature has ever been; empty: it must lie inside.
    ``clears_when`` says in words what ends a hit that stands night after night; the rules of a watch list have it.
    ``places`` maps keys of the file to ``file:line``.
    """

    id: str
    family: str
    title: str
    observations: str
    when: str
    severity: str
    owner: str
    status: str
    since: date
    reason: str = ""
    internal: str = ""
    permitted_use: str = "fraud review"
    needs: tuple[str, ...] = ()
    max_age_days: Mapping[str, int] = field(default_factory=dict)
    outside: str = ""
    clears_when: str = ""
    earlier: Mapping[date, str] = field(default_factory=dict)
    path: str = field(default="", compare=False)
    places: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        check_types(self, where=self.path)
        for name in ("max_age_days", "places", "earlier"):
            object.__setattr__(self, name, FrozenMap(getattr(self, name)))
        object.__setattr__(self, "needs", tuple(sorted(set(self.needs))))
        if not ID_PATTERN.fullmatch(self.id):
            fix = "two to five capital letters and three digits, such as VEL001"
            raise DeclarationError(f"rule id {self.id!r} is not an id", where=self.at("id"), fix=fix)
        check_name("family", self.family, where=self.at("family"))
        split_uses(self.permitted_use, where=self.at("permitted_use"))
        self._check_words()
        self._check_earlier()

    def _check_words(self) -> None:
        for name, known in (("severity", SEVERITIES), ("status", STATUSES)):
            value = getattr(self, name)
            if value not in known:
                fix = f"one of {', '.join(known)}"
                raise DeclarationError(f"rule {self.id} has {name} {value!r}", where=self.at(name), fix=fix)
        for name in ("title", "when", "owner"):
            if not getattr(self, name).strip():
                raise DeclarationError(f"rule {self.id} has no {name}", where=self.at(name), fix=f"write {name}: ...")
        if bool(self.reason.strip()) == bool(self.internal.strip()):
            what = f"rule {self.id} has both a reason and internal" if self.reason else f"rule {self.id} has no reason"
            fix = "reason: what a person may be told; or internal: why nobody is told"
            raise DeclarationError(what, where=self.at("internal" if self.reason else "id"), fix=fix)
        for table, days in self.max_age_days.items():
            if days < 0:
                what = f"rule {self.id}: {table} may be {days} days old"
                raise DeclarationError(what, where=self.at("max_age_days"), fix="0 or more days")

    def _check_earlier(self) -> None:
        for day, status in self.earlier.items():
            if status not in STATUSES:
                what = f"rule {self.id} had status {status!r} from {day} on"
                raise DeclarationError(what, where=self.at("earlier"), fix=f"one of {', '.join(STATUSES)}")
            if day >= self.since:
                what = f"rule {self.id} had an earlier status from {day} on, and has its own since {self.since}"
                raise DeclarationError(what, where=self.at("earlier"), fix="dates before since")

    @property
    def spans(self) -> tuple[StatusSpan, ...]:
        """The spans of its statuses, in order and without a gap, from the first date on which it was there."""
        changes = [*sorted(self.earlier.items()), (self.since, self.status)]
        ends = [*(day for day, _ in changes[1:]), date.max]
        return tuple(
            StatusSpan(status=status, first=day, end=end) for (day, status), end in zip(changes, ends, strict=True)
        )

    @property
    def asked_spans(self) -> tuple[StatusSpan, ...]:
        """Those in which it is in force: live or in shadow."""
        return tuple(span for span in self.spans if span.status != RETIRED)

    def span_on(self, day: date) -> StatusSpan | None:
        """The span that a date lies in; None before the first."""
        return next((span for span in self.spans if span.overlaps(day, day)), None)

    def judged_on(self, day: date) -> Rule | None:
        """The rule as a judge of rules sees it on a date: in the status that it has then, or in the next one where it
        is not in force yet. None for a rule that is retired by then and does not come back.
        """
        coming = [span for span in self.asked_spans if span.end > day]
        return replace(self, status=coming[0].status) if coming else None

    def at(self, key: str) -> str:
        """``file:line`` of one of the rule's keys; of the rule where it does not have that key."""
        return self.places.get(key, self.path)

    def max_age(self, table: str) -> int:
        """How many days before the decision's date the newest load of ``table`` may lie."""
        return self.max_age_days.get(table, MAX_AGE_DAYS)
