"""How the supplier spells values, and what one of its files is.

Shared by ``supplier``, the files that every bank has, and ``app_files``, those of its app and of what it knows besides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tallystick.simulation.day_numbers import clock_texts, date_texts
from tallystick.simulation.social import GROUP_BASE, NO_PARTNER
from tallystick.simulation.town import Town

Texts = list[str]
# Local time is eight hours ahead of UTC all the year.
_ZONE_MILLISECONDS = 8 * 3_600_000


@dataclass(frozen=True, kw_only=True, slots=True)
class SupplierFile:
    """One file: its name, the recorded table it comes from, its header, and what writes a slice of rows as texts.

    Files of one ``flaws_stream`` draw their flaws from one random stream. A file that is added later gets another one,
    so that the earlier ones keep theirs.
    """

    name: str
    table: str
    header: tuple[str, ...]
    write: Callable[[pd.DataFrame, Town, int], list[Texts]]
    delimiter: str = ","
    encoding: str = "utf-8"
    flaws_stream: int = 1_000_003

    def lines(self, rows: pd.DataFrame, town: Town, number: int) -> Texts:
        """The rows as lines without line ends; ``number`` is the town's."""
        return [self.delimiter.join(fields) for fields in zip(*self.write(rows, town, number), strict=True)]


def money_texts(fen: pd.Series) -> Texts:
    """Yuan with two decimals. No amount or balance of this bank is below zero."""
    return [f"{value // 100}.{value % 100:02d}" for value in fen.tolist()]


def whole_texts(values: pd.Series | np.ndarray) -> Texts:
    """Whole numbers."""
    return [str(value) for value in values.tolist()]


def time_texts(rows: pd.DataFrame, pattern: str = "%Y%m%d") -> Texts:
    """Local date and time of day; ``pattern`` is the date's."""
    return list(date_texts(rows["day"].to_numpy(), pattern) + " " + clock_texts(rows["second"].to_numpy()))


def epoch_texts(rows: pd.DataFrame) -> Texts:
    """Epoch milliseconds in UTC; the odd milliseconds come from the row itself."""
    part = (rows["second"] * 7_919 + rows["who"] * 31) % 1_000
    return whole_texts(rows["day"] * 86_400_000 + rows["second"] * 1_000 + part - _ZONE_MILLISECONDS)


def customer_texts(town: Town, who: pd.Series) -> Texts:
    """Customers' numbers of these people of the town."""
    return [f"C{number:08d}" for number in town.people.number[who.to_numpy()].tolist()]


def party_texts(town: Town, number: int, place: pd.Series) -> Texts:
    """Customers, outsiders, group chats, or nobody."""
    known = town.people.number
    texts = []
    for at in place.tolist():
        if at == NO_PARTNER:
            texts.append("")
        elif at >= GROUP_BASE:
            texts.append(f"G{number:04d}{at - GROUP_BASE:07d}")
        else:
            texts.append(f"C{known[at]:08d}" if at < len(known) else f"P{number:04d}{at:06d}")
    return texts


def account_texts(town: Town, account: pd.Series) -> Texts:
    """Numbers of main and savings accounts, by their places in the town."""
    place = account.to_numpy()
    base = np.where(place < town.count, 621_700_000_000, 621_800_000_000)
    return whole_texts(base + town.people.number[place % town.count])


def row_numbers(letter: str, rows: pd.DataFrame, number: int) -> Texts:
    """Numbers by day, town and place within the day, so that a longer run never renumbers a row."""
    days = date_texts(rows["day"].to_numpy(), "%Y%m%d")
    return [f"{letter}{day}{number:04d}{rank:05d}" for day, rank in zip(days, rows["rank"].tolist(), strict=True)]


def loan_numbers(letter: str, number: int, loans: pd.Series) -> Texts:
    """Numbers of loans or applications, by town and order."""
    return [f"{letter}{number:04d}{loan:08d}" for loan in loans.tolist()]


def same_texts(text: str, rows: pd.DataFrame) -> Texts:
    """One text for every row."""
    return [text] * len(rows)
