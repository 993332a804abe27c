"""Which loans are late, or repaid, on a date, as was known on that date.

The arithmetic is that of labels (``labels.delinquency``): what is late here is late there, so no loan is ranked that
its label calls already bad, and none is left out that it judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pyarrow as pa

from tallystick.labels.delinquency import payments_known, trace_dpd
from tallystick.labels.engines import ask_arrow, day_sql, query_of
from tallystick.labels.versions import KnownTables, in_force_sql
from tallystick.spec.tables import TableContract

ARREARS_TABLES = ("clean.loans", "clean.repayments")
NO_ARREARS = pa.schema([("observation_id", pa.string()), ("dpd", pa.int32()), ("is_repaid", pa.bool_())]).empty_table()


def find_arrears(
    tables: Mapping[str, pa.Table], contracts: Mapping[str, TableContract], *, day: date, zone: str
) -> pa.Table:
    """(observation_id, dpd, is_repaid) of every loan with a usable schedule that was known on ``day``.

    ``tables`` are all versions of loans and repayments, of a bucket or of a whole source. ``dpd`` is the days past due
    at the start of ``day``; a loan granted on ``day`` has 0.
    """
    known = KnownTables(frames=tables, contracts=contracts, cutoff=day, zone=zone)
    loans, loan_steps = known.versions("clean.loans")
    payments, payment_steps = known.versions("clean.repayments")
    steps = {
        **loan_steps,
        "current_loans": in_force_sql(loans),
        **payment_steps,
        "payments": payments_known(payments, zone=zone),
        "marks": f"SELECT source, loan_id, {day_sql(day)} AS on_date FROM current_loans",
        **trace_dpd(marks="marks", loans="current_loans", payments="payments"),
        "arrears": f"SELECT loan_id AS observation_id, dpd, is_repaid FROM traced WHERE on_date = {day_sql(day)}"
        " AND is_mark",
    }
    return ask_arrow(query_of(steps), tables).cast(NO_ARREARS.schema)
