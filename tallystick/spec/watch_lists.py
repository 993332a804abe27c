"""The watch list of running loans: whose model ranks them, how many places it has, and who keeps one.

    WatchList(name="early_warning", recipe="early_warning", observations="running_nights", family="early_warning")

Only loans that are not late are ranked. A list that follows the ranking night by night tires whoever works on it: so a
loan that is on it stays for a while, and for as long as it is near the top. The list is in ``score.watchlist``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from tallystick.errors import DeclarationError
from tallystick.spec.field_types import check_types
from tallystick.spec.names import check_name

TABLE = "score.watchlist"

# On the list, and most urgent; what has left it is told once, on the night it left.
WATCH, ACT, OFF = "watch", "act", "off"

# Why a loan left: it is late, which the list was to warn of; nothing more will fall due, or the loan is gone; it is no
# longer among the riskiest; a riskier one took its place.
LATE, ENDED, CALMED, DISPLACED = "late", "ended", "calmed", "displaced"


@dataclass(frozen=True, kw_only=True, slots=True)
class WatchList:
    """Which running loans somebody should look at.

    ``observations`` names the set that is listed night by night, ``recipe`` the recipe whose model ranks it; both sets
    have the same key and table. ``family`` is that of the rules (``rules/<family>.yaml``) whose hits are the reasons.

    ``capacity`` is the share of the ranked loans that find a place, ``act`` the share of the places that are of level
    ``act``. A loan finds a place when it is among the riskiest that fit. It keeps the place for ``stay_days``, and
    after that while its rank is within ``keep_within`` times the places. It loses it at once when it is late or has
    ended, and when more loans would keep theirs than there are places: then the riskiest do. The level ``act`` is kept
    by the same rule, of its own places.

    ``baseline`` is a feature of the recipe's groups whose least values alone would say who is riskiest, such as the
    balance: the report shows what the model adds to it. It changes no list.
    """

    name: str
    recipe: str
    observations: str
    family: str
    title: str = ""
    capacity: float = 0.05
    act: float = 0.2
    keep_within: float = 2.0
    stay_days: int = 28
    version: int = 1
    # Of the report alone, so lists of another baseline are the same lists.
    baseline: str = field(default="", compare=False)
    path: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        check_types(self, where=self.where_text)
        check_name("watch list", self.name, where=self.where_text)
        if self.baseline:
            check_name("baseline", self.baseline, where=self.where_text)
        ranges = (
            (0 < self.capacity < 1, "capacity", "a share above 0 and below 1"),
            (0 <= self.act <= 1, "act", "a share from 0 to 1"),
            (self.keep_within >= 1, "keep_within", "1 or more: who finds a place also keeps it"),
            (self.stay_days >= 0, "stay_days", "0 or more"),
            (self.version >= 1, "version", "1, 2, 3"),
        )
        for is_right, name, fix in ranges:
            if not is_right:
                what = f"{name} = {getattr(self, name)} is out of range"
                raise DeclarationError(what, where=self.where_text, fix=fix)

    @property
    def where_text(self) -> str:
        """Where this list stands, for messages."""
        return f"{self.path}: watch list {self.name}" if self.path else f"watch list {self.name}"

    def places(self, ranked: int) -> int:
        """How many of so many ranked loans find a place: at least one, unless there are none."""
        return min(ranked, max(1, int(_exact(self.capacity) * ranked)))

    def act_places(self, ranked: int) -> int:
        """How many of the places are of level ``act``."""
        return round(_exact(self.act) * self.places(ranked))

    def kept_places(self, places: int) -> int:
        """The last rank with which a place of so many is kept, whenever it was found."""
        return int(_exact(self.keep_within) * places)


def _exact(share: float) -> Decimal:
    """The number as it was written: 0.29 of 100 are 29, and in doubles a little less."""
    return Decimal(str(share))
