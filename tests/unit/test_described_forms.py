"""Described frames of one length, packed digits, totals, and units that stand in the line."""

import itertools
from collections import Counter
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import FrameRefused, SettingsError
from common.meters import Format
from common.sums import SUMS
from producer.ascii import Reading
from producer.described import Described

UTC = ZoneInfo("UTC")
NOW_S = 1_724_657_590.0
MARKED = Format(start=":", end="", length=11, separator=";", fields=("flow", "pressure"), sensor="a")
SUMMED = Format(
    end="", length=13, separator=";", fields=("flow", "pressure"), sensor="a", checksum="xor", checksum_mark="*"
)
PLAIN = Format(end="", length=12, pattern=r"Q(?P<flow>\d{5})P(?P<pressure>\d{5})", sensor="a", flow_scale=0.01)
PACKED = Format(
    start="\x02",
    end="",
    length=7,
    digits="bcd",
    pattern="(?s)(?P<flow>.{4})(?P<pressure>.{2})",
    sensor="a",
    flow_scale=0.01,
    pressure_scale=0.001,
)


def marked(flow: int) -> bytes:
    return b":%05.2f;%04.2f" % (flow / 100, 4.11)


def summed(flow: int) -> bytes:
    body = b"%05.2f;%04.2f" % (flow / 100, 4.11)
    return body + b"*" + SUMS["xor"].text(body)


def plain(flow: int) -> bytes:
    return b"Q%05dP%05d" % (flow, 4)


def packed(flow: int) -> bytes:
    return b"\x02" + bytes.fromhex(f"{flow:08d}4110")


KINDS = [(MARKED, marked), (SUMMED, summed), (PLAIN, plain), (PACKED, packed)]


def flows(form: Format, stream: bytes, cuts: list[int], refused: Counter[str] | None = None) -> list[float | None]:
    described = Described(form)
    framer = described.framer(Counter() if refused is None else refused)
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    found = []
    for begin, end in itertools.pairwise(places):
        if lines := framer.lines(stream[begin:end]):
            found += [described.parse(frame, UTC, NOW_S).flow for frame in framer.frames(lines)]
    return found


numbers = st.lists(st.integers(0, 9998), min_size=3, max_size=8)


@pytest.mark.parametrize(("form", "made"), KINDS)
@given(sent=numbers, cuts=st.lists(st.integers(0, 10_000), max_size=12))
def test_any_split_gives_the_same_frames(form: Format, made: object, sent: list[int], cuts: list[int]) -> None:
    assert callable(made)
    refused: Counter[str] = Counter()
    found = flows(form, b"".join(map(made, sent)), cuts, refused)
    wanted = sent if form is not PLAIN else sent[: len(found)]
    assert found == pytest.approx([flow / 100 for flow in wanted])
    assert not refused


@pytest.mark.parametrize(("form", "made"), [kind for kind in KINDS if kind[0] is not PLAIN])
@given(
    sent=numbers,
    noise=st.lists(st.binary(max_size=40), min_size=9, max_size=9),
    cuts=st.lists(st.integers(0, 10_000), max_size=8),
)
def test_noise_between_frames_costs_no_frame(
    form: Format, made: object, sent: list[int], noise: list[bytes], cuts: list[int]
) -> None:
    """Noise may look like a frame by chance; a start mark and digits do not come together in most of it."""
    assert callable(made)
    clean = [piece.translate(None, b"0123456789") for piece in noise]
    if form is PACKED:
        clean = [piece.replace(b"\x02", b"") for piece in clean]
    stream = clean[8] + b"".join(made(flow) + junk for flow, junk in zip(sent, clean, strict=False))
    assert flows(form, stream, cuts) == pytest.approx([flow / 100 for flow in sent])


@given(sent=st.lists(st.integers(1000, 9998), min_size=6, max_size=12), lost=st.data())
def test_a_lost_byte_costs_one_frame(sent: list[int], lost: st.DataObject) -> None:
    stream = b"".join(map(summed, sent))
    hole = lost.draw(st.integers(0, len(stream) - 1))
    found = flows(SUMMED, stream[:hole] + stream[hole + 1 :], [])
    wanted = [[flow / 100 for place, flow in enumerate(sent) if place != missing] for missing in range(len(sent))]
    assert any(found == pytest.approx(one) for one in wanted)


