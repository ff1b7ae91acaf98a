"""Bytes to readings: what a meter said is read exactly, whatever else is on the line is refused and counted."""

import contextlib
import threading
from collections import Counter
from datetime import datetime
from functools import reduce
from operator import xor
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import FrameRefused
from common.settings import LineSettings
from producer.ascii import Reading, checksum, encode, frame_of, parse
from producer.frames import LONGEST_FRAME, Framer
from producer.intake import AsciiListener, ReadingSink
from producer.line import SerialLine
from producer.minute import Minutes
from producer.site_time import ClockSample, SiteTime

SEOUL = ZoneInfo("Asia/Seoul")
NOW_S = datetime.fromisoformat("2024-08-26T16:33:10+09:00").timestamp()

sensors = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,31}", fullmatch=True)
values = st.none() | st.integers(-999_999_999, 999_999_999).map(lambda thousandths: thousandths / 1000)
times = st.none() | st.integers(0, 4_000_000_000).map(float)
readings = st.builds(Reading, sensors, times, values, values)


def read(frame: bytes) -> Reading:
    return parse(frame.rstrip(b"\r\n"), SEOUL, NOW_S)


def frame_of_reading(reading: Reading) -> bytes:
    return encode(*reading, zone=SEOUL)


def feed(framer: Framer, chunk: bytes) -> list[bytes]:
    lines = framer.lines(chunk)
    return framer.frames(lines) if lines else []


@given(readings)
def test_a_reading_survives_the_line(reading: Reading) -> None:
    assert read(frame_of_reading(reading)) == reading


@given(st.binary(max_size=LONGEST_FRAME))
def test_the_checksum_is_the_xor_of_all_bytes(body: bytes) -> None:
    assert checksum(body) == reduce(xor, body, 0)


def test_the_documented_frame() -> None:
    frame = b"$001,2024-08-26T16:33:00+09:00,8.02,4.11*"
    assert read(frame + b"%02x" % reduce(xor, frame[1:-1])) == Reading("001", NOW_S - 10, 8.02, 4.11)


@given(st.lists(st.tuples(readings, st.binary(max_size=60))), st.data())
def test_every_whole_frame_is_found_however_the_bytes_are_cut(
    pairs: list[tuple[Reading, bytes]], data: st.DataObject
) -> None:
    stream = b"".join(junk.replace(b"\n", b"") + frame_of_reading(reading) for reading, junk in pairs)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    framer = Framer(Counter())
    frames = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        frames += feed(framer, stream[start:end])
    assert [read(frame) for frame in frames] == [reading for reading, _ in pairs]


@given(st.binary(max_size=5_000))
def test_noise_is_never_a_reading_and_never_kept(noise: bytes) -> None:
    framer = Framer(Counter())
    for frame in feed(framer, noise):
        with pytest.raises(FrameRefused):
            read(frame)
    assert len(framer.rest) <= LONGEST_FRAME
    good = frame_of_reading(Reading("001", NOW_S, 1.0, 2.0))
    assert read(feed(framer, good)[-1]) == Reading("001", NOW_S, 1.0, 2.0)  # back in step within one frame


def test_what_comes_before_the_first_frame_is_nobodys_fault() -> None:
    refused: Counter[str] = Counter()
    framer = Framer(refused)
    good = frame_of_reading(Reading("001", NOW_S, 1.0, 2.0))
    assert len(feed(framer, good[20:] + good)) == 1
    assert not refused
    feed(framer, b"noise\n")
    assert refused == {"noise": 1}


