"""A sensor's page at any span: linked, drawn, walked by keys, in words and as a table, with and without a script."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from page_site import LEAK_ID, NOW, Visit
from ports import free_port
from receiver_process import ReceiverProcess
from waiting import wait_for

from common.clock import minute_of
from log import mark

YESTERDAY = "2024-08-25"
DRAWN = '[data-chart="flow"] .measured'


@pytest.fixture
def year(server: ReceiverProcess, database_url: str) -> None:
    """A year of ten minutes of each hour of a sensor: 5 and 7 m3/h, and a week without a row."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "SELECT real_val_partition(%s::timestamptz - n * interval '1 month') FROM generate_series(1, 13) n", (NOW,)
        )
        connection.execute(
            """INSERT INTO REAL_VAL_TB (sensor, time, flow, pressure, samples, log_id, log_offset)
            SELECT '001', at + n * interval '1 minute', 5 + 2 * (n % 2), 4, 60, 'log', 1
            FROM generate_series(timestamptz '2023-08-01', '2024-08-24', '1 hour') at, generate_series(0, 9) n
            WHERE at < '2024-03-01' OR at >= '2024-03-08'"""
        )


def go(visit: Visit, query: str) -> Any:
    visit.page.goto(f"{visit.address}sensor?id=001&{query}")
    visit.page.wait_for_selector(DRAWN, state="attached")
    return visit.page


def test_a_link_opens_its_day_and_leads_to_the_days_beside(visit: Visit) -> None:
    page = go(visit, f"span=day&at={YESTERDAY}")
    assert visit.text("#span-title") == visit.text("#figures-title") == "25 Aug 2024"
    assert visit.text(".spans [aria-current]") == "Day"
    # Rows began at 10:26 of that day, and one minute has no value.
    assert visit.text("#said-flow-0").endswith("627 minutes without a value.")
    page.get_by_role("link", name="previous").click()
    page.wait_for_url("**at=2024-08-24*")
    assert "no value in this span" in visit.text("#said-flow-0")
    page.get_by_role("link", name="next").click()
    page.wait_for_url(f"**at={YESTERDAY}*")
    page.get_by_role("link", name="Week", exact=True).click()
    assert visit.text("#span-title") == "19 Aug 2024 – 25 Aug 2024"
    page.get_by_label("Date").fill("2024-08-26")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**at=2024-08-26*")
    assert visit.text("#span-title") == "26 Aug 2024 – 1 Sep 2024"
    page.get_by_role("link", name="Back to now").click()
    assert visit.text("#span-title") == "The last seven days"
    assert "Now 10.00 m³/h." in visit.text("#said-flow-0")
    assert visit.complaints == []


@pytest.mark.usefixtures("year")
def test_a_year_is_a_point_a_day_with_its_range_and_its_gap(visit: Visit, server: ReceiverProcess) -> None:
    go(visit, "span=year")
    line = visit.page.locator(DRAWN).get_attribute("d")
    assert 350 < line.count("L") < 366 and line.count("M") == 2
    tall = visit.page.locator('[data-chart="flow"] .area.range').first.bounding_box()
    assert tall["height"] > 10
    lists = server.get("/api/sensor?sensor=001&span=year").json["series"]
    assert (lists["flow"]["low"][20], lists["flow"]["mean"][20], lists["flow"]["high"][20]) == (5, 6, 7)
    assert lists["flow"]["minutes"][20] == 240
    assert visit.page.locator(".figures-table tbody tr").count() == 13
    texts = visit.page.locator('[data-chart="flow"] .place').all_text_contents()
    assert texts[texts.index("2024") - 1] == "Jan" and len(texts) < 14


