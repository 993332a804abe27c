"""The supplier's files: its columns, codes and spellings, none of which are those of the clean tables.

Kept apart from the bank because nothing that happens depends on it. The mapping ``sources/simbank`` reads what is
written here.

Core banking (pipes, times as ``20260331 09:15:00``), the loan system (commas, GB 18030, times as
``2026/03/31 09:15:00``) and the app (commas, epoch milliseconds) spell things differently. Money is yuan with two
decimals, a ``DEL`` column is 1 when the supplier takes a row back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from tallystick.simulation.app_files import APP_FILES
from tallystick.simulation.lending import PURPOSES
from tallystick.simulation.spelling import (
    SupplierFile,
    Texts,
    account_texts,
    chosen,
    coded,
    customer_texts,
    day_texts,
    digits_of,
    epoch_texts,
    joined,
    loan_numbers,
    money_texts,
    padded,
    party_texts,
    row_numbers,
    same_texts,
    time_texts,
    whole_texts,
)
from tallystick.simulation.told_files import TOLD_FILES
from tallystick.simulation.town import (
    BOOKMAKER,
    CATEGORIES,
    CUSTOMER,
    EMPLOYER,
    LENDER,
    MERCHANT,
    NOBODY,
    OWN_BANK,
    STRANGER,
    Town,
)

_PURPOSE_WORDS = dict(zip(PURPOSES, ("消费", "教育", "医疗", "装修", "旅游", "经营", "还债"), strict=True))
_CHANNEL_CODES = ("01", "02", "03", "04")
_ABSTRACT_CODES = tuple(f"{101 + 7 * place}" for place in range(len(CATEGORIES)))
_PARTNER_LETTER = {
    NOBODY: "",
    MERCHANT: "M",
    EMPLOYER: "E",
    CUSTOMER: "",
    STRANGER: "S",
    OWN_BANK: "L",
    BOOKMAKER: "B",
    LENDER: "Z",
}
_RELATION_CODES = ("FAM", "COL", "FRD", "GUA", "DEV", "ADR")
_FRAUD_CODES = ("FARM", "SYNT", "RING", "TAKE", "MULE", "STRU", "BUST")
_SOCIAL_CODES = ("MSG", "CALL", "POST", "GRP")


def _partners(rows: pd.DataFrame, number: int) -> tuple[Texts, Texts]:
    """Bank and account of the other side. Other banks are told apart by the last digit."""
    kind, partner = rows["partner_kind"].to_numpy(), rows["partner"].to_numpy()
    bank = np.where(np.isin(kind, (CUSTOMER, OWN_BANK)), 900, 301 + partner % 8)
    letter = coded([_PARTNER_LETTER[kind] for kind in sorted(_PARTNER_LETTER)], kind)
    town_part = chosen(np.isin(kind, (CUSTOMER, NOBODY, BOOKMAKER, LENDER)), "", f"{number:04d}")
    nobody, account = kind == NOBODY, joined(letter, town_part, whole_texts(partner))
    return chosen(nobody, "", whole_texts(bank)), chosen(nobody, "", account)


def _write_facts(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    customers = customer_texts(town, rows["who"])
    return [
        joined("F", digits_of(customers), day_texts(rows["day"])),
        customers,
        time_texts(rows),
        coded(("2", "1", "9"), rows["gender"]),
        day_texts(rows["birth"]),
        joined("A", padded(rows["region"], 3)),
        whole_texts(10 * (rows["occupation"] + 1)),
        coded(("D", "C", "B", "A"), rows["education"]),
        money_texts(rows["income"]),
        whole_texts(rows["deleted"]),
    ]


def _write_accounts(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        account_texts(town, rows["account"]),
        customer_texts(town, rows["who"]),
        time_texts(rows),
        joined("A", padded(rows["region"], 3)),
        coded(("M", "W"), rows["cycle"]),
        same_texts("CNY", rows),
        whole_texts(rows["deleted"]),
    ]


def _write_holders(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("H", rows, number),
        account_texts(town, rows["account"]),
        customer_texts(town, rows["who"]),
        customer_texts(town, rows["holder"]),
        whole_texts(rows["role"]),
        time_texts(rows),
        whole_texts(rows["deleted"]),
    ]


def _write_transactions(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    banks, accounts = _partners(rows, number)
    return [
        row_numbers("T", rows, number),
        whole_texts(rows["sequence"]),
        account_texts(town, rows["account"]),
        customer_texts(town, rows["account"] % town.count),
        time_texts(rows),
        chosen(rows["amount"] >= 0, "C", "D"),
        coded(_CHANNEL_CODES, rows["channel"]),
        coded(_ABSTRACT_CODES, rows["category"]),
        money_texts(rows["amount"].abs()),
        money_texts(rows["balance"]),
        banks,
        accounts,
        same_texts("156", rows),
        whole_texts(rows["deleted"]),
    ]


def _write_orders(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    partner = 900_000 + rows["who"] % 400 + 1_000 * rows["category"]
    return [
        joined(f"O{number:04d}", padded(rows["order"], 6)),
        account_texts(town, rows["who"]),
        customer_texts(town, rows["who"]),
        time_texts(rows),
        coded(_ABSTRACT_CODES, rows["category"]),
        money_texts(rows["amount"]),
        whole_texts(301 + partner % 8),
        joined(f"S{number:04d}", whole_texts(partner)),
        same_texts("156", rows),
        whole_texts(rows["deleted"]),
    ]


def _write_cards(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    customers = customer_texts(town, rows["who"])
    return [
        joined("K", digits_of(customers)),
        account_texts(town, rows["who"]),
        customers,
        customers,
        time_texts(rows),
        coded(("STD", "GLD", "PLT"), rows["kind"]),
        whole_texts(rows["deleted"]),
    ]


def _write_relations(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("r", rows, number),
        customer_texts(town, rows["who"]),
        customer_texts(town, rows["other"]),
        coded(_RELATION_CODES, rows["kind"]),
        epoch_texts(rows),
        whole_texts(rows["deleted"]),
    ]


def _write_social(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("e", rows, number),
        party_texts(town, number, rows["who"]),
        party_texts(town, number, rows["other"]),
        coded(_SOCIAL_CODES, rows["kind"]),
        epoch_texts(rows),
        chosen(rows["duration"] < -1, "", whole_texts(rows["duration"])),
        whole_texts(rows["deleted"]),
    ]


def _write_applications(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    words = [_PURPOSE_WORDS[purpose] for purpose in PURPOSES]
    return [
        loan_numbers("AP", number, rows["number"]),
        customer_texts(town, rows["who"]),
        account_texts(town, rows["who"]),
        time_texts(rows, "%Y/%m/%d"),
        money_texts(rows["amount"]),
        whole_texts(rows["term"]),
        money_texts(rows["instalment"]),
        coded(words, rows["purpose"]),
        whole_texts(rows["deleted"]),
    ]


def _write_loans(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        loan_numbers("LN", number, rows["number"]),
        loan_numbers("AP", number, rows["number"]),
        customer_texts(town, rows["who"]),
        account_texts(town, rows["who"]),
        time_texts(rows, "%Y/%m/%d"),
        money_texts(rows["amount"]),
        whole_texts(rows["term"]),
        money_texts(rows["instalment"]),
        day_texts(rows["due"], "%Y/%m/%d"),
        whole_texts(rows["deleted"]),
    ]


def _write_repayments(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("RP", rows, number),
        loan_numbers("LN", number, rows["loan"]),
        customer_texts(town, rows["who"]),
        time_texts(rows, "%Y/%m/%d"),
        whole_texts(rows["sequence"]),
        whole_texts(rows["instalment"]),
        money_texts(rows["amount"]),
        whole_texts(rows["deleted"]),
    ]


def _write_fraud_reports(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("Z", rows, number),
        customer_texts(town, rows["who"]),
        coded(_FRAUD_CODES, rows["kind"]),
        coded(("V", "P"), rows["role"]),
        day_texts(rows["began"]),
        money_texts(rows["amount"]),
        time_texts(rows),
        whole_texts(rows["deleted"]),
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
        SupplierFile(
            name="fraud_rep",
            table="fraud_reports",
            header=("REP_NO", "CUST_NO", "KIND_CD", "ROLE_CD", "BEGAN_DT", "LOSS", "REP_TM", "DEL"),
            write=_write_fraud_reports,
            delimiter="|",
            flaws_stream=1_000_020,
        ),
        *APP_FILES,
        *TOLD_FILES,
    )
}
