"""The operator's page in a real browser, on a real server and Postgres: drawn, in words, safe, and by itself."""

import functools
import json
import math
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from receiver_process import DEADLINE_S, ReceiverProcess, wait_for

from common import commits, criteria, findings, mark
from common.clock import minute_of
from common.findings import Finding
from nightflow.criteria import build

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "unit"))
from outlier_site import history

playwright = pytest.importorskip("playwright.sync_api", reason="the development extras are not installed")

NOW = datetime.fromisoformat("2024-08-26T10:26:20+09:00")  # by the site's clock, not by this machine's
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update", "--disable-sync"]
HOSTILE = '<img src=x onerror="window.pwned=1"><script>window.pwned=1</script>'
REASON = (
    'flow 12.1 is <b>not</b> <a href="javascript:window.pwned=1">usual</a> %{x} <script>window.pwned=1</script> & "so"'
)
PATIENCE_MS = DEADLINE_S * 1000

A_NIGHT = """
INSERT INTO NIGHT_REPORT_TB
    (sensor, night, hour_start, hour_flow, leak_flow, leak_flow_reference, leak_day, hour_pressure, hour_minutes,
     good_minutes, faulty_minutes, planned_minutes, percentile_flow, percentile_nights, night_use, night_use_by,
     night_users, night_litres, n1, reference_pressure, day_factor, pressure_hours)
VALUES ('001', %s, %s, %s, %s, %s, %s, 4.3, 60, 118, 2, 30, 6.4, 7, 1.2, 'users', 2000, 0.6, 1.1, 4.2, 21.5, 24)
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("no Chromium on PATH; apt-get install chromium")
    with playwright.sync_playwright() as engine:
        chromium = engine.chromium.launch(executable_path=program, args=ARGUMENTS)
        yield chromium
        chromium.close()


def fill(database_url: str) -> None:
    """A day of a sensor with forecasts, flags and two nights; a second one silent for an hour; unknown ones."""
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO SENSOR_TB (sensor, name) VALUES ('001', 'Mill Lane'), ('002', %s), (%s, '')",
            (HOSTILE, HOSTILE),
        )
        cursor.execute("SELECT real_val_partition(%s)", (NOW,))
        for sensor, silent in (("001", 1), ("002", 60)):
            last = NOW.replace(second=0) - timedelta(minutes=silent)
            with cursor.copy(
                "COPY REAL_VAL_TB (sensor, time, flow, pressure, samples, log_id, log_offset) FROM STDIN"
            ) as copy:
                for minute in range(1440):
                    flow = None if minute == 700 else 10 + 3 * math.sin(minute / 230) + minute * 7919 % 13 / 10
                    copy.write_row((sensor, last - timedelta(minutes=minute), flow, 4.1, 60, "log", minute))
        hour = NOW.replace(minute=0, second=0)
        forecast = [(hour - timedelta(hours=back),) * 2 for back in range(24)]
        forecast += [(hour, hour + timedelta(hours=ahead)) for ahead in range(1, 25)]
        forecast += [(hour - timedelta(hours=1), hour + timedelta(hours=1))]  # an older one: not to be shown
        cursor.executemany(
            "INSERT INTO PRED_VAL_TB VALUES ('001', %s, %s, 10, 4.1, 7, 13, 4.0, 4.2, 'lstm-1')", forecast
        )
        cursor.executemany(
            "INSERT INTO OUTLIER_TB VALUES ('001', %s, 'flow', 'PREDICT', 'L', 'LEAK', 12.1, %s)",
            [(NOW.replace(second=0) - timedelta(minutes=minute), REASON) for minute in range(1, 31)],
        )
        first = NOW.replace(hour=22, minute=0, second=0) - timedelta(days=1)
        cursor.executemany(
            "INSERT INTO NIGHT_FLOW_VAL_TB VALUES ('001', %s, 6.5, 4.3, %s, %s, %s, %s)",
            [(first + timedelta(minutes=10 * n), *((10,) * 3 if n != 5 else (7,) * 3), n != 5) for n in range(41)],
        )
        cursor.executemany(
            "INSERT INTO UNREGISTERED_VAL_TB VALUES (%s, %s, 3, 4, 60, '0000', '000', 'log', 1)",
            [("X-77", NOW), ("X-77", NOW - timedelta(hours=3)), (HOSTILE, NOW)],
        )
        cursor.executemany(
            A_NIGHT,
            [
                (
                    (NOW - timedelta(days=back)).date(),
                    NOW.replace(hour=2, minute=40, second=0) - timedelta(days=back),
                    6.5 + 3 * (back == 0),
                    5.3 + 3 * (back == 0),
                    5.2 + 3 * (back == 0),
                    114,
                )
                for back in range(30)
                if back != 4
            ],
        )


@functools.cache
def learnt() -> criteria.Criteria:
    return build(history(70), ZoneInfo("Asia/Seoul"), criteria.initial("001"))


def write_files(data: Path) -> None:
    """A leak whose finding is still kept, criteria, planned work, and a calendar line that says nothing."""
    minute = minute_of(NOW)
    leak = ("flow", "PREDICT", "LEAK", "leak", "leak", "raise", REASON, 2.1, 1.5)
    findings.store(data / "findings.json", [Finding("001", minute - 30, minute - 90, *leak)])
    criteria.store(data / "criteria", learnt())
    (data / "criteria" / "planned.txt").write_text(
        f"001 2024-08-26 08:00 2024-08-26 09:00 {HOSTILE[:60]}\nsoon {HOSTILE}\n"
    )


@pytest.fixture
def server(tmp_path: Path, database_url: str) -> Iterator[ReceiverProcess]:
    fill(database_url)
    data = tmp_path / "data"
    (data / "groups").mkdir(parents=True)
    (data / "health").mkdir()
    mark.store(data, mark.Mark(minute_of(NOW) - 1, 1000, "log"))
    commits.CommitFile(data, "archive", 1000)
    commits.CommitFile(data, "server", 973)
    health = {"role": "forecaster", "pid": 0, "problem": HOSTILE, "problem_since": NOW.isoformat(), "counters": {}}
    (data / "health" / "forecaster.json").write_text(json.dumps(health))
    write_files(data)
    process = ReceiverProcess(data, database_url, HYDROLOG_CLOCK=f"1 {time.time()!r} {NOW.timestamp()!r}")
    process.start()
    yield process
    assert process.process is not None
    process.process.kill()
    process.process.wait()


class Visit:
    """A page that remembers what it asked for and what it complained about."""

    def __init__(self, browser: Any, server: ReceiverProcess, **options: Any) -> None:
        self.address = f"http://127.0.0.1:{server.port}/"
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page = browser.new_page(**options)
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))

    def open(self) -> None:
        self.page.goto(self.address)
        self.page.wait_for_selector('[data-sensor="001"] [data-chart="night"] .bars')

    def text(self, selector: str) -> str:
        return str(self.page.locator(selector).first.inner_text())

    def count(self, selector: str) -> int:
        return int(self.page.locator(selector).count())


@pytest.fixture
def visit(browser: Any, server: ReceiverProcess) -> Iterator[Visit]:
    visited = Visit(browser, server, viewport={"width": 1400, "height": 1400}, timezone_id="America/New_York")
    yield visited
    visited.page.close()


def test_the_page_shows_the_pipe(visit: Visit) -> None:
    visit.open()
    card = '[data-sensor="001"]'
    assert visit.text(f"{card} h2") == "001 · Mill Lane"
    assert visit.text(f"{card} .badge") == "leak suspected"
    assert visit.text(f"{card} [data-flow]") == "10.00"
    assert visit.text(f"{card} [data-pressure]") == "4.10"
    # Drawn: the measured line and the forecast with its band; thirty flagged minutes as a few marks; night bars.
    lines = visit.page.locator(f'{card} [data-chart="flow"] path.js-line')
    assert max(len(lines.nth(n).get_attribute("d")) for n in range(lines.count())) > 2000
    assert visit.count(f'{card} [data-chart="flow"] path.js-fill') == 1
    assert 5 <= visit.count(f'{card} [data-chart="flow"] .points path') <= 10
    assert visit.count(f'{card} [data-chart="pressure"] .points path') == 0
    bars = visit.page.locator(f'{card} [data-chart="night"] .bars .point path')
    drawn = [bars.nth(n) for n in range(bars.count()) if (bars.nth(n).bounding_box() or {"height": 0})["height"] > 5]
    assert len(drawn) == 41
    assert sum("url(" in (bar.get_attribute("style") or "") for bar in drawn) == 1  # the incomplete one is hatched
    assert "1 of them incomplete" in visit.text(f"{card} .sensor-note")
    # In the site's zone, wherever the browser is.
    assert "26 August 2024" in visit.text("#zone")
    assert visit.text("#clock").startswith("10:2")
    assert "Forecast made Mon 26 Aug" in visit.text(f"{card} .sensor-note")
    assert "09:56 to 10:25" in visit.text("#flags tr")
    # What is wrong comes first, with words, for whoever stands two metres away.
    assert visit.page.locator("#hero").get_attribute("data-state") == "bad"
    assert visit.text('[data-sensor="002"] .badge') == "no data"
    states = {item.split("\n")[1]: item.split("\n")[0] for item in visit.page.locator(".process").all_inner_texts()}
    assert (states["server"], states["producer"], states["forecaster"]) == ("running", "not started", "waiting")
    assert "hydrolog sensors add X-77" in visit.page.locator("#unregistered").inner_text()
    delivery = " ".join(visit.text("#delivery").split())
    assert "rows waiting for group server 27" in delivery


def test_a_finding_opens_the_chart_that_explains_it(visit: Visit) -> None:
    visit.open()
    page = visit.page
    page.locator("#flags tr").first.click()
    page.wait_for_selector("#panel .chart .main-svg >> nth=1")
    page.wait_for_selector("#panel-facts li:has-text('Began about')")
    assert visit.text("#panel-title") == "Sensor 001 · flow: leak"
    assert REASON in visit.text("#panel-reason")
    facts = visit.text("#panel-facts")
    assert "Began about Mon 26 Aug, 08:56, raised Mon 26 Aug, 09:56" in facts
    assert "Still up." in facts and "criteria version 1" in facts
    assert HOSTILE[:60] in facts  # planned work beside it, as text
    captions = page.locator("#panel figcaption").all_inner_texts()
    assert captions[0].startswith("Flow, m³/h") and "limit" in captions[0]
    assert captions[1].startswith("Pressure, bar") and "limit" not in captions[1]
    dashes = (
        page.locator("#panel .chart >> nth=0")
        .locator("path.js-line")
        .evaluate_all("nodes => nodes.map((node) => node.style.strokeDasharray).filter((dash) => dash)")
    )
    assert len(dashes) == 2  # what is usual, and the limit over it
    shapes = page.locator("#panel .chart >> nth=0").locator(".shapelayer path").count()
    assert shapes == 3  # the planned work, the trouble's span, the minute it was raised
    page.keyboard.press("Escape")
    assert not page.locator("#panel").is_visible()
    assert visit.page.evaluate("window.pwned") is None
    assert [said for said in visit.complaints if "400 (Bad Request)" not in said] == []


def test_the_nights_are_shown_with_how_each_figure_was_made(visit: Visit) -> None:
    visit.open()
    page = visit.page
    assert "Last night's quietest hour: 9.50 m³/h, of it leakage 8.30 m³/h, 114 m³ a day." in visit.text(".sensor-note")
    page.locator('[data-sensor="001"] [data-nights]').click()
    page.wait_for_selector("#panel .bars .point path")
    facts = visit.text("#panel-facts")
    assert "the quietest hour began at 02:40 with 9.50 m³/h at 4.30 bar" in facts
    assert "night use 1.20 m³/h (2000 users × 0.6 L/h): leakage 8.30 m³/h" in facts
    assert "At 4.20 bar (median of 24 nights), by pressure to the power N1 = 1.1: 8.20 m³/h" in facts
    assert "night-day factor 21.50 h, from the pressure of 24 hours: 114 m³ a day" in facts
    assert "2 faulty, 30 of planned work minutes were left out" in facts
    drawn = page.locator("#panel .bars .point path").evaluate_all(
        "nodes => nodes.filter((node) => node.getBoundingClientRect().height > 3).length"
    )
    assert drawn == 2 * 29  # use and leakage of each night; the one without a report is an empty place
    page.locator("#panel-close").click()
    page.locator('[data-sensor="002"] [data-nights]').click()
    page.wait_for_selector("#panel-facts li:has-text('No night yet')")


def test_a_finding_of_the_night_opens_the_nights_with_the_one_it_is_about(visit: Visit, database_url: str) -> None:
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO OUTLIER_TB VALUES ('001', %s, 'flow', 'NIGHT', 'J', 'WATCH', 9.5, 'night flow 9.5 m3/h')",
            [(NOW.replace(hour=5, minute=minute, second=0),) for minute in range(20)],
        )
    visit.open()
    page = visit.page
    page.locator("#flags tr", has_text="night flow 9.5").click()
    page.wait_for_selector("#panel-facts li:has-text('no longer kept')")
    captions = page.locator("#panel figcaption").all_inner_texts()
    assert [caption.split(",")[0] for caption in captions] == ["Quietest hour of each night", "Flow", "Pressure"]
    fills = (
        page.locator("#panel .chart >> nth=0")
        .locator(".bars .point path")
        .evaluate_all(
            "nodes => nodes.filter((node) => node.getBoundingClientRect().height > 3).map((node) => node.style.fill)"
        )
    )
    leaks = fills[len(fills) // 2 :]
    assert leaks.count(leaks[-1]) == 1  # the last night stands out among the leakages


def test_planned_work_and_wrong_lines_of_the_calendar_are_shown(visit: Visit) -> None:
    visit.open()
    assert "Mon 26 Aug" in visit.text("#works tr").replace(",", "") and HOSTILE[:60] in visit.text("#works tr")
    assert "over" in visit.text("#works tr")
    assert "planned.txt line 2" in visit.text("#calendar-problems")
    assert visit.page.evaluate("window.pwned") is None


def test_an_hour_is_an_hour_wide_where_the_clock_is_changed(visit: Visit) -> None:
    """Labels are those of the site's clock at their own time, on both sides of the change."""
    visit.page.goto(visit.address)
    axis = visit.page.evaluate(
        """async ([start, end]) => (await import('/static/axis.js')).timeAxis(start, end, 'Europe/Rome', 600)""",
        [datetime(2024, 10, 26, 12, tzinfo=UTC).timestamp(), datetime(2024, 10, 27, 12, tzinfo=UTC).timestamp()],
    )
    labels = dict(zip(axis["ticktext"], axis["tickvals"], strict=True))
    assert labels["21:00"] == "2024-10-26T19:00:00"
    assert labels["00:00<br>Sun 27"] == "2024-10-26T22:00:00"
    assert labels["03:00"] == "2024-10-27T02:00:00"  # five hours after midnight's label would be wrong by one
    assert labels["12:00"] == "2024-10-27T11:00:00"
    week = visit.page.evaluate(
        """async ([start, end]) => (await import('/static/axis.js')).timeAxis(start, end, 'Europe/Rome', 600)""",
        [datetime(2024, 3, 28, tzinfo=UTC).timestamp(), datetime(2024, 4, 3, tzinfo=UTC).timestamp()],
    )
    assert dict(zip(week["ticktext"], week["tickvals"], strict=True))["Sun 31"] == "2024-03-30T23:00:00"
    assert dict(zip(week["ticktext"], week["tickvals"], strict=True))["Mon 1"] == "2024-03-31T22:00:00"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "sensor=001&channel=flow&method=PREDICT&start=5&end=4",
        "sensor=001&channel=flow&method=PREDICT&start=1e9&end=2e9",
        "sensor=001&channel=flow&method=PREDICT&start=-1&end=99999999999",
        "sensor=001&channel=x&method=PREDICT&start=1&end=2",
        "sensor=../etc&channel=flow&method=PREDICT&start=1&end=2",
    ],
)
def test_what_is_no_line_of_the_flags_is_refused(server: ReceiverProcess, query: str) -> None:
    assert server.get(f"/api/finding?{query}").status == 400