@pytest.mark.usefixtures("year")
def test_a_week_before_is_drawn_beside(visit: Visit, server: ReceiverProcess) -> None:
    go(visit, "span=day&at=2024-08-20&compare=week")
    assert visit.page.locator('[data-chart="flow"] .before').get_attribute("d").count("L") > 200
    visit.page.get_by_role("link", name="Compare with a week before").click()
    visit.page.wait_for_url(lambda address: "compare" not in address)
    visit.page.wait_for_selector(DRAWN)
    assert visit.count('[data-chart="flow"] .before') == 0
    answer = server.get("/api/sensor?sensor=001&span=day&at=2024-08-20&compare=week").json
    assert answer["before"]["at"] == answer["series"]["at"]


def test_incidents_of_the_span_are_marked_and_linked(visit: Visit) -> None:
    page = go(visit, "span=week")
    strips = page.locator('[data-chart="flow"] svg svg rect.strip.bad')
    top = min(box["y"] for box in (strips.nth(n).bounding_box() for n in range(strips.count())))
    assert abs(top - page.locator('[data-chart="flow"]').bounding_box()["y"]) < 12
    strip = strips.last.bounding_box()
    page.mouse.move(strip["x"] + 4, strip["y"] + 3)
    tip = page.locator('[data-chart="flow"] .tip')
    tip.wait_for()
    assert "leak suspected" in tip.inner_text() and "still up" in tip.inner_text()
    page.locator(".marked a").first.click()
    page.wait_for_url(f"**/incident?id={quote(LEAK_ID)}")
    page.get_by_role("link", name="The day it began").click()
    assert visit.text("#span-title") == "25 Aug 2024" and visit.count(".marked a") == 1
    go(visit, "span=day&at=2024-08-20")
    assert visit.count(".marked a") == 0


def test_keys_walk_over_the_points_and_say_them(visit: Visit) -> None:
    page = go(visit, "span=day")
    chart, spoken = page.locator('[data-chart="flow"]'), page.locator('[data-chart="flow"] .spoken')
    chart.focus()
    page.keyboard.press("End")
    assert spoken.inner_text().startswith("Mon 10:25 10.00")
    page.keyboard.press("ArrowLeft")
    assert spoken.inner_text().startswith("Mon 10:24 ")
    assert chart.locator(".cursor").count() == 1 and chart.locator(".tip").is_visible()
    page.keyboard.press("Home")
    assert spoken.inner_text().startswith("Sun 10:27 ")
    page.keyboard.press("Escape")
    chart.locator(".tip").wait_for(state="hidden")
    assert page.get_by_role("group", name="Flow, m³/h", exact=True).count() == 1
    described = chart.evaluate("node => document.getElementById(node.getAttribute('aria-describedby')).textContent")
    assert described.startswith("Flow: mean 10.")


def test_the_figures_of_an_open_page_follow_new_rows(visit: Visit, database_url: str) -> None:
    page = go(visit, "span=hour")
    page.locator("details", has_text="As a table").evaluate("node => { node.open = true; }")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO REAL_VAL_TB (sensor, time, flow, pressure, samples, log_id, log_offset)"
            " VALUES ('001', %s, 55, 4.1, 60, 'log', 2000)",
            (NOW.replace(second=0),),
        )
    wait_for(lambda: "highest 55.00 m³/h. Now 55.00" in visit.text("#said-flow-0"), "the new row")
    assert page.locator(".figures-table").is_visible()


def dragged(page: Any, first: float, last: float) -> None:
    """A drag over the flow's chart, in shares of its width."""
    box = page.locator('[data-chart="flow"]').bounding_box()
    across = [box["x"] + share * box["width"] for share in (first, last)]
    page.mouse.move(across[0], box["y"] + 60)
    page.mouse.down()
    page.mouse.move(across[1], box["y"] + 90, steps=4)
    page.locator('[data-chart="flow"] .chosen').wait_for(state="attached")
    page.mouse.up()


