"""Which version of an event counts on a business date: the one rule of time, for three engines.

Versions of an event are ordered by delivery: by ``loaded_on``, within one load by ``known_on``. On business date D the
version in force is, among those with ``known_on <= D``, the one that was delivered last. In other words, version v is
in force on D if ``known_on(v) <= D < until(v)``, where ``until(v)`` is the least ``known_on`` of all versions that
were delivered after v. So a correction or a retraction wins from its own ``known_on`` on, whatever date the older
version named. Then ``event_at < as_of`` is tested, and then the window: the other order would bring replaced rows back.

Here: that rule in NumPy (``arrays``), in Arrow (``rows``) and as SQL text (``sql``), side by side. Not here: windows,
features, storage, Spark. The oracle of the tests and the leakage audit write the rule again, independently and on
purpose.
"""

from __future__ import annotations

# The date of the delivery that brought a row. Every clean table has it; no mapping fills it.
LOADED_ON = "loaded_on"

# Later than any date and any instant in microseconds: nothing was delivered after the last version.
NEVER = 2**62

# Columns with the instants from which and before which each row is seen, where that is worked out already.
SEEN_FROM, SEEN_UNTIL = "_seen_from", "_seen_until"

__all__ = ["LOADED_ON", "NEVER", "SEEN_FROM", "SEEN_UNTIL"]
