"""The map of the sensors in a real browser: what is read on it, and how it is kept up to date."""

import itertools
import random
from typing import Any

import psycopg
import pytest
from page_site import HOSTILE, Visit
from receiver_process import ReceiverProcess

NAMES = ["연산3 소블록", "북쪽 유입", "WWW MMM", "A", "Reservoir road, gate of the old works", "배수지", HOSTILE, ""]
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1400, "height": 900}


@pytest.fixture
def placed(server: ReceiverProcess, database_url: str) -> Any:
    """The server, and its database, in which the two sensors have places a kilometre apart."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE SENSOR_TB SET latitude = 37.5, longitude = CASE sensor WHEN '001' THEN 127.0 ELSE 127.0113 END "
            "WHERE sensor IN ('001', '002')"
        )
        yield connection


def opened(browser: Any, server: ReceiverProcess, size: dict[str, int]) -> Visit:
    visit = Visit(browser, server, viewport=size, locale="en")
    visit.page.goto(visit.address)
    return visit


def test_the_keyboard_stays_on_a_sensor_while_the_map_changes(
    browser: Any, server: ReceiverProcess, placed: psycopg.Connection[Any]
) -> None:
    visit = opened(browser, server, PHONE)
    try:
        page = visit.page
        sensor = page.locator('.map a[data-key="001"]')
        assert sensor.get_attribute("data-kind") == "leak"
        assert str(sensor.get_attribute("aria-label")).startswith("001 · Mill Lane: ")
        silent = page.locator('.map a[data-key="002"]')
        assert silent.bounding_box()["x"] > sensor.bounding_box()["x"]
        assert HOSTILE in str(silent.get_attribute("aria-label"))
        assert silent.locator("text").text_content().startswith("<img")
        assert "200 m" in page.locator(".map .scale").text_content()
        assert "2 of 3 sensors" in visit.text("#map-end")
        sensor.focus()
        placed.execute("UPDATE SENSOR_TB SET name = 'South gate' WHERE sensor = '001'")
        page.wait_for_selector('.map a[aria-label^="001 · South gate"]')
        assert sensor.evaluate("node => node === document.activeElement")
        placed.execute("UPDATE SENSOR_TB SET latitude = NULL, longitude = NULL WHERE sensor = '002'")
        page.wait_for_selector(".map", state="detached")
        placed.execute("UPDATE SENSOR_TB SET latitude = 37.51, longitude = 127 WHERE sensor = '002'")
        page.wait_for_selector('.map a[data-key="002"]')
        page.locator(".map .skip").focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/sensor?id=001")
        assert page.evaluate("window.pwned") is None
        assert [said for said in visit.complaints if "400 (Bad Request)" not in said] == []
    finally:
        visit.page.close()


def test_a_large_map_does_not_keep_the_list_waiting(
    browser: Any, server: ReceiverProcess, placed: psycopg.Connection[Any]
) -> None:
    placed.execute(
        "INSERT INTO SENSOR_TB (sensor, latitude, longitude) "
        "SELECT to_char(n, 'FM0000'), 37 + n % 23 / 1000.0, 127 + n / 23 / 1000.0 FROM generate_series(1, 600) AS n"
    )
    visit = Visit(browser, server, viewport=DESK, locale="en")
    try:
        with visit.page.expect_response(visit.address) as asked:
            visit.page.goto(visit.address)
        assert len(asked.value.body()) < 80_000
        visit.page.wait_for_selector(".map")
        assert visit.count(".map a[data-key]") == 500
        assert "500 of 603 sensors" in visit.text("#map-end")
    finally:
        visit.page.close()


@pytest.mark.parametrize(("size", "names"), [(PHONE, 5), (DESK, 15)])
def test_names_are_read_without_covering_each_other(
    size: dict[str, int], names: int, browser: Any, server: ReceiverProcess, placed: psycopg.Connection[Any]
) -> None:
    dice = random.Random(7)
    for number in range(24):
        place = (37.49 + dice.random() * 0.02, 126.99 + dice.random() * 0.03)
        placed.execute(
            "INSERT INTO SENSOR_TB (sensor, name, latitude, longitude) VALUES (%s, %s, %s, %s)",
            (f"{100 + number}", NAMES[number % len(NAMES)], *place),
        )
    visit = opened(browser, server, size)
    try:
        visit.page.locator(".map").scroll_into_view_if_needed()
        frame = visit.page.locator(".map svg").bounding_box()
        shown = [text for text in visit.page.locator(".map text").all() if text.is_visible()]
        boxes = [text.bounding_box() for text in shown]
        assert len(boxes) >= names
        for box in boxes:
            assert box["x"] >= frame["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"]
        for one, other in itertools.combinations(boxes, 2):
            beside = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
            # A line is 16 px; a box has the font's whole height, which letters do not fill.
            assert beside or abs(one["y"] - other["y"]) >= 15, (one, other)
    finally:
        visit.page.close()
