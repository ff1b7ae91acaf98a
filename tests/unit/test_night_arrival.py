"""Is minute T in? Only when the archive has passed what the producer had written by then."""

from log.mark import Mark
from nightflow.arrival import WAITING_MARKS, Arrival


def mark(minute: int, end: int) -> Mark:
    return Mark(minute, end, "log")


def test_a_minute_is_in_when_the_archive_has_passed_its_mark() -> None:
    arrival = Arrival()
    arrival.look(mark(100, 30), 27)
    assert (arrival.in_through, arrival.lag_rows) == (None, 3)
    arrival.look(mark(101, 33), 30)  # the newer mark is not passed, the one before is
    assert (arrival.in_through, arrival.lag_rows) == (100, 3)
    arrival.look(mark(101, 33), 33)
    assert (arrival.in_through, arrival.lag_rows) == (101, 0)


def test_without_a_mark_or_a_commit_nothing_is_in() -> None:
    arrival = Arrival()
    arrival.look(None, 10)
    arrival.look(mark(100, 30), None)
    assert arrival.in_through is None


def test_an_archive_that_is_behind_for_long_costs_no_memory_and_no_minute() -> None:
    arrival = Arrival()
    for minute in range(10 * WAITING_MARKS):
        arrival.look(mark(minute, minute + 1), 0)
    arrival.look(mark(10 * WAITING_MARKS, 10 * WAITING_MARKS), 10 * WAITING_MARKS)
    assert arrival.in_through == 10 * WAITING_MARKS
