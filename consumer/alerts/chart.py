"""A small chart of the last day as a PNG: the values as bars from the lowest to the highest of three minutes."""

import struct
import zlib
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from common.clock import minute_start

LEAST_VALUES = 30  # fewer are no chart
LEFT, BOTTOM, TOP, WIDE, HIGH = 60, 16, 12, 480, 150
MINUTES_A_COLUMN = 3
WIDTH, HEIGHT = LEFT + WIDE + 8, TOP + HIGH + BOTTOM
WHITE, GREY, RED, BLUE, BLACK = range(5)
_COLOURS = bytes((255, 255, 255, 208, 208, 208, 255, 224, 216, 24, 84, 160, 64, 64, 64))
LABEL = 12  # lines between two labels, so that both can be read
UNITS = {"pressure": "bar"}  # of a channel; of any other m3/h
# Three columns by five lines, a bit each.
SIGNS = {
    "0": "75557", "1": "26227", "2": "71747", "3": "71717", "4": "55711", "5": "74717", "6": "74757",
    "7": "71222", "8": "75757", "9": "75717", ".": "00002", ":": "02020", "-": "00700",
    "/": "11244", "a": "06357", "b": "44757", "h": "44755", "m": "00775", "r": "00644",
}  # fmt: skip


class Canvas:
    """An image of palette indices."""

    def __init__(self) -> None:
        self._lines = [bytearray(WIDTH) for _ in range(HEIGHT)]

    def box(self, left: int, top: int, right: int, bottom: int, colour: int) -> None:
        """Fill, the ends included; what lies outside is cut."""
        left, right = max(left, 0), min(right, WIDTH - 1)
        for y in range(max(top, 0), min(bottom, HEIGHT - 1) + 1):
            self._lines[y][left : right + 1] = bytes([colour]) * (right + 1 - left)

    def write(self, left: int, top: int, text: str) -> None:
        """Text of `SIGNS`, twice their size."""
        for place, sign in enumerate(text):
            for line, bits in enumerate(SIGNS.get(sign, "00000")):
                for column in range(3):
                    if int(bits) & 4 >> column:
                        x, y = left + 8 * place + 2 * column, top + 2 * line
                        self.box(x, y, x + 1, y + 1, BLACK)

    def png(self) -> bytes:
        pixels = zlib.compress(b"".join(b"\0" + line for line in self._lines), 9)
        head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)  # 8 bits, palette
        parts = ((b"IHDR", head), (b"PLTE", _COLOURS), (b"IDAT", pixels), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in parts
        )


def draw(
    values: Sequence[float | None],
    newest: int,
    began: int,
    ended: int | None,
    zone: ZoneInfo,
    *,
    channel: str = "flow",
) -> bytes:
    """The chart of `values`, one a minute up to UTC minute `newest`; red from `began` to `ended`. Empty: too few."""
    known = [value for value in values if value is not None]
    if len(known) < LEAST_VALUES:
        return b""
    low, high = min(0.0, *known), max(0.001, *known)
    first, canvas = newest - len(values) + 1, Canvas()

    def x(minute: int) -> int:
        return LEFT + max(0, minute - first) // MINUTES_A_COLUMN

    def y(value: float) -> int:
        return TOP + round((high - value) / (high - low) * (HIGH - 1))

    canvas.box(x(began), TOP, x(newest if ended is None else ended), TOP + HIGH - 1, RED)
    written: list[int] = []
    for value, text in ((0.0, "0"), (high, _number(high)), (low, _number(low))):
        canvas.box(LEFT, y(value), LEFT + WIDE, y(value), GREY)
        if all(abs(y(value) - line) >= LABEL for line in written):
            canvas.write(0, max(0, y(value) - 6), text)
            written.append(y(value))
        if value == high:
            canvas.write(0, TOP + LABEL, UNITS.get(channel, "m3/h"))
    for minute in range(first, newest + 1):
        local = minute_start(minute).astimezone(zone)
        if local.minute == 0 and local.hour % 6 == 0:
            canvas.box(x(minute), TOP, x(minute), TOP + HIGH - 1, GREY)
            canvas.write(x(minute) - 18, TOP + HIGH + 3, f"{local:%H:%M}")
    for start in range(0, len(values), MINUTES_A_COLUMN):
        some = [value for value in values[start : start + MINUTES_A_COLUMN] if value is not None]
        if some:
            canvas.box(x(first + start), y(max(some)), x(first + start), y(min(some)) + 1, BLUE)
    return canvas.png()


def _number(value: float) -> str:
    """Four digits, or more before the point; never with an exponent, which `SIGNS` does not have."""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{round(value, 4):.4g}"
