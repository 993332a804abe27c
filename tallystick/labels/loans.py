"""The loan that each observation is judged by.

Kept apart from ``loan_windows`` because outcome labels need the loan, too.
"""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from tallystick.labels.versions import KnownTables, local_date_expr

_APPLICATION = ("source", "application_id")


def loans_of_applications(known: KnownTables) -> DataFrame:
    """Per application its first loan known on the cut-off, with ``granted_on`` and ``loan_known_on``.

    A source may split an application into several loans; the first one granted is judged (by event_at, then loan_id).
    ``loan_known_on`` is the date from which on that choice, and all that is known of the loan, stays as it is: not only
    the loan's own versions count, but also loans that would have come first and were taken back, moved to a later day
    or to another application. Every column but these two is null where an application had loans and has none left.
    """
    columns = [name for name in known.frames["clean.loans"].columns if name not in _APPLICATION]
    versions = known.versions("clean.loans", "loan_id").where(~F.col("is_retracted"))
    place = F.struct("event_at", "loan_id")
    of_application = Window.partitionBy(*_APPLICATION)
    first = F.min(F.when(F.col("in_force"), place)).over(of_application)
    ranked = versions.withColumn("_place", place).withColumn("_first", first)
    # A loan that was granted after the first one never changed which one is first.
    in_the_way = ranked.where(F.col("_first").isNull() | (F.col("_place") <= F.col("_first")))
    is_first = F.col("in_force") & (F.col("_place") == F.col("_first"))
    chosen = in_the_way.groupBy(*_APPLICATION).agg(
        F.max("in_force_since").alias("loan_known_on"),
        F.max(F.when(is_first, F.struct(*columns))).alias("_loan"),
    )
    return chosen.select(*_APPLICATION, "loan_known_on", "_loan.*").withColumn(
        "granted_on", local_date_expr("event_at", known.zone)
    )
