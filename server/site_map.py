"""The map of the site: each sensor where it is, as a drawing of any width, without a picture behind it. Pure.

Places are per cent of the drawing, signs and letters are pixels: a name is as large on a phone as on a wall, and the
wider the drawing, the more names have room.
"""

import functools
import math
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

from common.verdict import KINDS

LEAST, MOST = 2, 500  # sensors drawn
METRES = 111_195.0  # of a degree of latitude, on a sphere of the earth's mean radius
LEAST_WIDTH_M = 100.0  # of the drawing, however near each other the sensors are
ACROSS, DOWN = 84.0, 76.0  # per cent that the places take up
MIDDLE = 46.0  # per cent of the height; the scale is below
ASPECT = 4 / 3  # of the drawing, also in page.css
NARROW_PX, WIDE_PX = 270, 700  # a telephone of 320 px; from 800 px on, also in page.css
SIGN_PX, GAP_PX = 8, 3  # from the middle of a sign to its end, and from there to its name
LINE_PX, LETTER_PX, SYLLABLE_PX, MOST_NAME_PX = 16, 7.5, 13, 120  # of names
TOUCH_PX, LEAST_TOUCH_PX = 22, 12  # radius of what a thumb hits
SIDES = {"right": (1, 0), "left": (-1, 0), "below": (0, 1), "above": (0, -1)}  # of a sign, in order of preference
BAR = 30.0  # per cent of the width that the scale has at most

Json = dict[str, Any]


class Placed(NamedTuple):
    """A sensor's name and place, degrees."""

    name: str
    latitude: float
    longitude: float


class Spot(NamedTuple):
    """Where a sensor is drawn.

    Attributes:
        x, y: per cent of the drawing's width and height.
        touch: radius of what a thumb hits, px.
        text: the name, as long as there is ever room for.
        side: of the sign where the name stands, one of `SIDES`; empty if nowhere.
        wide: there is room for the name only if the drawing is wide.
    """

    x: float
    y: float
    touch: int
    text: str = ""
    side: str = ""
    wide: bool = False


class Scale(NamedTuple):
    """A round length and how long it is in the drawing, per cent of the width."""

    text: str
    across: float


class SiteMap(NamedTuple):
    """The sensors with their spots, the most urgent last: it is drawn over the others. `all`: sensors of the site."""

    drawn: Sequence[tuple[Json, Spot]]
    scale: Scale
    all: int


def site_map(entries: Sequence[Json]) -> SiteMap | None:
    """The map of the state's sensors; None if fewer than two have a place."""
    placed = [entry for entry in entries if entry["place"] is not None]
    if len(placed) < LEAST:
        return None
    placed.sort(key=lambda entry: (-KINDS.index(entry["kind"]), entry["sensor"]))
    drawn = placed[:MOST]
    spots, scale = layout(tuple(Placed(entry["name"] or entry["sensor"], *entry["place"]) for entry in drawn))
    return SiteMap([*zip(drawn, spots, strict=True)][::-1], scale, len(entries))


@functools.lru_cache(maxsize=4)
def layout(placed: tuple[Placed, ...]) -> tuple[list[Spot], Scale]:
    """The spots of the sensors, of which the first get room for their names first."""
    points, width_m = projected(placed)
    return named(placed, touched(points)), scale_of(width_m)


def projected(placed: Sequence[Placed]) -> tuple[list[tuple[float, float]], float]:
    """Each place in per cent of the drawing, and the drawing's width in metres: equirectangular, north up.

    True to scale about the middle: over 100 km in Korea lengths are wrong by a hundredth.
    """
    start = placed[0].longitude
    east = [(each.longitude - start + 180.0) % 360.0 - 180.0 for each in placed]  # over the date line, too
    north = [each.latitude for each in placed]
    middle_east, middle_north = (min(east) + max(east)) / 2, (min(north) + max(north)) / 2
    shrunk = math.cos(math.radians(middle_north))
    x_m = [(each - middle_east) * METRES * shrunk for each in east]
    y_m = [(each - middle_north) * METRES for each in north]
    width_m = max(LEAST_WIDTH_M, 2 * max(x_m) / ACROSS * 100, 2 * max(y_m) * ASPECT / DOWN * 100)
    return [
        (50 + x / width_m * 100, MIDDLE - y * ASPECT / width_m * 100) for x, y in zip(x_m, y_m, strict=True)
    ], width_m


