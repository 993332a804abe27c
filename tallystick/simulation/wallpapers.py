"""Wallpapers of the app: the one thing recorded that says nothing about anybody.

Planted noise, kept apart so that it stays noise. Everybody changes the picture behind the app equally often at random,
whatever happens to them, from the day they joined. A pipeline that finds worth in it measures worth badly.
"""

from __future__ import annotations

import numpy as np

from tallystick.simulation.journal import Facts
from tallystick.simulation.town import Town

THEMES = ("mountains", "sea", "cats", "flowers", "city", "plain", "stars", "lanterns")
_CHANGES_DAILY = 1 / 45


class WallpaperRecorder:
    """Changes of the wallpaper: independent of the person, the day and all that happens."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def begin(self, town: Town, first: int) -> None:
        """Nothing: the app tells from the first day on."""

    def record_a_day(self, town: Town, day: int) -> None:
        """Who chose another wallpaper today, and which."""
        rng = self._rng
        draw, second, theme = rng.random(town.count), rng.integers(0, 86_400, town.count), rng.random(town.count)
        who = np.flatnonzero(town.active(day) & (draw < _CHANGES_DAILY))
        rows: Facts = {"who": who, "second": second[who], "theme": (theme[who] * len(THEMES)).astype(np.int64)}
        town.journal.add("wallpapers", day, size=len(who), columns=rows)
