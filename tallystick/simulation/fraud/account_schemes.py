"""Fraud with accounts: take-over, mules, structuring.

Each scheme is a function that begins a case on a day and plans its moves. What it plans depends on that day and on its
own random stream alone.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.devices import FAILED_LOGIN, LOGIN, NEW_DEVICE, NEW_SIM
from tallystick.simulation.fraud.kinds import MULE, PERPETRATOR, STRUCTURING, TAKE_OVER, VICTIM
from tallystick.simulation.fraud.moves import AFTERNOON, DAWN, DUSK, EARLY, LATE, NOON, SLOTS, Move
from tallystick.simulation.fraud.scene import Scene, settled
from tallystick.simulation.fraud.telephones import show_face, use
from tallystick.simulation.town import CASH, MOBILE, TRANSFER

# What a telephone may transfer in a day at most banks, and the cash from which a Chinese bank reports (fen).
DAILY_LIMIT = REPORTED_FROM = 5_000_000
_SELF_EMPLOYED = 4


def take_over(rng: np.random.Generator, scene: Scene, day: int) -> None:
    """Somebody else uses a victim's account: often a SIM card and a telephone first, then new payees, then the most
    that can be sent. One in five is done from the victim's own telephone, and some thieves are modest.
    """
    balance = scene.town.balance[: scene.town.count]
    wealth = np.sqrt(np.maximum(balance, 1))
    victims = scene.choose(rng, (balance > 200_000) & settled(scene.town, day, days=60), weight=wealth)
    if not victims:
        return
    (who,) = victims
    case = scene.book.open(day, victims, kind=TAKE_OVER, role=VICTIM)
    slot = int(rng.choice([DAWN, EARLY, NOON, LATE], p=[0.3, 0.1, 0.3, 0.3]))
    if rng.random() < 0.8:
        _enter(rng, scene, day, who=who, before=SLOTS[slot][0])
    parts, share = int(rng.integers(1, 4)), float(rng.choice([0.95, 0.9, 0.3], p=[0.6, 0.25, 0.15]))
    for part in range(parts):
        rest = share / parts / (1 - share * part / parts)
        out = Move(case=case, who=who, amount=DAILY_LIMIT, share=rest, unit=10_000, payee=scene.new_payee())
        scene.agenda.plan(day, slot, out)
    scene.book.close(case, day)


def _enter(rng: np.random.Generator, scene: Scene, day: int, *, who: int, before: int) -> None:
    """A SIM card for the victim's number, some wrong passwords, a telephone of the thief's, sometimes a face."""
    thief = scene.telephones.choose(rng, scene.town, again=0.4)
    if rng.random() < 0.6:
        use(scene.town, day, who, telephone=thief, kind=NEW_SIM, second=before - int(rng.integers(900, 9_000)))
    for earlier in np.sort(rng.integers(300, 900, rng.integers(0, 5)))[::-1].tolist():
        use(scene.town, day, who, telephone=thief, kind=FAILED_LOGIN, second=before - earlier)
    use(scene.town, day, who, telephone=thief, kind=NEW_DEVICE, second=before - 280)
    if rng.random() < 0.6:
        score = float(rng.uniform(0.62, 0.9))
        show_face(scene.town, day, who, telephone=thief, score=score, second=before - 190)
    use(scene.town, day, who, telephone=thief, kind=LOGIN, second=before - 60)


def mule(rng: np.random.Generator, scene: Scene, day: int) -> None:
    """Somebody lends an account for money: what comes in leaves within a day, less a fee, often as cash."""
    people, balance = scene.town.people, scene.town.balance[: scene.town.count]
    young, low = day - people.birth < 30 * 365, balance < 0.5 * people.income
    members = scene.choose(rng, settled(scene.town, day, days=20), weight=1.0 + 3 * young + 2 * low)
    if not members:
        return
    (who,) = members
    case = scene.book.open(day, members, kind=MULE, role=PERPETRATOR)
    at = day
    for _ in range(int(rng.integers(3, 9))):
        came, senders = int(rng.integers(0, 4)), int(rng.choice([1, 2, 4], p=[0.5, 0.3, 0.2]))
        whole = int(np.exp(rng.normal(13.7, 0.6)))
        for _ in range(senders):
            amount = whole // senders // 10_000 * 10_000
            scene.agenda.plan(at, came, Move(case=case, who=who, amount=amount, payee=scene.new_payee()))
        # The same day, or before the hour at which it came on the next one.
        is_same_day = rng.random() < 0.7
        leaves = int(rng.integers(came + 1, 6)) if is_same_day else int(rng.integers(0, came + 1))
        share, channel = float(rng.uniform(0.88, 0.97)), CASH if rng.random() < 0.4 else MOBILE
        payee, most = scene.new_payee(), int(whole * share)
        out = Move(case=case, who=who, amount=most, share=0.999, unit=10_000, channel=channel, payee=payee)
        scene.agenda.plan(at if is_same_day else at + 1, leaves, out)
        at += int(rng.integers(2, 11))
    scene.book.close(case, at)


def structuring(rng: np.random.Generator, scene: Scene, day: int) -> None:
    """Somebody pays in a large sum in parts below what is reported, over days and channels, and sends it on later."""
    people = scene.choose(
        rng, settled(scene.town, day, days=30), weight=1.0 + 4 * (scene.town.people.job == _SELF_EMPLOYED)
    )
    if not people:
        return
    (who,) = people
    case = scene.book.open(day, people, kind=STRUCTURING, role=PERPETRATOR)
    at, total = day, 0
    for _ in range(int(rng.integers(5, 13))):
        for slot in rng.choice(
            [EARLY, NOON, AFTERNOON, DUSK, LATE], 2 - int(rng.random() < 0.7), replace=False
        ).tolist():
            amount = min(int(REPORTED_FROM * (1 - rng.beta(1.2, 8))), REPORTED_FROM - 10_000) // 10_000 * 10_000
            channel = int(rng.choice([CASH, TRANSFER, MOBILE], p=[0.6, 0.2, 0.2]))
            into = Move(case=case, who=who, amount=amount, channel=channel, payee=scene.new_payee())
            scene.agenda.plan(at, slot, into)
            total += amount
        at += int(rng.integers(1, 4))
    parts = int(rng.integers(1, 4))
    for _ in range(parts):
        at += int(rng.integers(1, 5))
        payee, most = scene.new_payee(), total // parts
        out = Move(case=case, who=who, amount=most, share=0.98, channel=TRANSFER, payee=payee)
        scene.agenda.plan(at, NOON, out)
    scene.book.close(case, at)
