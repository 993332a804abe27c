"""The label stage: from observations and clean tables to one labelled row per observation.

What is common to all kinds of labels is here; what a kind looks at is in ``outcomes``, ``loan_windows`` and ``events``.
A label is one text of Spark's SQL, whoever answers it: Spark, or DuckDB where the tables are small.

``known_on`` of a label is the first date from which on anyone who asks gets this very answer until the cut-off. It is
the latest of: the day the window is settled, and for every row that decides the answer, or did so in an older version,
the date since when it says what it says now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tallystick.errors import DeclarationError
from tallystick.labels.engines import Steps, ask_arrow, ask_spark, query_of, view_name
from tallystick.labels.events import judge_events
from tallystick.labels.loan_windows import judge_loans
from tallystick.labels.local_dates import local_date_sql
from tallystick.labels.outcomes import judge_outcomes
from tallystick.labels.versions import KnownTables
from tallystick.spec.label_checks import check_label_of
from tallystick.spec.labels import LABEL_COLUMNS, EventLabel, Label, OutcomeLabel
from tallystick.spec.mappings import text_sql
from tallystick.spec.observations import ObservationSet

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_SPARK_TYPES = {"string": "STRING", "int32": "INT", "timestamp": "TIMESTAMP", "date": "DATE"}


def build_labels(
    label: Label, observations: DataFrame, known: KnownTables[DataFrame], *, observation_set: ObservationSet
) -> DataFrame:
    """The rows of ``label.<name>`` of one observation set: one per observation, by what was known on the cut-off.

    ``observations`` has source, bucket, period, observation_id, customer_id and as_of. Where it also has ``known_on``,
    nobody could label the observation before that date; null and no such column mean that it was known by its as_of.
    ``known`` holds the frames that ``label.tables`` names. The answer has the columns of ``spec.labels.LABEL_COLUMNS``;
    ``label`` and ``known_on`` are null unless ``status`` is ``mature``.
    """
    sql = labels_sql(label, observations.columns, known, observation_set=observation_set)
    return ask_spark(sql, {**_frames(label, known), "observations": observations})


def build_few_labels(
    label: Label, observations: pa.Table, known: KnownTables[pa.Table], *, observation_set: ObservationSet
) -> pa.Table:
    """The rows of ``build_labels``, made in this process from tables in memory.

    NotTranslated where only Spark knows the answer, QueryStopped where Spark would stop on a row, too.
    """
    sql = labels_sql(label, observations.column_names, known, observation_set=observation_set)
    return ask_arrow(sql, {**_frames(label, known), "observations": observations})


def labels_sql(
    label: Label, observed: Sequence[str], known: KnownTables[Any], *, observation_set: ObservationSet
) -> str:
    """The query of a label's rows, over ``observations`` with these columns and the label's tables."""
    missing = [name for name in label.tables if name not in known.frames]
    if missing:
        raise DeclarationError(f"tables {missing} were not given", where=f"label {label.name}")
    check_label_of(label, observation_set, known.contracts)
    known_on = "known_on" if "known_on" in observed else "CAST(NULL AS DATE)"
    asked = (
        "SELECT source, bucket, period, observation_id, customer_id, as_of,"
        f" {local_date_sql('as_of', known.zone)} AS as_of_date, {known_on} AS observed_known_on"
        f" FROM {view_name('observations')}"
    )
    return query_of(
        {"asked": asked, **_judge(label, known, observation_set), "settled": _settled(label, observation_set)}
    )


def _frames(label: Label, known: KnownTables[Any]) -> dict[str, Any]:
    return {name: known.frames[name] for name in label.tables if name in known.frames}


def _judge(label: Label, known: KnownTables[Any], observation_set: ObservationSet) -> Steps:
    if isinstance(label, OutcomeLabel):
        return judge_outcomes(label, known, key=observation_set.key)
    if isinstance(label, EventLabel):
        return judge_events(label, known, own_table=observation_set.table)
    return judge_loans(label, known, key=observation_set.key)


def _settled(label: Label, observation_set: ObservationSet) -> str:
    told = {
        "label": "CASE WHEN status = 'mature' THEN label END",
        "known_on": "CASE WHEN status = 'mature' THEN known_on END",
        "observations": text_sql(observation_set.name),
        "definition": text_sql(label.sentence),
    }
    listed = [f"CAST({told.get(c.name, c.name)} AS {_SPARK_TYPES[c.type]}) AS {c.name}" for c in LABEL_COLUMNS]
    return f"SELECT {', '.join(listed)} FROM judged"