def test_a_frame_cut_by_a_stop_is_completed_by_the_next_start() -> None:
    good = frame_of_reading(Reading("001", NOW_S, 1.0, 2.0))
    before, after = Framer(Counter()), Framer(Counter())
    feed(before, good[:17])
    after.keep(before.rest)
    after.restart()
    assert [read(frame) for frame in feed(after, good[17:])] == [Reading("001", NOW_S, 1.0, 2.0)]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"001,2024-08-26T16:33:00+09:00,8.02", "fields"),
        (b"001,2024-08-26T16:33:00+09:00,8.02,4.11,9", "fields"),
        (b"00\t1,,8.02,4.11", "sensor"),
        (b"00\x001,,8.02,4.11", "sensor"),
        (b"\x1b[2J1,,8.02,4.11", "sensor"),
        (b"=cmd|' /C calc'!A0,,8.02,4.11", "sensor"),
        (b"../../etc,,8.02,4.11", "sensor"),
        (b"';DROP TABLE x;--,,8.02,4.11", "sensor"),
        (b"-1,,8.02,4.11", "sensor"),
        (b",,8.02,4.11", "sensor"),
        (b"A" * 33 + b",,8.02,4.11", "sensor"),
        (b"A" * 10_000 + b",,8.02,4.11", "long"),
        ("００１,,8.02,4.11".encode(), "sensor"),
        (b"001,yesterday,8.02,4.11", "time"),
        (b"001,2024-02-30T00:00:00Z,8.02,4.11", "time"),
        (b"001,2024-08-26T24:00:00Z,8.02,4.11", "time"),
        (b"001,2024-08-26 16:33:00Z,8.02,4.11", "time"),
        (b"001,,nan,4.11", "number"),
        (b"001,,inf,4.11", "number"),
        (b"001,,1e5,4.11", "number"),
        (b"001,,1_0,4.11", "number"),
        (b"001,, 8,4.11", "number"),
        (b"001,,8.02,0x10", "number"),
        (b"001,,8.02,--4", "number"),
        (b"001,,999999999,4.11", "number"),
    ],
)
def test_a_right_checksum_does_not_make_it_a_reading(body: bytes, reason: str) -> None:
    with pytest.raises(FrameRefused) as refused:
        read(frame_of(body))
    assert refused.value.reason == reason


def test_a_number_may_have_as_many_decimals_as_programs_print_of_a_double() -> None:
    flow, pressure = 0.1 + 0.2, 4.1 / 3
    frame = frame_of(f"001,,{flow!r},{pressure!r}".encode())
    assert len(repr(flow)) > len("9.123456")
    assert read(frame) == Reading("001", None, flow, pressure)
    intake, _ = make_intake()
    assert intake.take(frame) == 1
    longest = f"{'A' * 32},2024-08-26T16:33:00.123456+09:00,+123456.{'1' * 17},-123456.{'1' * 17}"
    assert intake.take(frame_of(longest.encode())) == 1


@given(readings, st.integers(1, 255), st.data())
def test_one_damaged_byte_is_never_another_reading(reading: Reading, damage: int, data: st.DataObject) -> None:
    frame = bytearray(frame_of_reading(reading).rstrip(b"\r\n"))
    place = data.draw(st.integers(1, len(frame) - 1))
    frame[place] ^= damage
    with contextlib.suppress(FrameRefused):
        assert read(bytes(frame)) == reading  # a hex digit that became its other case


def test_a_time_without_offset_is_the_sites_wall_clock() -> None:
    assert read(frame_of(b"001,2024-08-26T16:33:10,1,2")).time_s == NOW_S


def test_in_the_hour_that_autumn_repeats_the_nearer_moment_is_meant() -> None:
    rome = ZoneInfo("Europe/Rome")
    for text in ("2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00"):
        now_s = datetime.fromisoformat(text).timestamp()
        assert parse(frame_of(b"001,2024-10-27T02:30:00,1,2").rstrip(), rome, now_s + 5).time_s == now_s


@given(
    st.lists(
        st.builds(Reading, sensors, st.none() | st.integers(-100, 100).map(lambda s: NOW_S + s), values, values)
        | st.binary(max_size=40)
        | st.sampled_from(
            [b"\n", b"\r\n", b"$", b"$001,,1,2*00\r\n", frame_of(b"001,yesterday,1,2"), frame_of(b"a b,,1,2")]
        ),
        max_size=30,
    ),
    st.data(),
)
def test_the_fast_way_through_a_block_takes_what_the_strict_one_takes(
    parts: list[Reading | bytes], data: st.DataObject
) -> None:
    stream = b"".join(part if isinstance(part, bytes) else frame_of_reading(part) for part in parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    intake, minutes = make_intake()
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        intake.take(stream[start:end])
    door, strict = make_door()
    framer = Framer(Counter())
    for frame in feed(framer, stream):
        with contextlib.suppress(FrameRefused):
            door.take(parse(frame, SEOUL, NOW_S))
    assert minutes.to_state()["open"] == strict.to_state()["open"]


def make_door() -> tuple[ReadingSink, Minutes]:
    minutes = Minutes(5.0)
    time = SiteTime(ClockSample(NOW_S, 0.0), 0, given=True)
    return ReadingSink(time, minutes, Counter(), settings=LineSettings(), zone=SEOUL), minutes


def make_intake() -> tuple[AsciiListener, Minutes]:
    door, minutes = make_door()
    line = SerialLine("/dev/null", 9600, threading.Event())
    return AsciiListener(Framer(door.refused), door, SEOUL, line), minutes
