"""The operator's page in a real browser, on a real server and Postgres: drawn, in words, safe, and by itself."""

import json
import re
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from page_site import HOSTILE, NOW, REASON, Visit
from receiver_process import DEADLINE_S, ReceiverProcess
from waiting import wait_for

from common.version import version


def test_the_page_shows_the_pipe(visit: Visit) -> None:
    visit.open()
    row, card = 'tr[data-sensor="001"]', '[data-charts="001"]'
    assert visit.text(f"{row} a") == visit.text(f"{card} h2") == "001 · Mill Lane"
    assert visit.text(f"{row} .badge") == "leak suspected"
    assert visit.text(f"{row} [data-flow]") == "10.00"
    assert visit.text(f"{row} [data-pressure]") == "4.10"
    assert visit.text(f"{row} [data-leakage]") == "8.30"
    # Drawn: the measured line and the forecast with its band; thirty flagged minutes as a few marks; night bars.
    line = visit.page.locator(f'{card} [data-chart="flow"] .measured').get_attribute("d")
    assert line.count("L") > 1400 and line.count("M") == 2  # one minute of the day has no flow: a gap
    band = visit.page.locator(f'{card} [data-chart="flow"] .band').bounding_box()
    assert band["width"] > 300 and band["height"] > 60
    assert 5 <= visit.count(f'{card} [data-chart="flow"] .mark.bad') <= 10
    assert visit.count(f'{card} [data-chart="flow"] .ground.planned') == 1
    assert visit.count(f'{card} [data-chart="pressure"] .mark') == 0
    bars = visit.page.locator(f'{card} [data-chart="night"] .column')
    fills = bars.evaluate_all(
        "bars => bars.filter((bar) => bar.getBoundingClientRect().height > 5).map((bar) => getComputedStyle(bar).fill)"
    )
    assert len(fills) == 41
    assert sum("url(" in fill for fill in fills) == 1  # the incomplete one is hatched
    assert "1 mean is incomplete (hatched)" in visit.text(f"{card} .sensor-note")
    # In the site's zone, wherever the browser is.
    assert "26 August 2024" in visit.text("#zone")
    assert visit.text("#clock").startswith("10:2")
    assert "Forecast made 26 Aug 10:00 by lstm-1." in visit.text(f"{card} .sensor-note")
    # What is wrong comes first, with words, for whoever stands two metres away.
    assert visit.page.locator("#hero").get_attribute("data-state") == "bad"
    assert visit.text('[data-sensor="002"] .badge') == "no data"
    states = {item.split("\n")[1]: item.split("\n")[0] for item in visit.page.locator(".process").all_inner_texts()}
    assert (states["server"], states["producer"], states["forecaster"]) == ("running", "not started", "waiting")
    assert "hydrolog sensors add X-77" in visit.page.locator("#unregistered").inner_text()
    assert visit.text("#version") == f"hydrolog {version()}"
    delivery = " ".join(visit.text("#delivery").split())
    assert "rows waiting for group server 27" in delivery


def test_a_meters_wrong_clock_is_one_line_of_its_card(server: ReceiverProcess, visit: Visit, tmp_path: Path) -> None:
    health = {"role": "producer", "pid": 0, "counters": {"clock_offsets_s": {"001": -184.2, "002": 4, HOSTILE: "x"}}}
    (tmp_path / "data" / "health" / "producer.json").write_text(json.dumps(health))
    visit.open()
    line = visit.page.locator('[data-sensor="001"] [data-clock]')
    line.wait_for()
    assert line.inner_text() == "its clock is 3 min slow"
    assert visit.count('[data-sensor="002"] [data-clock]') == 0
    assert server.get("/api/state").json["clock_offsets_s"] == {"001": -184.2, "002": 4}


def test_planned_work_and_wrong_lines_of_the_calendar_are_shown(visit: Visit) -> None:
    visit.open()
    assert "26 Aug 08:00 to 26 Aug 09:00" in visit.text("#works tr") and HOSTILE[:60] in visit.text("#works tr")
    assert "over" in visit.text("#works tr")
    assert "planned.txt line 2" in visit.text("#calendar-problems")
    assert visit.page.evaluate("window.pwned") is None


