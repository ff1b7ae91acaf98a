"""What a weather service answers: hours that can be believed, or a reason for whoever can act."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import waits
from common.http_answer import HttpAnswer
from common.weather import HOUR
from forecaster.weather_answer import MOST_BYTES, hours_of
from forecaster.weather_kma import newest_issue
from forecaster.weather_table import WeatherRefused

NOW = datetime(2024, 8, 26, 3, 20, tzinfo=UTC)  # 12:20 in Seoul
SEOUL = ZoneInfo("Asia/Seoul")
Hours = list[tuple[str, float | None, float | None, int]]


def read(body: bytes | str | dict[str, Any], status: int = 200, *, ends: bool = True) -> Hours:
    """Hour in UTC, temperature, rain, days before."""
    raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    found = hours_of(HttpAnswer(status, body=raw, ends=ends), SEOUL, NOW)
    return [(f"{h.hour:%dT%H}", h.temperature_c, h.rain_mm_h, h.days_before) for h in found]


def arrays(**more: Any) -> dict[str, Any]:
    hourly = {
        "time": ["2024-08-26T11:00", "2024-08-26T12:00", "2024-08-26T13:00"],
        "temperature_2m": [29.4, None, 31],
        "precipitation": [0.0, 1.5, None],
    }
    units = {"time": "iso8601", "temperature_2m": "°C", "precipitation": "mm"}
    return {"latitude": 37.5, "utc_offset_seconds": 32400, "hourly_units": units, "hourly": hourly} | more


def kma(*items: tuple[str, str, str], total: int = 0, code: str = "00") -> dict[str, Any]:
    """Category, time of 26 and 27 August as ddHHMM, value."""
    listed = [
        {"baseDate": "20240826", "baseTime": "1100", "category": category, "fcstDate": f"202408{time[:2]}"}
        | {"fcstTime": time[2:], "fcstValue": value, "nx": 60, "ny": 127}
        for category, time, value in items
    ]
    body = {"dataType": "JSON", "items": {"item": listed}, "totalCount": total or len(listed)}
    return {"response": {"header": {"resultCode": code, "resultMsg": "NORMAL_SERVICE"}, "body": body}}


def test_arrays_by_the_hour_are_read_and_rain_belongs_to_the_hour_before_its_time() -> None:
    assert read(arrays()) == [("26T01", None, 0.0, 0), ("26T02", 29.4, 1.5, 0), ("26T04", 31.0, None, 1)]


def test_hours_that_are_over_count_since_their_end_and_others_since_they_came() -> None:
    raw = json.dumps(arrays()).encode()
    found = hours_of(HttpAnswer(200, body=raw), SEOUL, NOW)
    assert [line.made_at for line in found] == [found[0].hour + HOUR, found[1].hour + HOUR, NOW]


@pytest.mark.parametrize(
    ("times", "offset"),
    [
        (["2024-08-26T02:00Z", "2024-08-26T12:00+09:00", "2024-08-26T13:00+09:00"], None),
        (["2024-08-26T02:00", "2024-08-26T03:00", "2024-08-26T04:00"], 0),
        ([1724637600, 1724641200, 1724644800], 32400),
        (["2024-08-26T07:30", "2024-08-26T08:30", "2024-08-26T09:30"], 19800),  # a zone with half an hour
    ],
)
def test_times_are_instants_however_they_are_said(times: list[Any], offset: int | None) -> None:
    hourly = {"time": times, "temperature_2m": [29.4, None, 31]}
    assert read(arrays(hourly=hourly, utc_offset_seconds=offset)) == [
        ("26T02", 29.4, None, 0),
        ("26T04", 31.0, None, 1),
    ]


def test_csv_is_taken_as_the_command_takes_it() -> None:
    text = "time,temperature_c,rain_mm_h\n2024-08-26 11:00,29.4,0\n2024-08-26 13:00,31,\n"
    assert read("\ufeff" + text) == [("26T02", 29.4, 0.0, 0), ("26T04", 31.0, None, 1)]


def test_the_kma_s_short_term_forecast_is_read() -> None:
    answer = kma(
        ("TMP", "261300", "31"),
        ("PCP", "261300", "강수없음"),
        ("POP", "261300", "30"),
        ("PCP", "261400", "6.2mm"),
        ("PCP", "261500", "1mm 미만"),
        ("PCP", "261600", "1.0mm 미만"),
        ("PCP", "261700", "30.0~50.0mm"),
        ("PCP", "261800", "50.0mm 이상"),
        ("PCP", "261900", "2"),  # rather strong rain: no amount
        ("TMP", "262000", "-999"),  # no value
        ("TMP", "270000", "24"),
    )
    assert read(answer) == [
        ("26T04", 31.0, 0.0, 1),
        ("26T05", None, 6.2, 1),
        ("26T06", None, 0.5, 1),
        ("26T07", None, 0.5, 1),
        ("26T08", None, 40.0, 1),
        ("26T09", None, 50.0, 1),
        ("26T15", 24.0, None, 1),
    ]


@pytest.mark.parametrize(
    ("utc", "issue"),
    [("26T03:20", "26 1100"), ("26T02:14", "26 0800"), ("26T02:15", "26 1100"), ("25T16:00", "25 2300")],
)
def test_the_newest_issue_is_one_that_the_service_has(utc: str, issue: str) -> None:
    now = datetime.fromisoformat(f"2024-08-{utc}+00:00")
    assert f"{newest_issue(now):%d %H%M}" == issue


XML = (
    b"<OpenAPI_ServiceResponse><cmmMsgHeader><errMsg>SERVICE ERROR</errMsg>"
    b"<returnAuthMsg>SERVICE_KEY_IS_NOT_REGISTERED_ERROR</returnAuthMsg></cmmMsgHeader></OpenAPI_ServiceResponse>"
)
REFUSED = [
    (b"", 401, "refuses with 401; look at weather.url and its key"),
    (b"<html>moved</html>", 302, "redirects with 302; correct weather.url"),
    (b'{"error":true,"reason":"no such value"}', 400, 'answered 400: \'{"error":true'),
    (b"<html>down</html>", 503, "the weather service answered 503"),
    (b"", 200, "its answer is empty"),
    (b"<!DOCTYPE html><html>log in</html>", 200, "a web page came"),
    (XML, 200, "the weather service says 'SERVICE_KEY_IS_NOT_REGISTERED_ERROR'"),
    (b"[" + json.dumps(arrays()).encode() + b"]", 200, "it holds a list; name one place in weather.url"),
    (b"[" * 100_000, 200, "it holds a list"),
    (b'{"hourly":' * 100_000, 200, "its JSON is not as described"),
    (b'{"latitude": 1}', 200, "its JSON is not as described"),
    (json.dumps(arrays())[:-3], 200, "its JSON is not as described"),
    (b"no place of that name", 200, "line 1: the header must name time"),
    (b" " * (MOST_BYTES + 1), 200, "its answer is larger than 2 MiB"),
    (arrays(utc_offset_seconds=None), 200, "its times have no UTC offset"),
    (arrays(utc_offset_seconds=10**9), 200, "its times have no UTC offset"),
    (arrays(hourly_units={"temperature_2m": "°F"}), 200, "ask for °C and mm in weather.url"),
    (arrays(hourly_units={"precipitation": "inch"}), 200, "precipitation is in 'inch'"),
    (arrays(hourly={"time": ["2024-08-26T11:00"]}), 200, "neither temperature_2m nor precipitation"),
    (arrays(hourly={"time": ["2024-08-26T11:00"], "temperature_2m": [1, 2]}), 200, "it has 1 times and 2 of temp"),
    (arrays(hourly={"time": ["2024-08-26T11:00"] * 2, "temperature_2m": [1, 2]}), 200, "is there twice"),
    (arrays(hourly={"time": ["2024-08-26T11:00"], "temperature_2m": [85.1]}), 200, "85.1 °C is not between"),
    (arrays(hourly={"time": ["2024-08-26T11:00"], "precipitation": [-1]}), 200, "-1 mm/h is not between"),
    (arrays(hourly={"time": ["2024-08-26T11:00"], "temperature_2m": ["29"]}), 200, "its JSON is not as described"),
    (arrays(hourly={"time": ["yesterday"], "temperature_2m": [29]}), 200, "'yesterday' is no time"),
    (arrays(hourly={"time": [10**30], "temperature_2m": [29]}), 200, "is no time"),
    (arrays(hourly={"time": ["2021-08-26T11:00"], "temperature_2m": [29]}), 200, "none of its 1 hours is of the last"),
    (arrays(hourly={"time": [], "temperature_2m": []}), 200, "neither temperature_2m nor precipitation"),
    (kma(code="22"), 200, "the weather service says 'NORMAL_SERVICE'"),
    (kma(("TMP", "261300", "31"), total=742), 200, "it sent 1 of 742 values; write numOfRows=2000 into weather.url"),
    (kma(("TMP", "261300", "warm")), 200, "'warm' is no number"),
    (kma(("TMP", "261330", "31")), 200, "'202408261330' is no time"),
    (kma(("TMP", "261300", "31"), ("TMP", "261300", "32")), 200, "'20240826 1300' is there twice"),
]


@pytest.mark.parametrize(("body", "status", "said"), REFUSED)
def test_an_answer_that_is_no_weather_is_refused_whole_and_says_why(body: Any, status: int, said: str) -> None:
    with pytest.raises(WeatherRefused) as refused:
        read(body, status)
    assert said in str(refused.value)
    korean = waits.in_korean("weather", str(refused.value))
    assert korean != str(refused.value)
    assert any("가" <= sign <= "힣" for sign in korean)


def test_a_table_that_may_have_broken_off_is_refused() -> None:
    text = "time,temperature_c\n2024-08-26 11:00,29.4\n2024-08-26 12:00,2"
    assert len(read(text)) == 2
    with pytest.raises(WeatherRefused, match="broke off"):
        read(text, ends=False)
    assert len(read(text + "\n", ends=False)) == 2


def test_what_nobody_answers_is_said() -> None:
    with pytest.raises(WeatherRefused, match="no answer from the weather service: timed out"):
        hours_of(HttpAnswer(None, "timed out"), SEOUL, NOW)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["hourly", "time"]), inner, max_size=3),
    max_leaves=9,
)


@given(
    times=st.lists(st.text(max_size=20) | st.integers() | st.none(), max_size=4),
    values=st.lists(st.floats() | st.none() | st.integers(), max_size=4),
    offset=st.integers() | st.none(),
    other=JSON,
)
def test_whatever_comes_is_read_or_refused(times: list[Any], values: list[Any], offset: Any, other: Any) -> None:
    hourly = {"time": times, "temperature_2m": values}
    for body in ({"utc_offset_seconds": offset, "hourly": hourly}, other, {"response": other}):
        try:
            found = hours_of(HttpAnswer(200, body=json.dumps(body).encode()), SEOUL, NOW)
        except WeatherRefused:
            continue
        assert all(abs(line.hour - NOW) < timedelta(days=401) for line in found)
