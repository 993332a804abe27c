"""Files of the bank's app and of what it knows of its customers beside their accounts.

Kept apart from ``supplier``, the files of accounts and loans, which came first: each of these draws its flaws from a
stream of its own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from tallystick.simulation.day_numbers import date_texts
from tallystick.simulation.employment import NO_EMPLOYER, NOT_TOLD
from tallystick.simulation.groups import HOBBY, NO_TOPIC, WORK
from tallystick.simulation.spelling import (
    SupplierFile,
    Texts,
    customer_texts,
    epoch_texts,
    row_numbers,
    time_texts,
    whole_texts,
)
from tallystick.simulation.town import Town

_GROUP_CODES = np.array(["WRK", "FAM", "HOB"], dtype=object)
_GROUP_LETTERS = {WORK: "", HOBBY: "H"}
_MEMBER_CODES = np.array(["LEFT", "JOIN"], dtype=object)
_DEVICE_CODES = np.array(["LOGIN", "FAIL", "NEWDEV", "SIM"], dtype=object)
_CHECK_CODES = np.array(["JOIN", "LOAN", "NEWDEV"], dtype=object)
_ACT_CODES = np.array(["READ", "HOBBY", "CLICK"], dtype=object)
_INDUSTRY_CODES = {1: "MFG", 2: "LOG", 3: "SVC", 5: "GOV"}


def _employers(employer: pd.Series, number: int) -> Texts:
    """As they stand at the other side of a salary; empty for people without one."""
    return ["" if place == NO_EMPLOYER else f"E{number:04d}{place}" for place in employer.tolist()]


def _groups(rows: pd.DataFrame, number: int) -> Texts:
    """A work group has the number that its announcements have among the messages."""
    kinds, groups = rows["group_kind"].tolist(), rows["group"].tolist()
    pairs = zip(kinds, groups, strict=True)
    return [f"G{_GROUP_LETTERS.get(kind, 'F')}{number:04d}{group:07d}" for kind, group in pairs]


def _write_employers(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        _employers(rows["employer"], number),
        [_INDUSTRY_CODES[job] for job in rows["industry"].tolist()],
        [f"A{region:03d}" for region in rows["region"].tolist()],
        time_texts(rows),
        whole_texts(rows["staff"]),
    ]


def _write_employment(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    customers, days = customer_texts(town, rows["who"]), date_texts(rows["day"].to_numpy(), "%Y%m%d")
    until, told = date_texts(rows["until"].to_numpy(), "%Y%m%d"), (rows["until"] != NOT_TOLD).to_numpy()
    return [
        [f"J{customer[1:]}{day}" for customer, day in zip(customers, days, strict=True)],
        customers,
        time_texts(rows),
        _employers(rows["employer"], number),
        [f"{10 * (job + 1)}" for job in rows["occupation"].tolist()],
        list(date_texts(rows["since"].to_numpy(), "%Y%m%d")),
        list(np.where(told, until, "")),
        whole_texts(rows["deleted"]),
    ]


def _write_groups(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        _groups(rows, number),
        list(_GROUP_CODES[rows["group_kind"]]),
        ["" if topic == NO_TOPIC else f"T{topic + 1:02d}" for topic in rows["topic"].tolist()],
        epoch_texts(rows.assign(who=rows["group"])),
    ]


def _write_members(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("m", rows, number),
        _groups(rows, number),
        list(_GROUP_CODES[rows["group_kind"]]),
        customer_texts(town, rows["who"]),
        list(_MEMBER_CODES[rows["is_member"]]),
        epoch_texts(rows),
        whole_texts(rows["deleted"]),
    ]


def _write_messages(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("g", rows, number),
        _groups(rows, number),
        list(_GROUP_CODES[rows["group_kind"]]),
        customer_texts(town, rows["who"]),
        epoch_texts(rows),
        whole_texts(rows["deleted"]),
    ]


def _devices(device: pd.Series, number: int) -> Texts:
    return [f"D{number:04d}{place:07d}" for place in device.tolist()]


def _degrees(millionths: pd.Series) -> Texts:
    """Degrees with six decimals. No place of this bank lies south or west."""
    return [f"{value // 1_000_000}.{value % 1_000_000:06d}" for value in millionths.tolist()]


def _write_locations(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("x", rows, number),
        customer_texts(town, rows["who"]),
        epoch_texts(rows),
        _degrees(rows["latitude"]),
        _degrees(rows["longitude"]),
        whole_texts(rows["accuracy"]),
        whole_texts(rows["deleted"]),
    ]


def _write_devices(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("d", rows, number),
        customer_texts(town, rows["who"]),
        list(_DEVICE_CODES[rows["kind"]]),
        _devices(rows["device"], number),
        whole_texts(rows["tampered"]),
        epoch_texts(rows),
        whole_texts(rows["deleted"]),
    ]


def _write_checks(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("k", rows, number),
        customer_texts(town, rows["who"]),
        list(_CHECK_CODES[rows["reason"]]),
        _devices(rows["device"], number),
        [f"0.{score:04d}" for score in rows["score"].tolist()],
        whole_texts(rows["retries"]),
        whole_texts(rows["passed"]),
        epoch_texts(rows),
        whole_texts(rows["deleted"]),
    ]


def _write_behaviour(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("a", rows, number),
        customer_texts(town, rows["who"]),
        list(_ACT_CODES[rows["kind"]]),
        [f"T{topic + 1:02d}" for topic in rows["topic"].tolist()],
        epoch_texts(rows),
        whole_texts(rows["deleted"]),
    ]


def _write_wallpapers(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("v", rows, number),
        customer_texts(town, rows["who"]),
        [f"V{theme + 1}" for theme in rows["theme"].tolist()],
        epoch_texts(rows),
        whole_texts(rows["deleted"]),
    ]


APP_FILES = (
    SupplierFile(
        name="emp",
        table="employers",
        header=("EMP_NO", "IND_CD", "AREA_CD", "REG_TM", "STAFF_NUM"),
        write=_write_employers,
        delimiter="|",
        flaws_stream=1_000_011,
    ),
    SupplierFile(
        name="emp_fact",
        table="employment",
        header=("FACT_NO", "CUST_NO", "TOLD_TM", "EMP_NO", "OCC_CD", "SINCE_DT", "UNTIL_DT", "DEL"),
        write=_write_employment,
        delimiter="|",
        flaws_stream=1_000_012,
    ),
    SupplierFile(
        name="grp",
        table="groups",
        header=("grp_no", "grp_type", "topic", "made_ms"),
        write=_write_groups,
        flaws_stream=1_000_013,
    ),
    SupplierFile(
        name="grp_member",
        table="group_members",
        header=("mem_no", "grp_no", "grp_type", "cust", "evt", "ts_ms", "del"),
        write=_write_members,
        flaws_stream=1_000_014,
    ),
    SupplierFile(
        name="grp_msg",
        table="group_messages",
        header=("msg_no", "grp_no", "grp_type", "cust", "ts_ms", "del"),
        write=_write_messages,
        flaws_stream=1_000_015,
    ),
    SupplierFile(
        name="loc_fix",
        table="locations",
        header=("fix_no", "cust", "ts_ms", "lat", "lon", "acc_m", "del"),
        write=_write_locations,
        flaws_stream=1_000_016,
    ),
    SupplierFile(
        name="dev_evt",
        table="devices",
        header=("evt_no", "cust", "evt", "dev_no", "root", "ts_ms", "del"),
        write=_write_devices,
        flaws_stream=1_000_017,
    ),
    SupplierFile(
        name="id_chk",
        table="identity_checks",
        header=("chk_no", "cust", "why", "dev_no", "score", "retry", "ok", "ts_ms", "del"),
        write=_write_checks,
        flaws_stream=1_000_018,
    ),
    SupplierFile(
        name="act",
        table="behaviour",
        header=("act_no", "cust", "act_type", "topic", "ts_ms", "del"),
        write=_write_behaviour,
        flaws_stream=1_000_019,
    ),
    SupplierFile(
        name="wall",
        table="wallpapers",
        header=("chg_no", "cust", "theme", "ts_ms", "del"),
        write=_write_wallpapers,
        flaws_stream=1_000_020,
    ),
)
