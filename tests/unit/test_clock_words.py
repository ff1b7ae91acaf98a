"""How a clock's offset is said."""

import pytest

from common.clock_words import MOST_LISTED, fast_or_slow, listed, said_of_meter


@pytest.mark.parametrize(
    ("offset_s", "said"),
    [
        (59, "59 s fast"),
        (-60, "1 min slow"),
        (180, "3 min fast"),
        (-32_400, "9 h 0 min slow"),
        (90_000, "1 d 1 h fast"),
    ],
)
def test_an_offset_in_words(offset_s: float, said: str) -> None:
    assert fast_or_slow(offset_s) == said


def test_what_is_within_the_way_of_a_reading_is_not_worth_a_line() -> None:
    assert [said_of_meter(offset_s) for offset_s in (0, -59, 60)] == ["", "", "its clock is 1 min fast"]


def test_of_many_clocks_the_furthest_off_are_listed() -> None:
    words = listed({f"{number:03}": number / 10 for number in range(MOST_LISTED + 9)} | {"bad": -7200.0})
    assert words.endswith(", bad 2 h 0 min slow and 10 more")
    assert words.count(",") == MOST_LISTED - 1 and "001" not in words
