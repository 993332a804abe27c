"""What a load is made of: the deliveries of its date, and those of earlier loads that are read with them again.

Apart from ``load``, which maps and judges all this: who lists loads needs no mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from tallystick.ingest.deliveries import Delivery
from tallystick.ingest.earlier import EarlierRows


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadContents:
    """The landed deliveries that are loaded on one date, and what they are held against.

    ``deliveries`` are in the order of their names; one that an earlier load counted is among them where a delivery came
    late that its statements must come after. Each one's directory is the landed copy, all of them in one folder.
    ``earlier`` are the source's rows of the loads before it, and rejects of the tables in which some wait for a parent;
    ``oldest`` is the first delivery by name of each of these loads, where that is not the one of its date.
    """

    load_date: date
    deliveries: tuple[Delivery, ...]
    earlier: EarlierRows
    oldest: Mapping[date, str]

    @property
    def has_several(self) -> bool:
        """Whether rows of one delivery may meet those of another, of one that an earlier load counted as well."""
        return len(self.deliveries) > 1

    @property
    def again(self) -> frozenset[str]:
        """The names of deliveries that an earlier load counted."""
        return frozenset(delivery.name for delivery in self.deliveries if delivery.is_again)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the others."""
        return tuple(delivery.name for delivery in self.deliveries if not delivery.is_again)