def test_what_a_frame_without_proof_needs() -> None:
    """Two must follow each other, and fit at one place only: digits alone fit everywhere, so they are never read."""
    assert flows(PLAIN, plain(802) * 2, []) == []
    assert flows(PLAIN, b"5P00004" + plain(802) * 4, []) == pytest.approx([8.02] * 4)
    assert flows(PLAIN, plain(802) * 4 + b"xx" + plain(803) * 3, []) == pytest.approx([8.02] * 4 + [8.03] * 3)
    digits = Format(end="", length=8, pattern=r"(?P<flow>\d{4})(?P<pressure>\d{4})", sensor="a")
    refused: Counter[str] = Counter()
    assert flows(digits, b"08020411" * 50, [], refused) == []
    blanks = replace(MARKED, start="", length=10)
    assert flows(blanks, b"08.02;4.11" * 50, []) == []


def test_a_wrong_checksum_of_a_frame_is_counted() -> None:
    refused: Counter[str] = Counter()
    frames = [summed(flow) for flow in (801, 802, 803)]
    frames[1] = frames[1][:-2] + b"ZZ"
    assert flows(SUMMED, b"".join(frames), [], refused) == pytest.approx([8.01, 8.03])
    assert refused["checksum"] == 1


def test_a_raw_check_byte_needs_no_end_mark() -> None:
    form = replace(MARKED, length=12, checksum="bcc")
    body = b"08.02;4.11"
    check = 0
    for byte in body:
        check ^= byte
    assert flows(form, (b":" + body + bytes([check])) * 2, [5]) == pytest.approx([8.02] * 2)


@pytest.mark.parametrize(
    ("raw", "first", "flow"),
    [
        ("00012345", "high", 123.45),
        ("45230100", "low", 123.45),
        ("f0000802", "high", -8.02),
        ("020800f0", "low", -8.02),
        ("ffffffff", "high", None),
    ],
)
def test_packed_digits(raw: str, first: str, flow: float | None) -> None:
    form = replace(PACKED, digits_first=first, pattern="(?s)(?P<flow>.{4})..")
    read = Described(form).parse(b"\x02" + bytes.fromhex(raw) + b"xx", UTC, NOW_S)
    assert read.flow == pytest.approx(flow)


@pytest.mark.parametrize("raw", ["0000080a", "b0000802", "00f00802", "0d0a2020"])
def test_other_nibbles_than_digits_are_no_number(raw: str) -> None:
    with pytest.raises(FrameRefused, match="number"):
        Described(PACKED).parse(b"\x02" + bytes.fromhex(raw + "4110"), UTC, NOW_S)


def test_digits_with_a_fixed_point() -> None:
    form = Format(fields=("flow", "pressure"), sensor="a", flow_scale=0.01, pressure_scale=0.001)
    read = Described(form).parse(b"0012345,04110", UTC, NOW_S)
    assert (read.flow, read.pressure) == pytest.approx((123.45, 4.11))


class Counting:
    """A described line with totals, with the time of each frame's arrival."""

    def __init__(self, form: Format, poll_s: float = 0.0) -> None:
        self.now_s = 1000.0
        self.refused: Counter[str] = Counter()
        self.described = Described(form, self.refused, lambda: self.now_s, poll_s)

    def flow(self, frame: str, after_s: float = 60.0) -> float | None:
        self.now_s += after_s
        return self.described.parse(frame.encode("latin-1"), UTC, NOW_S).flow


TOTAL = Format(fields=("sensor", "total", "pressure"))


def test_a_total_gives_the_flow_between_two_lines() -> None:
    line = Counting(TOTAL)
    assert line.flow("a,1000.0,4.1") is None
    assert line.flow("b,7.0,4.1") is None
    assert line.flow("a,1000.5,4.1") == pytest.approx(0.5 * 30)
    assert line.flow("a,1000.4,4.1") == pytest.approx(-0.1 * 60)
    assert line.flow("b,8.0,4.1") == pytest.approx(1 * 20)
    assert line.flow("a,----,4.1") is None
    assert line.flow("a,1001.4,4.1") == pytest.approx(1 * 20)


@pytest.mark.parametrize("set_to", ["0", "0.0", "99999999", "12"])
def test_a_total_that_was_set_is_no_flow(set_to: str) -> None:
    line = Counting(TOTAL)
    line.flow("a,500000.0,4.1")
    assert line.flow(f"a,{set_to},4.1") is None
    assert line.flow("a,500000.0,4.1", 200.0) is None


def test_a_total_that_starts_again() -> None:
    line = Counting(replace(TOTAL, total_scale=0.1, total_measure="L", rolls_over_at=1_000_000.0))
    line.flow("a,999990,4.1")
    assert line.flow("a,000010,4.1") == pytest.approx(20 * 0.0001 * 60)


