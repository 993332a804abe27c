"""Turns errors of Spark and Delta into ours: their own messages quote rows, which nobody may read in a log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote

from tallystick.errors import ConflictError, ContractError, SetupError, TallystickError

# Delta's exceptions for a commit that another writer overtook (delta.exceptions and their Java names).
CONFLICT = re.compile(r"Concurrent\w*Exception|DELTA_CONCURRENT_\w+|MetadataChangedException|ProtocolChangedException")

# A Parquet file that Spark could not read, with its path.
DAMAGED = re.compile(r"FAILED_READ_FILE[^\n]*?file://([^\s'\"]+\.parquet)")


@contextmanager
def without_values(where: str) -> Iterator[None]:
    """Turn an error of Spark inside the block into one of ours that names ``where`` and the kind of error only.

    A lost race is a ConflictError, a full disk a SetupError, a tallystick error raised in a task keeps its class and
    message; all else is a ContractError with Spark's error condition, because what Spark was asked to do was to
    compute and store rows. The original is not chained: its text may quote a row.
    """
    from py4j.protocol import Py4JError  # type: ignore[import-untyped]  # py4j ships no types
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise translate(error, where) from None


def translate(error: Exception, where: str) -> TallystickError:
    """The error of ours that stands for an error of Spark."""
    text = str(error)
    if CONFLICT.search(text) or CONFLICT.search(type(error).__name__):
        return ConflictError(
            "another run wrote this slice first", where=where, fix="run it again when the other run is over"
        )
    if "No space left on device" in text:
        return SetupError("the disk is full", where=where, fix="free some space and run it again")
    ours = _raised_in_task(text)
    if ours is not None:
        return ours
    damaged = DAMAGED.search(text)
    if damaged is not None:
        fix = "restore it from a copy, or run the step that wrote it again"
        return SetupError(f"a file of {where} is damaged", where=unquote(damaged[1]), fix=fix)
    condition = getattr(error, "getCondition", lambda: None)()
    inner = re.search(r"\[([A-Z][A-Z_]+(?:\.[A-Z_]+)*)\]", text)
    kind = (inner.group(1) if inner else None) or condition or type(error).__name__
    return ContractError(
        f"Spark could not compute or store the rows: {kind}", where=where, fix="check the step before the write"
    )


def _raised_in_task(text: str) -> TallystickError | None:
    """The tallystick error whose traceback a Python task left in Spark's message."""
    found = re.search(r"^tallystick\.errors\.(\w+): (.*)$", text, re.MULTILINE)
    if found is None:
        return None
    classes = {cls.__name__: cls for cls in _all_errors(TallystickError)}
    return classes.get(found.group(1), TallystickError)(found.group(2))


def _all_errors(base: type[TallystickError]) -> list[type[TallystickError]]:
    return [base, *(cls for sub in base.__subclasses__() for cls in _all_errors(sub))]
