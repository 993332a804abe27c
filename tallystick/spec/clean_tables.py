"""What every clean table has: its technical columns, its key and its layout.

Kept apart from ``tables``, which says what any table is: these rules hold for the clean layer alone, for the twenty-two
tables of the checkout as for one that a project adds. ``tally check`` holds contracts against them; ``tally table new``
writes them.
"""

from __future__ import annotations

from collections.abc import Iterator

from tallystick.spec.tables import Column, TableContract

CUSTOMER = "customer_id"

PARTITIONS = ("source", "bucket", "period")

# Columns of every clean table, in the order in which a new contract lists them; the table's own stand before `source`.
EVENT_AT = Column(name="event_at", type="timestamp", required=True, description="When it happened, UTC.")
KNOWN_ON = Column(
    name="known_on",
    type="date",
    required=True,
    description="First business date whose decisions may use the row.",
)
LOADED_ON = Column(
    name="loaded_on", type="date", required=True, description="Load date of the delivery that brought the row."
)
IS_RETRACTED = Column(
    name="is_retracted",
    type="boolean",
    required=True,
    description="True for a version that takes the row back; false otherwise.",
)
SOURCE = Column(name="source", type="string", required=True, description="Name of the source, as in sources/.")
BUCKET = Column(
    name="bucket",
    type="int32",
    required=True,
    description="Hash bucket of the customer: pmod(xxhash64(customer_id), the source's buckets).",
)
PERIOD = Column(
    name="period",
    type="string",
    required=True,
    description="Year or month of event_at in the source's zone, as the source's layout says.",
)

# Letters of a code or word. A clean table holds no free text, and whoever writes sentences needs more.
LONGEST_WORD = 64

TECHNICAL = (EVENT_AT, KNOWN_ON, LOADED_ON, IS_RETRACTED, SOURCE, BUCKET, PERIOD)


def holds_words(column: Column) -> bool:
    """Whether a column of a clean table holds codes or words of the source's own, of which no list is closed."""
    is_open = column.type == "string" and not column.values and column.pii != "pseudonymous"
    return is_open and column.name not in {known.name for known in TECHNICAL}


def clean_key(event_id: str) -> tuple[str, ...]:
    """The key of a clean table: one row is one version of one event, as one load of one source brought it."""
    return ("source", event_id, "known_on", "loaded_on")


def clean_faults(contract: TableContract) -> Iterator[tuple[str, str]]:
    """What a contract lacks to be one of a clean table, each with its advice; none when it is."""
    names = {column.name: column for column in contract.columns}
    for wanted in TECHNICAL:
        found = names.get(wanted.name)
        if found is None:
            if wanted is not IS_RETRACTED or contract.entity:
                yield f"column {wanted.name} is missing", f"{wanted.type}, required: {wanted.description}"
        elif found.type != wanted.type:
            yield f"column {wanted.name} is {found.type}", f"it is {wanted.type}"
        elif not found.required:
            yield f"column {wanted.name} may be null", "required: true"
    if not contract.event_id:
        yield "no column tells its rows apart", "customProperty eventId"
    elif contract.key != clean_key(contract.event_id):
        yield f"its key is {', '.join(contract.key)}", f"{', '.join(clean_key(contract.event_id))}"
    if (contract.event_at, contract.known_on) != ("event_at", "known_on"):
        yield "it does not name its times", "customProperties eventAt: event_at and knownOn: known_on"
    if contract.partition_by != PARTITIONS:
        yield f"it is partitioned by {', '.join(contract.partition_by) or 'nothing'}", ", ".join(PARTITIONS)
    if contract.entity not in ("", CUSTOMER):
        yield f"its entity is {contract.entity}", f"{CUSTOMER}, or none for a table without customers"
    for name in (contract.event_id, contract.entity):
        if name and name in names and (names[name].type, names[name].required) != ("string", True):
            yield f"{name} is not a text that is never null", "string, required: true"
    if contract.sequence not in ("", "sequence"):
        yield f"its sequence is {contract.sequence}", "the column is called sequence"
    elif "sequence" in names and not contract.sequence:
        yield "column sequence is not declared as the order within one instant", "customProperty sequence"