def test_a_total_is_as_old_as_its_own_time() -> None:
    """Lines that waited together, and a clock in whole minutes."""
    line = Counting(Format(fields=("time", "total"), sensor="a"))
    assert line.flow("2024-08-26T07:30:00,10.0", 0.0) is None
    assert line.flow("2024-08-26T07:31:00,10.5", 0.0) == pytest.approx(30.0)
    line = Counting(Format(fields=("time", "total"), sensor="a", time="%Y-%m-%d %H:%M"))
    said = [line.flow(f"2024-08-26 07:{31 + number // 6},{10 + number / 10}", 10.0) for number in range(13)]
    assert said[6] == said[12] == pytest.approx(36.0)
    assert [flow for number, flow in enumerate(said) if number not in (6, 12)] == [None] * 11


def test_a_gap_begins_anew_and_a_slow_poll_is_no_gap() -> None:
    line = Counting(TOTAL)
    line.flow("a,10,4.1")
    assert line.flow("a,11,4.1", 200.0) is None
    line = Counting(TOTAL, poll_s=600.0)
    line.flow("a,10,4.1")
    assert line.flow("a,11,4.1", 600.0) == pytest.approx(6.0)


MEASURED = Format(
    pattern=r"(?P<flow>[-+.0-9]*) ?(?P<flow_measure>[^ ]*)(?: P (?P<pressure>[.0-9]+) ?(?P<pressure_measure>.*))?",
    sensor="a",
)


@pytest.mark.parametrize(
    ("said", "flow"),
    [
        ("12.3 L/s", 44.28),
        ("44.2 m3/h", 44.2),
        ("44.2m\xb3/h", 44.2),
        ("44.2m\xc2\xb3/h", 44.2),
        ("1000 l/min", 60.0),
        ("1000 L/MIN", 60.0),
        ("12.3 lps", 44.28),
        ("100 GPM", 22.71247070),
        ("24 m3/d", 1.0),
        ("2 M3/HR", 2.0),
        ("2 m^3/h", 2.0),
        ("1 m3/m", 60.0),
    ],
)
def test_the_unit_of_the_line_counts(said: str, flow: float) -> None:
    assert Counting(MEASURED).flow(said) == pytest.approx(flow)
    assert Counting(replace(MEASURED, flow_measure="L/s")).flow(said) == pytest.approx(flow)


@pytest.mark.parametrize("text", ["furlong", "", "m3", "bar", "gallons/h"])
def test_an_unknown_unit_is_no_value_and_is_named(text: str) -> None:
    line = Counting(MEASURED)
    read = line.described.parse(f"12.3 {text} P 4.11 bar".encode(), UTC, NOW_S)
    assert read == Reading("a", None, None, 4.11)
    assert line.refused == {"flow-measure": 1}
    assert line.described.problem == (
        f"sensor a sends its flow in {text!r}: this unit is unknown, so it is no value; known are m3/h, m3/min, m3/s, "
        "m3/d, L/h, L/min, L/s, gpm"
    )
    assert line.flow("12.3 L/s P 411 kPa") == pytest.approx(44.28)
    assert line.described.problem == ""


def test_a_value_that_is_absent_needs_no_unit() -> None:
    line = Counting(MEASURED)
    assert line.flow(" L/s P 4 bar") is None
    assert not line.refused


def test_a_total_whose_unit_changes_goes_on() -> None:
    line = Counting(Format(fields=("total", "total_measure"), sensor="a"))
    line.flow("1000.0,m3")
    assert line.flow("1000500,L") == pytest.approx(30.0)
    assert line.flow("1001.0,m3") == pytest.approx(30.0)
    assert line.flow("1001.0,ft3") is None
    assert line.refused == {"total-measure": 1}


@pytest.mark.parametrize(
    ("form", "key", "word"),
    [
        (replace(MARKED, end="\r\n"), "line.format.end", 'write end = ""'),
        (replace(MARKED, length=0), "line.format.end", "length = 20"),
        (replace(MARKED, length=1), "line.format.length", "more than the 1 bytes"),
        (replace(PACKED, length=0, end="\r"), "line.format.length", "may look like a mark"),
        (replace(PACKED, pattern="", fields=("flow",)), "line.format.pattern", "may look like a mark"),
        (Format(fields=("flow", "total"), sensor="a"), "line.format.fields", "flow and total"),
        (Format(fields=("flow", "pressure_measure"), sensor="a"), "line.format.fields", "but not pressure"),
        (Format(fields=("flow",), sensor="a", rolls_over_at=10.0), "line.format.rolls_over_at", "only for a total"),
        (Format(fields=("sensor", "time")), "line.format.fields", "nor total"),
    ],
)
def test_impossible_forms_are_refused(form: Format, key: str, word: str) -> None:
    with pytest.raises(SettingsError, match=word) as refused:
        Described(form)
    assert refused.value.key == key
