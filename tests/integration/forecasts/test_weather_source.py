"""The weather's source of the settings, against servers that answer well, badly, too slowly, or never."""

import argparse
import contextlib
import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from forecast_site import Site
from http_server import Behaviour, HttpServer, Request, answer, cut_answer, drip, garbage, hang, in_turn, send
from ports import free_port

from common import certificates, weather
from common.clock import FixedClock
from common.errors import DatabaseDown, HydrologError, SettingsError
from common.runner import Context
from common.settings import WEATHER_KEY, Settings, load
from common.settings_weather import WeatherSettings
from common.weather import HOUR
from forecaster import __main__ as forecaster_main
from forecaster.weather_source import WeatherSource, WithWeather

NOW = datetime(2024, 8, 26, 3, 20, tzinfo=UTC)
START = NOW.replace(minute=0)
PATIENCE_S = 60.0  # never reached: what is not cut off lasts ten minutes
KEY = "s3cret+of/the=test"
SECOND = timedelta(seconds=1)


def arrays(first: datetime, values: list[float | None]) -> bytes:
    times = [f"{first + number * HOUR:%Y-%m-%dT%H:%M}" for number in range(len(values))]
    return json.dumps({"utc_offset_seconds": 0, "hourly": {"time": times, "temperature_2m": values}}).encode()


GOOD = answer(200, arrays(START - 2 * HOUR, [29.0, 30.0, 31.0, 32.0]))


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with HttpServer(GOOD) as made:
        yield made


@pytest.fixture
def source(server: HttpServer, settings_for: Callable[..., Settings]) -> Iterator[WeatherSource]:
    made = WeatherSource(settings_for(weather__url=server.url))
    yield made
    made.close()


def ask(source: WeatherSource, now: datetime) -> Mapping[str, Any]:
    """Let it ask at this time, and take what comes a second later."""
    source.step(now)
    assert source.exchange is not None
    assert source.exchange.ended.wait(PATIENCE_S)
    return source.step(now + SECOND)


def known(settings: Settings) -> list[tuple[float, float | None, int]]:
    """Hours from now, temperature, days before."""
    lines = weather.read(settings.paths.data)
    return [((line.hour - START) / HOUR, line.temperature_c, line.days_before) for line in lines]


def test_what_comes_is_kept_and_a_forecast_is_what_was_known_then(
    server: HttpServer, settings_for: Callable[..., Settings]
) -> None:
    settings = settings_for(weather__url=server.url)
    source = WeatherSource(settings)
    said = ask(source, NOW)
    assert said == {
        "weather_asked": (NOW + SECOND).isoformat(),
        "weather_problem": "",
        "weather_problem_since": "",
    }
    assert known(settings) == [(-2, 29, 0), (-1, 30, 0), (0, 31, 1), (1, 32, 1)]
    server.behave = answer(200, arrays(START, [35.0, 36.0]))
    ask(source, NOW + 3 * HOUR)
    # The forecast of the hour stays beside what was measured.
    assert known(settings)[2:] == [(0, 31, 1), (0, 35, 0), (1, 32, 1), (1, 36, 0)]
    request = server.requests[0]
    assert (request.target, request.body, request.headers["connection"]) == ("/v1/batches", b"", "close")
    assert request.headers["user-agent"].startswith("hydrolog/")


def test_it_is_asked_as_often_as_the_settings_say_and_not_all_boxes_at_once(
    source: WeatherSource, server: HttpServer
) -> None:
    ask(source, NOW)
    for minutes in range(1, 160):
        source.step(NOW + timedelta(minutes=minutes))
    assert len(server.requests) == 1
    ask(source, NOW + timedelta(hours=3))
    assert len(server.requests) == 2
    ask(source, NOW - timedelta(days=3))  # a clock that was put back
    assert len(server.requests) == 3


def redirect_to(url: str) -> Behaviour:
    return answer(302, b"", Location=url)


