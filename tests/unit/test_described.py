"""Frames described in the settings: what is described is read exactly, all else is refused and counted."""

import contextlib
import tracemalloc
from collections import Counter
from dataclasses import replace
from datetime import datetime
from functools import reduce
from itertools import pairwise
from operator import xor
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import FrameRefused, SettingsError
from common.meters import Format
from common.sums import SUMS
from producer.ascii import Reading
from producer.described import LONGEST, Described

SEOUL = ZoneInfo("Asia/Seoul")
NOW_S = datetime.fromisoformat("2024-08-26T16:33:10+09:00").timestamp()
PLAIN = Format(fields=("sensor", "flow", "pressure"))
SUMMED = Format(start="\x02", end="\x03", fields=("sensor", "flow"), separator=";", checksum="sum", checksum_mark="/")


def read(form: Format, frame: bytes) -> Reading:
    return Described(form).parse(frame, SEOUL, NOW_S)


def feed(form: Format, chunks: list[bytes], refused: Counter[str] | None = None) -> list[bytes]:
    framer = Described(form).framer(Counter() if refused is None else refused)
    frames = []
    for chunk in chunks:
        lines = framer.lines(chunk)
        frames += framer.frames(lines) if lines else []
    return frames


@pytest.mark.parametrize(
    ("form", "frame", "reading"),
    [
        (PLAIN, b"001, 8.02,4.11", Reading("001", None, 8.02, 4.11)),
        (PLAIN, b"001,,4.11", Reading("001", None, None, 4.11)),
        (Format(separator="", fields=("flow", "pressure"), sensor="A"), b" 8.5   .4 ", Reading("A", None, 8.5, 0.4)),
        (
            Format(separator=";", fields=("flow", "ignore", "pressure"), sensor="A", decimal=","),
            b"8,5;OK;+4,1E+00",
            Reading("A", None, 8.5, 4.1),
        ),
        (
            Format(pattern=r"(?P<sensor>[A-Z]\d+) F=(?P<flow>[\d.]+)L/s( P=(?P<pressure>[\d.]+))?", flow_scale=3.6),
            b"M1 F=10.0L/s",
            Reading("M1", None, 36.0, None),
        ),
        (
            Format(fields=("flow", "pressure"), sensor="A", flow_measure="L/s", pressure_measure="kPa"),
            b"10,411",
            Reading("A", None, 36.0, 4.11),
        ),
        (
            Format(fields=("flow", "pressure"), sensor="A", pressure_offset=-100, pressure_measure="m"),
            b"10,140",
            Reading("A", None, 10.0, 3.92266),
        ),
        (
            Format(fields=("time", "flow"), sensor="A", time="%d.%m.%Y %H:%M:%S"),
            b"26.08.2024 16:33:00,1",
            Reading("A", NOW_S - 10, 1.0, None),
        ),
        (
            Format(fields=("time", "flow"), sensor="A", time="unix"),
            b"1724657580,1",
            Reading("A", NOW_S - 10, 1.0, None),
        ),
        (
            Format(fields=("time", "flow"), sensor="A", time="unix-ms"),
            b"1724657580250,1",
            Reading("A", NOW_S - 9.75, 1.0, None),
        ),
        (
            Format(fields=("time", "flow"), sensor="A", time="%Y-%m-%d %H:%M %z"),
            b"2024-08-26 07:33 +0000,1",
            Reading("A", NOW_S - 10, 1.0, None),
        ),
        (
            Format(fields=("time", "flow"), sensor="A", time="%y%j%H%M"),
            b"242391633,1",
            Reading("A", NOW_S - 10, 1.0, None),
        ),
        (Format(fields=("time", "flow"), sensor="A"), b"2024-08-26T07:33:00Z,1", Reading("A", NOW_S - 10, 1.0, None)),
        (Format(fields=("time", "flow"), sensor="A"), b",1", Reading("A", None, 1.0, None)),
        (Format(fields=("sensor", "flow"), sensor="A"), b",1", Reading("A", None, 1.0, None)),
    ],
)
def test_what_is_described_is_read(form: Format, frame: bytes, reading: Reading) -> None:
    sensor, time_s, flow, pressure = read(form, frame)
    assert (sensor, time_s) == reading[:2]
    assert flow == pytest.approx(reading.flow)
    assert pressure == pytest.approx(reading.pressure)


