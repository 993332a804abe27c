"""A file that DuckDB reads by several threads at once gives each the bytes of its own place."""

from __future__ import annotations

import io
import threading

import pyarrow as pa

from tallystick.tables.store.duckdb_files import SharedFile

CONTENT = bytes(range(256))


def test_a_thread_reads_where_it_has_sought_whatever_others_do() -> None:
    file, found = SharedFile(pa.BufferReader(CONTENT)), list[bytes]()
    file.seek(10)

    def other() -> None:
        found.append(file.read(2))
        file.seek(200)
        found.append(file.read(3))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()
    assert found == [CONTENT[:2], CONTENT[200:203]]
    assert file.read(4) == CONTENT[10:14]
    assert (file.tell(), file.seek(2, io.SEEK_CUR), file.seek(-1, io.SEEK_END)) == (14, 16, 255)
    assert (file.read(), file.read(), file.read(5)) == (CONTENT[255:], b"", b"")
    file.close()
    file.close()
    assert file.closed
