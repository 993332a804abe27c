"""The label stage: from observations and clean tables to one labelled row per observation.

What is common to all kinds of labels is here; what a kind looks at is in ``outcomes``, ``loan_windows`` and ``events``.

``known_on`` of a label is the first date from which on anyone who asks gets this very answer until the cut-off. It is
the latest of: the day the window is settled, and for every row that decides the answer, or did so in an older version,
the date since when it says what it says now.
"""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from tallystick.errors import DeclarationError
from tallystick.labels.events import judge_events
from tallystick.labels.loan_windows import judge_loans
from tallystick.labels.local_dates import local_date_expr
from tallystick.labels.outcomes import judge_outcomes
from tallystick.labels.versions import KnownTables
from tallystick.spec.label_checks import check_label_of
from tallystick.spec.labels import LABEL_COLUMNS, EventLabel, Label, OutcomeLabel
from tallystick.spec.observations import ObservationSet

_SPARK_TYPES = {"string": "string", "int32": "int", "timestamp": "timestamp", "date": "date"}


def build_labels(
    label: Label, observations: DataFrame, known: KnownTables, *, observation_set: ObservationSet
) -> DataFrame:
    """The rows of ``label.<name>`` of one observation set: one per observation, by what was known on the cut-off.

    ``observations`` has source, bucket, period, observation_id, customer_id and as_of. Where it also has ``known_on``,
    nobody could label the observation before that date; null and no such column mean that it was known by its as_of.
    ``known`` holds the frames that ``label.tables`` names. The answer has the columns of ``spec.labels.LABEL_COLUMNS``;
    ``label`` and ``known_on`` are null unless ``status`` is ``mature``.
    """
    missing = [name for name in label.tables if name not in known.frames]
    if missing:
        raise DeclarationError(f"tables {missing} were not given", where=f"label {label.name}")
    check_label_of(label, observation_set, known.contracts)
    known_on = F.col("known_on") if "known_on" in observations.columns else F.lit(None).cast("date")
    asked = observations.select(
        "source", "bucket", "period", "observation_id", "customer_id", "as_of",
        local_date_expr("as_of", known.zone).alias("as_of_date"), known_on.alias("observed_known_on"),
    )  # fmt: skip
    if isinstance(label, OutcomeLabel):
        judged = judge_outcomes(label, asked, known, key=observation_set.key)
    elif isinstance(label, EventLabel):
        judged = judge_events(label, asked, known, own_table=observation_set.table)
    else:
        judged = judge_loans(label, asked, known, key=observation_set.key)
    is_mature = F.col("status") == "mature"
    settled = judged.select(
        *[name for name in judged.columns if name not in ("label", "known_on")],
        F.when(is_mature, F.col("label")).alias("label"),
        F.when(is_mature, F.col("known_on")).alias("known_on"),
        F.lit(observation_set.name).alias("observations"),
        F.lit(label.sentence).alias("definition"),
    )
    return settled.select(*[F.col(c.name).cast(_SPARK_TYPES[c.type]).alias(c.name) for c in LABEL_COLUMNS])
