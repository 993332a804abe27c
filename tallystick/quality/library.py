"""Great Expectations, imported when it is first needed.

Kept apart from its users because the import takes seconds and needs settings.
"""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def library() -> Iterator[Any]:
    """The library, imported only now, since that takes seconds, and told to report to nobody."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    with warnings.catch_warnings():
        # It warns of what it and its dependencies will have to change; nobody who reads a run's output can do that.
        warnings.simplefilter("ignore")
        import great_expectations

        yield great_expectations