def huge(server: HttpServer, _request: Request, connection: socket.socket) -> None:
    """Much more than can be weather."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n")
    with contextlib.suppress(OSError):
        while not server.stopped.is_set():
            connection.sendall(b" " * 65536)


@pytest.mark.parametrize(
    ("behave", "problem"),
    [
        (answer(503), "the weather service answered 503: '{}'"),
        (answer(401, b"no"), "the weather service refuses with 401; look at weather.url and its key"),
        (answer(200, b"<!doctype html><title>Log in</title>"), "a web page came; is a login page of the network"),
        (answer(200, b"{}"), "its JSON is not as described: '"),
        (answer(200, b"{}", Content_Encoding="br"), "no answer from the weather service: its answer 200 is compressed"),
        (garbage, "no answer from the weather service: "),
        (cut_answer, "no answer from the weather service: "),
        (huge, "its answer is larger than 2 MiB; ask for fewer days in weather.url"),
    ],
)
def test_what_is_no_weather_is_said_and_what_is_known_stays(
    behave: Behaviour, problem: str, server: HttpServer, settings_for: Callable[..., Settings]
) -> None:
    server.behave = in_turn(GOOD, behave, GOOD)
    settings = settings_for(weather__url=server.url)
    source = WeatherSource(settings)
    ask(source, NOW)
    before, later = known(settings), NOW + 3 * HOUR
    said = ask(source, later)
    assert said["weather_problem"].startswith(problem)
    assert said["weather_problem_since"] == (later + SECOND).isoformat()
    assert said["weather_asked"] == (NOW + SECOND).isoformat()
    assert known(settings) == before
    assert ask(source, later + timedelta(minutes=2))["weather_problem"] == ""


def test_a_redirect_is_not_followed(source: WeatherSource, server: HttpServer) -> None:
    with HttpServer(GOOD) as elsewhere:
        server.behave = redirect_to(elsewhere.url)
        problem = ask(source, NOW)["weather_problem"]
        assert problem == "the weather service redirects with 302; correct weather.url"
        assert elsewhere.requests == []


@pytest.mark.parametrize("behave", [hang, drip])
def test_who_never_ends_an_answer_is_given_up(behave: Behaviour, source: WeatherSource, server: HttpServer) -> None:
    server.behave = behave
    source.step(NOW)
    assert source.exchange is not None
    assert source.step(NOW + SECOND)["weather_problem"] == ""
    source._deadline_s = 0.0
    said = source.step(NOW + SECOND)
    assert said["weather_problem"] == "no answer from the weather service: not complete within 60 s"
    assert source.exchange.ended.wait(PATIENCE_S)  # its thread has left
    assert source.step(NOW + 2 * SECOND)["weather_problem"] == said["weather_problem"]
    server.behave = GOOD
    assert ask(source, NOW + timedelta(minutes=2))["weather_problem"] == ""


def test_failures_are_tried_again_later_and_later_and_as_late_as_the_service_wants(
    source: WeatherSource, server: HttpServer
) -> None:
    server.behave = in_turn(answer(429, b"", Retry_After="900"), *([answer(503)] * 9), GOOD)
    now, waits = NOW, []
    for _ in range(10):
        assert ask(source, now)["weather_problem_since"] == (NOW + SECOND).isoformat()
        assert source._due is not None
        waits.append((source._due - now).total_seconds() - 1)
        now = source._due
    assert waits[0] == 900
    for wait, whole in zip(waits[1:], [120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600], strict=True):
        assert whole / 2 <= wait <= whole
    assert ask(source, now)["weather_problem"] == ""


def test_a_service_that_is_away_is_said(settings_for: Callable[..., Settings]) -> None:
    source = WeatherSource(settings_for(weather__url=f"http://127.0.0.1:{free_port()}/"))
    assert "Connection refused" in ask(source, NOW)["weather_problem"]


def test_a_certificate_that_nobody_vouches_for_gets_no_request(
    tmp_path: Path, settings_for: Callable[..., Settings]
) -> None:
    authority = certificates.make_authority("test", ["127.0.0.1"], datetime.now(UTC))
    pair = certificates.sign(authority, ["127.0.0.1"], datetime.now(UTC))
    for name, content in (("own.pem", pair.certificate + pair.key), ("authority.crt", authority.certificate)):
        (tmp_path / name).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "own.pem")
    with HttpServer(GOOD, tls=context) as server:
        problem = ask(WeatherSource(settings_for(weather__url=server.url)), NOW)["weather_problem"]
        assert "no answer from the weather service: its certificate is not trusted: " in problem
        assert server.requests == []
        trusting = settings_for(weather__url=server.url, weather__ca_file=str(tmp_path / "authority.crt"))
        assert ask(WeatherSource(trusting), NOW)["weather_problem"] == ""


def test_the_key_comes_from_its_file_and_is_never_shown(
    server: HttpServer, tmp_path: Path, settings_for: Callable[..., Settings]
) -> None:
    (tmp_path / "weather.key").write_text(KEY)
    (tmp_path / "weather.key").chmod(0o600)
    url = f"{server.url}?serviceKey={{key}}&base_date={{base_date}}&base_time={{base_time}}"
    settings = settings_for(weather__url=url, weather__key_file=str(tmp_path / "weather.key"))
    server.behave = lambda _server, request, connection: send(connection, 400, f"bad {request.target} {KEY}".encode())
    problem = ask(WeatherSource(settings), NOW)["weather_problem"]
    encoded = "s3cret%2Bof%2Fthe%3Dtest"
    assert server.requests[0].target == f"/v1/batches?serviceKey={encoded}&base_date=20240826&base_time=1100"
    assert "[hidden]" in problem
    assert "s3cret" not in problem
    (tmp_path / "weather.key").write_text(encoded)  # some services give it like this
    ask(WeatherSource(settings), NOW)
    assert server.requests[1].target == server.requests[0].target


def test_settings_that_cannot_be_asked_end_the_process(
    tmp_path: Path, settings_for: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    for url, key in (
        ("https://weather.example/x?serviceKey={key}", "weather.key_file"),
        ("http://weather.example/site.csv", "weather.url"),
    ):
        with pytest.raises(SettingsError) as refused:
            WeatherSource(settings_for(weather__url=url))
        assert refused.value.key == key
    monkeypatch.setenv(WEATHER_KEY, KEY)
    WeatherSource(settings_for(weather__url="https://weather.example/x?serviceKey={key}"))
    WeatherSource(settings_for(weather__url="http://weather.example/site.csv", weather__plain_http=True))
    WeatherSource(settings_for(weather__url="https://weather.example/x?keyword=rain&author=a&key="))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://weather.example/",
        "weather.example/site.csv",
        "https://name:password@weather.example/",
        "https://weather.example/?serviceKey=abcdef",
        "https://weather.example/?lat=37.5&subscription-key=abcdef",
        "https://weather.example/?service%4bey=abcdef",
        "https://weather.example/?lat=37.5;pw=abcdef",
        "https://weather.example/?serviceKey={key}&signature=abcdef",
        "https://weather.example/?lat=1&appid=abcdef",
        "https://weather.example/{date}",
        "https://weather.example/{key",
    ],
)
def test_an_address_that_cannot_be_or_that_shows_a_key_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(SettingsError, match=r"weather\.url") as refused:
        load(None, {"HYDROLOG_WEATHER__URL": url})
    assert "abcdef" not in str(refused.value)
    assert "password" not in str(refused.value)


class Broken:
    """A worker without its database."""

    def step(self, now: datetime) -> Mapping[str, Any]:
        error = DatabaseDown("the database does not answer")
        error.counters = {"hour": now.isoformat()}
        raise error

    def close(self) -> None: ...


def test_how_the_weather_is_goes_with_whatever_the_work_meets(source: WeatherSource) -> None:
    with pytest.raises(HydrologError) as raised:
        WithWeather(Broken(), source).step(NOW)
    assert raised.value.counters == {
        "hour": NOW.isoformat(),
        "weather_asked": "",
        "weather_problem": "",
        "weather_problem_since": "",
    }


def test_the_forecaster_of_a_box_with_a_source_asks_it(site: Site, server: HttpServer) -> None:
    settings = replace(site.settings, weather=WeatherSettings(url=server.url))
    context = Context(settings, FixedClock(NOW), threading.Event(), "forecaster")
    worker = forecaster_main._forecaster(argparse.Namespace(once=False, config=None), context)
    try:
        worker.step(NOW)
        deadline_s = time.monotonic() + PATIENCE_S
        while "weather_asked" not in (said := worker.step(NOW + SECOND)) or not said["weather_asked"]:
            assert time.monotonic() < deadline_s
            server.stopped.wait(0.01)
        assert "hour" in said
        assert [hour for hour, _, _ in known(settings)] == [-2, -1, 0, 1]
        once = forecaster_main._forecaster(argparse.Namespace(once=True, config=None), context)
        once.close()
        assert not isinstance(once, WithWeather)
    finally:
        worker.close()


def without_length(body: bytes, *headers: str) -> Behaviour:
    """As old servers answer: the end of the connection is the end."""
    head = "\r\n".join(("HTTP/1.1 200 OK", *headers, "Connection: close")).encode()
    return lambda _server, _request, connection: connection.sendall(head + b"\r\n\r\n" + body)


def test_a_table_that_broke_off_is_no_table_and_a_whole_one_is(source: WeatherSource, server: HttpServer) -> None:
    table = f"time,temperature_c\n{START:%Y-%m-%dT%H:%MZ},29.25\n".encode()
    packed, broke = gzip.compress(table), "its answer broke off: the last line has no end"
    for number, (behave, problem) in enumerate(
        [
            (without_length(table), ""),
            (without_length(table[:-3]), broke),
            (without_length(packed, "Content-Encoding: gzip"), ""),
            (answer(200, packed[:-10], Content_Encoding="gzip"), broke),
            (answer(200, packed, Content_Encoding="gzip"), ""),
        ]
    ):
        server.behave = behave
        assert ask(source, NOW + number * timedelta(days=1) / 4)["weather_problem"] == problem