def test_checksums_are_the_known_ones() -> None:
    assert SUMS["xor"].text(b"GPGLL,5300.97914,N,00259.98174,E,125926,A") == b"28"  # an NMEA 0183 example
    texts = {kind: one.text(b"123456789") for kind, one in SUMS.items()}
    assert texts == {
        "xor": b"31",
        "sum": b"DD",
        "lrc": b"23",
        "sum16": b"01DD",
        "crc16": b"4B37",  # the check values of CRC-16/MODBUS, CRC-16/IBM-3740 and CRC-16/XMODEM
        "crc16-ccitt": b"29B1",
        "crc16-xmodem": b"31C3",
    }
    assert SUMS["crc16"].text(b"123456789", "low") == b"374B"
    assert SUMS["sum16"].text(b"123456789", "low") == b"DD01"
    assert SUMS["lrc"].text(b"\x11\x03\x00\x6b\x00\x03") == b"7E"  # an example of the Modbus protocol
    assert SUMS["lrc"].text(b"") == b"00"


@pytest.mark.parametrize("first", ["high", "low"])
@pytest.mark.parametrize("kind", SUMS)
@pytest.mark.parametrize("covers", [("body",), ("start", "body"), ("body", "mark"), ("start", "body", "mark")])
def test_a_right_checksum_is_believed_and_a_wrong_one_is_not(kind: str, covers: tuple[str, ...], first: str) -> None:
    form = Format(start="#", fields=("flow",), sensor="A", checksum=kind, checksum_mark="~", checksum_covers=covers)
    form = replace(form, checksum_first=first)
    parts = {"start": b"#", "body": b"8.02", "mark": b"~"}
    check = SUMS[kind].text(b"".join(parts[name] for name in covers), first)
    assert read(form, b"#8.02~" + check).flow == 8.02
    assert read(form, b"#8.02~" + check.lower()).flow == 8.02
    if len(check) == 4:
        other = replace(form, checksum_first="low" if first == "high" else "high")
        with pytest.raises(FrameRefused, match="checksum"):
            read(other, b"#8.02~" + check)
    for wrong in (b"#8.03~" + check, b"#8.02" + check, b"#8.02~", b"#", b"#8.02~" + check[:-1] + b"X"):
        with pytest.raises(FrameRefused, match="checksum"):
            read(form, wrong)


