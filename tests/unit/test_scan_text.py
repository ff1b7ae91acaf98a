"""What the bytes of a line look like, and what `hydrolog line test` says of text that it cannot read."""

import random
from dataclasses import replace

import pytest

from cli import scan_text
from cli.line_frames import Frames
from common.meters import Format
from common.settings import LineSettings, Settings

DESCRIBED = Settings(line=LineSettings(protocol="described", format=Format(fields=("sensor", "flow", "pressure"))))
LINE = b"a,8.02,4.11\r\n"


def said(raw: bytes, settings: Settings = DESCRIBED) -> str:
    """The last line of a test that has heard this."""
    ear = Frames(settings, lambda _: None)
    ear.hear(raw, 0.0)
    return ear.conclusion(len(raw))


@pytest.mark.parametrize(("mode", "odd"), [("7E1", 0), ("7O1", 1)])
def test_seven_bits_with_a_parity_are_named(mode: str, odd: int) -> None:
    raw = bytes(byte | 0x80 if byte.bit_count() % 2 != odd else byte for byte in LINE * 5)
    assert said(raw) == f'text came in seven bits with a parity: write mode = "{mode}"'


@pytest.mark.parametrize("encoding", ["cp949", "utf-8"])
def test_korean_text_is_text(encoding: str) -> None:
    raw = "a,2024-08-26 오후 1:02,8.02㎥/h,정상\r\n".encode(encoding) * 5
    found = scan_text.read(raw, "8N1")
    assert found is not None
    assert found.lines[0] == "a,2024-08-26 오후 1:02,8.02㎥/h,정상"
    assert "the last line" in said(raw)
    assert 'end = "\\r\\n"' in scan_text.settings(found, DESCRIBED.site.zone, 0.0)


def test_noise_is_no_text_of_any_script() -> None:
    noise = random.Random(1)
    for _ in range(200):
        raw = noise.randbytes(200) + b"\r\n" + noise.randbytes(200) + b"\r\n"
        assert scan_text.read(raw, "8N1") is None


def test_another_line_end_is_named() -> None:
    assert (
        said(LINE.replace(b"\r\n", b"\r") * 5) == 'text came, but not the line end of the settings: write end = "\\r"'
    )
    own = replace(DESCRIBED, line=LineSettings(protocol="ascii"))
    assert "not with CR LF" in said(LINE.replace(b"\r\n", b"\n") * 5, own)
