"""Nothing on the page or on paper is cut off, covered or left out, at the widths that people have."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from page_site import LEAK_ID, NOW, Visit
from receiver_process import ReceiverProcess

PHONE, TABLET, DESK = {"width": 360, "height": 740}, {"width": 768, "height": 1024}, {"width": 1440, "height": 900}
LIST = {"ko": "센서", "en": "Sensors"}
PAPER = {"width": 718, "height": 1000}  # A4 with the browser's margins
RANGES = """
INSERT INTO NIGHT_REPORT_TB (sensor, night, hour_start, hour_flow, leak_flow_low, leak_flow_high, night_use_by,
                             definition, hour_minutes, good_minutes, faulty_minutes, percentile_nights, n1,
                             pressure_hours)
VALUES ('002', %s, %s, 16.8, 13.26, 15.63, 'share', 2, 60, 300, 0, 7, 1, 24)
"""
# Labels of an axis of which a part lies beyond the chart.
CUT = """() => [...document.querySelectorAll(".chart")].flatMap((chart) => {
    const box = chart.getBoundingClientRect();
    const beyond = (label) => label.left < box.left || label.right > box.right + 0.5;
    return [...chart.querySelectorAll("text")].filter((label) => beyond(label.getBoundingClientRect()));
}).map((label) => label.textContent)"""
# Cells whose words lie on those of another, take two lines though they are a number, or lie beyond the page.
COVERED = """() => [...document.querySelectorAll("tr[data-sensor]")].flatMap((row) => {
    const words = (cell) => {
        const range = new Range();
        range.selectNodeContents(cell);
        return [...range.getClientRects()].filter(({ width }) => width);
    };
    const over = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
    const cells = [...row.children].filter((cell) => words(cell).length), found = [];
    cells.forEach((cell, i) => {
        for (const other of cells.slice(i + 1))
            if (words(cell).some((a) => words(other).some((b) => over(a, b))))
                found.push(`${cell.innerText} / ${other.innerText}`);
        if (cell.matches(".number") && words(cell).length > 1) found.push(`two lines: ${cell.innerText}`);
        if (words(cell).some(({ right }) => right > innerWidth)) found.push(`beyond: ${cell.innerText}`);
    });
    return found;
})"""
SCROLLED = """() => [...document.querySelectorAll(".scroll")].filter((node) => !node.querySelector(".figures-table"))
    .filter((node) => node.scrollWidth > node.clientWidth + 1).map((node) => node.getAttribute("aria-label"))"""


@pytest.fixture
def known(server: ReceiverProcess, database_url: str) -> ReceiverProcess:
    """The site, with a leakage that is a range, and other sites that deliver."""
    with psycopg.connect(database_url) as connection:
        heard = (NOW, NOW - timedelta(hours=9))
        connection.execute("INSERT INTO SITE_TB (site, heard_at) VALUES ('busan-1', %s), ('busan-2', %s)", heard)
        connection.execute(RANGES, (NOW.date(), NOW.replace(hour=2)))
    return server


@pytest.fixture
def opened(browser: Any, known: ReceiverProcess) -> Iterator[Any]:
    visits = []

    def at(address: str, size: dict[str, int], language: str = "ko", **options: Any) -> Visit:
        visit = Visit(browser, known, viewport=size, locale=language, **options)
        visits.append(visit)
        visit.page.goto(visit.address + address)
        return visit

    yield at
    for visit in visits:
        visit.page.close()


def _drawn(visit: Visit, charts: int) -> None:
    visit.page.wait_for_function("count => document.querySelectorAll('.chart > svg > svg').length >= count", arg=charts)


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_each_label_of_an_axis_is_whole(opened: Any, size: dict[str, int]) -> None:
    for address, charts in [
        ("sensor?id=001", 3),
        ("sensor?id=001&span=year", 3),
        # At its end is a tick.
        ("sensor?id=001&from=2024-08-26T00:00:00%2B09:00&until=2024-08-26T10:00:00%2B09:00", 3),
        (f"incident?id={LEAK_ID}", 1),
    ]:
        visit = opened(address, size)
        _drawn(visit, charts)
        assert visit.page.evaluate(CUT) == [], address


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("size", [PHONE, TABLET, DESK], ids=["phone", "tablet", "desk"])
def test_the_list_covers_nothing_and_breaks_no_number(opened: Any, size: dict[str, int], language: str) -> None:
    visit = opened("", size, language)
    assert "15.63" in visit.text('tr[data-sensor="002"] [data-leakage]')
    assert visit.page.evaluate(COVERED) == []
    assert LIST[language] not in visit.page.evaluate(SCROLLED)


def test_a_phone_shows_all_columns_without_scrolling_sideways(opened: Any) -> None:
    for address in ("", "sites", "site?id=site-1", f"incident?id={LEAK_ID}"):
        visit = opened(address, PHONE)
        assert visit.page.evaluate(SCROLLED) == [], address
    heard = opened("sites", PHONE).page.locator('[data-key="busan-1"] td', has_text="8월 26일 10:26")
    assert heard.evaluate("node => getComputedStyle(node, '::before').content") == '"마지막 수신: "'


def test_what_can_be_unfolded_is_seen_to_be_so_also_on_a_phone(opened: Any) -> None:
    for address, folded in [("", "#hero-more summary"), ("sensor?id=001", ".tabled summary")]:
        visit = opened(address, PHONE)
        visit.page.wait_for_selector(folded)
        style = "node => [getComputedStyle(node).display, getComputedStyle(node).listStyleType]"
        assert visit.page.locator(folded).evaluate(style) == ["list-item", "disclosure-closed"]


def test_paper_has_all_charts_whole_and_all_columns(opened: Any) -> None:
    """Also those that nobody has scrolled to; a chart is as wide as the paper lets it be."""
    visit = opened("", DESK, "en")
    page = visit.page
    _drawn(visit, 6)  # of two sensors; the third has no rows
    assert page.evaluate("scrollY") == 0
    page.emulate_media(media="print")
    page.evaluate("document.querySelectorAll('.chart').forEach((chart) => { chart.style.width = '240px'; })")
    assert page.evaluate(CUT) == []
    page.set_viewport_size(PAPER)
    assert page.evaluate(COVERED) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER["width"]


def test_a_span_that_draws_no_forecast_names_no_model(opened: Any) -> None:
    visit = opened("sensor?id=001&span=year", DESK, "en")
    visit.page.wait_for_function("() => document.querySelector('.sensor-note').textContent")
    assert "by ." not in visit.text(".sensor-note")
    day = opened("sensor?id=001", DESK, "en")
    day.page.wait_for_function("() => document.querySelector('.sensor-note').textContent")
    assert "by lstm-1." in day.text(".sensor-note")


def test_the_chart_of_an_incident_says_what_its_lines_are(opened: Any) -> None:
    visit = opened(f"incident?id={LEAK_ID}", PHONE, "en")
    visit.page.wait_for_selector("#sign-charts .key")
    assert "measured" in visit.text("#sign-charts figcaption")


def test_planned_work_names_its_sensor(opened: Any) -> None:
    for address in ("", "calendar"):
        assert "Mill Lane" in opened(address, PHONE, "en").text("#works")


def test_a_silent_site_does_not_look_like_one_that_is_heard(opened: Any) -> None:
    for address in ("sites", "site?id=busan-2"):
        badge = opened(address, DESK, "en").page.locator(".badge", has_text="silent")
        assert badge.get_attribute("data-state") == "bad", address
    heard = opened("sites", DESK, "en").page.locator('[data-key="busan-1"] .badge')
    assert heard.get_attribute("data-state") == "ok"


def test_a_button_in_a_list_says_its_own_words_only(opened: Any) -> None:
    button = opened(f"incident?id={LEAK_ID}", PHONE).page.locator("button[data-finding]").first
    assert button.evaluate("node => getComputedStyle(node, '::before').content") == "none"


def test_a_heading_stands_above_its_numbers(opened: Any) -> None:
    page = opened("sensor?id=001", DESK).page
    page.click(".tabled summary")
    right = """nodes => nodes.map((node) =>
        Math.round(node.getBoundingClientRect().right - parseFloat(getComputedStyle(node).paddingRight)))"""
    heads = page.eval_on_selector_all(".figures-table thead tr:last-child th", right)
    assert heads == page.eval_on_selector_all(".figures-table tbody tr:first-child td", right)
    style = "nodes => nodes.map((node) => getComputedStyle(node).textAlign)"
    assert set(page.eval_on_selector_all(".figures-table thead tr:last-child th", style)) == {"right"}


def test_who_may_only_read_is_offered_no_planning(opened: Any) -> None:
    assert opened("sensor?id=001", DESK).count('a[href*="#plan"]') == 0


def test_a_zone_without_a_sum_does_not_look_well(opened: Any) -> None:
    page = opened("", DESK).page
    seen = """(code) => {
        const badge = document.querySelector("tr[data-sensor] .badge[data-code]");
        Object.assign(badge.dataset, { kind: "good", state: "ok", code });
        return getComputedStyle(badge).backgroundColor;
    }"""
    assert page.evaluate(seen, "no-sum") != page.evaluate(seen, "good")
