"""Files of the bank's app and of what it knows of its customers beside their accounts.

Kept apart from ``supplier``, the files of accounts and loans, which came first: each of these draws its flaws from a
stream of its own.
"""

from __future__ import annotations

import pandas as pd

from tallystick.simulation.employment import NO_EMPLOYER, NOT_TOLD
from tallystick.simulation.groups import NO_TOPIC
from tallystick.simulation.spelling import (
    SupplierFile,
    Texts,
    chosen,
    coded,
    customer_texts,
    day_texts,
    digits_of,
    epoch_texts,
    joined,
    padded,
    row_numbers,
    time_texts,
    whole_texts,
)
from tallystick.simulation.town import Town

_GROUP_CODES = ("WRK", "FAM", "HOB")
_GROUP_LETTERS = ("", "F", "H")
_MEMBER_CODES = ("LEFT", "JOIN")
_DEVICE_CODES = ("LOGIN", "FAIL", "NEWDEV", "SIM")
_CHECK_CODES = ("JOIN", "LOAN", "NEWDEV")
_ACT_CODES = ("READ", "HOBBY", "CLICK")
_INDUSTRY_CODES = ("", "MFG", "LOG", "SVC", "", "GOV")


def _employers(employer: pd.Series, number: int) -> Texts:
    """As they stand at the other side of a salary; empty for people without one."""
    return chosen(employer == NO_EMPLOYER, "", joined(f"E{number:04d}", whole_texts(employer)))


def _groups(rows: pd.DataFrame, number: int) -> Texts:
    """A work group has the number that its announcements have among the messages."""
    return joined("G", coded(_GROUP_LETTERS, rows["group_kind"]), f"{number:04d}", padded(rows["group"], 7))


def _write_employers(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        _employers(rows["employer"], number),
        coded(_INDUSTRY_CODES, rows["industry"]),
        joined("A", padded(rows["region"], 3)),
        time_texts(rows),
        whole_texts(rows["staff"]),
    ]


def _write_employment(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    customers = customer_texts(town, rows["who"])
    return [
        joined("J", digits_of(customers), day_texts(rows["day"]), padded(rows["second"], 5)),
        customers,
        time_texts(rows),
        _employers(rows["employer"], number),
        whole_texts(10 * (rows["occupation"] + 1)),
        day_texts(rows["since"]),
        chosen(rows["until"] == NOT_TOLD, "", day_texts(rows["until"])),
        whole_texts(rows["deleted"]),
    ]


def _write_groups(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        _groups(rows, number),
        coded(_GROUP_CODES, rows["group_kind"]),
        chosen(rows["topic"] == NO_TOPIC, "", _topics(rows["topic"])),
        epoch_texts(rows.assign(who=rows["group"])),
    ]


def _write_members(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("m", rows, number),
        _groups(rows, number),
        coded(_GROUP_CODES, rows["group_kind"]),
        customer_texts(town, rows["who"]),
        coded(_MEMBER_CODES, rows["is_member"]),
        epoch_texts(rows),
        whole_texts(rows["deleted"]),
    ]


def _write_messages(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("g", rows, number),
        _groups(rows, number),
        coded(_GROUP_CODES, rows["group_kind"]),
        customer_texts(town, rows["who"]),
        epoch_texts(rows),
        whole_texts(rows["deleted"]),
    ]


def _devices(device: pd.Series, number: int) -> Texts:
    return joined(f"D{number:04d}", padded(device, 7))


def _topics(topic: pd.Series) -> Texts:
    return joined("T", padded(topic + 1, 2))


def _degrees(millionths: pd.Series) -> Texts:
    """Degrees with six decimals. No place of this bank lies south or west."""
    return joined(whole_texts(millionths // 1_000_000), padded(millionths % 1_000_000, 6), by=".")


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
        coded(_DEVICE_CODES, rows["kind"]),
        _devices(rows["device"], number),
        whole_texts(rows["tampered"]),
        epoch_texts(rows),
        whole_texts(rows["deleted"]),
    ]


def _write_checks(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("k", rows, number),
        customer_texts(town, rows["who"]),
        coded(_CHECK_CODES, rows["reason"]),
        _devices(rows["device"], number),
        joined("0.", padded(rows["score"], 4)),
        whole_texts(rows["retries"]),
        whole_texts(rows["passed"]),
        epoch_texts(rows),
        whole_texts(rows["deleted"]),
    ]


def _write_behaviour(rows: pd.DataFrame, town: Town, number: int) -> list[Texts]:
    return [
        row_numbers("a", rows, number),
        customer_texts(town, rows["who"]),
        coded(_ACT_CODES, rows["kind"]),
        _topics(rows["topic"]),
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