def scale_of(width_m: float) -> Scale:
    """The longest round length of at most `BAR` per cent."""
    most_m = width_m * BAR / 100
    power = 10.0 ** math.floor(math.log10(most_m))
    length_m = power * max(step for step in (1, 2, 5) if step == 1 or step * power <= most_m)
    text = f"{length_m / 1000:,.12g} km" if length_m >= 1000 else f"{length_m:.12g} m"
    return Scale(text, length_m / width_m * 100)


def touched(points: Sequence[tuple[float, float]]) -> list[Spot]:
    """What a thumb hits of each: half of the way to the nearest other, in the narrowest drawing."""
    pixels = [_pixels(*point, NARROW_PX) for point in points]
    nearest = [2.0 * TOUCH_PX] * len(points)
    order = sorted(range(len(points)), key=pixels.__getitem__)
    for place, here in enumerate(order):
        for there in order[place + 1 :]:
            if pixels[there][0] - pixels[here][0] >= 2 * TOUCH_PX:
                break
            apart = math.dist(pixels[here], pixels[there])
            nearest[here], nearest[there] = min(nearest[here], apart), min(nearest[there], apart)
    return [
        Spot(round(x, 1), round(y, 1), max(LEAST_TOUCH_PX, int(px / 2)))
        for (x, y), px in zip(points, nearest, strict=True)
    ]


def named(placed: Sequence[Placed], spots: Sequence[Spot]) -> list[Spot]:
    """The spots with their names where these cover no sign, no other name and not the drawing's edge.

    A name that has room in a narrow drawing has it in a wide one.
    """
    found, texts = list(spots), [shortened(each.name) for each in placed]
    for width_px in (NARROW_PX, WIDE_PX):
        taken = _Taken(width_px)
        for spot in found:
            x, y = _pixels(spot.x, spot.y, width_px)
            taken.take(x - SIGN_PX, y - SIGN_PX, 2 * SIGN_PX, 2 * SIGN_PX)
            if spot.side:
                taken.take(*_box(spot.text, spot.side, x, y))
        for place, (text, spot) in enumerate(zip(texts, found, strict=True)):
            x, y = _pixels(spot.x, spot.y, width_px)
            side = spot.side or next((side for side in SIDES if taken.free(*_box(text, side, x, y))), "")
            if side and not spot.side:
                taken.take(*_box(text, side, x, y))
                found[place] = spot._replace(text=text, side=side, wide=width_px == WIDE_PX)
    return found


def shortened(name: str) -> str:
    """The name, or its beginning if it is longer than any name may be."""
    if _length_px(name) <= MOST_NAME_PX:
        return name
    while _length_px(name) > MOST_NAME_PX - LETTER_PX:
        name = name[:-1]
    return f"{name.rstrip()}…"


def _length_px(text: str) -> float:
    return sum(SYLLABLE_PX if unicodedata.east_asian_width(letter) in "WF" else LETTER_PX for letter in text)


def _pixels(x: float, y: float, width_px: int) -> tuple[float, float]:
    return x / 100 * width_px, y / 100 * width_px / ASPECT


def _box(text: str, side: str, x: float, y: float) -> tuple[float, float, float, float]:
    """What a name covers, from its sign on: left, top, width, height."""
    length, (right, down) = GAP_PX + _length_px(text), SIDES[side]
    left = x - length / 2 + right * (SIGN_PX + length / 2)
    return left, y - LINE_PX / 2 + down * (SIGN_PX + LINE_PX / 2), length, LINE_PX


class _Taken:
    """The pixels of a drawing that are taken: a row is a number, a pixel is a bit of it."""

    def __init__(self, width_px: int) -> None:
        self._width = width_px
        self._rows = [0] * math.ceil(width_px / ASPECT)

    def take(self, left: float, top: float, width: float, height: float) -> None:
        rows, bits = self._bits(left, top, width, height)
        for row in rows:
            self._rows[row] |= bits

    def free(self, left: float, top: float, width: float, height: float) -> bool:
        """Whether it is in the drawing and nothing has been put there."""
        if left < 0 or top < 0 or left + width > self._width or top + height > self._width / ASPECT - LINE_PX:
            return False  # the last line is the scale's
        rows, bits = self._bits(left, top, width, height)
        return not any(self._rows[row] & bits for row in rows)

    def _bits(self, left: float, top: float, width: float, height: float) -> tuple[range, int]:
        first, end = round(left), round(left + width)
        return range(round(top), round(top + height)), ((1 << (end - first)) - 1) << first
