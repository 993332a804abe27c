"""Messages, calls, posts and group chats of a day.

A person who lost work writes less here because of ``idle_since``, not because of anything that comes later.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.friendships import COLLEAGUE, FAMILY
from tallystick.simulation.journal import Facts
from tallystick.simulation.town import NEVER, Town

MESSAGE, CALL, POST, GROUP = range(4)
NO_PARTNER = -1
GROUP_BASE = 1 << 40  # partners from here upwards are group chats (the workplace's number on top)
MISSED = -1
NOT_A_CALL = -2

_DAY = 86_400
_MESSAGES_MONTHLY = 3.6
_CALLS_MONTHLY = 3.9
_POSTS_MONTHLY = 0.35
_GROUP_MONTHLY = 1.6


def talk_a_day(town: Town, day: int) -> None:
    """Write the day's messages with their answers, calls, posts and group messages."""
    mood = mood_of(town, day)
    _write_messages(town, day, mood)
    _call(town, day, mood)
    _post(town, day, mood)


def mood_of(town: Town, day: int) -> np.ndarray:
    """How much of the usual each person says today: less under stress or in hardship, ever less without work."""
    idle = town.idle_days(day)
    fading = 0.35 + 0.65 * np.exp(-idle / 25)
    return town.people.warmth * fading * (1.15 - 0.75 * town.stress) * (1 - 0.4 * town.hardship.level)


def _draw_pairs(town: Town, day: int, often: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Who turns to whom today, and the kind of their tie; colleagues drop out for those who lost their work."""
    rng, ties = town.rng, town.people.ties
    who = np.flatnonzero(town.active(day) & (rng.random(town.count) < often))
    tie = ties.draw(rng, who)
    other, kind = ties.other[tie], ties.kind[tie]
    idle = town.idle_days(day)[who]
    stays = (kind != COLLEAGUE) | (rng.random(len(who)) < np.maximum(np.exp(-idle / 12), 0.08))
    # A partner who will join the bank later is not yet anybody the bank could know.
    inside = np.minimum(other, town.count - 1)
    known = (other >= town.count) | town.active(day)[inside]
    keep = stays & known
    return who[keep], other[keep], kind[keep]


def _seconds(town: Town, who: np.ndarray) -> np.ndarray:
    """When someone is active: between eight and midnight, or at night for the share of the night they live in."""
    rng, size = town.rng, len(who)
    by_night = rng.random(size) < town.people.night[who] * (0.7 + 0.6 * town.stress[who])
    return np.where(by_night, rng.integers(0, 5 * 3600, size), rng.integers(8 * 3600, _DAY - 1_200, size))


def _write_messages(town: Town, day: int, mood: np.ndarray) -> None:
    """Two waves of messages; an answer comes within minutes, and less often to someone in trouble."""
    rng, n = town.rng, town.count
    for _ in range(2):
        who, other, kind = _draw_pairs(town, day, np.minimum(_MESSAGES_MONTHLY / 60 * mood, 0.9))
        second = _seconds(town, who)
        _record(town, day, (who, other), kind=MESSAGE, second=second)
        trouble = town.stress[who] + 0.6 * town.urge[who]
        likely = (0.62 + 0.2 * (kind == FAMILY)) * np.clip(1.1 - 0.8 * trouble, 0.1, 1.0)
        # The reliable are answered more often, and sooner, because they answer themselves.
        likely = likely * (0.3 + 0.7 * town.people.will[who])
        partner_mood = np.where(other < n, mood[np.minimum(other, n - 1)], 1.0)
        back = rng.random(len(who)) < likely * np.clip(0.55 + 0.45 * partner_mood, 0, 1)
        wait = rng.integers(20, 1_200, int(back.sum())) * (1.6 - town.people.will[who[back]])
        later = second[back] + wait.astype(np.int64)
        _record(town, day, (other[back], who[back]), kind=MESSAGE, second=later)


def _call(town: Town, day: int, mood: np.ndarray) -> None:
    """Calls; people under stress let the telephone ring."""
    rng, n = town.rng, town.count
    who, other, kind = _draw_pairs(town, day, np.minimum(_CALLS_MONTHLY / 30 * mood, 0.9))
    callee = np.minimum(other, n - 1)
    trouble = town.stress[callee] + 0.5 * (0.9 - town.people.will[callee])
    missed = rng.random(len(who)) < 0.10 + 0.5 * np.where(other < n, trouble, 0.15)
    length = np.exp(rng.normal(4.3 + 0.5 * (kind == FAMILY), 1.0, len(who))).astype(np.int64) + 3
    duration = np.where(missed, MISSED, np.minimum(length, 7_200))
    _record(town, day, (who, other), kind=CALL, second=_seconds(town, who), duration=duration)


def _post(town: Town, day: int, mood: np.ndarray) -> None:
    """Posts to everybody, and messages to the group chat of the workplace by those who work there."""
    rng, people = town.rng, town.people
    active, draw = town.active(day), rng.random((2, town.count))
    who = np.flatnonzero(active & (draw[0] < _POSTS_MONTHLY / 30 * mood))
    _record(town, day, (who, np.full(len(who), NO_PARTNER)), kind=POST, second=_seconds(town, who))
    member = active & (people.employer < 10_000_000) & (town.idle_since == NEVER)
    who = np.flatnonzero(member & (draw[1] < _GROUP_MONTHLY / 30 * np.minimum(mood, 3.0)))
    _record(town, day, (who, GROUP_BASE + people.employer[who]), kind=GROUP, second=_seconds(town, who))


def _record(
    town: Town,
    day: int,
    pair: tuple[np.ndarray, np.ndarray],
    *,
    kind: int,
    second: np.ndarray,
    duration: np.ndarray | int = NOT_A_CALL,
) -> None:
    who, other = pair
    facts: Facts = {"who": who, "other": other, "kind": kind, "second": second, "duration": duration}
    town.journal.add("social", day, size=len(who), columns=facts)
