"""The chart of a message: a valid picture of what is known, and none where too little is."""

import math
import struct
import zlib
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.night import DAY_MINUTES
from common.row import Row, format_payload
from consumer.alerts import chart, recent
from consumer.alerts.chart import BLUE, HEIGHT, HIGH, LEFT, RED, TOP, WIDE, WIDTH, Canvas, draw
from consumer.alerts.recent import RecentValues
from log.format import Record

SEOUL = ZoneInfo("Asia/Seoul")
T0 = 28_000_000


def pixels(png: bytes) -> list[bytes]:
    """The lines of the picture, as palette indices; every part is whole."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    parts: dict[bytes, bytes] = {}
    place = 8
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        kind, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", png, place + 8 + length) == (zlib.crc32(kind + data),)
        parts[kind] = data
        place += 12 + length
    assert [*parts] == [b"IHDR", b"PLTE", b"IDAT", b"IEND"]
    assert struct.unpack(">II", parts[b"IHDR"][:8]) == (WIDTH, HEIGHT)
    whole = zlib.decompress(parts[b"IDAT"])
    return [whole[line * (WIDTH + 1) + 1 : (line + 1) * (WIDTH + 1)] for line in range(HEIGHT)]


def columns(lines: list[bytes], colour: int) -> set[int]:
    return {x for line in lines[TOP : TOP + HIGH] for x, pixel in enumerate(line) if pixel == colour}


def test_values_are_drawn_where_they_are_and_a_gap_stays_a_gap() -> None:
    values: list[float | None] = [8.0] * DAY_MINUTES
    values[300:600] = [None] * 300
    lines = pixels(draw(values, T0, T0 - 299, T0 - 150, SEOUL))
    drawn = columns(lines, BLUE)
    assert drawn == {LEFT + place for place in range(WIDE) if not 100 <= place < 200}
    assert min(columns(lines, RED)) == LEFT + 380 and max(columns(lines, RED)) == LEFT + 429
    assert BLUE in lines[TOP] and BLUE not in lines[TOP + HIGH - 1]


@pytest.mark.parametrize(
    ("channel", "values", "written"),
    [
        ("flow", [18_570.4, 9_000.0], ["0", "18570", "m3/h"]),  # not 1.857: that is another number
        ("both", [45.894, 3.2], ["0", "45.89", "m3/h"]),
        ("pressure", [4.162, 0.0], ["0", "4.162", "bar"]),
        ("pressure", [4.1, -0.02], ["0", "4.1", "bar"]),  # too near to 0 to be read
        ("flow", [4.0, -2.25], ["0", "4", "m3/h", "-2.25"]),
        ("flow", [-3.0, -2.25], ["0", "m3/h", "-3"]),
        ("flow", [1e6, 0.00004], ["0", "1000000", "m3/h"]),
    ],
)
def test_the_axis_has_its_unit_and_numbers_that_are_true_and_apart(
    channel: str, values: list[float], written: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    texts: list[str] = []
    monkeypatch.setattr(Canvas, "write", lambda _self, _left, _top, text: texts.append(text))
    draw(values * 200, T0, T0 - 60, None, SEOUL, channel=channel)
    assert [text for text in texts if ":" not in text] == written
    assert {sign for text in texts for sign in text} <= chart.SIGNS.keys()


@given(st.lists(st.none() | st.floats(-1e6, 1e6), max_size=DAY_MINUTES), st.integers(-5000, 5000))
def test_any_values_make_a_picture_or_none(values: list[float | None], began: int) -> None:
    png = draw(values, T0, T0 + began, None, SEOUL)
    if png:
        pixels(png)
    else:
        assert sum(value is not None for value in values) < 30


def rows(minutes: list[int], sensor: str = "001") -> Iterator[Record]:
    for minute in minutes:
        payload = format_payload(Row(minute, sensor, float(minute - T0), 4.0, 60, "0000", "000"), SEOUL)
        yield Record(minute, payload)


def test_the_day_is_kept_whatever_the_order_and_the_future_is_not() -> None:
    values = RecentValues()
    values.add([*rows([T0, T0 + 5, T0 + 2, T0 + 500, T0 - DAY_MINUTES])], T0 + 5)
    day = values.day("001", "flow", T0 + 5)
    assert len(day) == DAY_MINUTES
    assert day[-6:] == [0.0, None, 2.0, None, None, 5.0]
    assert values.day("001", "pressure", T0 + 5)[-1] == pytest.approx(4.0)
    values.add([*rows([T0 + DAY_MINUTES + 1])], T0 + DAY_MINUTES + 1)
    later = values.day("001", "flow", T0 + DAY_MINUTES + 1)
    assert [value for value in later if value is not None] == [2.0, 5.0, float(DAY_MINUTES + 1)]
    assert not values.day("002", "flow", T0)


def test_rows_that_are_none_and_sensors_without_end_cost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "MOST_SENSORS", 2)
    values = RecentValues()
    values.add([Record(1, "no row")], T0)
    for number in range(5):
        values.add([*rows([T0], f"00{number}")], T0)
    assert [bool(values.day(f"00{number}", "flow", T0)) for number in range(5)] == [True, True, False, False, False]
    assert not math.isnan(values.day("000", "flow", T0)[-1] or 0.0)
