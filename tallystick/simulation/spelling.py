"""How the supplier spells values, and what one of its files is.

Shared by ``supplier``, the files that every bank has, and ``app_files``, those of its app and of what it knows besides.
Columns of text are Arrow's: tens of millions of lines are no Python texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tallystick.simulation.day_numbers import CLOCK, date_texts
from tallystick.simulation.social import GROUP_BASE, NO_PARTNER
from tallystick.simulation.town import Town

# A column of texts.
Texts: TypeAlias = pa.Array | list[str]
# Local time is eight hours ahead of UTC all the year.
_ZONE_MILLISECONDS = 8 * 3_600_000
_CLOCK = pa.array(CLOCK, pa.string())
_CENTS = pa.array([f"{cents:02d}" for cents in range(100)])


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

    def lines(self, rows: pd.DataFrame, town: Town, number: int) -> pa.Array:
        """The rows as lines without line ends; ``number`` is the town's."""
        return joined(*self.write(rows, town, number), by=self.delimiter)


def joined(*parts: Texts | str, by: str = "") -> pa.Array:
    """Row by row the texts of the columns, one after the other. A single text stands in every row."""
    columns = [pa.array(part, pa.string()) if isinstance(part, list) else part for part in parts]
    return pc.binary_join_element_wise(*columns, by)


def coded(codes: Sequence[str], places: pd.Series | np.ndarray) -> pa.Array:
    """For each row the text at its place among ``codes``."""
    return pa.array(codes, pa.string()).take(_whole(places))


def padded(values: pd.Series | np.ndarray, width: int) -> pa.Array:
    """Whole numbers from 0 on with leading zeros; longer ones as they are."""
    return pc.utf8_lpad(whole_texts(values), width, "0")


def chosen(is_so: pd.Series | np.ndarray, yes: Texts | str, no: Texts | str) -> pa.Array:
    """For each row one of two texts."""
    return pc.if_else(pa.array(np.asarray(is_so, dtype=bool)), yes, no)


def money_texts(fen: pd.Series) -> pa.Array:
    """Yuan with two decimals. No amount or balance of this bank is below zero."""
    value = np.asarray(fen)
    return joined(whole_texts(value // 100), _CENTS.take(_whole(value % 100)), by=".")


def whole_texts(values: pd.Series | np.ndarray) -> pa.Array:
    """Whole numbers."""
    return _whole(values).cast(pa.string())


def _whole(values: pd.Series | np.ndarray) -> pa.Array:
    return pa.array(np.asarray(values, dtype=np.int64))


def day_texts(days: pd.Series | np.ndarray, pattern: str = "%Y%m%d") -> pa.Array:
    """Dates of day numbers."""
    distinct, place = np.unique(np.asarray(days), return_inverse=True)
    return coded(date_texts(distinct, pattern).tolist(), place)


def time_texts(rows: pd.DataFrame, pattern: str = "%Y%m%d") -> pa.Array:
    """Local date and time of day; ``pattern`` is the date's."""
    return joined(day_texts(rows["day"], pattern), clock_texts(rows["second"]), by=" ")


def clock_texts(seconds: pd.Series | np.ndarray) -> pa.Array:
    """Seconds of a day as HH:MM:SS."""
    return _CLOCK.take(_whole(seconds))


def epoch_texts(rows: pd.DataFrame) -> pa.Array:
    """Epoch milliseconds in UTC; the odd milliseconds come from the row itself."""
    part = (rows["second"] * 7_919 + rows["who"] * 31) % 1_000
    return whole_texts(rows["day"] * 86_400_000 + rows["second"] * 1_000 + part - _ZONE_MILLISECONDS)


def customer_texts(town: Town, who: pd.Series | np.ndarray) -> pa.Array:
    """Customers' numbers of these people of the town."""
    return joined("C", padded(town.people.number[np.asarray(who)], 8))


def digits_of(customers: pa.Array) -> pa.Array:
    """Customers' numbers without their letter, for numbers of other things that are told by the customer."""
    return pc.utf8_slice_codeunits(customers, 1)


def party_texts(town: Town, number: int, place: pd.Series) -> pa.Array:
    """Customers, outsiders, group chats, or nobody."""
    at, count = place.to_numpy(), town.count
    is_group, is_inside = at >= GROUP_BASE, (at != NO_PARTNER) & (at < count)
    outside = joined(f"P{number:04d}", padded(np.where(is_group | (at == NO_PARTNER), 0, at), 6))
    group = joined(f"G{number:04d}", padded(np.where(is_group, at - GROUP_BASE, 0), 7))
    texts = chosen(is_inside, customer_texts(town, np.where(is_inside, at, 0)), chosen(is_group, group, outside))
    return chosen(at == NO_PARTNER, "", texts)


def account_texts(town: Town, account: pd.Series) -> pa.Array:
    """Numbers of main and savings accounts, by their places in the town."""
    place = account.to_numpy()
    base = np.where(place < town.count, 621_700_000_000, 621_800_000_000)
    return whole_texts(base + town.people.number[place % town.count])


def row_numbers(letter: str, rows: pd.DataFrame, number: int) -> pa.Array:
    """Numbers by day, town and place within the day, so that a longer run never renumbers a row."""
    return joined(letter, day_texts(rows["day"]), f"{number:04d}", padded(rows["rank"], 5))


def loan_numbers(letter: str, number: int, loans: pd.Series) -> pa.Array:
    """Numbers of loans or applications, by town and order."""
    return joined(f"{letter}{number:04d}", padded(loans, 8))


def same_texts(text: str, rows: pd.DataFrame) -> pa.Array:
    """One text for every row."""
    return pa.repeat(pa.scalar(text), len(rows))


def text_bytes(lines: pa.Array, encoding: str) -> Any:
    """Lines with their ends, as bytes (a buffer without a copy where the encoding is UTF-8)."""
    ended = joined(lines, "\n")
    if not len(ended):
        return b""
    buffer, end = ended.buffers()[2], np.frombuffer(ended.buffers()[1], dtype=np.int32)[ended.offset + len(ended)]
    data = buffer.slice(0, int(end))
    return data if encoding == "utf-8" else data.to_pybytes().decode("utf-8").encode(encoding)
