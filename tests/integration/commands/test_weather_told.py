"""How the weather's source is: what the command, the check and the verdict say of it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from http_server import HttpServer, answer, in_turn

from cli.__main__ import main
from cli.checks_weather import weather as check_weather
from common.health import Health
from common.settings import LogSettings, PathsSettings, Settings
from common.settings_weather import WeatherSettings
from common.verdict import WATCH, Problem
from common.verdict_words import said
from common.weather import HOUR
from situation.judge import judge
from situation.snapshot import Process, Snapshot

NOW = datetime(2024, 8, 26, 3, 20, 30, tzinfo=UTC)


def test_the_command_says_how_the_source_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(tmp_path))
    monkeypatch.setenv("HYDROLOG_WEATHER__URL", "https://weather.example/x?key={key}")
    assert main(["weather"]) == 0
    assert "key={key}: nothing has come since the forecaster was started" in capsys.readouterr().out
    problem = {"weather_problem": "the weather service answered 503", "weather_problem_since": NOW.isoformat()}
    Health(tmp_path, "forecaster", NOW).success(NOW, 1.0, weather_asked=(NOW - 3 * HOUR).isoformat(), **problem)
    assert main(["weather"]) == 0
    assert "last came 2024-08-26 09:20; not since 2024-08-26 12:20: the weather service answered 503" in (
        capsys.readouterr().out
    )
    assert main(["weather", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["source"]["problem"] == "the weather service answered 503"


def test_a_source_that_gives_nothing_for_an_hour_is_a_watch_and_calls_nobody() -> None:
    chosen = Settings(weather=WeatherSettings(url="https://weather.example/site.csv"))
    counters = {"weather_problem": "the weather service answered 503", "weather_problem_since": NOW.isoformat()}
    process = Process({"counters": counters})

    def found(minutes: int, settings: Settings = chosen) -> list[Problem]:
        look = Snapshot(NOW + timedelta(minutes=minutes), processes={"forecaster": process})
        return [problem for problem in judge(look, settings).verdict.problems if problem.subject == "weather"]

    assert (found(60), found(90, Settings())) == ([], [])
    [late] = found(90)
    assert late.kind == WATCH
    assert str(said(late)) == (
        "weather: not fetched: the weather service answered 503; for 1 h 30 min; to try it, type: sudo hydrolog check"
    )
    assert str(said(late, "ko")) == (
        "기상 자료: 받지 못함: 기상 자료 서버 응답 코드 503; 1시간 30분째 계속; "
        "다음을 입력해 확인하십시오: sudo hydrolog check"
    )


def test_check_asks_the_source_once_and_keeps_nothing(tmp_path: Path) -> None:
    start = NOW.replace(minute=0, second=0, microsecond=0)
    text = "".join(f"{start + hours * HOUR:%Y-%m-%dT%H:%MZ},20\n" for hours in range(-2, 3))
    good = answer(200, f"time,temperature_c\n{text}".encode())
    with HttpServer(in_turn(good, answer(404))) as server:
        chosen = Settings(paths=PathsSettings(tmp_path), weather=WeatherSettings(url=server.url))
        [fine] = check_weather(chosen, NOW)
        assert (fine.ok, fine.text) == (
            True,
            "2 hours measured, 2024-08-26 10:00 to 2024-08-26 11:00; "
            f"3 hours forecast, 2024-08-26 12:00 to 2024-08-26 14:00; from {server.url}",
        )
        [wrong] = check_weather(chosen, NOW)
        assert not wrong.ok
        assert "the weather service answered 404" in wrong.text
    assert list(tmp_path.iterdir()) == []
    assert list(check_weather(Settings(), NOW)) == []
    [center] = check_weather(replace(chosen, log=LogSettings(url="none")), NOW)
    assert (center.ok, center.text) == (False, "a center forecasts without weather; remove weather.url")
