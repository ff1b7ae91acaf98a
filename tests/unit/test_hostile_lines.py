"""Hostile lines, through every protocol: nothing raises, nothing is echoed, nothing grows, the next frame is read."""

import logging
import math
import random
import threading
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.meters import Format, Modbus, Register
from common.row import MOST_SENSORS, SENSOR_ID
from common.settings import LineSettings
from producer.ascii import encode
from producer.intake import ReadingSink
from producer.line import SerialLine
from producer.minute import Minutes
from producer.protocols import Intake, intake_for
from producer.site_time import ClockSample, SiteTime

CORPUS = sorted(path for path in (Path(__file__).parents[1] / "corpus").iterdir() if path.suffix != ".md")
SEOUL = ZoneInfo("Asia/Seoul")
NOW_S = 1_724_657_590.0
LINES = {
    "ascii": LineSettings(),
    "fields": LineSettings(protocol="described", format=Format(fields=("sensor", "time", "flow", "pressure"))),
    "blanks": LineSettings(protocol="described", format=Format(separator="", fields=("flow", "pressure"), sensor="a")),
    "checked": LineSettings(
        protocol="described", format=Format(start="$", fields=("sensor", "flow"), checksum="crc16")
    ),
    "pattern": LineSettings(
        protocol="described", format=Format(pattern=r"((\w+)+[:;, ]*)*(?P<flow>(\d+)+)!", sensor="a")
    ),
    "modbus": LineSettings(
        protocol="modbus", modbus=Modbus(registers=(Register(sensor="a", channel="flow", type="float32"),))
    ),
}


class Site:
    """A line's way from bytes to open minutes."""

    def __init__(self, settings_: LineSettings) -> None:
        self.refused: Counter[str] = Counter()
        self.minutes = Minutes(5.0)
        self.line = SerialLine("/dev/null", 9600, threading.Event())
        time = SiteTime(ClockSample(NOW_S, 0.0), 0, given=True)
        door = ReadingSink(time, self.minutes, self.refused, settings=settings_, zone=SEOUL)
        self.intake: Intake = intake_for(settings_, door, SEOUL, self.line)
        self.now_s = 0.0

    def feed(self, chunk: bytes) -> int:
        self.now_s += 0.1
        self.intake.ask(self.now_s)
        return self.intake.take(chunk, self.now_s)

    def check(self) -> None:
        """All that was taken could be a row."""
        for sensors in self.minutes.to_state()["open"].values():
            assert len(sensors) <= MOST_SENSORS
            for sensor, (flow, _, pressure, _, samples) in sensors.items():
                assert SENSOR_ID.fullmatch(sensor)
                assert math.isfinite(flow)
                assert math.isfinite(pressure)
                assert samples > 0
        assert len(self.intake.rest) <= 512


def pieces(stream: bytes, size: int) -> list[bytes]:
    return [stream[place : place + size] for place in range(0, len(stream), size)]


@pytest.mark.parametrize("kind", LINES)
@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_the_corpus_does_no_harm(path: Path, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    data = path.read_bytes()
    for size in (len(data), 1, 7, 64, 513):
        site = Site(LINES[kind])
        for chunk in pieces(data, size):
            site.feed(chunk)
        site.check()
    assert all(character.isprintable() for record in caplog.records for character in record.getMessage())


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_after_it_the_line_is_in_step_within_one_frame(path: Path) -> None:
    site = Site(LINES["ascii"])
    site.feed(path.read_bytes())
    assert site.feed(b"\r\n" + encode("after", NOW_S, 1.0, 2.0, SEOUL)) == 1


@given(
    st.lists(st.sampled_from([path.read_bytes() for path in CORPUS]) | st.binary(max_size=200), max_size=6),
    st.sampled_from(list(LINES)),
    st.data(),
)
def test_no_mixture_of_it_does_harm(parts: list[bytes], kind: str, data: st.DataObject) -> None:
    stream = bytearray(b"".join(parts))
    for _ in range(data.draw(st.integers(0, 10)) if stream else 0):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    site = Site(LINES[kind])
    for chunk in pieces(bytes(stream), data.draw(st.integers(1, 4_096))):
        site.feed(chunk)
    site.check()


QUARTER_BYTES = 900 * 960  # what a line of 9,600 baud carries in a quarter of an hour


def noise_of(kind: str) -> Callable[[int], bytes]:
    chance = random.Random(kind)
    if kind == "text":
        return lambda size: bytes(chance.choices(b"$,*.0123456789ABC\r\n", k=size))
    return chance.randbytes


@pytest.mark.parametrize("protocol", ["ascii", "fields", "checked", "modbus"])
@pytest.mark.parametrize("noise", ["bytes", "text"])
def test_a_quarter_of_noise_costs_no_memory_and_no_more_time_than_readings(protocol: str, noise: str) -> None:
    new = pieces(noise_of(noise)(QUARTER_BYTES), 96)
    site = Site(LINES[protocol])
    for chunk in new[: len(new) // 10]:
        site.feed(chunk)
    tracemalloc.start()
    for chunk in new[len(new) // 10 : len(new) // 2]:
        site.feed(chunk)
    grown = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert grown < 20_000
    noise_s = took_s(Site(LINES[protocol]), new)
    readings = b"".join(encode("001", NOW_S + second, 8.02, 4.11, SEOUL) for second in range(60))
    reading_s = took_s(Site(LINES["ascii"]), pieces(readings * (QUARTER_BYTES // len(readings)), 96))
    assert noise_s <= 2 * reading_s  # twice: two measurements on a busy machine


def took_s(site: Site, chunks: list[bytes]) -> float:
    """CPU seconds of taking the chunks."""
    began_s = time.process_time()
    for chunk in chunks:
        site.feed(chunk)
    site.check()
    return time.process_time() - began_s
