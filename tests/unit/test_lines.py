"""The bytes of the log: every line proves itself, and no flipped bit goes unnoticed."""

from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log.format import (
    Header,
    Record,
    format_header,
    format_lines,
    header_at,
    parse_header,
    parse_line,
    parse_lines,
    split_merged,
)

offsets = st.integers(min_value=0, max_value=10**17)
payloads = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), min_size=1, max_size=200)
PAYLOAD = "2024-08-26T16:33:00+09:00\t001\t8.02\t4.11\t60\t0000\t000"
LOG_ID = "6b7703da-a5e5-4f74-bbf1-e3912a439bd3"


@given(offsets, st.lists(payloads, min_size=1, max_size=5))
def test_rows_are_read_as_they_were_written(first: int, texts: list[str]) -> None:
    block = format_lines(first, [text.encode() for text in texts])
    assert block.endswith(b"\n")
    lines = block.split(b"\n")[:-1]
    assert [parse_line(line) for line in lines] == [Record(first + n, text) for n, text in enumerate(texts)]
    assert parse_lines(block, first) == [Record(first + n, text) for n, text in enumerate(texts)]


def test_a_line_stands_in_the_file_as_the_documents_show_it() -> None:
    line = format_lines(18342, [PAYLOAD.encode()])
    assert line == b"18342\t" + PAYLOAD.encode() + b"\t2e59de29\n"


@given(st.data(), offsets, payloads)
def test_any_flipped_bit_of_a_line_is_noticed(data: st.DataObject, offset: int, text: str) -> None:
    line = bytearray(format_lines(offset, [text.encode()]).removesuffix(b"\n"))
    bit = data.draw(st.integers(0, len(line) * 8 - 1))
    line[bit // 8] ^= 1 << bit % 8
    assert parse_line(bytes(line)) is None


@given(st.data(), offsets, st.lists(payloads, min_size=1, max_size=4))
def test_any_flipped_bit_of_many_lines_is_noticed(data: st.DataObject, first: int, texts: list[str]) -> None:
    block = bytearray(format_lines(first, [text.encode() for text in texts]))
    bit = data.draw(st.integers(0, len(block) * 8 - 9))
    block[bit // 8] ^= 1 << bit % 8
    assert parse_lines(bytes(block), first) is None


@given(st.data(), offsets)
def test_any_flipped_bit_of_a_header_is_noticed(data: st.DataObject, base: int) -> None:
    line = bytearray(format_header(Header(LOG_ID, base)).removesuffix(b"\n"))
    assert parse_header(bytes(line)) == Header(LOG_ID, base)
    bit = data.draw(st.integers(0, len(line) * 8 - 1))
    line[bit // 8] ^= 1 << bit % 8
    assert parse_header(bytes(line)) is None


@given(st.binary(max_size=300))
def test_foreign_bytes_are_no_row_and_no_header(junk: bytes) -> None:
    assert parse_line(junk) is None
    assert parse_header(junk) is None
    assert header_at(junk) is None


def test_a_right_sum_does_not_make_a_row_of_what_is_none() -> None:
    for proved in (b"", b"12", b"-1\tx", b"1_0\tx", b" 1\tx", b"x\ty", b"9" * 19 + b"\tx", b"1\t\xff"):
        line = b"%b\t%08x" % (proved, crc32(proved))
        assert parse_line(line) is None, proved
        assert parse_lines(line + b"\n", 1) is None, proved


@given(offsets, payloads, payloads, st.integers(0, 255).filter(lambda byte: byte != 10))
def test_a_damaged_line_break_costs_neither_row(offset: int, first: str, second: str, byte: int) -> None:
    one, two = format_lines(offset, [first.encode(), second.encode()]).split(b"\n")[:-1]
    merged = one + bytes([byte]) + two
    assert parse_line(merged) is None
    assert split_merged(merged) == len(one)


@pytest.mark.parametrize("byte", [b"\n", b"\x0b", b"\x00"])
def test_a_header_is_known_also_when_its_line_break_is_damaged(byte: bytes) -> None:
    line = format_header(Header(LOG_ID, 7)).removesuffix(b"\n")
    assert header_at(line + byte + b"7\tx\t00000000\n") == (Header(LOG_ID, 7), len(line))


def test_rows_with_a_hole_before_or_between_them_are_left_to_the_slow_way() -> None:
    row = PAYLOAD.encode()
    assert parse_lines(format_lines(8, [row]), 7) is None
    assert parse_lines(format_lines(7, [row]) + format_lines(9, [row]), 7) is None
    assert parse_lines(format_lines(9, [row, row]), 9) == [Record(9, PAYLOAD), Record(10, PAYLOAD)]