def test_an_old_or_unknown_finding_is_explained_by_what_is_left(server: ReceiverProcess) -> None:
    for start, end in ((0, 0), (0, 9_999_999_999), (9_999_999_998, 9_999_999_999)):
        answer = server.get(f"/api/finding?sensor=X-77&channel=pressure&method=NIGHT&start={start}&end={end}")
        assert (answer.status, answer.json["finding"], answer.json["series"]["at"]) == (200, None, [])
    leak = server.get(
        f"/api/finding?sensor=001&channel=flow&method=PREDICT&start={int(NOW.timestamp()) // 60 * 60 - 1800}"
        f"&end={int(NOW.timestamp()) // 60 * 60 - 60}"
    ).json
    assert leak["finding"]["limit_kind"] == "above" and leak["finding"]["limit"] == 1.5
    level = leak["usual"]["flow"][0]
    assert 5 < level < 20  # the made-up criteria are of 40 m3/h: scaled to the week before
    assert leak["step_s"] == 60


def test_hostile_words_stay_words(visit: Visit) -> None:
    visit.open()
    page = visit.page
    assert HOSTILE in visit.text('[data-sensor="002"] h2')
    assert REASON in visit.text("#flags .why")
    assert HOSTILE in page.locator("#unregistered-rows").inner_text()
    assert HOSTILE in page.locator(".processes").inner_text()
    mark_ = page.locator('[data-sensor="001"] [data-chart="flow"] .points path').first
    box = mark_.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    hover = page.locator('[data-sensor="001"] [data-chart="flow"] .hoverlayer .hovertext')
    hover.wait_for()
    shown = hover.evaluate("node => node.textContent")
    # The site's clock, though the browser is in New York; ten marks lie within eight pixels, so any of them may answer.
    assert re.match(r"Mon (09:5|10:[0-2])\d", shown)
    assert "<b>not</b>" in shown
    assert "<script>window.pwned=1</script>" in shown
    assert "%{x}" in shown
    assert visit.count(".hoverlayer a") == 0
    assert visit.count("main img, main script, main a, main b b") == 0
    assert page.evaluate("window.pwned") is None


