"""The charts that explain a finding or a night."""

import msgspec
import pytest
from page_site import HOSTILE, LEAK_ID, NOW, REASON, Visit
from receiver_process import ReceiverProcess

from common.clock import minute_of
from common.folder import INCIDENTS_FILE
from incidents.incident import Incident, Sign
from incidents.reading import IncidentsFile


def open_chart(visit: Visit, incident: str) -> None:
    """Open an incident and the chart of its first sign."""
    line = visit.page.locator(f'[data-incident="{incident}"]')
    line.locator("summary").click()
    line.locator("button").first.click()


def test_an_incident_opens_the_chart_that_explains_it(visit: Visit) -> None:
    visit.open()
    page = visit.page
    open_chart(visit, LEAK_ID)
    page.wait_for_selector("#panel .chart > svg >> nth=1")
    page.wait_for_selector("#panel-facts li:has-text('Began about')")
    assert "Mill Lane" in visit.text("#panel-title")
    assert "9.3 ± 0.4" in visit.text("#panel-reason")
    assert REASON not in visit.text("#panel")
    facts = visit.text("#panel-facts")
    assert "Began about 26 Aug 08:56, raised 26 Aug 09:56" in facts
    assert "Still up." in facts and "criteria version 1" in facts
    assert HOSTILE[:60] in facts  # planned work beside it, as text
    captions = page.locator("#panel figcaption").all_inner_texts()
    assert captions[0].startswith("Flow, m³/h") and "limit" in captions[0]
    assert captions[1].startswith("Pressure, bar") and "limit" not in captions[1]
    flow = page.locator("#panel").get_by_role("group", name="Flow, m³/h")
    dashes = flow.locator(".line").evaluate_all(
        "nodes => nodes.map((node) => getComputedStyle(node).strokeDasharray).filter((dash) => dash !== 'none')"
    )
    assert len(dashes) == 2  # what is usual, and the limit over it
    # The planned work, the trouble's span, the minute it was raised.
    assert [flow.locator(kind).count() for kind in (".ground.planned", ".ground.bad", ".raised")] == [1, 1, 1]
    span, raised = flow.locator(".ground.bad").bounding_box(), flow.locator(".raised").bounding_box()
    assert raised["x"] + raised["width"] / 2 == pytest.approx(span["x"] + span["width"] * 60 / 90, abs=2)
    page.keyboard.press("Escape")
    assert not page.locator("#panel").is_visible()
    assert visit.page.evaluate("window.pwned") is None
    assert [said for said in visit.complaints if "400 (Bad Request)" not in said] == []


def test_the_nights_are_shown_with_how_each_figure_was_made(visit: Visit) -> None:
    visit.open()
    page = visit.page
    assert "Last night's quietest hour: 9.50 m³/h, of it leakage 8.30 m³/h, 114 m³ a day." in visit.text(".sensor-note")
    page.locator('[data-charts="001"] [data-nights]').click()
    page.wait_for_selector("#panel .column")
    facts = visit.text("#panel-facts")
    assert "the quietest hour began at 02:40 with 9.50 m³/h at 4.30 bar" in facts
    assert "night use 1.20 m³/h (2,000 users × 0.6 L/h): leakage 8.30 m³/h" in facts
    assert "At 4.20 bar (median of 24 nights), by pressure to the power N1 = 1.1: 8.20 m³/h" in facts
    assert "night-day factor 21.50 h, from the pressure of 24 hours: 114 m³ a day" in facts
    assert "Minutes left out: 2 faulty, 30 of planned work." in facts
    drawn = page.locator("#panel .column").evaluate_all(
        "nodes => nodes.filter((node) => node.getBoundingClientRect().height > 3).length"
    )
    assert drawn == 2 * 29  # use and leakage of each night; the one without a report is an empty place
    page.locator("#panel-close").click()
    page.locator('[data-charts="002"] [data-nights]').click()
    page.wait_for_selector("#panel-facts li:has-text('No night yet')")


def test_a_sign_of_the_night_opens_the_nights_with_the_one_it_is_about(visit: Visit, server: ReceiverProcess) -> None:
    minute = minute_of(NOW)
    night = Sign("NGT-JUMP", "NIGHT", "flow", "watch", minute - 400, minute - 320, numbers={"night_m3h": 9.5})
    known = Incident("night", "site-1", "001", "leak", minute - 400, minute - 320, signs=[night])
    (server.data / INCIDENTS_FILE).write_bytes(msgspec.json.encode(IncidentsFile(incidents=[known])))
    visit.open()
    page = visit.page
    open_chart(visit, "night")
    page.wait_for_selector("#panel-facts li:has-text('no longer kept')")
    captions = page.locator("#panel figcaption").all_inner_texts()
    assert [caption.split(",")[0] for caption in captions] == ["Quietest hour of each night", "Flow", "Pressure"]
    fills = (
        page.locator("#panel .chart >> nth=0")
        .locator(".column")
        .evaluate_all(
            "nodes => nodes.filter((node) => node.getBoundingClientRect().height > 3)"
            ".map((node) => getComputedStyle(node).fill)"
        )
    )
    leaks = fills[len(fills) // 2 :]
    assert leaks.count(leaks[-1]) == 1  # the last night stands out among the leakages


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
def test_what_is_no_chart_of_an_incident_is_refused(server: ReceiverProcess, query: str) -> None:
    assert server.get(f"/api/finding?{query}").status == 400


def test_an_old_or_unknown_finding_is_explained_by_what_is_left(server: ReceiverProcess) -> None:
    assert server.get("/api/finding?sensor=X-77&channel=pressure&method=NIGHT&start=0&end=0").status == 404
    for start, end in ((0, 0), (0, 9_999_999_999), (9_999_999_998, 9_999_999_999)):
        answer = server.get(f"/api/finding?sensor=001&channel=pressure&method=NIGHT&start={start}&end={end}")
        assert (answer.status, answer.json["finding"], answer.json["series"]["at"]) == (200, None, [])
    leak = server.get(
        f"/api/finding?sensor=001&channel=flow&method=PREDICT&start={int(NOW.timestamp()) // 60 * 60 - 1800}"
        f"&end={int(NOW.timestamp()) // 60 * 60 - 60}"
    ).json
    assert leak["finding"]["limit_kind"] == "above" and leak["finding"]["limit"] == 1.5
    level = leak["usual"]["flow"][0]
    assert 5 < level < 20  # the made-up criteria are of 40 m3/h: scaled to the week before
    assert leak["step_s"] == 60
