"""What a run says while it works: nothing at first, then how far it is and how long it takes, and ever more rarely."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable

import pytest

from tallystick.how_far import HowFar, parts_of
from tallystick.runs.progress import Teller


class Terminal(io.StringIO):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        return True


class Watched:
    """A teller on a stream whose seconds pass when it is told so."""

    def __init__(self, stream: io.StringIO | None = None) -> None:
        self.now, self.stream = 100.0, stream or io.StringIO()
        self.teller = Teller(lambda: self.stream, lambda: self.now)

    def wait(self, seconds: float) -> None:
        """Let time pass, half a second at a time, as the thread does."""
        for _ in range(int(2 * seconds)):
            self.now += 0.5
            self.teller.look()

    @property
    def lines(self) -> list[str]:
        """What was said."""
        return [line.strip() for line in self.stream.getvalue().splitlines()]


@pytest.fixture(autouse=True)
def no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Teller, "_watch", lambda self, ended: None)


def test_five_seconds_are_silent_and_the_end_is_too() -> None:
    watched = Watched()
    with watched.teller.working("features") as how_far:
        watched.wait(4.5)
        how_far(0.9)
    watched.wait(60)
    assert watched.lines == []


def test_then_each_five_seconds_say_how_far_it_is_and_how_long_it_will_take() -> None:
    watched = Watched()
    with watched.teller.working("features") as how_far:
        watched.wait(4)
        how_far(0.25)
        watched.wait(6)
        how_far(0.5)
        watched.wait(4.5)
    assert watched.lines == [
        "features: 25 % after 5 s, about 15 s left",
        "features: 25 % after 10 s, about 30 s left",
    ]


def test_what_has_finished_nothing_says_what_it_waits_for_and_invents_no_figure() -> None:
    watched = Watched()
    with watched.teller.working("reading tran.csv.gz") as how_far:
        watched.wait(5)
        how_far(0.009)
        watched.wait(5)
        how_far(0.049)
        watched.wait(5)
    assert watched.lines == [
        "reading tran.csv.gz: 5 s",
        "reading tran.csv.gz: 10 s",
        "reading tran.csv.gz: 4 % after 15 s",
    ]


def test_what_is_done_but_for_its_end_has_no_time_left() -> None:
    watched = Watched()
    with watched.teller.working("scores") as how_far:
        how_far(1.0)
        watched.wait(5)
    assert watched.lines == ["scores: 100 % after 5 s"]


@pytest.mark.parametrize(
    ("seconds", "share", "told"),
    [
        (89, 0.5, "89 s, about 89 s left"),
        (120, 0.5, "2 min, about 2 min left"),
        (3600, 0.25, "60 min, about 3 h 0 min left"),
        (9000, 0.999, "2 h 30 min, about 9 s left"),
    ],
)
def test_times_are_told_as_people_say_them(seconds: float, share: float, told: str) -> None:
    watched = Watched()
    with watched.teller.working("x") as how_far:
        how_far(share)
        watched.now += seconds
        watched.teller.look()
    assert watched.lines == [f"x: {int(100 * share)} % after {told}"]


def test_any_other_line_is_a_sign_of_life() -> None:
    watched = Watched()
    with watched.teller.working("validate") as how_far:
        for table in "abcd":
            watched.wait(4)
            how_far(0.1)
            watched.teller.say(table)
    assert watched.lines == ["a", "b", "c", "d"]


def test_the_innermost_work_is_told_and_then_the_outer_one_again() -> None:
    watched = Watched()
    with watched.teller.working("ingest source"):
        watched.wait(3)
        with watched.teller.working("reading") as how_far:
            how_far(0.5)
            watched.wait(2)
        watched.wait(5)
    assert watched.lines == ["reading: 50 % after 2 s, about 2 s left", "ingest source: 10 s"]


def test_an_hour_in_a_log_is_told_in_some_thirty_lines_that_come_ever_more_rarely() -> None:
    watched = Watched()
    seen: list[float] = []
    with watched.teller.working("features"):
        for _ in range(3600):
            before = len(watched.lines)
            watched.wait(1)
            seen += [watched.now - 100] * (len(watched.lines) - before)
    gaps = [after - before for before, after in zip([0.0, *seen], seen, strict=False)]
    assert gaps[0] == 5
    assert gaps == sorted(gaps)
    assert 30 <= len(gaps) <= 35
    assert min(gap for gap, at in zip(gaps, seen, strict=True) if at > 70) >= 10


def test_a_terminal_shows_one_line_that_is_replaced_and_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    watched = Watched(Terminal())
    with watched.teller.working("features") as how_far:
        how_far(0.5)
        watched.wait(10)
        watched.teller.say("txn: 3 rows")
        watched.wait(5)
    back = "\r\x1b[K"
    first, second, third = (f"      features: 50 % after {n} s, about {n} s left" for n in (5, 10, 15))
    assert watched.stream.getvalue() == f"{first}{back}{second}{back}txn: 3 rows\n{third}{back}"


def test_whoever_is_asked_and_does_not_answer_stops_nothing() -> None:
    def gone() -> float:
        raise ConnectionError("the JVM is gone")

    watched = Watched()
    with watched.teller.working("features") as how_far:
        how_far(0.5)
        how_far(gone)
        watched.wait(5)
    assert watched.lines == ["features: 50 % after 5 s, about 5 s left"]


def test_work_never_goes_back_when_its_last_answer_is_smaller() -> None:
    answers = iter([0.5, 0.0])
    watched = Watched()
    with watched.teller.working("features") as how_far:
        how_far(lambda: next(answers))
        watched.wait(10)
    assert [line.split(" after")[0] for line in watched.lines] == ["features: 50 %", "features: 50 %"]


def test_an_answer_that_comes_after_the_end_is_not_told() -> None:
    watched = Watched()
    ended = watched.teller.working("features")
    how_far = ended.__enter__()

    def late() -> float:
        ended.__exit__(None, None, None)
        return 0.5

    how_far(late)
    watched.now += 5
    watched.teller.look()
    assert watched.lines == []


def test_parts_count_by_their_sizes_and_parts_of_parts_by_theirs() -> None:
    told: list[float] = []

    def hear(share: float | Callable[[], float]) -> None:
        told.append(share() if callable(share) else share)

    small, large = parts_of(hear, [1, 3])
    small(1.0)
    first, second = parts_of(large, [0, 0])
    first(lambda: 1.0)
    second(0.5)
    large(1.0)
    assert told == [0.25, 0.625, 0.8125, 1.0]


def test_the_thread_ends_with_the_work_whatever_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("tallystick.runs.progress.EVERY", 0.001)
    looked = threading.Event()

    def fail(self: Teller) -> None:
        looked.set()
        raise BrokenPipeError

    monkeypatch.setattr(Teller, "look", fail)

    def work(teller: Teller) -> HowFar:
        with teller.working("features"):
            assert looked.wait(5)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work(Watched().teller)
    (left,) = [one for one in threading.enumerate() if one.name == "progress"] or [None]
    if left is not None:
        left.join(5)
        assert not left.is_alive()
