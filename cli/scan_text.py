"""Does a line carry text, how do its lines end, and which settings read it? Pure."""

import json
import re
from typing import NamedTuple
from zoneinfo import ZoneInfo

from common.errors import FrameRefused
from producer.ascii import parse

READABLE = 0.97  # share of printable characters; a wrong baud rate gives about a third
LEAST_LINES = 2
SHOWN_FIELDS = 12
# How lines end, the longer ones first; ETX ends frames that STX starts.
ENDS = ("\r\n", "\n\r", "\n", "\r", "\x03")
_PRINTABLE = re.compile(r"[\t\n\r\x02\x03\x20-\x7e]")
_KOREAN = re.compile("[가-힣㎥㎠㎏℃]")
_ENCODINGS = ("ascii", "utf-8", "cp949")
_SEPARATORS = (";", "\t", ",", " ")


class Text(NamedTuple):
    """Readable lines."""

    bits: str  # of a character, as in `line.mode`: "8N1", or "7E1" and "7O1" where the eighth bit is a parity
    end: str
    lines: list[str]  # complete ones, without their end


def read(raw: bytes, mode: str) -> Text | None:
    """The lines in what came at a mode; None if it is not readable text."""
    bits = mode
    if mode == "8N1" and (parity := _parity(raw)):
        bits = parity
    if bits != mode:
        raw = bytes(byte & 0x7F for byte in raw)
    text = next((text for encoding in _ENCODINGS if _readable(text := raw.decode(encoding, "replace"))), None)
    if text is None:
        return None
    end = next((end for end in ENDS if text.count(end) >= LEAST_LINES), None)
    if end is None:
        return None
    lines = [line for line in text.split(end)[1:-1] if line.strip()]  # the first one may have begun before
    return Text(bits, end, lines) if lines else None


def _readable(text: str) -> bool:
    """Noise looks like letters of other scripts, too, so most must be plain, and the others Korean."""
    plain, korean = len(_PRINTABLE.findall(text)), len(_KOREAN.findall(text))
    return plain + korean >= READABLE * len(text) and plain >= korean


def _parity(raw: bytes) -> str:
    """The mode with seven bits whose parity every byte has in its eighth; empty if they have none."""
    if all(byte < 0x80 for byte in raw):
        return ""
    odd = {byte.bit_count() % 2 for byte in raw}
    return {frozenset({0}): "7E1", frozenset({1}): "7O1"}.get(frozenset(odd), "")


def settings(text: Text, zone: ZoneInfo, now_s: float) -> str:
    """What to write into the section line after url, baudrate and mode."""
    line = text.lines[-1]
    if text.end == "\r\n" and _own(line, zone, now_s):
        return 'protocol = "ascii"\n'
    start = "\x02" if line.startswith("\x02") else ""
    body = line.removeprefix(start)
    separator = next((mark for mark in _SEPARATORS if mark in body.strip()), ",")
    fields = body.split(separator)[:SHOWN_FIELDS]
    shown = "\n".join(f"# field {number}: {field.strip()}" for number, field in enumerate(fields, 1))
    names = ", ".join('"ignore"' for _ in fields)
    return (
        'protocol = "described"\n\n[line.format]\n'
        + (f"start = {json.dumps(start)}\n" if start else "")
        + f"end = {json.dumps(text.end)}\nseparator = {json.dumps(separator)}\n{shown}\n"
        + f"fields = [{names}]  # write sensor, time, flow, pressure where they are\n"
        + 'sensor = "inlet"  # if no field names it\n'
    )


def wrong_end(seen: str, protocol: str) -> str:
    """That the line end of the settings did not come, and what to write."""
    if protocol != "described":
        return f"text came, but its lines end with {json.dumps(seen)}, not with CR LF: it is not this protocol"
    return f"text came, but not the line end of the settings: write end = {json.dumps(seen)}"


def _own(line: str, zone: ZoneInfo, now_s: float) -> bool:
    try:
        parse(line.encode("latin-1", "replace"), zone, now_s)
    except FrameRefused:
        return False
    return True
