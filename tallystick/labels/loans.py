"""The loan that each observation is judged by, and since when that is settled."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from tallystick.labels.local_dates import local_date_expr
from tallystick.labels.versions import KnownTables


def observed_loans(known: KnownTables, *, key: str) -> DataFrame:
    """The loan of each observation by the set's key: (source, observation_id), the loan's columns, ``granted_on``.

    ``key`` is ``loan_id``, or ``application_id`` for the first loan of an application. ``loan_known_on`` is the date
    from which on which loan it is, and all that is known of it, stays as it is until the cut-off.
    """
    found = _loans_by_id(known) if key == "loan_id" else _loans_of_applications(known)
    return found.withColumn("granted_on", local_date_expr("event_at", known.zone))


def _loans_by_id(known: KnownTables) -> DataFrame:
    loans = known.latest("clean.loans")
    return loans.withColumn("observation_id", F.col("loan_id")).withColumn("loan_known_on", F.col("known_on"))


def _loans_of_applications(known: KnownTables) -> DataFrame:
    """A source may split an application into several loans: the first one granted is judged (event_at, then loan_id).

    ``loan_known_on`` takes more than the loan's own versions into account: also loans that would have come first and
    were taken back, moved to a later day or to another application. The loan's columns are null where an application
    had loans and has none left.
    """
    columns = known.frames["clean.loans"].columns
    versions = known.versions("clean.loans").where(~F.col("is_retracted"))
    place = F.struct("event_at", "loan_id")
    first = F.min(F.when(F.col("in_force"), place)).over(Window.partitionBy("source", "application_id"))
    ranked = versions.withColumn("_place", place).withColumn("_first", first)
    # A loan that was granted after the first one never changed which one is first.
    in_the_way = ranked.where(F.col("_first").isNull() | (F.col("_place") <= F.col("_first")))
    is_first = F.col("in_force") & (F.col("_place") == F.col("_first"))
    chosen = in_the_way.groupBy("source", F.col("application_id").alias("observation_id")).agg(
        F.max("in_force_since").alias("loan_known_on"),
        F.max(F.when(is_first, F.struct(*[name for name in columns if name != "source"]))).alias("_loan"),
    )
    return chosen.select("source", "observation_id", "loan_known_on", "_loan.*")
