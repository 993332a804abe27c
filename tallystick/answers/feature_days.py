"""What the ledger of features says of a group's computed days, read once for all that an answer asks of it.

Apart from the ledger because it reads a few columns of a held version, without a contract or a declaration.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa

from tallystick.answers.shelves import Shelf
from tallystick.tables.store.parquet_files import read_files

# What is read of a row; files from before a column was written have nulls for it.
_READ = pa.schema(
    [
        ("as_of_date", pa.date32()),
        ("inputs", pa.string()),
        ("definition", pa.string()),
        ("declared", pa.string()),
        ("committed_version", pa.int64()),
    ]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureDay:
    """One computed day of a group: versions of the tables its values come from, their definition, and, None where it is
    not written down, the digest of what was declared then and the version of the feature table that holds them.
    """

    inputs: Mapping[str, int]
    definition: str
    declared: str | None
    committed: int | None


@dataclass(slots=True)
class FeatureDays:
    """The computed days of one set of observations, by customer's source and group; none where there is no ledger."""

    shelf: Shelf | None
    observations: str
    _held: dict[tuple[str, str], dict[date, FeatureDay]] = field(default_factory=dict)

    def of(self, source: str, group: str) -> dict[date, FeatureDay]:
        """The days of a group by date."""
        asked = (source, group)
        if asked not in self._held:
            self._held[asked] = self._read(source, group)
        return self._held[asked]

    def is_known_same(self, source: str, group: str, day: date, *, declared: str) -> bool:
        """Whether the day's values surely mean what is declared now, in files of the digest ``declared``.

        They do where they, or any other day of the same definition, were computed from exactly the same files. False
        says nothing: the definitions must be compared.
        """
        days = self.of(source, group)
        same = {one.definition for one in days.values() if one.declared == declared}
        return day in days and days[day].definition in same

    def _read(self, source: str, group: str) -> dict[date, FeatureDay]:
        shelf = self.shelf
        files = shelf.shared_files(source, observations=self.observations, feature_group=group) if shelf else ()
        return {
            row["as_of_date"]: FeatureDay(
                inputs=json.loads(row["inputs"]),
                definition=row["definition"],
                declared=row["declared"],
                committed=row["committed_version"],
            )
            for row in read_files([file.path for file in files], _READ).to_pylist()
        }