@pytest.mark.parametrize(
    ("form", "frame", "reason"),
    [
        (PLAIN, b"001,1", "fields"),
        (PLAIN, b"001,1,2,3", "fields"),
        (PLAIN, b"../x,1,2", "sensor"),
        (PLAIN, b"a\x00b,1,2", "sensor"),
        (PLAIN, b",1,2", "sensor"),
        (PLAIN, b"A" * 33 + b",1,2", "sensor"),
        (PLAIN, b"A" * LONGEST + b",1,2", "long"),
        (PLAIN, b"001,1_0,2", "number"),
        (PLAIN, b"001,1e99,2", "number"),
        (PLAIN, b"001,1234567,2", "number"),
        (PLAIN, "001,１,2".encode(), "number"),
        (Format(fields=("flow",), sensor="A", decimal=","), b"1.5", "number"),
        (Format(fields=("flow", "time"), sensor="A"), b"1,noon", "time"),
        (Format(fields=("flow", "time"), sensor="A", time="%Y%m%d%H%M"), b"1,202413011200", "time"),
        (Format(fields=("flow", "time"), sensor="A", time="unix"), b"1,-5", "time"),
        (Format(fields=("flow", "time"), sensor="A", time="unix"), b"1,1724657580250", "time"),
        (Format(fields=("flow", "time"), sensor="A", time="unix-ms"), b"1,noon", "time"),
        (Format(pattern=r"(?P<flow>\d+)", sensor="A"), b"1x", "fields"),
    ],
)
def test_what_is_not_described_is_refused(form: Format, frame: bytes, reason: str) -> None:
    with pytest.raises(FrameRefused) as refused:
        read(form, frame)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("form", "key"),
    [
        (Format(), "line.format.fields"),
        (Format(fields=("sensor", "time")), "line.format.fields"),
        (Format(fields=("flow",)), "line.format.sensor"),
        (Format(fields=("flow",), sensor="A", pattern="x"), "line.format.fields"),
        (Format(pattern="(?P<flow>", sensor="A"), "line.format.pattern"),
        (Format(pattern="(?P<speed>x)", sensor="A"), "line.format.pattern"),
        (Format(pattern=r"(?P<flow>\d+)(?=x)", sensor="A"), "line.format.pattern"),
        (Format(pattern="(?P<flow>x)\u20ac", sensor="A"), "line.format.pattern"),
        (Format(fields=("flow", "time"), sensor="A", time="%H:%M"), "line.format.time"),
        (Format(fields=("flow", "time"), sensor="A", time="noon"), "line.format.time"),
        (Format(fields=("flow", "time"), sensor="A", time="%Y%m%d%H"), "line.format.time"),  # no reading a minute
        (Format(fields=("flow", "time"), sensor="A", time="%d.%m. %H:%M"), "line.format.time"),
    ],
)
def test_a_description_that_is_none_is_named(form: Format, key: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SettingsError) as wrong:
        Described(form)
    assert str(wrong.value).startswith(f"{key}: ")
    assert "\n" not in str(wrong.value)
    assert capfd.readouterr() == ("", "")


def test_no_expression_can_stall_the_line() -> None:
    """Python's own engine would need longer than the universe for this one."""
    form = Format(pattern=r"(?P<flow>(\d+)+)((.*)*.*)*!", sensor="A")
    with pytest.raises(FrameRefused, match="fields"):
        read(form, b"1" * LONGEST)


def test_without_start_mark_the_first_line_may_be_a_piece_of_one() -> None:
    refused: Counter[str] = Counter()
    assert feed(PLAIN, [b"1,8.02,4.11\r\n001,8.0", b"2,4.11\r", b"\n"], refused) == [b"001,8.02,4.11"]
    assert not refused


def test_the_rest_of_too_long_a_line_is_no_frame() -> None:
    refused: Counter[str] = Counter()
    noise = [b"\r\n", *[b"x" * 100] * 20, b"x\r", b"y", b"001,1,1\r", b"\n001,2,2\r\n"]
    assert feed(PLAIN, noise, refused) == [b"001,2,2"]
    assert refused == {"long": 1}


bodies = st.tuples(
    st.from_regex(r"[A-Za-z0-9]{1,8}", fullmatch=True), st.integers(-99_999, 99_999).map(lambda value: value / 100)
)


@given(st.lists(st.tuples(bodies, st.binary(max_size=40))), st.data())
def test_every_whole_frame_with_marks_is_found_however_the_bytes_are_cut(
    pairs: list[tuple[tuple[str, float], bytes]], data: st.DataObject
) -> None:
    stream = b""
    for (sensor, flow), junk in pairs:
        body = f"{sensor};{flow:.2f}".encode()
        stream += junk.replace(b"\x03", b"") + b"\x02" + body + b"/" + SUMS["sum"].text(body) + b"\x03"
    cuts = sorted({0, len(stream), *data.draw(st.lists(st.integers(0, len(stream)), max_size=20))})
    frames = feed(SUMMED, [stream[first:end] for first, end in pairwise(cuts)])
    found = [read(SUMMED, frame) for frame in frames]
    assert [(reading.sensor, reading.flow) for reading in found] == [pair[0] for pair in pairs]


