"""Files of what is told about customers: the household, the form of an application, questions to the credit bureau.

Kept apart from ``app_files``, what the app sees without anybody telling it.
"""

from __future__ import annotations

import pandas as pd

from tallystick.simulation.given_data import NO_EMPLOYER
from tallystick.simulation.home_facts import NOT_ENDED
from tallystick.simulation.spelling import (
    SupplierFile,
    Texts,
    chosen,
    coded,
    customer_texts,
    day_texts,
    joined,
    loan_numbers,
    money_texts,
    padded,
    party_texts,
    row_numbers,
    time_texts,
    whole_texts,
)
from tallystick.simulation.town import Town

_ROLE_CODES = ("1", "2", "3", "4", "5")
_CONTACT_CODES = ("FAM", "COL", "FRD", "OTH")
_HOUSING_CODES = ("OWN", "RENT", "FAM", "DORM")
_INQUIRY_CODES = ("LOAN", "CARD", "OTH")


def _numbers(letter: str, values: pd.Series, number: int) -> Texts:
    return joined(f"{letter}{number:04d}", padded(values, 7))


def _write_households(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("u", rows, number),
        customer_texts(town, rows["who"]),
        time_texts(rows),
        _numbers("U", rows["household"], number),
        coded(_ROLE_CODES, rows["role"]),
        day_texts(rows["since"]),
        chosen(rows["until"] != NOT_ENDED, day_texts(rows["until"]), ""),
        whole_texts(rows["people"]),
        whole_texts(rows["deleted"]),
    ]


def _write_given_data(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    employer = joined(f"E{number:04d}", whole_texts(rows["employer"]))
    return [
        loan_numbers("AF", number, rows["number"]),
        loan_numbers("AP", number, rows["number"]),
        customer_texts(town, rows["who"]),
        time_texts(rows),
        chosen(rows["employer"] == NO_EMPLOYER, "", employer),
        whole_texts(10 * (rows["occupation"] + 1)),
        money_texts(rows["income"]),
        money_texts(rows["owed"]),
        party_texts(town, number, rows["contact"]),
        coded(_CONTACT_CODES, rows["contact_kind"]),
        joined("A", padded(rows["region"], 3)),
        _numbers("R", rows["address"], number),
        _numbers("N", rows["telephone"], number),
        _numbers("Q", rows["mail"], number),
        coded(_HOUSING_CODES, rows["housing"]),
        whole_texts(rows["seconds"]),
        whole_texts(rows["deleted"]),
    ]


def _write_inquiries(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("i", rows, number),
        customer_texts(town, rows["who"]),
        time_texts(rows),
        joined("Z", whole_texts(rows["lender"])),
        coded(_INQUIRY_CODES, rows["kind"]),
        whole_texts(rows["deleted"]),
    ]


TOLD_FILES = (
    SupplierFile(
        name="hh_fact",
        table="households",
        header=("MEM_NO", "CUST_NO", "TOLD_TM", "HH_NO", "ROLE_CD", "FROM_DT", "UNTIL_DT", "HH_NUM", "DEL"),
        write=_write_households,
        delimiter="|",
        flaws_stream=1_000_021,
    ),
    SupplierFile(
        name="apply_form",
        table="given_data",
        header=(
            "FORM_NO",
            "APPLY_NO",
            "CUST_NO",
            "TOLD_TM",
            "EMP_NO",
            "OCC_CD",
            "INC_YUAN",
            "OTH_INSTAL",
            "CONTACT_NO",
            "CONTACT_TP",
            "AREA_CD",
            "ADDR_NO",
            "TEL_NO",
            "MAIL_NO",
            "LIVE_TP",
            "FILL_SEC",
            "DEL",
        ),
        write=_write_given_data,
        delimiter="|",
        flaws_stream=1_000_022,
    ),
    SupplierFile(
        name="bur_inq",
        table="inquiries",
        header=("INQ_NO", "CUST_NO", "INQ_TM", "LENDER_NO", "INQ_TP", "DEL"),
        write=_write_inquiries,
        delimiter="|",
        flaws_stream=1_000_023,
    ),
)
