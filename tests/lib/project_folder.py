"""A project folder of one table, written to disk: the smallest files that are right, for a test to break."""

from __future__ import annotations

from pathlib import Path

CONTRACT = """\
apiVersion: v3.2.0
kind: DataContract
id: clean.visits
name: clean.visits
version: 1.0.0
status: active
team: {name: tests}
schema:
  - name: visits
    physicalType: table
    description: Visits of customers.
    dataGranularityDescription: one row per visit and version of it
    customProperties:
      - {property: entity, value: customer_id}
      - {property: eventId, value: visit_id}
      - {property: eventAt, value: event_at}
      - {property: knownOn, value: known_on}
      - {property: sort, value: [customer_id, event_at, visit_id]}
      - {property: derivedFrom, value: [raw.*]}
    properties:
      - {name: customer_id, logicalType: string, physicalType: STRING, required: true, classification: pseudonymous,
         description: Who came.}
      - {name: visit_id, logicalType: string, physicalType: STRING, required: true, primaryKey: true,
         primaryKeyPosition: 2, classification: none, description: The visit.}
      - {name: event_at, logicalType: timestamp, physicalType: TIMESTAMP, required: true, classification: none,
         description: When.}
      - {name: known_on, logicalType: date, physicalType: DATE, required: true, primaryKey: true,
         primaryKeyPosition: 3, classification: none, description: Known.}
      - {name: loaded_on, logicalType: date, physicalType: DATE, required: true, primaryKey: true,
         primaryKeyPosition: 4, classification: none, description: Loaded.}
      - {name: is_retracted, logicalType: boolean, physicalType: BOOLEAN, required: true, classification: none,
         description: Taken back.}
      - {name: purpose, logicalType: string, physicalType: STRING, classification: personal,
         enum: [{value: advice}, {value: cash}], description: Why.}
      - {name: source, logicalType: string, physicalType: STRING, required: true, primaryKey: true,
         primaryKeyPosition: 1, partitioned: true, partitionKeyPosition: 1, classification: none,
         description: Supplier.}
      - {name: bucket, logicalType: integer, physicalType: INT, required: true, partitioned: true,
         partitionKeyPosition: 2, classification: none, description: Bucket.}
      - {name: period, logicalType: string, physicalType: STRING, required: true, partitioned: true,
         partitionKeyPosition: 3, classification: none, description: Year.}
"""

SUITE = """\
name: clean.visits
expectations:
  - {type: expect_compound_columns_to_be_unique, kwargs: {column_list: [source, visit_id, known_on, loaded_on]},
     severity: critical, meta: {reason: One visit is one row.}}
  - {type: expect_column_values_to_not_be_null, kwargs: {column: customer_id}, severity: critical,
     meta: {reason: Somebody came.}}
  - {type: expect_column_values_to_not_be_null, kwargs: {column: visit_id}, severity: critical,
     meta: {reason: It has an id.}}
  - {type: expect_column_values_to_not_be_null, kwargs: {column: event_at}, severity: critical,
     meta: {reason: It has a moment.}}
  - {type: expect_column_values_to_not_be_null, kwargs: {column: known_on}, severity: critical,
     meta: {reason: It is known.}}
  - {type: expect_column_values_to_not_be_null, kwargs: {column: loaded_on}, severity: critical,
     meta: {reason: It was loaded.}}
  - {type: expect_column_values_to_not_be_null, kwargs: {column: is_retracted}, severity: critical,
     meta: {reason: It counts or not.}}
  - {type: expect_column_values_to_be_in_set, kwargs: {column: purpose, value_set: [advice, cash]},
     severity: critical, meta: {reason: Nothing else is offered.}}
"""

GROUP = """\
from tallystick.spec.features import FeatureGroup, Measure

VISITS = FeatureGroup(
    name="visit",
    table="clean.visits",
    owner="tests",
    windows=("30d",),
    measures=(Measure(name="any", ops="count", description="Visits in {window}", reason="Visits in {window}"),),
)
"""


OBSERVATIONS = """\
from tallystick.spec.observations import ObservationSet, Rows

VISITS = ObservationSet(name="visits", key="visit_id", population=Rows(table="clean.visits"))
"""


def write_project(root: Path, *, contract: str = CONTRACT, suite: str = SUITE, group: str = GROUP) -> Path:
    """Write the project below ``root``; an empty text leaves its file out."""
    for folder in ("schemas/clean", "expectations/clean", "features", "observations", "recipes", "sources"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    files = {
        "schemas/clean/visits.yaml": contract,
        "expectations/clean/visits.yaml": suite,
        "features/visits.py": group,
        "observations/visits.py": OBSERVATIONS,
    }
    for path, text in files.items():
        if text:
            (root / path).write_text(text, encoding="utf-8")
    return root
