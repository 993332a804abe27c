"""Reads from Parquet footers how many bytes each column takes, without reading any value."""

from __future__ import annotations

from collections.abc import Mapping

from tallystick.tables.store.file_access import open_parquet


def column_sizes(path: str) -> Mapping[str, int]:
    """The bytes that each column takes in the file, compressed, as reading it will fetch them."""
    sizes: dict[str, int] = {}
    with open_parquet(path) as file:
        metadata = file.metadata
    for group in range(metadata.num_row_groups):
        row_group = metadata.row_group(group)
        for number in range(row_group.num_columns):
            column = row_group.column(number)
            name = column.path_in_schema.split(".", 1)[0]
            sizes[name] = sizes.get(name, 0) + column.total_compressed_size
    return sizes