def test_an_hour_is_an_hour_wide_where_the_clock_is_changed(visit: Visit) -> None:
    """Labels are those of the site's clock at their own time, on both sides of the change."""
    visit.page.goto(visit.address)
    axis = visit.page.evaluate(
        """async ([start, end]) => (await import('./static/axis.js')).timeAxis(start, end, 'Europe/Rome', 600)""",
        [datetime(2024, 10, 26, 12, tzinfo=UTC).timestamp(), datetime(2024, 10, 27, 12, tzinfo=UTC).timestamp()],
    )
    labels = {tick["words"]: datetime.fromtimestamp(tick["at"], UTC) for tick in axis["ticks"]}
    assert labels["21:00"] == datetime(2024, 10, 26, 19, tzinfo=UTC)
    assert labels["00:00\nSun 27"] == datetime(2024, 10, 26, 22, tzinfo=UTC)
    # Three hours after midnight's label would be wrong by one.
    assert labels["03:00"] == datetime(2024, 10, 27, 2, tzinfo=UTC)
    assert labels["12:00"] == datetime(2024, 10, 27, 11, tzinfo=UTC)
    week = visit.page.evaluate(
        """async ([start, end]) => (await import('./static/axis.js')).timeAxis(start, end, 'Europe/Rome', 600)""",
        [datetime(2024, 3, 28, tzinfo=UTC).timestamp(), datetime(2024, 4, 3, tzinfo=UTC).timestamp()],
    )
    days = {tick["words"]: datetime.fromtimestamp(tick["at"], UTC) for tick in week["ticks"]}
    assert days["Sun 31"] == datetime(2024, 3, 30, 23, tzinfo=UTC)
    assert days["Mon 1"] == datetime(2024, 3, 31, 22, tzinfo=UTC)


def test_hostile_words_stay_words(visit: Visit) -> None:
    visit.open()
    page = visit.page
    assert HOSTILE in visit.text('[data-sensor="002"] th a') and HOSTILE in visit.text('[data-charts="002"] h2')
    assert HOSTILE in page.locator("#unregistered-rows").inner_text()
    assert HOSTILE in page.locator(".processes").inner_text()
    mark_ = page.locator('[data-charts="001"] [data-chart="flow"] .mark').first
    mark_.scroll_into_view_if_needed()
    box = mark_.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    hover = page.locator('[data-charts="001"] [data-chart="flow"] .tip')
    hover.wait_for()
    shown = hover.evaluate("node => node.textContent")
    # The site's clock, though the browser is in New York; ten marks lie within eight pixels, so any of them may answer.
    assert re.match(r"Mon (09:5|10:[0-2])\d", shown)
    assert "leak suspected (Forecast)" in shown
    assert REASON not in shown  # a sentence of the minute that it was raised in
    assert visit.count(".tip *") == 0
    page.mouse.move(0, 0)
    hover.wait_for(state="hidden")
    assert visit.count("main img, main script, main b b, main a:not([href])") == 0
    assert page.evaluate("window.pwned") is None


def test_nothing_leaves_the_host_and_nothing_complains(visit: Visit) -> None:
    visit.open()
    for words in ("Hour", "Week", "Month", "Year"):
        with visit.page.expect_response(lambda answer: "/api/sensor" in answer.url):
            visit.page.get_by_role("link", name=words, exact=True).click()
    assert visit.asked
    assert [url for url in visit.asked if not url.startswith((visit.address, "data:"))] == []
    # The one sensor whose id no row could have is the only one whose charts are refused.
    assert [said for said in visit.complaints if "400 (Bad Request)" not in said] == []


