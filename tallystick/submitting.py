"""The Airflow task that submits a job: it tells failures that a retry can repair from those that it cannot.

Apart from ``orchestration``, which says which tasks there are and in which order. The exit code decides, never the
words of a message (``errors.may_pass``).
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

from airflow.exceptions import AirflowException
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowTaskTimeout

from tallystick.errors import may_pass

# What a job's last sentence begins with (``ending.one_sentence``).
ERROR = "error: "


class JobOperator(SparkSubmitOperator):
    """Submits a job and ends with its reason.

    A failure that a retry cannot repair (bad input, a failed gate, a refused promotion, a wrong declaration) fails the
    task at once; any other is tried again as the DAG says. Either way the last line of the log is the job's own
    sentence, whole. ``lineage`` answers what the job reads and writes, with or without columns, for the listener of
    OpenLineage, which asks where a deployment has switched it on.
    """

    def __init__(self, *, lineage: Callable[[bool], Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lineage = lineage

    def get_openlineage_facets_on_start(self) -> Any:
        """The tables alone: the same task tells of columns when it has ended well."""
        return self.lineage(False)

    def get_openlineage_facets_on_complete(self, task_instance: Any) -> Any:
        """The tables, and the columns written with what each is made of."""
        return self.lineage(True)

    def get_openlineage_facets_on_failure(self, task_instance: Any) -> Any:
        """The tables alone: a job that failed has published nothing."""
        return self.lineage(False)

    def execute(self, context: Any) -> None:
        """Run the job; AirflowFailException or AirflowException with its sentence where it fails, AirflowTaskTimeout
        where it is at work for longer than the task may be.

        What it writes is announced for the run's business date, also where that came as a param.
        """
        for asset in self.outlets if not context["dag_run"].partition_key else ():
            context["outlet_events"][asset].add_partitions(context["dag_run"].conf["date"])
        hook = self._hook = cast("Any", self._get_hook())
        heard: deque[str] = deque(maxlen=1)
        process, submit = hook._process_spark_submit_log, hook.submit
        hook._process_spark_submit_log = lambda lines: process(_overheard(lines, heard))
        # A session of its own, so that all processes of the job can be ended together.
        hook.submit = partial(submit, start_new_session=True)
        try:
            super().execute(context)
        except AirflowTaskTimeout:
            # Airflow then ends the job (``on_kill``); its own text is the number of a process.
            raise AirflowTaskTimeout(f"not over after {self.execution_timeout}: the job was ended") from None
        except AirflowException as error:
            code = hook._submit_sp.returncode if hook._submit_sp is not None else None
            if code is None:
                raise
            reason = heard[0] if heard else f"{self.task_id} ended with exit code {code} and gave no reason"
            kind = AirflowException if may_pass(code) else AirflowFailException
            raise kind(f"{reason} [exit code {code}]") from error

    def on_kill(self) -> None:
        """End the job with all its processes: Spark's own kill leaves the Python that Java started."""
        started = cast("Any", self._hook)._submit_sp if self._hook is not None else None
        super().on_kill()
        if started is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)


def _overheard(lines: Iterator[Any], heard: deque[str]) -> Iterator[Any]:
    """The lines as they are; the last sentence of an error stays in ``heard``."""
    for line in lines:
        text = str(line).strip()
        if text.startswith(ERROR):
            heard.append(text.removeprefix(ERROR))
        yield line
