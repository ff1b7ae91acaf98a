"""The weather at the site: what a file, a command and a server's answer may hold, and what is kept of it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from cli.__main__ import main
from common import files, weather
from common.exchange import ANSWER_BYTES
from common.weather import HOUR, WeatherHour
from consumer.told_weather import ToldWeather
from forecaster.weather_table import WeatherRefused, read_weather

NOW = datetime(2024, 8, 26, 3, 20, 30, 500, tzinfo=UTC)
SEOUL, ROME = ZoneInfo("Asia/Seoul"), ZoneInfo("Europe/Rome")
MEASURED = NOW.replace(minute=0, second=0, microsecond=0) - HOUR


def known(hour: datetime, made_at: datetime, temperature: float | None = 20.0) -> WeatherHour:
    return WeatherHour(made_at, hour, temperature, 0.5)


def file(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "w.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(tmp_path: Path, text: str | bytes, zone: ZoneInfo = SEOUL) -> list[tuple[str, float | None, float | None]]:
    hours = read_weather(file(tmp_path, text), zone, NOW, NOW).hours
    return [(f"{h.hour:%m-%dT%H}", h.temperature_c, h.rain_mm_h) for h in hours]


# --- what is kept


def test_what_was_known_at_each_day_stays_and_the_later_word_of_a_day_counts(tmp_path: Path) -> None:
    hour = NOW.replace(minute=0, second=0, microsecond=0) + timedelta(hours=40)
    first = [known(hour, NOW - timedelta(hours=30), 18), known(hour, NOW - timedelta(minutes=9), 19.123)]
    assert weather.add(tmp_path, first, NOW) == 2
    assert weather.add(tmp_path, [known(hour, NOW, 20.127)], NOW) == 1
    measured = known(hour, hour + HOUR, 21)
    weather.add(tmp_path, [measured], hour + HOUR)
    kept = weather.read(tmp_path)
    assert [(line.days_before, line.temperature_c) for line in kept] == [(3, 18), (2, 20.13), (0, 21)]
    late = known(hour, NOW - timedelta(minutes=5), 17)  # made before what is there, and came after it
    assert weather.add(tmp_path, [known(hour, NOW, 20.127), measured, late], NOW + HOUR) == 0  # the same again


def test_the_file_is_bounded_and_keeps_the_last_word_of_each_old_hour(tmp_path: Path) -> None:
    old = MEASURED - timedelta(days=40)
    lines = [known(old, old - timedelta(days=days, hours=-1)) for days in range(9)]
    lines += [known(MEASURED - timedelta(days=401), MEASURED), known(MEASURED + timedelta(days=9), NOW)]
    weather.add(tmp_path, lines, NOW)
    assert [(line.hour, line.days_before) for line in weather.read(tmp_path)] == [(old, 0)]


def test_a_clock_that_is_years_ahead_deletes_no_weather(tmp_path: Path) -> None:
    told = ToldWeather(tmp_path)
    told.take(answer(), NOW)
    told.take(answer(made_at="2024-08-26T13:10:00+09:00"), NOW + timedelta(days=1461))
    assert len(weather.read(tmp_path)) == 1


def test_a_damaged_line_is_left_out_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    weather.add(tmp_path, [known(MEASURED, NOW), known(MEASURED - HOUR, NOW)], NOW)
    path = tmp_path / "weather.csv"
    path.write_bytes(
        path.read_bytes()[:-4] + b'\n"\x00,\xff\n2024-01-01T00:00:00Z,2024-01-01T00:00:00Z,nan,0\n' + b"9" * 200_000
    )
    assert [line.hour for line in weather.read(tmp_path)] == [MEASURED - HOUR, MEASURED]
    assert "weather_damaged" in caplog.text


# --- a file


def test_measured_and_forecast_hours_of_a_file(tmp_path: Path) -> None:
    text = "time,temperature_c,rain_mm_h\n2024-08-26 11:00,20.5,\n2024-08-26 12:00,,1.5\n2024-08-27T05:00Z,25,0\n"
    hours = read_weather(file(tmp_path, text), SEOUL, NOW, NOW).hours
    assert [(h.hour.hour, h.temperature_c, h.rain_mm_h) for h in hours] == [(2, 20.5, None), (3, None, 1.5), (5, 25, 0)]
    assert [h.made_at for h in hours] == [MEASURED + HOUR, NOW, NOW]  # known since its end; 12:00 is not over


def test_a_korean_file_and_its_empty_rain(tmp_path: Path) -> None:
    text = "지점,지점명,일시,기온(°C),강수량(mm)\n108,서울,2024-08-26 11:00,20.5,\n108,서울,2024-08-26 10:00,,\n"
    for encoded in (text.encode("cp949"), text.encode("utf-8-sig")):
        assert read(tmp_path, encoded) == [("08-26T02", 20.5, 0.0)]


def test_shorter_steps_are_brought_to_hours_and_a_torn_hour_is_not_known(tmp_path: Path) -> None:
    rows = [f"2024-08-26 {9 + n // 6:02d}:{n % 6}0;{20 + n % 6};0.5" for n in range(10)]
    assert read(tmp_path, "time;temperature_c;rain_mm\n" + "\n".join(rows)) == [("08-26T00", 22.5, 3.0)]


def test_the_hour_that_autumn_repeats_is_two_and_the_one_of_spring_is_left_out(tmp_path: Path) -> None:
    text = "time,temperature_c\n2024-03-31 02:30,7\n2024-10-27 02:00,9\n2024-10-27 02:00,8\n"
    table = read_weather(file(tmp_path, text), ROME, NOW, NOW)
    assert [(h.hour.hour, h.temperature_c) for h in table.hours] == [(0, 9), (1, 8)] and table.skipped == 1


def test_forecasts_of_several_times_in_one_file(tmp_path: Path) -> None:
    text = "made_at,time,temperature_c\n2024-08-25 09:00,2024-08-26 10:00,1\n2024-08-26 09:00,2024-08-26 10:00,2\n"
    hours = read_weather(file(tmp_path, text), SEOUL, NOW, NOW).hours
    assert [(h.days_before, h.temperature_c) for h in hours] == [(2, 1), (1, 2)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: the header must name time"),
        ("time,flow\n", "line 1: the header must name time"),
        ("time,temperature_c,temperature_c\n", "line 1: a column is there twice"),
        ("time,rain_mm,rain_mm_h\n", "line 1: it has both"),
        ("time,temperature_c\n2024-08-26 11:00,70.2\n", "line 2: 70.2 °C is not between -60 and 60"),
        ("time,rain_mm\n2024-08-26 11:00,-9\n", "line 2: -9 mm/h is not between 0 and 400"),
        ("time,temperature_c\n2024-08-26 11:00,nan\n", "line 2: 'nan' is no number"),
        ("time,temperature_c\n2024-08-26 11:00,٣\n", "line 2: '٣' is no number"),
        ("time,temperature_c\n2024-08-26 11:00,1_0\n", "line 2: '1_0' is no number"),
        ("time,temperature_c\n26.8.2024 11:00,3\n", "line 2: '26.8.2024 11:00' is no time like"),
        ("time,temperature_c\n0001-01-01T00:00+09:00,3\n", "line 2: '0001-01-01T00:00+09:00' is no time like"),
        ("time,temperature_c\n2024-08-26 10:00,3\n2024-08-26 11:0", "line 3: 1 columns, the header has 2; is the"),
        ("time,temperature_c\n2024-08-26 11:00Z,3\n2024-08-26 11:00Z,4\n", "line 3: the time of line 2 again"),
        ('time,temperature_c\n"2024-08-26', "unexpected end"),
        ("made_at,time,rain_mm\n2024-08-27 11:00,2024-08-26 11:00,3\n", "which is to come; look at the clock"),
    ],
)
def test_a_file_that_cannot_be_believed_is_refused_whole(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(WeatherRefused, match=r"w\.csv") as raised:
        read(tmp_path, text)
    assert said in str(raised.value) and "\n" not in str(raised.value)


def test_a_file_beyond_all_measure_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "w.csv").open("wb") as large:
        large.truncate(33 * 1024 * 1024)
    with pytest.raises(WeatherRefused, match="larger than 32 MiB"):
        read_weather(tmp_path / "w.csv", SEOUL, NOW, NOW)
    with pytest.raises(WeatherRefused, match="cannot read"):
        read_weather(tmp_path / "absent.csv", SEOUL, NOW, NOW)


# --- the command


def test_the_command_adds_shows_and_clears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HYDROLOG_PATHS__DATA", str(tmp_path))
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    rows = [f"{now + n * HOUR:%Y-%m-%dT%H:%MZ},{n}" for n in (-5, -3, -2, 30)]
    path = file(tmp_path, "time,temperature_c\n" + "\n".join(rows))
    assert main(["weather"]) == 0 and "no weather is known" in capsys.readouterr().out
    assert main(["weather", "add", str(path)]) == 0
    out = capsys.readouterr().out
    assert "3 hours measured" in out and "1 hours forecast" in out and "4 new or changed" in out
    assert main(["weather", "show"]) == 0 and "forecast" in capsys.readouterr().out
    assert main(["weather", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["measured"]["hours"], told["measured"]["missing"], told["measured"]["rain"]) == (3, 1, 0)
    assert told["forecast"]["hours"] == 1
    assert main(["weather", "add", str(file(tmp_path, "time,rain_mm\n1999-01-01T00:00Z,1\n"))]) == 2
    assert "none of its 1 hours is of the last 400 days" in capsys.readouterr().err
    for wrong in (
        ["--zone", "Mars"],
        ["--made-at", "noon"],
        ["--made-at", "2024-08-26T09:00"],
        ["--made-at", "0001-01-01T00:00+09:00"],
    ):
        assert main(["weather", "add", str(path), *wrong]) == 2
    assert main(["weather", "clear"]) == 0 and weather.read(tmp_path) == []


# --- a server's answer


def answer(**changes: object) -> bytes:
    hour = {"hour": "2024-08-26T14:00:00+09:00", "temperature_c": 30.5, "rain_mm_h": 0, "wind": 3}
    told = {"made_at": "2024-08-26T12:00:00+09:00", "hours": [hour], **changes}
    return json.dumps({"stored": 10, "weather": told}).encode()


def test_weather_in_an_answer_is_kept(tmp_path: Path) -> None:
    told = ToldWeather(tmp_path)
    told.take(answer(), NOW)
    (line,) = weather.read(tmp_path)
    assert line == WeatherHour(datetime(2024, 8, 26, 3, tzinfo=UTC), datetime(2024, 8, 26, 5, tzinfo=UTC), 30.5, 0.0)
    told.take(answer(), NOW + 2 * HOUR)  # the same again
    told.take(answer(made_at="2024-08-26T12:10:00+09:00"), NOW + HOUR / 2)  # not each ten minutes
    assert weather.read(tmp_path) == [line]
    told.take(answer(made_at="2024-08-26T13:10:00+09:00"), NOW + HOUR)
    assert weather.read(tmp_path)[0].made_at == datetime(2024, 8, 26, 4, 10, tzinfo=UTC)


def test_weather_waits_for_the_next_answer_while_somebody_else_is_at_the_file(tmp_path: Path) -> None:
    told = ToldWeather(tmp_path)
    with files.one_at_a_time(tmp_path):
        told.take(answer(), NOW)
        assert weather.read(tmp_path) == []
    told.take(answer(), NOW)
    assert len(weather.read(tmp_path)) == 1


@pytest.mark.parametrize(
    ("body", "warned"),
    [
        (b'{"stored": 10}', False),
        (b'{"weather": null}', False),
        (b'<p>"weather"</p>', False),
        (b'["weather"]', False),
        (b'{"weather": "fine"}', True),
        (answer(made_at="2024-08-26T12:00:00"), True),
        (answer(made_at="2024-08-26T15:00:00+09:00"), True),
        (answer(made_at="0001-01-01T00:00:00+09:00"), True),
        (answer(hours=[{"hour": "0001-01-01T00:00:00+09:00", "rain_mm_h": 1}]), True),
        (answer(hours=[{"hour": "2024-08-26T14:10:00+09:00", "rain_mm_h": 1}]), True),
        (answer(hours=[{"hour": "2024-08-26T14:00:00+09:00", "rain_mm_h": 1e9}]), True),
        (answer(hours=[{"hour": "2024-08-26T14:00:00+09:00", "rain_mm_h": "1"}]), True),
        (answer(more="x" * ANSWER_BYTES)[:ANSWER_BYTES], True),  # the rest was not read
        (answer(hours=[{"hour": "2024-08-26T14:00:00+09:00"}] * 1001), True),
    ],
)
def test_what_is_no_weather_is_left_out_and_said_once(
    tmp_path: Path, body: bytes, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    told = ToldWeather(tmp_path)
    told.take(body, NOW)
    told.take(body, NOW)
    assert weather.read(tmp_path) == []
    assert caplog.text.count("weather_of_server") == warned
