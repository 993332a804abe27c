"""Indicators of calls and messages, from the definitions of bandicoot 0.6, in plain Python over one person's rows.

Definitions: https://cyborg.media.mit.edu/bandicoot (reference of ``bandicoot.individual``) and de Montjoye, Rocher and
Pentland, "bandicoot: a Python toolbox for mobile phone metadata", JMLR 17(175), 2016. Nothing of the pipeline is used.
Where there is nothing to take a share or a mean of, the value is None.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Value = int | float | None

HOUR = 3600


@dataclass(frozen=True, order=True)
class Contact:
    """One call or message as one side sees it; ``at`` is the local wall clock of a zone whose clock is not changed.

    Contacts are ordered by time; at one instant by their name, since the files do not order them.
    """

    at: datetime
    name: str
    kind: str
    direction: str
    other: str
    seconds: int | None


def indicators(contacts: Iterable[Contact]) -> dict[str, Value]:
    """Every indicator of one person by the name of the feature that should equal it, without group and window."""
    rows = sorted(contacts)
    kinds = {kind: [row for row in rows if row.kind == kind] for kind in ("call", "message")}
    made: dict[str, Value] = {
        "week_hours_entropy": entropy(Counter((row.at.isoweekday(), row.at.hour) for row in rows))
    }
    made |= {**_active_days(rows), **_durations(kinds["call"]), **_conversations(rows)}
    for kind, mine in kinds.items():
        made |= _of_one_kind(kind, mine)
    return made


def is_night(row: Contact) -> bool:
    """From 19:00 to 7:00."""
    return not 7 <= row.at.hour < 19


def _active_days(rows: Sequence[Contact]) -> dict[str, Value]:
    """active_days, for the whole day and week, at night and at weekends."""
    return {
        "event_active_days": len({row.at.date() for row in rows}),
        "event_night_active_days": len({row.at.date() for row in rows if is_night(row)}),
        "event_weekend_active_days": len({row.at.date() for row in rows if row.at.isoweekday() in (6, 7)}),
    }


def _of_one_kind(kind: str, rows: Sequence[Contact]) -> dict[str, Value]:
    """number_of_interactions, number_of_contacts, percent_nocturnal, interevent_time, and what counts per contact."""
    out = [row for row in rows if row.direction == "out"]
    gaps = [(new.at - old.at).total_seconds() for old, new in itertools.pairwise(rows)]
    per_contact = Counter(row.other for row in rows)
    out_per_contact = Counter(row.other for row in out)
    started = [out_per_contact[other] for other in per_contact]  # 0 where the person started nothing
    few = fewest(list(per_contact.values()))
    made: dict[str, Value] = {
        f"event_{kind}_count": len(rows),
        f"out_{kind}_count": len(out),
        f"in_{kind}_count": len(rows) - len(out),
        f"event_night_{kind}_count": sum(map(is_night, rows)),
        f"night_{kind}_share": share(sum(map(is_night, rows)), len(rows)),
        f"contacts_{kind}_distinct": len(per_contact),
        # entropy_of_contacts, in nats
        f"contacts_{kind}_entropy": entropy(per_contact),
        # percent_pareto_interactions: the share of the contacts that account for 80 % of the interactions
        f"per_contact_{kind}_pareto80": few,
        f"few_{kind}_share": share(few, len(per_contact)),
        **mean_and_spread(f"gap_seconds_{kind}", gaps),
        **mean_and_spread(f"per_contact_{kind}", list(per_contact.values())),  # interactions_per_contact
        **mean_and_spread(f"out_per_contact_{kind}", started),
    }
    # balance_of_contacts, weighted: for each contact the outgoing interactions over all interactions with anybody
    balance = mean_and_spread("balance", [count / len(rows) for count in started])
    made[f"balance_{kind}_mean_share"] = balance["balance_mean"]
    made[f"balance_{kind}_spread_share"] = balance["balance_std_pop"]
    return made


def _durations(calls: Sequence[Contact]) -> dict[str, Value]:
    """call_duration of answered calls, percent_initiated_interactions, percent_pareto_durations."""
    talked: dict[str, int] = defaultdict(int)
    for call in calls:
        talked[call.other] += call.seconds or 0
    few = fewest(list(talked.values()))
    return {
        **mean_and_spread("talk", [call.seconds for call in calls if call.seconds is not None]),
        "out_call_share": share(sum(call.direction == "out" for call in calls), len(calls)),
        "talk_per_contact_pareto80": few,
        "few_talk_share": share(few, len(talked)),
    }


def conversations(rows: Sequence[Contact]) -> list[list[Contact]]:
    """Runs of messages with one other person, each less than an hour after the contact before; a call ends one."""
    by_other: dict[str, list[Contact]] = defaultdict(list)
    for row in rows:
        by_other[row.other].append(row)
    made: list[list[Contact]] = []
    for mine in by_other.values():
        before: Contact | None = None
        for row in mine:
            is_near = before is not None and (row.at - before.at).total_seconds() < HOUR
            if row.kind == "message":
                if is_near and before is not None and before.kind == "message":
                    made[-1].append(row)
                else:
                    made.append([row])
            before = row
    return made


def _conversations(rows: Sequence[Contact]) -> dict[str, Value]:
    """percent_initiated_conversations, response_rate_text, response_delay_text."""
    found = conversations(rows)
    begun_out = sum(talk[0].direction == "out" for talk in found)
    received = [talk for talk in found if talk[0].direction == "in"]
    answered = sum(any(row.direction == "out" for row in talk) for talk in received)
    delays = [
        (answer.at - message.at).total_seconds()
        for talk in found
        for message, answer in itertools.pairwise(talk)
        if message.direction == "in" and answer.direction == "out"
    ]
    return {
        "conversations_count": len(found),
        "conversations_out_count": begun_out,
        "conversations_in_count": len(received),
        "conversations_out_share": share(begun_out, len(found)),
        "conversations_answered_distinct": answered,
        "answered_share": share(answered, len(received)),
        **mean_and_spread("answer_seconds", [delay for delay in delays if delay > 0]),
    }


def fewest(counts: Sequence[int]) -> int:
    """How few contacts, the largest first, make up 80 % of the sum."""
    wanted, number = math.ceil(sum(counts) * 0.8), 0
    for count in sorted(counts, reverse=True):
        if wanted <= 0:
            break
        wanted, number = wanted - count, number + 1
    return number


def mean_and_spread(name: str, values: Sequence[float]) -> dict[str, Value]:
    """The mean and the standard deviation of the population."""
    if not values:
        return {f"{name}_mean": None, f"{name}_std_pop": None}
    return {f"{name}_mean": statistics.fmean(values), f"{name}_std_pop": statistics.pstdev(values)}


def entropy(counts: Counter[Any]) -> Value:
    """In nats; None of nothing."""
    total = sum(counts.values())
    return -sum(n / total * math.log(n / total) for n in counts.values()) if total else None


def share(part: int, whole: int) -> Value:
    """None of nothing."""
    return part / whole if whole else None