def test_a_phone_in_the_dark(browser: Any, server: ReceiverProcess) -> None:
    visit = Visit(browser, server, viewport={"width": 390, "height": 844}, color_scheme="dark", has_touch=True)
    try:
        visit.page.goto(visit.address)
        visit.page.wait_for_selector('[data-charts="001"]')
        visit.page.locator('[data-charts="001"] .night').scroll_into_view_if_needed()
        bar = visit.page.locator('[data-charts="001"] [data-chart="night"] .column').nth(4)
        bar.wait_for()
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
        # What is wrong is read before what is drawn.
        incidents, charts = (visit.page.locator(part).first.bounding_box() for part in ("#incidents", ".charts"))
        assert incidents["y"] < charts["y"]
        ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(13, 17, 22)"
        # What a finger points at stays readable when it is lifted.
        bar.tap()
        tip = '[data-charts="001"] [data-chart="night"] .tip'
        assert visit.page.locator(tip).is_visible()
        assert visit.text(tip) == "22:40  6.50 m³/h\n4.30 bar\nall ten minutes"
        # The words hide no mark.
        mark_ = visit.page.locator('[data-charts="001"] [data-chart="flow"] .mark').last
        mark_.tap(force=True)  # the line of now crosses it
        words = visit.page.locator('[data-charts="001"] [data-chart="flow"] .tip').bounding_box()
        assert words["x"] >= 0 and words["x"] + words["width"] <= 390
        there = mark_.bounding_box()
        above, beside = words["y"] + words["height"] < there["y"], words["x"] + words["width"] < there["x"]
        assert above or beside
        visit.page.locator('[data-charts="001"] figcaption').first.tap()
        visit.page.locator(".tip:visible").wait_for(state="hidden")
        # Turned on its side, and in another light: the chart follows.
        before, fill = bar.bounding_box()["width"], bar.evaluate("node => getComputedStyle(node).fill")
        visit.page.set_viewport_size({"width": 844, "height": 390})
        visit.page.emulate_media(color_scheme="light")
        wait_for(lambda: (bar.bounding_box() or {"width": 0})["width"] > 1.8 * before, "the chart to grow")
        assert bar.evaluate("node => getComputedStyle(node).fill") != fill
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 844
    finally:
        visit.page.close()


def test_a_silent_server_is_not_taken_for_a_quiet_pipe(visit: Visit, server: ReceiverProcess) -> None:
    visit.page.clock.install()
    visit.open()
    assert server.end(signal.SIGKILL) == -signal.SIGKILL
    wait_for(lambda: visit.page.clock.run_for(10000) or "No answer" in visit.text("#hero-word"), "the page to notice")
    assert visit.page.locator("#hero").get_attribute("data-state") == "bad"
    assert "stale" in visit.page.locator("body").get_attribute("class")


def test_monitors_hear_the_same(server: ReceiverProcess) -> None:
    health = server.get("/healthz")
    assert health.status == 503
    assert b"producer: not started" in health.body
    assert health.body.endswith(f"\nhydrolog {version()}\n".encode())
    metrics = server.get("/metrics")
    assert metrics.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b'hydrolog_group_lag_rows{group="server"} 27\n' in metrics.body
    assert b"hydrolog_unregistered_sensors 2\n" in metrics.body


def test_ages_are_those_of_the_sites_clock(server: ReceiverProcess) -> None:
    state = server.get("/api/state").json
    assert abs(state["now"] - NOW.timestamp()) < DEADLINE_S
    assert state["newest"]["at"] == int((NOW.replace(second=0) - timedelta(minutes=1)).timestamp())
    assert 20 <= state["newest"]["age_s"] < DEADLINE_S
    assert state["newest"]["state"] == "ok"
    charts = server.get("/api/sensor?sensor=001&span=day").json
    assert charts["forecast"]["made_at"] == int(NOW.replace(minute=0, second=0).astimezone(UTC).timestamp())
    assert charts["forecast"]["hour"] == sorted(set(charts["forecast"]["hour"]))
    assert len(charts["series"]["at"]) == 1440
    assert charts["series"]["flow"]["mean"].count(None) == 1
    assert charts["spells"][0]["minutes"] == 30


def test_each_sensor_of_the_list_has_the_line_of_its_day(visit: Visit) -> None:
    visit.open()
    line = visit.page.locator('tr[data-sensor="001"] .trend path')
    assert line.get_attribute("d").count("L") == 23  # 24 whole hours
    said = visit.page.locator('tr[data-sensor="001"] .trend').get_attribute("aria-label")
    assert re.fullmatch(r"Flow of the last 24 hours: lowest 7\.\d\d, highest 13\.\d\d\u00a0m³/h", said)
    box = line.bounding_box()
    assert box["width"] > 60 and 10 < box["height"] <= 30
