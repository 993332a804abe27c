"""The supplier's files: its columns, codes and spellings, none of which are those of the clean tables.

Kept apart from the bank because nothing that happens depends on it. The mapping ``sources/simbank`` reads what is
written here.

Core banking (pipes, times as ``20260331 09:15:00``), the loan system (commas, GB 18030, times as
``2026/03/31 09:15:00``) and the app (commas, epoch milliseconds) spell things differently. Money is yuan with two
decimals, a ``DEL`` column is 1 when the supplier takes a row back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tallystick.simulation.day_numbers import clock_texts, date_texts
from tallystick.simulation.lending import PURPOSES
from tallystick.simulation.social import GROUP_BASE, NO_PARTNER
from tallystick.simulation.town import (
    BOOKMAKER,
    CATEGORIES,
    CUSTOMER,
    EMPLOYER,
    MERCHANT,
    NOBODY,
    OWN_BANK,
    STRANGER,
    Town,
)

Texts = list[str]
# Local time is eight hours ahead of UTC all the year.
_ZONE_MILLISECONDS = 8 * 3_600_000
_PURPOSE_WORDS = dict(zip(PURPOSES, ("消费", "教育", "医疗", "装修", "旅游", "经营", "还债"), strict=True))
_CHANNEL_CODES = np.array(["01", "02", "03", "04"], dtype=object)
_ABSTRACT_CODES = np.array([f"{101 + 7 * place}" for place in range(len(CATEGORIES))], dtype=object)
_PARTNER_LETTER = {NOBODY: "", MERCHANT: "M", EMPLOYER: "E", CUSTOMER: "", STRANGER: "S", OWN_BANK: "L", BOOKMAKER: "B"}
_RELATION_CODES = np.array(["FAM", "COL", "FRD", "GUA", "DEV", "ADR"], dtype=object)
_SOCIAL_CODES = np.array(["MSG", "CALL", "POST", "GRP"], dtype=object)


@dataclass(frozen=True, kw_only=True, slots=True)
class SupplierFile:
    """One file: its name, the recorded table it comes from, its header, and what writes a slice of rows as texts."""

    name: str
    table: str
    header: tuple[str, ...]
    write: Callable[[pd.DataFrame, Town, int], list[Texts]]
    delimiter: str = ","
    encoding: str = "utf-8"

    def lines(self, rows: pd.DataFrame, town: Town, number: int) -> Texts:
        """The rows as lines without line ends; ``number`` is the town's."""
        return [self.delimiter.join(fields) for fields in zip(*self.write(rows, town, number), strict=True)]


def _money(fen: pd.Series) -> Texts:
    """Yuan with two decimals. No amount or balance of this bank is below zero."""
    return [f"{value // 100}.{value % 100:02d}" for value in fen.tolist()]


def _whole(values: pd.Series | np.ndarray) -> Texts:
    return [str(value) for value in values.tolist()]


def _times(rows: pd.DataFrame, pattern: str = "%Y%m%d") -> Texts:
    return list(date_texts(rows["day"].to_numpy(), pattern) + " " + clock_texts(rows["second"].to_numpy()))


def _milliseconds(rows: pd.DataFrame) -> Texts:
    """Epoch milliseconds in UTC; the odd milliseconds come from the row itself."""
    part = (rows["second"] * 7_919 + rows["who"] * 31) % 1_000
    return _whole(rows["day"] * 86_400_000 + rows["second"] * 1_000 + part - _ZONE_MILLISECONDS)


def _customers(town: Town, who: pd.Series) -> Texts:
    return [f"C{number:08d}" for number in town.people.number[who.to_numpy()].tolist()]


def _parties(town: Town, number: int, place: pd.Series) -> Texts:
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


def _accounts(town: Town, account: pd.Series) -> Texts:
    place = account.to_numpy()
    base = np.where(place < town.count, 621_700_000_000, 621_800_000_000)
    return _whole(base + town.people.number[place % town.count])


def _numbers(letter: str, rows: pd.DataFrame, number: int) -> Texts:
    """Numbers by day, town and place within the day, so that a longer run never renumbers a row."""
    days = date_texts(rows["day"].to_numpy(), "%Y%m%d")
    return [f"{letter}{day}{number:04d}{rank:05d}" for day, rank in zip(days, rows["rank"].tolist(), strict=True)]


