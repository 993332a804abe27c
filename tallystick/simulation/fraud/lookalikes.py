"""People who do what fraud does, for a good reason.

Fraud is not to be told by one act: somebody with a new telephone pays a deposit, who collects the rent of a shared flat
passes it on within the day, savings arrive in parts as large as another bank lets them go, a wedding needs two loans at
once, students move far away in September. ``shops`` has the merchants with many payers.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.day_numbers import from_day_number
from tallystick.simulation.devices import NEW_DEVICE, NEW_SIM
from tallystick.simulation.fraud.account_schemes import DAILY_LIMIT
from tallystick.simulation.fraud.kinds import BUST_OUT, MULE, NEITHER, STRUCTURING, TAKE_OVER
from tallystick.simulation.fraud.moves import AFTERNOON, DUSK, EARLY, LATE, NOON, Move
from tallystick.simulation.fraud.scene import Scene, settled
from tallystick.simulation.fraud.telephones import use
from tallystick.simulation.life import record_facts
from tallystick.simulation.people import REGIONS
from tallystick.simulation.town import TRANSFER, Town

_STUDENT = 0
_STUDENTS_MOVE_DAILY = 0.006


def replace_telephone(rng: np.random.Generator, scene: Scene, day: int) -> None:
    """A lost telephone, often with its SIM card, and within days a deposit for a flat or a car to somebody new."""
    people = scene.choose(rng, (scene.town.balance[: scene.town.count] > 200_000) & settled(scene.town, day, days=60))
    if not people:
        return
    (who,) = people
    case = scene.book.open(day, people, kind=TAKE_OVER, role=NEITHER, is_fraud=False)
    bought, later = scene.telephones.own(scene.town), int(rng.choice([0, 1, 2], p=[0.5, 0.3, 0.2]))
    if rng.random() < 0.5:
        use(scene.town, day, who, telephone=bought, kind=NEW_SIM, second=int(rng.integers(8 * 3600, 9 * 3600)))
    use(scene.town, day, who, telephone=bought, kind=NEW_DEVICE, second=int(rng.integers(9 * 3600, 10 * 3600)))
    share, amount = float(rng.uniform(0.3, 0.95)), DAILY_LIMIT
    out = Move(case=case, who=who, amount=amount, share=share, unit=10_000, payee=scene.new_payee())
    scene.agenda.plan(day + later, int(rng.choice([NOON, AFTERNOON, LATE])), out)


def collect_rent(rng: np.random.Generator, scene: Scene, day: int) -> None:
    """Some months of a shared flat's rent: all pay one of them, who passes it on to the landlord."""
    people = scene.choose(rng, settled(scene.town, day, days=20))
    if not people:
        return
    (who,) = people
    case = scene.book.open(day, people, kind=MULE, role=NEITHER, is_fraud=False)
    mates = [scene.new_payee() for _ in range(int(rng.integers(2, 5)))]
    each, landlord = int(rng.integers(8, 30)) * 10_000, scene.new_payee()
    for month in range(int(rng.integers(3, 9))):
        at = day + 30 * month + int(rng.integers(0, 3))
        for mate in mates:
            into = Move(case=case, who=who, amount=each, payee=mate)
            scene.agenda.plan(at, int(rng.choice([EARLY, NOON])), into)
        rent = Move(case=case, who=who, amount=each * len(mates), share=0.999, unit=10_000, payee=landlord)
        scene.agenda.plan(at + int(rng.random() < 0.3), int(rng.choice([AFTERNOON, LATE])), rent)


def move_savings_in(rng: np.random.Generator, scene: Scene, day: int) -> None:
    """Savings from another bank, whose daily limit they must keep to; they stay here or buy a flat."""
    people = scene.choose(rng, settled(scene.town, day, days=20))
    if not people:
        return
    (who,) = people
    case = scene.book.open(day, people, kind=STRUCTURING, role=NEITHER, is_fraud=False)
    own, times = scene.new_payee(), int(rng.integers(2, 7))
    for later in range(times):
        amount = DAILY_LIMIT - int(rng.choice([0, 1, 10, 50, 100], p=[0.3, 0.2, 0.2, 0.2, 0.1])) * 10_000
        into = Move(case=case, who=who, amount=amount, channel=TRANSFER, payee=own)
        scene.agenda.plan(day + later, int(rng.choice([EARLY, NOON, AFTERNOON, LATE])), into)
    if rng.random() < 0.5:
        payee, most = scene.new_payee(), times * DAILY_LIMIT
        out = Move(case=case, who=who, amount=most, share=0.95, channel=TRANSFER, payee=payee)
        scene.agenda.plan(day + times + 3, NOON, out)


def borrow_for_wedding(rng: np.random.Generator, scene: Scene, day: int) -> None:
    """Two or three large loans within days, spent at once, and paid back as such people pay."""
    people = scene.choose(rng, settled(scene.town, day, days=150) & (scene.town.people.will > 0.7))
    if not people:
        return
    (who,) = people
    case = scene.book.open(day, people, kind=BUST_OUT, role=NEITHER, is_fraud=False)
    for later in range(3):
        scene.ask(day + later, who)
    for later in range(6):
        share = float(rng.uniform(0.4, 0.9))
        out = Move(
            case=case,
            who=who,
            amount=6 * DAILY_LIMIT,
            share=share,
            unit=10_000,
            payee=scene.new_payee(),
            is_purchase=rng.random() < 0.6,
            least=200_000,
        )
        scene.agenda.plan(day + later, int(rng.choice([DUSK, LATE])), out)


def let_students_move(rng: np.random.Generator, town: Town, day: int) -> None:
    """In the first weeks of September some students move to another region, and tell the bank."""
    date = from_day_number(day)
    if date.month != 9 or date.day > 20:
        return
    here = town.active(day) & (town.people.job == _STUDENT)
    who = np.flatnonzero(here & (rng.random(town.count) < _STUDENTS_MOVE_DAILY))
    town.region[who] = rng.integers(0, REGIONS, len(who))
    record_facts(town, np.full(len(who), day), who=who, second=rng.integers(8 * 3600, 22 * 3600, len(who)))
