"""The producer under a clock that steps, with meters that have none of their own: a real port, a real log."""

import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from meter import Cable, rows

from cli import shell
from cli.clock import run as clock_command
from common import time_service
from common.runner import Context
from common.settings import Settings
from log import mark
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
    """A producer in this process, one step at a time. A person has confirmed the clock of the new box."""

    def __init__(self, settings: Settings, cable: Cable) -> None:
        self.clock = SteppingClock()
        self.settings = settings
        self.cable = cable
        self.boot_id = "boot-1"

    def start(self) -> None:
        self.producer = Producer(Context(self.settings, self.clock, threading.Event(), "producer"))
        self.step()

    def boot(self, wall_s: float) -> None:
        """The machine starts again, and its clock shows this."""
        self.producer.close()
        self.boot_id, self.clock.wall_s, self.clock.monotonic_s = self.boot_id + "1", wall_s, 1000.0
        self.start()

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
    monkeypatch.setattr(time_service, "installed", lambda: True)
    monkeypatch.setattr(time_service, "in_step", lambda: False)
    from common.settings import load

    site = Site(load(None), cable)
    monkeypatch.setattr(time_service, "boot_id", lambda: site.boot_id)
    monkeypatch.setattr(shell, "site_clock", lambda _data: site.clock)
    assert clock_command(["confirm"]) == 0
    site.start()
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
    assert site.counters["readings_waiting"] == 6
    if step_s < 0:  # those minutes have had their rows: none gets a second without a person's word
        assert clock_command(["confirm"]) == 1
        assert "hydrolog clock confirm --go-on" in capsys.readouterr().err
        assert clock_command(["confirm", "--go-on"]) == 0
    else:
        assert clock_command(["confirm"]) == 0
        assert "confirmed" in capsys.readouterr().out
    site.minute()
    site.minute()
    assert site.counters["problem"] == ""
    assert site.counters["late"] == 0
    step = step_s // 60
    assert site.minutes_in_the_log() == [0, *([1] if step > 0 else []), 2 + step, 3 + step]
    assert {row.samples for row in rows(site.settings.paths.data)} == {6}


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
    assert site.minutes_in_the_log() == [0, 1, 1442, 1443]


def test_readings_after_a_fast_clock_wait_for_a_persons_word(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The clock was an hour ahead, and a time service put it right: its minutes would get a second row."""
    site.minute()
    site.minute()
    monkeypatch.setattr(time_service, "in_step", lambda: True)
    site.clock.wall_s -= 3600
    site.minute()
    assert "of the next 57 min:" in str(site.counters["problem"])
    assert site.counters["readings_waiting"] == 6
    assert clock_command(["confirm", "--go-on"]) == 0
    (aside,) = (site.settings.paths.data / "set_aside").glob("*/server_data.tsv")
    assert f"1 rows in {aside}" in capsys.readouterr().out
    assert len(aside.read_text().splitlines()) == 1
    site.minute()
    site.minute()
    assert site.counters["problem"] == ""
    assert site.minutes_in_the_log() == [0, -58, -57]


def test_a_clock_of_1970_is_not_believed_whoever_keeps_it(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(time_service, "in_step", lambda: True)
    site.boot(100.0)
    site.minute()
    assert "never set" in str(site.counters["problem"])
    assert clock_command(["confirm"]) == 1
    assert "timedatectl" in capsys.readouterr().err
    assert site.minutes_in_the_log() == []


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
    right_s = site.clock.wall_s
    site.boot(100.0)
    site.minute()
    assert "never set" in str(site.counters["problem"])
    site.clock.wall_s = right_s + 60
    site.minute()
    site.minute()
    assert site.counters["problem"] == ""
    assert site.minutes_in_the_log() == [0, 1, 2, 3]


def test_a_clock_that_was_years_ahead_can_be_left_behind(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As boxes of older versions did: rows of 2028 were written before a time service set the clock."""
    years_s = 4 * 365 * 86_400
    site.clock.wall_s += years_s
    assert clock_command(["confirm"]) == 0
    for _ in range(3):
        site.cable.send(encode("002", None, 8.0, 4.0, site.settings.site.zone))  # silent from then on
        site.minute()
    site.clock.wall_s -= years_s
    monkeypatch.setattr(time_service, "in_step", lambda: True)
    for _ in range(3):
        site.minute()
    assert "confirm --go-on" in str(site.counters["problem"])
    assert clock_command(["confirm", "--go-on"]) == 0
    capsys.readouterr()
    for _ in range(2):
        site.minute()
    first = years_s // 60
    assert site.minutes_in_the_log() == [first, first, first + 1, first + 1, 3, 4, 5, 6]
    published = mark.load(site.settings.paths.data)
    assert published
    assert published.sensors == {"001": MINUTE + 6, "002": MINUTE + 2}
    assert site.counters["rows_unjudged"] == 0  # what the outlier methods remember of then is gone
    assert site.counters["frames_refused"] == {"clock": 7}  # of the minutes that were open when the clock stepped back
    assert site.counters["late"] == 0


def test_what_was_confirmed_and_what_waits_outlives_the_process_but_not_the_machine(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    site.producer.close()
    site.start()
    assert site.counters["clock"] == "trusted"
    site.boot(site.clock.wall_s + 200 * 86_400)
    site.minute()
    site.producer.close()
    site.start()
    assert "nobody has confirmed" in str(site.counters["problem"])
    site.minute()
    assert site.counters["readings_waiting"] == 12
    site.boot(site.clock.wall_s)
    assert "readings_lost" in caplog.text
    assert site.minutes_in_the_log() == []


def test_a_confirmation_from_before_the_machines_start_counts_no_more(site: Site) -> None:
    site.producer.close()
    assert clock_command(["confirm"]) == 0
    site.boot(site.clock.wall_s + 4 * 365 * 86_400)
    site.minute()
    site.minute()
    assert "hydrolog clock confirm" in str(site.counters["problem"])
    assert site.minutes_in_the_log() == []


def test_readings_wait_in_bounded_memory(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDROLOG_LINE__HOLD_ROWS", "7")
    from common.settings import load

    site.settings = load(None)
    site.boot(100.0)
    for _ in range(3):
        site.minute()
    assert site.counters["readings_waiting"] == 7
    assert site.counters["frames_refused"] == {"clock": 11}


def test_a_dated_reading_closes_minutes_although_an_undated_one_of_the_same_meter_waits(site: Site) -> None:
    site.minute(dated=True)
    true_s = site.clock.wall_s
    site.clock.wall_s -= 3600
    zone = site.settings.site.zone
    site.cable.send(encode("001", true_s + 5, 8.0, 4.0, zone) + encode("001", None, 8.0, 4.0, zone))
    site.step()
    site.clock.run(1)
    site.step()
    assert site.minutes_in_the_log() == [0]
    assert site.counters["readings_waiting"] == 1


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