def _loan_numbers(letter: str, number: int, loans: pd.Series) -> Texts:
    return [f"{letter}{number:04d}{loan:08d}" for loan in loans.tolist()]


def _same(text: str, rows: pd.DataFrame) -> Texts:
    return [text] * len(rows)


def _partners(rows: pd.DataFrame, number: int) -> tuple[Texts, Texts]:
    """Bank and account of the other side. Other banks are told apart by the last digit."""
    banks, accounts = [], []
    for kind, partner in zip(rows["partner_kind"].tolist(), rows["partner"].tolist(), strict=True):
        inside = kind in (CUSTOMER, OWN_BANK)
        banks.append("" if kind == NOBODY else "900" if inside else f"{301 + partner % 8}")
        town_part = "" if kind in (CUSTOMER, NOBODY, BOOKMAKER) else f"{number:04d}"
        accounts.append("" if kind == NOBODY else f"{_PARTNER_LETTER[kind]}{town_part}{partner}")
    return banks, accounts


def _write_facts(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    customers, days = _customers(town, rows["who"]), date_texts(rows["day"].to_numpy(), "%Y%m%d")
    return [
        [f"F{customer[1:]}{day}" for customer, day in zip(customers, days, strict=True)],
        customers,
        _times(rows),
        list(np.array(["2", "1", "9"], dtype=object)[rows["gender"]]),
        list(date_texts(rows["birth"].to_numpy(), "%Y%m%d")),
        [f"A{region:03d}" for region in rows["region"].tolist()],
        [f"{10 * (job + 1)}" for job in rows["occupation"].tolist()],
        list(np.array(["D", "C", "B", "A"], dtype=object)[rows["education"]]),
        _money(rows["income"]),
        _whole(rows["deleted"]),
    ]


def _write_accounts(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        _accounts(town, rows["account"]),
        _customers(town, rows["who"]),
        _times(rows),
        [f"A{region:03d}" for region in rows["region"].tolist()],
        list(np.array(["M", "W"], dtype=object)[rows["cycle"]]),
        _same("CNY", rows),
        _whole(rows["deleted"]),
    ]


def _write_holders(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        _numbers("H", rows, number),
        _accounts(town, rows["account"]),
        _customers(town, rows["who"]),
        _customers(town, rows["holder"]),
        _whole(rows["role"]),
        _times(rows),
        _whole(rows["deleted"]),
    ]


def _write_transactions(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    banks, accounts = _partners(rows, number)
    return [
        _numbers("T", rows, number),
        _whole(rows["sequence"]),
        _accounts(town, rows["account"]),
        _customers(town, rows["account"] % town.count),
        _times(rows),
        list(np.where(rows["amount"] >= 0, "C", "D")),
        list(_CHANNEL_CODES[rows["channel"]]),
        list(_ABSTRACT_CODES[rows["category"]]),
        _money(rows["amount"].abs()),
        _money(rows["balance"]),
        banks,
        accounts,
        _same("156", rows),
        _whole(rows["deleted"]),
    ]


def _write_orders(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    partner = 900_000 + rows["who"] % 400 + 1_000 * rows["category"]
    return [
        [f"O{number:04d}{order:06d}" for order in rows["order"].tolist()],
        _accounts(town, rows["who"]),
        _customers(town, rows["who"]),
        _times(rows),
        list(_ABSTRACT_CODES[rows["category"]]),
        _money(rows["amount"]),
        [f"{301 + value % 8}" for value in partner.tolist()],
        [f"S{number:04d}{value}" for value in partner.tolist()],
        _same("156", rows),
        _whole(rows["deleted"]),
    ]


def _write_cards(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    customers = _customers(town, rows["who"])
    return [
        [f"K{customer[1:]}" for customer in customers],
        _accounts(town, rows["who"]),
        customers,
        customers,
        _times(rows),
        list(np.array(["STD", "GLD", "PLT"], dtype=object)[rows["kind"]]),
        _whole(rows["deleted"]),
    ]


def _write_relations(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        _numbers("r", rows, number),
        _customers(town, rows["who"]),
        _customers(town, rows["other"]),
        list(_RELATION_CODES[rows["kind"]]),
        _milliseconds(rows),
        _whole(rows["deleted"]),
    ]


def _write_social(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        _numbers("e", rows, number),
        _parties(town, number, rows["who"]),
        _parties(town, number, rows["other"]),
        list(_SOCIAL_CODES[rows["kind"]]),
        _milliseconds(rows),
        ["" if value < -1 else str(value) for value in rows["duration"].tolist()],
        _whole(rows["deleted"]),
    ]


def _write_applications(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    words = np.array([_PURPOSE_WORDS[purpose] for purpose in PURPOSES], dtype=object)
    return [
        _loan_numbers("AP", number, rows["number"]),
        _customers(town, rows["who"]),
        _accounts(town, rows["who"]),
        _times(rows, "%Y/%m/%d"),
        _money(rows["amount"]),
        _whole(rows["term"]),
        _money(rows["instalment"]),
        list(words[rows["purpose"]]),
        _whole(rows["deleted"]),
    ]


def _write_loans(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        _loan_numbers("LN", number, rows["number"]),
        _loan_numbers("AP", number, rows["number"]),
        _customers(town, rows["who"]),
        _accounts(town, rows["who"]),
        _times(rows, "%Y/%m/%d"),
        _money(rows["amount"]),
        _whole(rows["term"]),
        _money(rows["instalment"]),
        list(date_texts(rows["due"].to_numpy(), "%Y/%m/%d")),
        _whole(rows["deleted"]),
    ]


def _write_repayments(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        _numbers("RP", rows, number),
        _loan_numbers("LN", number, rows["loan"]),
        _customers(town, rows["who"]),
        _times(rows, "%Y/%m/%d"),
        _whole(rows["sequence"]),
        _whole(rows["instalment"]),
        _money(rows["amount"]),
        _whole(rows["deleted"]),
    ]


def _core(name: str, table: str, header: str, write: Callable[[pd.DataFrame, Town, int], list[Texts]]) -> SupplierFile:
    return SupplierFile(name=name, table=table, header=tuple(header.split()), write=write, delimiter="|")


def _lending(
    name: str, table: str, header: str, write: Callable[[pd.DataFrame, Town, int], list[Texts]]
) -> SupplierFile:
    return SupplierFile(name=name, table=table, header=tuple(header.split()), write=write, encoding="gb18030")


def _app(name: str, table: str, header: str, write: Callable[[pd.DataFrame, Town, int], list[Texts]]) -> SupplierFile:
    return SupplierFile(name=name, table=table, header=tuple(header.split()), write=write)


FILES: Mapping[str, SupplierFile] = {
    file.table: file
    for file in (
        _core(
            "cust_fact",
            "customers",
            "FACT_NO CUST_NO VALID_TM SEX_CD BIRTH_DT AREA_CD OCC_CD EDU_CD INC_YUAN DEL",
            _write_facts,
        ),
        _core("acct", "accounts", "ACCT_NO CUST_NO OPEN_TM AREA_CD STMT_CYC CCY DEL", _write_accounts),
        _core("acct_holder", "holders", "HOLD_NO ACCT_NO OWNER_NO HOLDER_NO ROLE_CD SINCE_TM DEL", _write_holders),
        _core(
            "tran",
            "transactions",
            "TRAN_NO SEQ_NO ACCT_NO CUST_NO TRAN_TM DC_FLG CHNL_CD ABS_CD AMT BAL OPP_BANK OPP_ACCT CCY DEL",
            _write_transactions,
        ),
        _core(
            "stand_ord", "orders", "ORD_NO ACCT_NO CUST_NO SET_TM ABS_CD AMT OPP_BANK OPP_ACCT CCY DEL", _write_orders
        ),
        _core("card", "cards", "CARD_NO ACCT_NO CUST_NO HOLDER_NO ISSUE_TM CARD_TP DEL", _write_cards),
        _app("relation", "relations", "rel_no cust_a cust_b rel_type since_ms del", _write_relations),
        _app("im_event", "social", "evt_no from_id to_id evt_type ts_ms dur_s del", _write_social),
        _lending(
            "loan_apply",
            "applications",
            "APPLY_NO CUST_NO ACCT_NO APPLY_TM AMT TERM INSTAL PURPOSE DEL",
            _write_applications,
        ),
        _lending(
            "loan",
            "loans",
            "LOAN_NO APPLY_NO CUST_NO ACCT_NO GRANT_TM AMT TERM INSTAL FIRST_DUE DEL",
            _write_loans,
        ),
        _lending("repay", "repayments", "REPAY_NO LOAN_NO CUST_NO PAY_TM SEQ TERM_NO AMT DEL", _write_repayments),
    )
}
