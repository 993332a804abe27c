"""The task that waits for a delivery, and says for what: the folder, and the files that the source declares."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import BaseSensorOperator
from airflow.sdk.exceptions import AirflowSensorTimeout

HOURS = 12


class DeliverySensor(BaseSensorOperator):
    """Waits for ``folder`` (a template), or a further delivery of the same date beside it (``2026-04-07.2``).

    A supplier moves a whole folder in place, so a folder that exists is complete. While it waits, the task holds
    no process. ``files`` are the names or patterns that the source declares.
    """

    template_fields: Sequence[str] = ("folder",)

    def __init__(self, *, folder: str, files: Sequence[str], **kwargs: Any) -> None:
        # The timeout below counts from the first look; the DAG's execution timeout is for each look alone.
        super().__init__(poke_interval=60, timeout=timedelta(hours=HOURS), mode="reschedule", **kwargs)
        self.folder = folder
        self.files = list(files)

    def poke(self, context: Any) -> bool:
        """Whether the delivery is there; if not, the log says what is waited for."""
        wanted = Path(self.folder)
        further = re.compile(rf"{re.escape(wanted.name)}(\.\d)?")
        there = sorted(path.name for path in wanted.parent.iterdir() if further.fullmatch(path.name) and path.is_dir())
        if there:
            self.log.info("delivered: %s in %s", ", ".join(there), wanted.parent)
            return True
        self.log.info("waiting for the folder %s", self._wanted())
        return False

    def execute(self, context: Any) -> Any:
        """Look again and again; AirflowSensorTimeout says what did not come."""
        try:
            return super().execute(context)
        except AirflowSensorTimeout as error:
            what = f"no delivery within {HOURS} hours: {self._wanted()}"
            raise AirflowSensorTimeout(f"{what} (deliver it, then clear this task: docs/operate.md)") from error

    def _wanted(self) -> str:
        return f"{self.folder} with {', '.join(self.files)}"
