"""Which columns of which tables a set of observations is drawn from."""

from __future__ import annotations

from collections.abc import Collection

from tallystick.observations.specs import ObservationSpec
from tallystick.spec.expressions import columns_used
from tallystick.spec.observations import MOB, OBSERVATION_COLUMNS, OF_OPEN, Given
from tallystick.visibility import LOADED_ON

# The columns that say who a row is of and when it is seen.
VISIBILITY = ("customer_id", "event_at", "known_on", "is_retracted")


def columns_to_read(spec: ObservationSpec, single_version: Collection[str] = ()) -> dict[str, tuple[str, ...]]:
    """Per table the columns that ``observe`` needs.

    ``single_version`` names tables whose rows are known to have one version each. Identifiers are long and all
    different: of a table that only tells who is there, they are read only where they tell versions apart.
    """
    if spec.kind == Given.kind:
        return dict.fromkeys(spec.tables, OBSERVATION_COLUMNS)
    if not spec.declared.table:
        return {
            table: VISIBILITY if table in single_version else (*VISIBILITY, LOADED_ON, event_id)
            for table, event_id in spec.tables.items()
        }
    population = spec.declared.population
    closed_on = [population.closed_on] if isinstance(population, OF_OPEN) and population.closed_on else []
    used = [name for name in columns_used(spec.condition) if name != MOB] if spec.condition else []
    versions = [] if spec.declared.table in single_version else [LOADED_ON]
    needed = (*VISIBILITY, *versions, spec.declared.key, *closed_on, *used, *spec.columns)
    return {spec.declared.table: tuple(dict.fromkeys(needed))}
