"""The files of the simulated bank as somebody without this project would declare them: names and types.

What the programs beside the ingest job read, one file a table. Written by hand and apart from ``sources/simbank``, for
they do not use its mappings: codes stay codes, a message stays one row, and there are neither rejects nor parents.
"""

from __future__ import annotations

from benchmarks.bank_file import CORE_TIME, LOAN_TIME, BankFile, columns_of
from benchmarks.bank_people_files import PEOPLE_FILES

_ACCOUNT_FILES = (
    BankFile(
        name="cust_fact",
        table="customers",
        key=("customer_fact_id",),
        customer="customer_id",
        instant=CORE_TIME,
        delimiter="|",
        columns=columns_of(
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
        columns=columns_of(
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
        columns=columns_of(
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
        columns=columns_of(
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
        columns=columns_of(
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
        columns=columns_of(
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
        columns=columns_of(
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
        columns=columns_of(
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
        columns=columns_of(
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
        columns=columns_of(
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
        columns=columns_of(
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
        columns=columns_of(
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
)

FILES = (*_ACCOUNT_FILES, *PEOPLE_FILES)
