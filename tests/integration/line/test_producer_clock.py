"""The producer under a clock that steps, with meters that have none of their own: a real port, a real log."""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from meter import Cable, rows

from cli.clock import run as clock_command
from common import time_service
from common.runner import Context
from common.settings import Settings
from producer.ascii import encode
from producer.port import READ_S, Port
from producer.step import SILENT_S, Producer

NOW = datetime(2024, 8, 26, 7, 33, tzinfo=UTC)
MINUTE = int(NOW.timestamp() // 60)


class SteppingClock:
    """A clock whose two hands a test moves."""

    def __init__(self) -> None:
        self.wall_s = NOW.timestamp()
        self.monotonic_s = 1000.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.wall_s, UTC)

    def monotonic(self) -> float:
        return self.monotonic_s

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        return stop.wait(seconds)

    def run(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds


class Site:
    """A producer in this process, one step at a time."""

    def __init__(self, settings: Settings, cable: Cable) -> None:
        self.clock = SteppingClock()
        self.settings = settings
        self.cable = cable
        self.start()

    def start(self) -> None:
        self.producer = Producer(Context(self.settings, self.clock, threading.Event(), "producer"))
        self.step()

    def step(self) -> dict[str, object]:
        self.counters = dict(self.producer.step(self.clock.now()))
        return self.counters

    def minute(self, dated: bool = False) -> None:
        """A reading every ten seconds for a minute."""
        for _ in range(6):
            time_s = self.clock.wall_s if dated else None
            self.cable.send(encode("001", time_s, 8.0, 4.0, self.settings.site.zone))
            self.step()
            self.clock.run(10)

    def minutes_in_the_log(self) -> list[int]:
        return [row.minute - MINUTE for row in rows(self.settings.paths.data)]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    cable = Cable(tmp_path / "line")
    for key, value in {"PATHS__DATA": tmp_path / "data", "LINE__URL": cable.link, "LINE__LATENESS_SECONDS": 1}.items():
        monkeypatch.setenv(f"HYDROLOG_{key}", str(value))
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(time_service, "in_step", lambda: False)
    from common.settings import load

    site = Site(load(None), cable)
    yield site
    site.producer.close()
    for end in (cable.ours, cable.theirs):
        os.close(end)


def test_arrival_times_make_minutes(site: Site) -> None:
    site.minute()
    site.minute()
    assert site.minutes_in_the_log() == [0]
    assert rows(site.settings.paths.data)[0].samples == 6


@pytest.mark.parametrize("step_s", [-3600, 86_400])
def test_after_a_step_arrival_times_wait_for_a_persons_word(
    site: Site, step_s: int, capsys: pytest.CaptureFixture[str]
) -> None:
    site.minute()
    site.minute()
    site.clock.wall_s += step_s
    site.minute()
    assert "hydrolog clock confirm" in str(site.counters["problem"])
    assert site.counters["frames_refused"] == {"clock": 6}
    assert clock_command(["confirm"]) == 0
    assert "confirmed" in capsys.readouterr().out
    site.minute()
    site.minute()
    if step_s < 0:  # those minutes have had their rows: none gets a second
        assert "--go-on" in str(site.counters["problem"])
        assert site.minutes_in_the_log() == [0]
        assert site.counters["late"] == 12
    else:
        assert site.counters["problem"] == ""
        assert site.minutes_in_the_log() == [0, 1, 1443]


def test_after_a_step_a_time_service_in_step_is_believed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.minute()
    site.minute()
    site.clock.wall_s += 86_400
    site.minute()
    assert "hydrolog clock confirm" in str(site.counters["problem"])
    monkeypatch.setattr(time_service, "in_step", lambda: True)
    site.minute()
    site.minute()
    assert site.counters["problem"] == ""
    assert site.counters["frames_refused"] == {"clock": 6}
    assert site.minutes_in_the_log() == [0, 1, 1443]


def test_minutes_that_a_fast_clock_closed_are_never_missed_in_silence(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The clock was an hour ahead, and a time service put it right: its minutes would get a second row."""
    site.minute()
    site.minute()
    monkeypatch.setattr(time_service, "in_step", lambda: True)
    site.clock.wall_s -= 3600
    site.minute()
    assert "of the next 57 min:" in str(site.counters["problem"])
    assert "hydrolog clock confirm --go-on" in str(site.counters["problem"])
    assert site.counters["late"] == 6
    assert clock_command(["confirm", "--go-on"]) == 0
    capsys.readouterr()
    site.minute()
    site.minute()
    assert site.counters["problem"] == ""
    assert site.minutes_in_the_log() == [0, -57]


def test_a_clock_of_1970_is_not_believed_whoever_keeps_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time_service, "in_step", lambda: True)
    site.clock.wall_s = 100.0
    site.minute()
    site.producer.close()
    site.start()
    site.minute()
    assert "never set" in str(site.counters["problem"])
    assert site.counters["frames_refused"] == {"clock": 6}


def test_after_a_step_dated_readings_go_on(site: Site) -> None:
    site.minute(dated=True)
    site.clock.wall_s += 86_400
    for _ in range(12):
        site.cable.send(encode("001", site.clock.wall_s - 86_400, 8.0, 4.0, site.settings.site.zone))
        site.step()
        site.clock.run(10)
    assert site.minutes_in_the_log() == [0, 1]
    assert site.counters["late"] == 0


def test_a_box_that_boots_in_1970_says_so_and_goes_on_when_the_clock_is_set(site: Site) -> None:
    site.minute()
    site.minute()
    site.producer.close()
    right_s, site.clock.wall_s = site.clock.wall_s, 100.0
    site.start()
    site.minute()
    assert "never set" in str(site.counters["problem"])
    site.clock.wall_s = right_s + 60
    site.minute()
    site.minute()
    assert site.counters["problem"] == ""
    assert site.minutes_in_the_log() == [0, 1, 3]


def test_a_clock_that_was_a_day_ahead_can_be_left_behind(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.clock.wall_s += 86_400
    site.producer.close()
    site.start()
    site.minute()
    site.minute()
    site.clock.wall_s -= 86_400
    site.producer.close()
    site.start()
    assert clock_command(["confirm", "--go-on"]) == 0
    capsys.readouterr()
    site.minute()
    site.minute()
    assert site.minutes_in_the_log()[0] == 1440
    assert site.minutes_in_the_log()[-1] == 2


def test_silence_closes_only_after_real_silence_however_fast_the_clock_runs(site: Site) -> None:
    site.minute()
    site.clock.run(600)  # as in a demo: ten minutes of the site pass while the machine is busy
    site.step()
    assert site.minutes_in_the_log() == []
    for _ in range(round(SILENT_S / READ_S)):
        site.clock.run(30)
        site.step()
    assert site.minutes_in_the_log() == [0]
    assert SILENT_S <= 2


def test_minutes_close_while_a_port_takes_its_time_to_open(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.minute()
    site.producer.close()
    answered = threading.Event()
    monkeypatch.setattr(Port, "open", lambda _port: answered.wait(30))
    site.start()
    assert "no answer yet" in str(site.counters["problem"])
    site.clock.run(60)
    for _ in range(round(SILENT_S / READ_S)):
        site.step()
    assert site.minutes_in_the_log() == [0]
    assert not answered.is_set()
    answered.set()