def swiped(page: Any, right: float, down: float) -> None:
    """A finger over the flow's chart, in pixels."""
    box, touch = page.locator('[data-chart="flow"]').bounding_box(), page.context.new_cdp_session(page)
    for kind, share in (("touchStart", 0.0), *(("touchMove", step / 5) for step in range(1, 6)), ("touchEnd", None)):
        points = [] if share is None else [{"x": box["x"] + 100 + share * right, "y": box["y"] + 150 + share * down}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_a_drag_zooms_into_its_span_and_a_link_leads_out(visit: Visit, browser: Any, server: ReceiverProcess) -> None:
    page = go(visit, "span=day&at=2024-08-26")
    dragged(page, 0.4, 0.25)
    page.wait_for_url("**from=2024-08-2*until=*#spans")
    page.wait_for_selector(DRAWN)
    assert re.fullmatch(r"26 Aug 2024 0[4-7]:\d\d–(08|09|10):\d\d", visit.text("#span-title"))
    assert visit.text("#figures-title") == visit.text("#span-title")
    assert 100 < page.locator(DRAWN).get_attribute("d").count("L") < 300
    page.locator("#whole", has_text="26 Aug 2024").click()
    page.wait_for_url(lambda address: "from=" not in address and "at=2024-08-26" in address)
    page.go_back()
    page.wait_for_url("**until=*")
    page.get_by_role("link", name="Week", exact=True).click()
    assert visit.text("#span-title") == "26 Aug 2024 – 1 Sep 2024"
    page.locator('[data-chart="flow"]').click(position={"x": 200, "y": 90})  # no drag
    assert visit.text("#span-title") == "26 Aug 2024 – 1 Sep 2024"
    assert visit.complaints == []
    # A finger scrolls up and down, and zooms sideways.
    phone = Visit(browser, server, viewport={"width": 390, "height": 844}, has_touch=True).page
    phone.goto(f"{visit.address}sensor?id=001")
    phone.locator('[data-chart="flow"]').scroll_into_view_if_needed()
    phone.wait_for_selector(DRAWN)
    before = phone.evaluate("scrollY")
    swiped(phone, 5, -120)
    phone.wait_for_function("before => scrollY > before", arg=before)
    assert "from=" not in phone.url
    swiped(phone, 120, 10)
    phone.wait_for_url("**from=*until=*")
    phone.close()


READ_AS = {
    "m3/h": ("Flow, m³/h", "10.00 m³/h", "9.3 ± 0.4 m³/h", "10", "9.50 m³/h", "13"),
    "L/s": ("Flow, L/s", "2.78 L/s", "2.58 ± 0.11 L/s", "3", "2.64 L/s", "3"),
}


def test_every_number_follows_the_readers_units(visit: Visit, server: ReceiverProcess) -> None:
    for unit in READ_AS:
        follows(visit, unit)
    answer = server.get("/api/sensor?sensor=001&span=hour&flow_unit=L/s").json
    assert answer["series"]["flow"]["mean"][-1] == 10
    assert all("400" in each for each in visit.complaints), "of the sensor with an id that no sensor may have"


def follows(visit: Visit, unit: str) -> None:
    page, (caption, now, size, rung, quietest, highest) = visit.page, READ_AS[unit]
    page.goto(f"{visit.address}sensor?id=001&span=hour")
    for select, chosen in (("Unit of flow", unit), ("Unit of pressure", "kPa")):
        page.get_by_label(select).select_option(chosen)
    page.get_by_role("button", name="Apply").click()
    page.wait_for_selector(DRAWN, state="attached")
    assert f"Now {now}." in visit.text("#said-flow-0") and "mean 410, " in visit.text("#said-pressure-0")
    assert f"{visit.text('[data-flow]')} {unit.replace('3', '³')}" == now
    assert (visit.text("figcaption"), visit.text("[data-pressure]")) == (caption, "410")
    assert size in visit.text('[data-part="what"]')
    chart = page.locator('[data-chart="flow"]')
    chart.focus()
    page.keyboard.press("End")
    assert visit.text('[data-chart="flow"] .spoken').startswith(f"Mon 10:25 {now.split()[0]}")
    assert chart.locator(".value").last.text_content() == rung
    rungs = page.locator('[data-chart="pressure"] .value').all_text_contents()
    assert all(300 <= float(rung) <= 520 for rung in rungs)
    page.locator("[data-nights]").first.click()
    page.wait_for_selector("#panel .column")
    assert f"with {quietest} at 430 kPa" in visit.text("#panel-facts")
    page.goto(visit.address)
    assert f"highest {highest}." in page.locator(".trend").first.get_attribute("aria-label")
    assert caption in visit.text(".sensors thead") and size in visit.text("#hero-detail")
    stream = page.evaluate("document.body.dataset.events")
    assert "pressure_unit=kPa" in stream  # so that an open page stays as it was opened


@pytest.fixture
def plain(browser: Any, server: ReceiverProcess) -> Iterator[Visit]:
    visited = Visit(browser, server, java_script_enabled=False)
    yield visited
    visited.page.close()


def test_without_a_script_a_span_is_words_links_and_a_table(plain: Visit) -> None:
    plain.page.goto(f"{plain.address}sensor?id=001")
    assert "Flow: mean 10." in plain.text("#said-flow-0")
    assert not plain.page.locator(".charts").is_visible()
    plain.page.locator("summary", has_text="As a table").click()
    rows = plain.page.locator(".figures-table tbody tr")
    assert rows.count() == 25 and rows.nth(3).inner_text().startswith("25 Aug 13:00")
    plain.page.get_by_role("link", name="Hour", exact=True).click()
    assert plain.text("#span-title") == "The last hour"
    plain.page.get_by_label("Date").fill("2024-08-25T11:30")
    plain.page.get_by_role("button", name="Show").click()
    assert plain.text("#span-title") == "25 Aug 2024 11:00–12:00"
    assert plain.text("#found-here").startswith("9 leaks of 10 are found: ")
    plain.page.get_by_label("Unit of pressure").select_option("m")
    plain.page.get_by_role("button", name="Apply").click()
    assert "mean 41.8, lowest 41.8, highest 41.8 m." in plain.text("#said-pressure-0")
    assert plain.text("#span-title") == "25 Aug 2024 11:00–12:00"


def test_a_page_asked_for_nonsense_shows_the_day(server: ReceiverProcess) -> None:
    for query in (
        "span=age",
        "at=soon",
        "at=0001-01-01",
        "at=" + "9" * 3000,
        "span=year&at=8999-12-31",
        "span=hour&at=1971-01-01",
    ):
        assert server.get(f"/sensor?id=001&{query}").status == 200
    assert server.get("/api/sensor?sensor=001&span=year&at=8999-12-31").json["series"]["at"] == []
    file = server.get(f"/sensor.csv?sensor=001&span=hour&at={YESTERDAY}T13:00")
    assert (file.status, file.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert file.headers["Content-Disposition"] == 'attachment; filename="001-2024-08-25-hour.csv"'
    assert len(file.body.splitlines()) == 61 and file.body.splitlines()[1].startswith(b"2024-08-25T13:00:00+09:00,")
    assert [server.get(f"/sensor.csv?sensor={each}").status for each in ("001&span=age", "9", "../x")] == [
        400,
        404,
        400,
    ]


def test_a_sensor_is_shown_without_figures_while_the_database_is_away(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    minute = minute_of(NOW) - 1
    mark.store(tmp_path / "data", mark.Mark(minute, 1, "log", {"001": minute}))
    nowhere = f"postgresql://postgres@127.0.0.1:{free_port()}/postgres"
    process = ReceiverProcess(tmp_path / "data", nowhere, HYDROLOG_CLOCK=f"1 {time.time()!r} {NOW.timestamp()!r}")
    process.start()
    try:
        page = process.get("/sensor?id=001")
        assert (page.status, b"The figures come when the database answers." in page.body) == (200, True)
    finally:
        process.kill()
