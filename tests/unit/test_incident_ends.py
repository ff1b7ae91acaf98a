"""The end of an incident is when the flow fell, which is noticed later; what was counted since then was not lost."""

import pytest
from found import T, booked, down, up

from incidents.book import RETURN_MIN, Book
from incidents.incident import Incident, Size
from outliers.findings import End

HOUR = 60
M3H = 6.0


def leaked(*, hours: int, until_h: float, told_h: int, more: bool = False) -> Incident:
    """A leak of 6 m3/h, sized every ten minutes, that is noticed to be over after `told_h` hours."""
    book = Book("demo")
    book.on_findings([up("LEAK", T + HOUR, T)])
    for minute in range(HOUR, hours * HOUR + 1, 10):
        (incident,) = book.incidents
        book.on_size(incident, Size(T + minute, M3H, 0.5))
    book.on_findings([down("LEAK", T + told_h * HOUR, End.USUAL, until=T + int(until_h * HOUR))])
    if more:
        book.on_findings([up("SYS-STUCK", T + HOUR)])
    return book.incidents[0]


@pytest.mark.parametrize(("hours", "until_h"), [(24, 24), (24, 21.25), (24, 2.5), (200, 180), (200, 40)])
def test_the_volume_is_that_until_the_end(hours: int, until_h: float) -> None:
    one = leaked(hours=hours, until_h=until_h, told_h=hours)
    assert (one.ended, one.over_told) == (T + until_h * HOUR, T + hours * HOUR)
    assert one.minutes(T + 1000 * HOUR) == until_h * HOUR
    assert one.volume_m3 == pytest.approx(M3H * until_h, abs=0.1)
    assert one.end_is_estimate == (until_h < hours)
    assert one.course == []


def test_an_end_is_not_before_what_ended_was_told_nor_after_it_was_noticed() -> None:
    (early,) = booked(up("LEAK", T + 52, T), down("LEAK", T + 300, until=T + 10))
    assert (early.ended, early.over_told) == (T + 52, T + 300)
    (late,) = booked(up("LEAK", T + 52, T), down("LEAK", T + 300, until=T + 310))
    assert (late.ended, late.over_told, late.end_is_estimate) == (T + 300, T + 300, False)


def test_the_last_sign_says_when_it_was_over() -> None:
    found = [up("LEAK", T + 52, T), up("SUP-STEP", T + 60, numbers={"away_bar": -0.4})]
    (one,) = booked(*found, down("LEAK", T + 300, until=T + 200), down("SUP-STEP", T + 250))
    assert (one.ended, one.over_told) == (T + 250, T + 300)


def test_whether_it_has_returned_goes_by_when_its_end_was_noticed() -> None:
    patience = RETURN_MIN["leak"]
    first = [up("LEAK", T), down("LEAK", T + 600, until=T + 200)]
    (same,) = booked(*first, up("LEAK", T + 600 + patience))
    assert (same.returned, same.ended, same.over_told) == (1, None, None)
    assert len(booked(*first, up("LEAK", T + 601 + patience))) == 2


def test_what_was_noticed_by_a_wrong_clock_is_forgotten_with_its_end() -> None:
    book = Book("demo")
    book.on_findings([up("LEAK", T), down("LEAK", T + 600, until=T + 200)])
    book.forget_after(T + 500)
    (one,) = book.incidents
    assert (one.ended, one.signs[0].ended, one.signs[0].until) == (None, None, None)


@pytest.mark.parametrize("ahead", [30 * 24 * HOUR, 90])
def test_a_clock_that_was_ahead_leaves_no_volume(ahead: int) -> None:
    """Sized by the wrong clock, set right, and sized on."""
    book = Book("demo")
    book.on_findings([up("LEAK", T + HOUR, T)])
    (one,) = book.incidents
    for hour in range(1, 11):
        book.on_size(one, Size(T + hour * HOUR, M3H, 0.5))
    book.on_size(one, Size(T + 10 * HOUR + ahead, M3H, 0.5))
    book.forget_after(T + 10 * HOUR)
    for hour in range(11, 21):
        book.on_size(one, Size(T + hour * HOUR, M3H, 0.5))
    book.on_findings([down("LEAK", T + 20 * HOUR, until=T + 15 * HOUR)])
    assert one.volume_m3 == pytest.approx(15 * M3H, abs=0.1)


def test_a_leak_that_only_a_wrong_clock_saw_the_end_of_is_counted_on() -> None:
    book = Book("demo")
    book.on_findings([up("LEAK", T + HOUR, T)])
    (one,) = book.incidents
    book.on_size(one, Size(T + 2 * HOUR, M3H, 0.5))
    book.on_size(one, Size(T + 900 * HOUR, M3H, 0.5))
    book.on_findings([down("LEAK", T + 900 * HOUR, until=T + 800 * HOUR)])
    book.forget_after(T + 2 * HOUR)
    book.on_size(one, Size(T + 10 * HOUR, M3H, 0.5))
    assert one.ended is None
    assert one.volume_m3 == pytest.approx(10 * M3H, abs=0.1)