@given(st.binary(max_size=3_000), st.sampled_from([PLAIN, SUMMED, Format(pattern=r"(?P<flow>.*)", sensor="A")]))
def test_noise_is_bounded_and_raises_nothing_else(noise: bytes, form: Format) -> None:
    framer = Described(form).framer(Counter())
    for frame in framer.frames(framer.lines(noise)):
        with contextlib.suppress(FrameRefused):
            reading = read(form, frame)
            assert all(value is None or abs(value) < 1e6 for value in (reading.flow, reading.pressure))
    assert len(framer.rest) <= LONGEST


def test_an_endless_line_costs_no_memory() -> None:
    framer = Described(PLAIN).framer(Counter())
    framer.lines(b"x" * 10_000)
    tracemalloc.start()
    for _ in range(1_000):
        framer.lines(b"x" * 10_000)
    assert tracemalloc.get_traced_memory()[0] < 50_000
    tracemalloc.stop()


@pytest.mark.parametrize("nothing", ["", "----", "null", "nan", "inf", "ERR", "N/A", "***", "#.##", "- -"])
def test_a_word_in_place_of_a_value_costs_the_other_channel_nothing(nothing: str) -> None:
    found = Described(PLAIN).parse(f"001,{nothing},4.11".encode(), SEOUL, NOW_S)
    assert (found.flow, found.pressure) == (None, 4.11)


@pytest.mark.parametrize(
    ("text", "flow"),
    [
        ("-    0.916", -0.916),
        ("+ 8.02", 8.02),
        ("0.916-", -0.916),
        ("8.02 +", 8.02),
        ("- .5", -0.5),
        ("-0.916", -0.916),
    ],
)
def test_a_sign_may_stand_apart_or_behind(text: str, flow: float) -> None:
    assert Described(PLAIN).parse(f"001,{text},4".encode(), SEOUL, NOW_S).flow == flow


@pytest.mark.parametrize("text", ["--5", "5--", "- -5", "-5-", "5 5", "5-5"])
def test_two_signs_or_two_numbers_are_no_number(text: str) -> None:
    with pytest.raises(FrameRefused, match="number"):
        Described(PLAIN).parse(f"001,{text},4".encode(), SEOUL, NOW_S)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%d.%m.%Y %H:%M:%S", "26.08.2024 24:00:00"),
        ("%d.%m.%Y %H:%M", "26.08.2024 24:00"),
        ("iso", "2024-08-26T24:00:00"),
        ("%Y%m%d%H%M%S", "20240826240000"),
        ("%y%m%d%H%M", "2408262400"),
        ("%H:%M:%S %d/%m/%y", "24:00:00 26/08/24"),
    ],
)
def test_twenty_four_hundred_is_the_end_of_the_day(form: str, text: str) -> None:
    described = Described(Format(fields=("time", "flow"), sensor="A", separator=";", time=form))
    midnight = datetime(2024, 8, 27, tzinfo=SEOUL).timestamp()
    assert described.parse(f"{text};8".encode(), SEOUL, midnight).time_s == midnight


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_halves_of_a_day_and_units_may_be_korean(encoding: str) -> None:
    form = Format(fields=("time", "flow", "flow_measure"), sensor="A", time="%Y-%m-%d %p %I:%M")
    reading = Described(form).parse("2024-08-26 오후 1:02,8.02,㎥/h".encode(encoding), SEOUL, NOW_S)
    assert (reading.time_s, reading.flow) == (datetime(2024, 8, 26, 13, 2, tzinfo=SEOUL).timestamp(), 8.02)


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_a_time_of_day_may_be_korean(encoding: str) -> None:
    form = Format(fields=("time", "flow"), sensor="A", time="%Y-%m-%d %H시 %M분 %S초")
    reading = Described(form).parse("2024-08-26 13시 05분 07초,8.02".encode(encoding), SEOUL, NOW_S)
    assert reading.time_s == datetime(2024, 8, 26, 13, 5, 7, tzinfo=SEOUL).timestamp()


