"""The label stage: from clean tables to one row per application.

What is common to all kinds of labels; ``outcomes`` and ``loan_windows`` have what a kind looks at.

``known_on`` of a label is the first date from which on anyone who asks gets this very answer until the cut-off. It is
the latest of: the day the window is settled, and for every row that decides the answer, or did so in an older version,
the date since when it says what it says now.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from tallystick.errors import DeclarationError
from tallystick.labels.loan_windows import judge_loans
from tallystick.labels.outcomes import judge_outcomes
from tallystick.labels.versions import KnownTables, local_date_expr, select_decided
from tallystick.spec.labels import LABEL_COLUMNS, Label, OutcomeLabel


def build_labels(label: Label, tables: Mapping[str, DataFrame], *, cutoff: date, zone: str) -> DataFrame:
    """The rows of ``label.<name>``: one per application known on ``cutoff``, by what was known on that date.

    ``tables`` holds the frames that ``label.tables`` names, ``zone`` is the business time zone of the source. The
    frame has the columns of ``spec.labels.LABEL_COLUMNS``; ``label`` is null unless ``status`` is ``mature``.
    """
    missing = [name for name in label.tables if name not in tables]
    if missing:
        raise DeclarationError(f"tables {missing} were not given", where=f"label {label.name}")
    applications = select_decided(tables["clean.applications"], cutoff=cutoff, zone=zone)
    asked = applications.select(
        "source", "bucket", "period", "application_id", "customer_id", F.col("event_at").alias("as_of"),
        local_date_expr("event_at", zone).alias("as_of_date"), F.col("known_on").alias("observed_known_on"),
    )  # fmt: skip
    known = KnownTables(frames=tables, cutoff=cutoff, zone=zone)
    if isinstance(label, OutcomeLabel):
        judged = judge_outcomes(label, asked, known)
    else:
        judged = judge_loans(label, asked, known)
    is_mature = F.col("status") == "mature"
    decided = judged.withColumn("label", F.when(is_mature, F.col("label"))).withColumn(
        "known_on", F.when(is_mature, F.col("known_on"))
    )
    settled = decided.withColumn("definition", F.lit(label.sentence))
    return settled.select(*[F.col(c.name).cast(_SPARK_TYPES[c.type]).alias(c.name) for c in LABEL_COLUMNS])


_SPARK_TYPES = {"string": "string", "int32": "int", "timestamp": "timestamp", "date": "date"}
