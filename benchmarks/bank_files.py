"""The files of the simulated bank as somebody without this project would declare them: names and types.

What the programs beside the ingest job read, one file a table. Written by hand and apart from ``sources/simbank``, for
they do not use its mappings: codes stay codes, a message stays one row, and there are neither rejects nor parents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ZONE = "Asia/Shanghai"
CORE_TIME, LOAN_TIME = "yyyyMMdd HH:mm:ss", "yyyy/MM/dd HH:mm:ss"


@dataclass(frozen=True, kw_only=True, slots=True)
class BankFile:
    """One file. ``columns`` gives each column of the header its kind and its name in the table.

    ``instant`` is how the file spells times; its dates are the first word of that. ``customer`` is empty where rows
    belong to nobody: such a table has one bucket.
    """

    name: str
    table: str
    key: tuple[str, ...]
    customer: str
    instant: str
    columns: Mapping[str, tuple[str, str]]
    delimiter: str = ","
    encoding: str = "utf-8"

    @property
    def sort(self) -> list[str]:
        """The columns that the table is sorted by."""
        return list(dict.fromkeys(name for name in (self.customer, "event_at", *self.key) if name))


# What a kind becomes: text a string, instant and millis an instant in UTC, day a date, yuan whole minor units, whole a
# 32-bit and long a 64-bit number, real a double, flag a truth value.
KINDS = ("text", "instant", "millis", "day", "yuan", "whole", "long", "real", "flag")


def _columns(text: str) -> dict[str, tuple[str, str]]:
    """``HEADER kind name`` a line, or several of them with commas between."""
    words = [part.split() for line in text.strip().splitlines() for part in line.strip(" ,").split(",")]
    return {header: (kind, name) for header, kind, name in words}


FILES = (
    BankFile(
        name="cust_fact",
        table="customers",
        key=("customer_fact_id",),
        customer="customer_id",
        instant=CORE_TIME,
        delimiter="|",
        columns=_columns(
            """
            FACT_NO text customer_fact_id
            CUST_NO text customer_id
            VALID_TM instant event_at
            SEX_CD text gender
            BIRTH_DT day birth_date
            AREA_CD text region_id
            OCC_CD text occupation
            EDU_CD text education
            INC_YUAN yuan declared_income_minor
            DEL flag is_retracted
            """
        ),
    ),
    BankFile(
        name="acct",
        table="accounts",
        key=("account_id",),
        customer="customer_id",
        instant=CORE_TIME,
        delimiter="|",
        columns=_columns(
            """
            ACCT_NO text account_id
            CUST_NO text customer_id
            OPEN_TM instant event_at
            AREA_CD text region_id
            STMT_CYC text statement_frequency
            CCY text currency
            DEL flag is_retracted
            """
        ),
    ),
    BankFile(
        name="acct_holder",
        table="account_holders",
        key=("account_holder_id",),
        customer="customer_id",
        instant=CORE_TIME,
        delimiter="|",
        columns=_columns(
            """
            HOLD_NO text account_holder_id
            ACCT_NO text account_id
            OWNER_NO text customer_id
            HOLDER_NO text holder_id
            ROLE_CD text role
            SINCE_TM instant event_at
            DEL flag is_retracted
            """
        ),
    ),
    BankFile(
        name="tran",
        table="transactions",
        key=("transaction_id",),
        customer="customer_id",
        instant=CORE_TIME,
        delimiter="|",
        columns=_columns(
            """
            TRAN_NO text transaction_id
            SEQ_NO long sequence
            ACCT_NO text account_id
            CUST_NO text customer_id
            TRAN_TM instant event_at
            DC_FLG text direction
            CHNL_CD text channel
            ABS_CD text category
            AMT yuan amount_minor
            BAL yuan balance_minor
            OPP_BANK text counterparty_bank
            OPP_ACCT text counterparty_id
            CCY text currency
            DEL flag is_retracted
            """
        ),
    ),
    BankFile(
        name="stand_ord",
        table="orders",
        key=("order_id",),
        customer="customer_id",
        instant=CORE_TIME,
        delimiter="|",
        columns=_columns(
            """
            ORD_NO text order_id
            ACCT_NO text account_id
            CUST_NO text customer_id
            SET_TM instant event_at
            ABS_CD text category
            AMT yuan amount_minor
            OPP_BANK text counterparty_bank
            OPP_ACCT text counterparty_id
            CCY text currency
            DEL flag is_retracted
            """
        ),
    ),
    BankFile(
        name="card",
        table="cards",
        key=("card_id",),
        customer="customer_id",
        instant=CORE_TIME,
        delimiter="|",
        columns=_columns(
            """
            CARD_NO text card_id
            ACCT_NO text account_id
            CUST_NO text customer_id
            HOLDER_NO text holder_id
            ISSUE_TM instant event_at
            CARD_TP text card_type
            DEL flag is_retracted
            """
        ),
    ),
    BankFile(
        name="loan_apply",
        table="applications",
        key=("application_id",),
        customer="customer_id",
        instant=LOAN_TIME,
        encoding="gb18030",
        columns=_columns(
            """
            APPLY_NO text application_id, CUST_NO text customer_id, ACCT_NO text account_id,
            APPLY_TM instant event_at, AMT yuan amount_minor, TERM whole term_months, INSTAL yuan instalment_minor,
            PURPOSE text purpose, DEL flag is_retracted
            """
        ),
    ),
    BankFile(
        name="loan",
        table="loans",
        key=("loan_id",),
        customer="customer_id",
        instant=LOAN_TIME,
        encoding="gb18030",
        columns=_columns(
            """
            LOAN_NO text loan_id, APPLY_NO text application_id, CUST_NO text customer_id, ACCT_NO text account_id,
            GRANT_TM instant event_at, AMT yuan amount_minor, TERM whole term_months, INSTAL yuan instalment_minor,
            FIRST_DUE day first_due_date, DEL flag is_retracted
            """
        ),
    ),
    BankFile(
        name="repay",
        table="repayments",
        key=("repayment_id",),
        customer="customer_id",
        instant=LOAN_TIME,
        encoding="gb18030",
        columns=_columns(
            """
            REPAY_NO text repayment_id
            LOAN_NO text loan_id
            CUST_NO text customer_id
            PAY_TM instant event_at
            SEQ long sequence
            TERM_NO whole instalment_number
            AMT yuan amount_minor
            DEL flag is_retracted
            """
        ),
    ),
    BankFile(
        name="area",
        table="regions",
        key=("region_id", "event_at"),
        customer="",
        instant="yyyy/MM/dd",
        encoding="gb18030",
        columns=_columns(
            """
            AREA_CD text region_id, AREA_NAME text region_name, PROVINCE text region_group, STAT_DT instant event_at,
            POP long inhabitants, CITY_NUM long cities, URBAN_RATE real urban_percent,
            AVG_WAGE yuan average_salary_minor, UNEMP_RATE_LAST real unemployment_percent_before,
            UNEMP_RATE real unemployment_percent, ENTERPR_PER_1000 real entrepreneurs_per_1000,
            CASES_LAST long crimes_before, CASES long crimes
            """
        ),
    ),
    BankFile(
        name="im_event",
        table="social_events",
        key=("social_event_id",),
        customer="customer_id",
        instant=CORE_TIME,
        columns=_columns(
            """
            evt_no text social_event_id
            from_id text customer_id
            to_id text counterpart_id
            evt_type text kind
            ts_ms millis event_at
            dur_s whole duration_seconds
            del flag is_retracted
            """
        ),
    ),
    BankFile(
        name="relation",
        table="relationships",
        key=("relationship_id",),
        customer="customer_id",
        instant=CORE_TIME,
        columns=_columns(
            """
            rel_no text relationship_id
            cust_a text customer_id
            cust_b text other_customer_id
            rel_type text kind
            since_ms millis event_at
            del flag is_retracted
            """
        ),
    ),
    BankFile(
        name="emp",
        table="employers",
        key=("employer_id", "event_at"),
        customer="",
        instant=CORE_TIME,
        delimiter="|",
        columns=_columns(
            """
            EMP_NO text employer_id, IND_CD text industry, AREA_CD text region_id, REG_TM instant event_at,
            STAFF_NUM long employees_number
            """
        ),
    ),
    BankFile(
        name="emp_fact",
        table="employment",
        key=("employment_fact_id",),
        customer="customer_id",
        instant=CORE_TIME,
        delimiter="|",
        columns=_columns(
            """
            FACT_NO text employment_fact_id, CUST_NO text customer_id, TOLD_TM instant event_at,
            EMP_NO text employer_id, OCC_CD text occupation, SINCE_DT day started_on, UNTIL_DT day ended_on,
            DEL flag is_retracted
            """
        ),
    ),
    BankFile(
        name="grp",
        table="groups",
        key=("group_id", "event_at"),
        customer="",
        instant=CORE_TIME,
        columns=_columns("grp_no text group_id, grp_type text kind, topic text topic, made_ms millis event_at"),
    ),
    BankFile(
        name="grp_member",
        table="group_memberships",
        key=("group_membership_id",),
        customer="customer_id",
        instant=CORE_TIME,
        columns=_columns(
            """
            mem_no text group_membership_id, grp_no text group_id, grp_type text group_kind, cust text customer_id,
            evt text is_member, ts_ms millis event_at, del flag is_retracted
            """
        ),
    ),
    BankFile(
        name="grp_msg",
        table="group_messages",
        key=("group_message_id",),
        customer="customer_id",
        instant=CORE_TIME,
        columns=_columns(
            """
            msg_no text group_message_id, grp_no text group_id, grp_type text group_kind, cust text customer_id,
            ts_ms millis event_at, del flag is_retracted
            """
        ),
    ),
    BankFile(
        name="loc_fix",
        table="location_events",
        key=("location_event_id",),
        customer="customer_id",
        instant=CORE_TIME,
        columns=_columns(
            """
            fix_no text location_event_id, cust text customer_id, ts_ms millis event_at, lat real latitude,
            lon real longitude, acc_m long accuracy_metres, del flag is_retracted
            """
        ),
    ),
    BankFile(
        name="dev_evt",
        table="device_events",
        key=("device_event_id",),
        customer="customer_id",
        instant=CORE_TIME,
        columns=_columns(
            """
            evt_no text device_event_id, cust text customer_id, evt text kind, dev_no text device_id,
            root flag is_tampered, ts_ms millis event_at, del flag is_retracted
            """
        ),
    ),
    BankFile(
        name="id_chk",
        table="identity_checks",
        key=("identity_check_id",),
        customer="customer_id",
        instant=CORE_TIME,
        columns=_columns(
            """
            chk_no text identity_check_id, cust text customer_id, why text occasion, dev_no text device_id,
            score real face_match_score, retry long retry_count, ok flag is_passed, ts_ms millis event_at,
            del flag is_retracted
            """
        ),
    ),
    BankFile(
        name="act",
        table="behaviour_events",
        key=("behaviour_event_id",),
        customer="customer_id",
        instant=CORE_TIME,
        columns=_columns(
            """
            act_no text behaviour_event_id, cust text customer_id, act_type text kind, topic text topic,
            ts_ms millis event_at, del flag is_retracted
            """
        ),
    ),
)
