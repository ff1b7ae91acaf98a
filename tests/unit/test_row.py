"""The row's columns: what is formatted comes back, and nothing else gets in."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.clock import minute_of, minute_start
from common.errors import RowRefused
from common.row import SENSOR_ID, Row, format_number, format_payload, parse_payload

SEOUL = ZoneInfo("Asia/Seoul")
ROME = ZoneInfo("Europe/Rome")

values = st.none() | st.integers(-(10**9), 10**9).map(lambda milli: milli / 1000)
rows = st.builds(
    Row,
    minute=st.integers(0, minute_of(minute_start(0).replace(year=2100))),
    sensor=st.from_regex(SENSOR_ID, fullmatch=True),
    flow=values,
    pressure=values,
    samples=st.integers(0, 999_999),
    flow_flags=st.text("0MRSKWL", min_size=4, max_size=4),
    pressure_flags=st.text("0MRSKWL", min_size=3, max_size=3),
)


@given(rows, st.sampled_from([SEOUL, ROME, ZoneInfo("Asia/Kathmandu"), ZoneInfo("UTC")]))
def test_a_row_comes_back_as_it_was(row: Row, zone: ZoneInfo) -> None:
    assert parse_payload(format_payload(row, zone)) == row


def test_the_columns_stand_as_the_contract_shows_them() -> None:
    row = Row(minute_of(minute_start(0).replace(2024, 8, 26, 7, 33)), "001", 8.02, 4.11, 60)
    assert format_payload(row, SEOUL) == "2024-08-26T16:33:00+09:00\t001\t8.02\t4.11\t60\t0000\t000"


def test_no_value_is_empty_and_never_zero() -> None:
    text = format_payload(Row(0, "001", None, 0.0, 0), SEOUL)
    assert text.split("\t")[2:5] == ["", "0", "0"]
    assert parse_payload(text).flow is None
    assert parse_payload(text).pressure == 0.0


def test_the_hour_that_summer_time_repeats_has_two_names() -> None:
    first = minute_of(minute_start(0).replace(2024, 10, 27, 0, 30))
    names = [format_payload(Row(minute, "001", 1, 1, 1), ROME)[:25] for minute in (first, first + 60)]
    assert names == ["2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00"]


@pytest.mark.parametrize(
    ("value", "text"), [(8.0, "8"), (8.0204, "8.02"), (-0.0004, "0"), (1e9, "1000000000"), (0.001, "0.001")]
)
def test_numbers_are_short_and_plain(value: float, text: str) -> None:
    assert format_number(value) == text


GOOD = "2024-08-26T16:33:00+09:00\t001\t8.02\t4.11\t60\t0000\t000"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD.replace("\t60", ""), "columns"),
        (GOOD + "\t", "columns"),
        (GOOD.replace("16:33:00", "16:33:01"), "time"),
        (GOOD.replace("08-26", "08-32"), "time"),
        (GOOD.replace("+09:00", ""), "time"),
        (GOOD.replace("001", ".."), "sensor"),
        (GOOD.replace("001", "-1"), "sensor"),
        (GOOD.replace("001", "=1+1"), "sensor"),
        (GOOD.replace("001", "a" * 33), "sensor"),
        (GOOD.replace("001", "a\x00b"), "sensor"),
        (GOOD.replace("8.02", "nan"), "flow"),
        (GOOD.replace("8.02", "1e3"), "flow"),
        (GOOD.replace("8.02", "8_0"), "flow"),
        (GOOD.replace("4.11", "inf"), "pressure"),
        (GOOD.replace("\t60", "\t-1"), "samples"),
        (GOOD.replace("\t60", "\t٣"), "samples"),
        (GOOD.replace("\t0000", "\t000"), "flow_flags"),
        (GOOD[:-1] + "\x1b", "pressure_flags"),
    ],
)
def test_what_is_not_a_row_is_refused_with_its_column(text: str, reason: str) -> None:
    with pytest.raises(RowRefused) as refused:
        parse_payload(text)
    assert refused.value.reason == reason


@given(st.text())
def test_any_text_is_a_row_or_refused(text: str) -> None:
    try:
        row = parse_payload(text)
    except RowRefused:
        return
    assert parse_payload(format_payload(row, SEOUL)) == row
