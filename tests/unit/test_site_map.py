"""The map of the site: true to scale, north up, and no name over another."""

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import site_map
from server.site_map import ASPECT, MOST, NARROW_PX, SIDES, WIDE_PX, Placed, SiteMap, Spot

KM = 1 / 111.195  # degrees of latitude
LATITUDE, LONGITUDE = 37.5, 127.0
EAST_KM = KM / math.cos(math.radians(LATITUDE))  # degrees of longitude there

Box = tuple[float, float, float, float]  # left, top, right, bottom, px


def entry(sensor: str, place: list[float] | None, kind: str = "good", name: str = "") -> dict[str, Any]:
    return {"sensor": sensor, "name": name, "kind": kind, "place": place}


def drawn(*entries: dict[str, Any]) -> SiteMap:
    found = site_map.site_map(entries)
    assert found is not None
    return found


def spots(found: SiteMap) -> dict[str, Spot]:
    return {each["sensor"]: spot for each, spot in found.drawn}


def sign(spot: Spot, width_px: int) -> Box:
    x, y = spot.x / 100 * width_px, spot.y / 100 * width_px / ASPECT
    return x - 6, y - 6, x + 6, y + 6


def name_box(spot: Spot, width_px: int) -> Box:
    """Where the letters of a name at least are."""
    left, top, right, bottom = sign(spot, width_px)
    x, y, half = (left + right) / 2, (top + bottom) / 2, len(spot.text) * 3.5
    across, down = SIDES[spot.side]
    x, y = x + across * (11 + half), y + down * 16
    return x - half, y - 7, x + half, y + 7


def overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def test_it_is_true_to_scale_and_north_is_up() -> None:
    of_site = drawn(
        entry("middle", [LATITUDE, LONGITUDE]),
        entry("north", [LATITUDE + KM, LONGITUDE]),
        entry("south", [LATITUDE - KM, LONGITUDE]),
        entry("east", [LATITUDE, LONGITUDE + EAST_KM]),
    )
    at = spots(of_site)
    assert at["north"].y < at["middle"].y < at["south"].y and at["east"].x > at["middle"].x
    down_km = (at["south"].y - at["middle"].y) / ASPECT
    across_km = at["east"].x - at["middle"].x
    assert across_km == pytest.approx(down_km, abs=0.2)
    assert of_site.scale.text == "1 km" and of_site.scale.across == pytest.approx(across_km, abs=0.2)


@pytest.mark.parametrize(
    ("apart_km", "text"), [(0.0, "20 m"), (0.05, "20 m"), (1.0, "200 m"), (30.0, "10 km"), (300.0, "100 km")]
)
def test_the_scale_is_a_round_length_however_far_they_are_apart(apart_km: float, text: str) -> None:
    of_site = drawn(entry("1", [LATITUDE, LONGITUDE]), entry("2", [LATITUDE, LONGITUDE + apart_km * EAST_KM]))
    assert of_site.scale.text == text
    assert 10 < of_site.scale.across <= 30


def test_a_site_on_the_date_line_is_not_as_wide_as_the_earth() -> None:
    of_site = drawn(entry("west", [-17.0, 179.99]), entry("east", [-17.0, -179.99]))
    assert spots(of_site)["west"].x < spots(of_site)["east"].x
    assert of_site.scale.text == "500 m"


def test_one_place_alone_is_no_map() -> None:
    assert site_map.site_map([]) is None
    assert site_map.site_map([entry("1", [LATITUDE, LONGITUDE]), entry("2", None)]) is None


def test_the_most_urgent_are_drawn_over_the_others_and_named_first() -> None:
    here = [LATITUDE, LONGITUDE]
    crowd = [entry(f"{number:04}", here, name="a name") for number in range(MOST)]
    of_site = drawn(*crowd, entry("leak", here, "leak"), entry("watch", here, "watch"), entry("nowhere", None))
    assert (len(of_site.drawn), of_site.all) == (MOST, MOST + 3)
    assert [each["sensor"] for each, _ in of_site.drawn[-3:]] == ["0000", "watch", "leak"]
    named = [each["sensor"] for each, spot in of_site.drawn if spot.side]
    assert {"leak", "watch"} <= set(named) and len(named) <= len(SIDES)


def test_a_thumb_has_its_room_unless_a_neighbour_is_near() -> None:
    near, far = [LATITUDE, LONGITUDE + 0.1 * EAST_KM], [LATITUDE, LONGITUDE + 10 * EAST_KM]
    at = spots(drawn(entry("1", [LATITUDE, LONGITUDE]), entry("near", near), entry("far", far)))
    assert (at["far"].touch, at["1"].touch, at["near"].touch) == (22, 12, 12)


def test_a_long_name_ends_early_and_a_short_one_stays() -> None:
    for name in ("M" * 60, "연산" * 30, "\u0301" * 60):
        short = site_map.shortened(name)
        assert short.endswith("…") and len(short) < 20
    assert site_map.shortened("연산3 소블록") == "연산3 소블록"


names = st.text(st.sampled_from("abM 3연산록"), min_size=1, max_size=30)
anywhere = st.builds(Placed, names, st.floats(-90, 90), st.floats(-180, 180))
a_town = st.builds(Placed, names, st.floats(37.5, 37.52), st.floats(127.0, 127.02))


@given(st.lists(anywhere, min_size=2, max_size=30) | st.lists(a_town, min_size=2, max_size=60))
def test_every_sign_is_in_the_drawing_and_no_name_covers_another_or_a_sign(placed: list[Placed]) -> None:
    found, scale = site_map.layout(tuple(placed))
    assert 0 < scale.across <= 30
    for width_px in (NARROW_PX, 2 * NARROW_PX, WIDE_PX, 2 * WIDE_PX):
        signs = [sign(spot, width_px) for spot in found]
        shown = [spot for spot in found if spot.side and (width_px >= WIDE_PX or not spot.wide)]
        boxes = [name_box(spot, width_px) for spot in shown]
        for left, top, right, bottom in [*signs, *boxes]:
            assert left >= 0 and top >= 0 and right <= width_px and bottom <= width_px / ASPECT
        assert not any(overlap(one, other) for one, other in itertools.combinations(boxes, 2))
        assert not any(overlap(box, each) for box in boxes for each in signs)
