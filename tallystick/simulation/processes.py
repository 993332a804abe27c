"""Work in several processes whose results come in the order of the tasks.

Task ``i`` is that of process ``i % processes``, and each result is taken when its turn comes: a process that is ahead
waits to hand its result over, so no more than one a process is in memory. Own code, and not a pool of the standard
library: a pool's workers outlive a parent that is killed, and these do not.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from tallystick.errors import SetupError
from tallystick.how_far import HowFar, untold

Task = TypeVar("Task")
Result = TypeVar("Result")


def work_in_order(
    work: Callable[[Task, HowFar], Result], tasks: Sequence[Task], *, processes: int, how_far: Sequence[HowFar]
) -> Iterator[Result]:
    """The result of each task, in order; ``how_far`` has a function for each task.

    One process or one task: all happens here. Several: ``work``, tasks and results are pickled, and only whole tasks
    are told. Whatever ends the iteration ends the processes.
    """
    count = min(processes, len(tasks))
    if count < 2:
        yield from (work(task, told) for task, told in zip(tasks, how_far, strict=True))
        return
    context = multiprocessing.get_context("spawn")
    ends = [context.Pipe(duplex=False) for _ in range(count)]
    workers = [
        context.Process(target=_work_through, args=(work, tasks[place::count], end[1]), daemon=True)
        for place, end in enumerate(ends)
    ]
    try:
        for worker, (_, theirs) in zip(workers, ends, strict=True):
            worker.start()
            # The process has its own: with the last one closed the other end knows that nothing more comes.
            theirs.close()
        for place, told in enumerate(how_far):
            yield _receive(ends[place % count][0])
            told(1.0)
    finally:
        for worker, (mine, _) in zip(workers, ends, strict=True):
            if worker.pid is not None:
                worker.terminate()
                worker.join()
            mine.close()


def _receive(source: Connection) -> Any:
    try:
        result, failure = source.recv()
    except EOFError as error:
        fix = "fewer --processes need less memory"
        raise SetupError("a process of the simulation was ended from outside", where="simulate", fix=fix) from error
    if failure is not None:
        raise failure
    return result


def _work_through(work: Callable[[Task, HowFar], Result], tasks: Sequence[Task], target: Connection) -> None:
    """In a process of its own, which ends with the one that started it. Ctrl-C is for that one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # A broken pipe: nobody waits for the result any more.
    with suppress(BrokenPipeError):
        for task in tasks:
            try:
                target.send((work(task, untold), None))
            except Exception as error:  # noqa: BLE001 - whatever it is, the one that waits must hear it
                error.add_note(traceback.format_exc())
                target.send((None, error))
                return


def _end_with_parent() -> None:
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