def test_nothing_leaves_the_host_and_nothing_complains(visit: Visit) -> None:
    visit.open()
    for words in ("6 h", "3 days", "7 days"):
        with visit.page.expect_response(lambda answer: "/api/flags" in answer.url):
            visit.page.get_by_role("button", name=words, exact=True).click()
    visit.page.wait_for_function("() => document.getElementById('flags-span').textContent.includes('7 days')")
    assert visit.asked
    assert [url for url in visit.asked if not url.startswith((visit.address, "data:"))] == []
    # The one sensor whose id no row could have is the only one whose charts are refused.
    assert [said for said in visit.complaints if "400 (Bad Request)" not in said] == []


def test_a_phone_in_the_dark(browser: Any, server: ReceiverProcess) -> None:
    visit = Visit(browser, server, viewport={"width": 390, "height": 844}, color_scheme="dark", has_touch=True)
    try:
        visit.page.goto(visit.address)
        visit.page.wait_for_selector('[data-sensor="001"]')
        visit.page.locator('[data-sensor="001"] .night').scroll_into_view_if_needed()
        visit.page.wait_for_selector('[data-sensor="001"] [data-chart="night"] .bars')
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
        ground = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(13, 17, 22)"
    finally:
        visit.page.close()


def test_a_silent_server_is_not_taken_for_a_quiet_pipe(visit: Visit, server: ReceiverProcess) -> None:
    visit.page.clock.install()
    visit.open()
    assert server.end(signal.SIGKILL) == -signal.SIGKILL
    wait_for(lambda: visit.page.clock.run_for(3000) or "No answer" in visit.text("#hero-word"), "the page to notice")
    assert visit.page.locator("#hero").get_attribute("data-state") == "bad"
    assert "stale" in visit.page.locator("body").get_attribute("class")


def test_monitors_hear_the_same(server: ReceiverProcess) -> None:
    health = server.get("/healthz")
    assert health.status == 503
    assert b"producer: not started" in health.body
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
    charts = server.get("/api/sensor?sensor=001&hours=24").json
    assert charts["forecast"]["made_at"] == int(NOW.replace(minute=0, second=0).astimezone(UTC).timestamp())
    assert charts["forecast"]["hour"] == sorted(set(charts["forecast"]["hour"]))
    assert len(charts["series"]["at"]) == 1439
    assert charts["spells"][0]["minutes"] == 30
