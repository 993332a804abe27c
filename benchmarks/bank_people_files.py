"""The simulated bank's files on people outside their accounts: work, households, forms, groups, telephones, interests.

Apart from ``bank_files`` for its length alone.
"""

from __future__ import annotations

from benchmarks.bank_file import CORE_TIME, BankFile, columns_of

PEOPLE_FILES = (
    BankFile(
        name="hh_fact",
        table="households",
        key=("household_membership_id",),
        customer="customer_id",
        instant=CORE_TIME,
        delimiter="|",
        columns=columns_of(
            """
            MEM_NO text household_membership_id, CUST_NO text customer_id, TOLD_TM instant event_at,
            HH_NO text household_id, ROLE_CD text role, FROM_DT day started_on, UNTIL_DT day ended_on,
            HH_NUM long people_number, DEL flag is_retracted
            """
        ),
    ),
    BankFile(
        name="apply_form",
        table="applicant_facts",
        key=("applicant_fact_id",),
        customer="customer_id",
        instant=CORE_TIME,
        delimiter="|",
        columns=columns_of(
            """
            FORM_NO text applicant_fact_id, APPLY_NO text application_id, CUST_NO text customer_id,
            TOLD_TM instant event_at, EMP_NO text employer_id, OCC_CD text occupation,
            INC_YUAN yuan declared_income_minor, OTH_INSTAL yuan other_instalments_minor, CONTACT_NO text contact_id,
            CONTACT_TP text contact_kind, AREA_CD text region_id, ADDR_NO text address_id, TEL_NO text phone_id,
            MAIL_NO text email_id, LIVE_TP text housing, FILL_SEC long form_seconds, DEL flag is_retracted
            """
        ),
    ),
    BankFile(
        name="bur_inq",
        table="credit_inquiries",
        key=("credit_inquiry_id",),
        customer="customer_id",
        instant=CORE_TIME,
        delimiter="|",
        columns=columns_of(
            """
            INQ_NO text credit_inquiry_id, CUST_NO text customer_id, INQ_TM instant event_at, LENDER_NO text lender_id,
            INQ_TP text kind, DEL flag is_retracted
            """
        ),
    ),
    BankFile(
        name="fraud_rep",
        table="fraud_reports",
        key=("fraud_report_id",),
        customer="customer_id",
        instant=CORE_TIME,
        delimiter="|",
        columns=columns_of(
            """
            REP_NO text fraud_report_id, CUST_NO text customer_id, KIND_CD text kind, ROLE_CD text role,
            BEGAN_DT day began_on, LOSS yuan loss_minor, REP_TM instant event_at, DEL flag is_retracted
            """
        ),
    ),
    BankFile(
        name="wall",
        table="wallpaper_changes",
        key=("wallpaper_change_id",),
        customer="customer_id",
        instant=CORE_TIME,
        columns=columns_of(
            """
            chg_no text wallpaper_change_id, cust text customer_id, theme text theme, ts_ms millis event_at,
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
        columns=columns_of(
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
        columns=columns_of(
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
        columns=columns_of("grp_no text group_id, grp_type text kind, topic text topic, made_ms millis event_at"),
    ),
    BankFile(
        name="grp_member",
        table="group_memberships",
        key=("group_membership_id",),
        customer="customer_id",
        instant=CORE_TIME,
        columns=columns_of(
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
        columns=columns_of(
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
        columns=columns_of(
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
        columns=columns_of(
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
        columns=columns_of(
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
        columns=columns_of(
            """
            act_no text behaviour_event_id, cust text customer_id, act_type text kind, topic text topic,
            ts_ms millis event_at, del flag is_retracted
            """
        ),
    ),
)