def test_what_is_no_text_at_all_is_refused_as_before() -> None:
    with pytest.raises(FrameRefused, match="sensor"):
        Described(PLAIN).parse(b"\xff\xfe,8,4", SEOUL, NOW_S)


def test_a_checksum_may_follow_the_body_at_once_or_behind_its_end() -> None:
    behind = Format(start=":", fields=("flow", "pressure"), sensor="A", checksum="lrc", checksum_mark="")
    body = b"8.02,4.11"
    assert read(behind, b":" + body + SUMS["lrc"].text(body)).flow == 8.02
    sealed = replace(behind, start="\x02", checksum="sum16", checksum_mark="\x03", checksum_covers=("body", "mark"))
    good = b"\x02" + body + b"\x03" + SUMS["sum16"].text(body + b"\x03")
    assert [read(sealed, frame).flow for frame in feed(sealed, [good + b"\r\n"])] == [8.02]
    with pytest.raises(FrameRefused, match="checksum"):
        read(sealed, good.replace(b"8", b"9", 1))


BCC = Format(fields=("flow", "pressure"), sensor="A", start="\x02", end="\x03", checksum="bcc")
plain_bodies = st.tuples(st.integers(0, 99_999), st.integers(0, 999)).map(lambda pair: b"%d,%d" % pair)


def with_check_byte(body: bytes) -> bytes:
    return b"\x02" + body + b"\x03" + bytes([reduce(xor, body + b"\x03", 0)])


@given(
    st.lists(plain_bodies | st.binary(max_size=9).filter(lambda noise: b"\x02" not in noise), max_size=9),
    st.lists(st.integers(0, 200), max_size=6),
)
def test_frames_with_a_raw_check_byte_are_found_however_they_are_cut(parts: list[bytes], places: list[int]) -> None:
    """Whatever the check byte is, a mark too, and whatever noise is between the frames."""
    described, refused = Described(BCC), Counter[str]()
    framer = described.framer(refused)
    wanted = [part for part in parts if b"," in part and part.replace(b",", b"").replace(b".", b"").isdigit()]
    stream = b"".join(with_check_byte(part) if part in wanted else part for part in parts)
    cuts = [0, *sorted(min(place, len(stream)) for place in places), len(stream)]
    found = []
    for first, last in pairwise(cuts):
        lines = framer.lines(stream[first:last])
        found += [described.parse(frame, SEOUL, NOW_S) for frame in framer.frames(lines)]
    assert [(one.flow, one.pressure) for one in found] == [tuple(float(n) for n in part.split(b",")) for part in wanted]


def test_a_wrong_check_byte_and_a_lost_one_cost_only_their_frame() -> None:
    described, refused = Described(BCC), Counter[str]()
    framer = described.framer(refused)
    good = with_check_byte(b"8.02,4.11")
    stream = good + good[:-1] + b"?" + good + b"\x028.0" + good + b"\x03\x03" + good
    results: list[float | str | None] = []
    for frame in framer.frames(framer.lines(stream)):
        try:
            results.append(described.parse(frame, SEOUL, NOW_S).flow)
        except FrameRefused as error:
            results.append(error.reason)
    assert results == [8.02, "checksum", 8.02, 8.02, 8.02]


def test_a_check_byte_needs_a_start_mark() -> None:
    with pytest.raises(SettingsError, match=r"line\.format\.start"):
        Described(replace(BCC, start=""))


def test_a_check_byte_that_is_not_described_is_no_noise() -> None:
    described, refused = Described(replace(BCC, checksum="none")), Counter[str]()
    framer = described.framer(refused)
    frames = framer.frames(framer.lines(b"".join(with_check_byte(b"8.0%d,4" % n) for n in range(9))))
    assert [described.parse(frame, SEOUL, NOW_S).flow for frame in frames] == [8 + n / 100 for n in range(9)]
    assert not refused
