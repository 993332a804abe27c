"""Files of what customers tell of themselves: the household, and the form of an application.

Kept apart from ``app_files``, what the app sees without anybody telling it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tallystick.simulation.day_numbers import date_texts
from tallystick.simulation.given_data import NO_EMPLOYER
from tallystick.simulation.home_facts import NOT_ENDED
from tallystick.simulation.spelling import (
    SupplierFile,
    Texts,
    customer_texts,
    loan_numbers,
    money_texts,
    party_texts,
    row_numbers,
    time_texts,
    whole_texts,
)
from tallystick.simulation.town import Town

_ROLE_CODES = np.array(["1", "2", "3", "4", "5"], dtype=object)
_CONTACT_CODES = np.array(["FAM", "COL", "FRD", "OTH"], dtype=object)
_HOUSING_CODES = np.array(["OWN", "RENT", "FAM", "DORM"], dtype=object)


def _numbers(letter: str, values: pd.Series, number: int) -> Texts:
    return [f"{letter}{number:04d}{value:07d}" for value in values.tolist()]


def _write_households(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    until = date_texts(rows["until"].to_numpy(), "%Y%m%d")
    return [
        row_numbers("u", rows, number),
        customer_texts(town, rows["who"]),
        time_texts(rows),
        _numbers("U", rows["household"], number),
        list(_ROLE_CODES[rows["role"]]),
        list(date_texts(rows["since"].to_numpy(), "%Y%m%d")),
        list(np.where(rows["until"] != NOT_ENDED, until, "")),
        whole_texts(rows["people"]),
        whole_texts(rows["deleted"]),
    ]


def _write_given_data(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    employers = rows["employer"].tolist()
    return [
        loan_numbers("AF", number, rows["number"]),
        loan_numbers("AP", number, rows["number"]),
        customer_texts(town, rows["who"]),
        time_texts(rows),
        ["" if employer == NO_EMPLOYER else f"E{number:04d}{employer}" for employer in employers],
        [f"{10 * (job + 1)}" for job in rows["occupation"].tolist()],
        money_texts(rows["income"]),
        party_texts(town, number, rows["contact"]),
        list(_CONTACT_CODES[rows["contact_kind"]]),
        [f"A{region:03d}" for region in rows["region"].tolist()],
        _numbers("R", rows["address"], number),
        _numbers("N", rows["telephone"], number),
        _numbers("Q", rows["mail"], number),
        list(_HOUSING_CODES[rows["housing"]]),
        whole_texts(rows["seconds"]),
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
)
