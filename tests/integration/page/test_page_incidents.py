"""The incidents on the page: in words of now, in the reader's language, and as text whatever they hold."""

import json
from typing import Any

import msgspec
import pytest
from page_site import HOSTILE, LEAK_ID, NOW, Visit
from receiver_process import ReceiverProcess
from waiting import wait_for

from common.clock import minute_of
from common.folder import INCIDENT_ACTS_FILE, INCIDENTS_FILE
from incidents import acts
from incidents.incident import Incident, Sign
from incidents.reading import IncidentsFile


def test_an_incident_says_what_where_since_when_how_large_and_who_has_it(visit: Visit) -> None:
    visit.open()
    lines = visit.page.locator(".incident")
    assert lines.evaluate_all("nodes => nodes.map((node) => [node.dataset.incident, node.dataset.state])") == [
        [LEAK_ID, "bad"],
        ["002-fault", "fault"],
        ["001-step", "over"],
    ]
    leak = lines.nth(0)
    text = leak.locator("summary").inner_text().replace("\u00a0", " ")
    assert "Mill Lane" in text
    assert "9.3 ± 0.4 m³/h" in text
    assert HOSTILE in text  # who acknowledged it
    assert "52 min" not in visit.page.locator("body").inner_text()  # how long it had lasted when it was raised
    assert not leak.locator("[data-part=why]").is_visible()
    leak.locator("summary").press("Enter")
    assert leak.locator("[data-part=why] li").count() == 1
    assert leak.locator("[data-part=why]").is_visible()
    assert visit.count(".incident img, .incident script, .incident a:not([href])") == 0
    assert visit.page.evaluate("window.pwned") is None


def test_the_link_in_a_message_opens_its_incident(browser: Any, server: ReceiverProcess) -> None:
    page = browser.new_page()
    try:
        page.goto(f"http://127.0.0.1:{server.port}/#incident={LEAK_ID}")
        page.wait_for_selector(f'[data-incident="{LEAK_ID}"] [data-part=why] li')
        assert page.locator("details[open]").count() == 1
        assert page.goto(f"http://127.0.0.1:{server.port}/?again#incident=%E0%A4%A").ok  # half a sign
        page.wait_for_selector(".incident")
        assert page.locator("details[open]").count() == 0
    finally:
        page.close()


def test_the_length_is_that_of_now_and_of_an_end(server: ReceiverProcess) -> None:
    found = {each["id"]: each for each in server.get("/api/incidents").json["incidents"]}
    assert 1860 <= found[LEAK_ID]["minutes"] <= 1863
    assert found["001-step"]["minutes"] == 100
    assert found[LEAK_ID]["size"] == {"flow_m3h": 9.3, "error_m3h": 0.4, "at": (minute_of(NOW) - 5) * 60}
    assert (found[LEAK_ID]["stage"], found[LEAK_ID]["by"]) == ("acknowledged", HOSTILE)
    assert (found["002-fault"]["stage"], found["002-fault"]["size"], found["002-fault"]["name"]) == (
        "open",
        None,
        HOSTILE,
    )


@pytest.mark.parametrize(
    ("query", "accepted", "language"),
    [
        ("", "", "en"),
        ("", "ko-KR,ko;q=0.9,en-US;q=0.8", "ko"),
        ("", "de,fr;q=0.9", "en"),
        ("?language=ko", "en", "ko"),
        ("?language=", "ko", "ko"),
        ("?language=%3Cscript%3E", "en", "en"),
    ],
)
def test_the_reader_chooses_the_language(server: ReceiverProcess, query: str, accepted: str, language: str) -> None:
    answer = server.request("GET", f"/api/incidents{query}", headers={"Accept-Language": accepted})
    assert answer.json["language"] == language


def test_a_korean_browser_reads_korean_headings(browser: Any, server: ReceiverProcess) -> None:
    visit = Visit(browser, server, locale="ko-KR")
    try:
        visit.page.goto(visit.address)
        visit.page.wait_for_selector(".incident")
        assert visit.text("#incidents-title") == "경보"
        assert visit.page.locator("html").get_attribute("lang") == "ko"
    finally:
        visit.page.close()


def test_an_open_incident_stays_open_with_the_focus_in_it_when_others_come(
    visit: Visit, server: ReceiverProcess
) -> None:
    visit.page.clock.install()
    visit.open()
    summary = visit.page.locator(f'[data-incident="{LEAK_ID}"] summary')
    summary.press("Enter")
    minute = minute_of(NOW)
    stored = msgspec.json.decode((server.data / INCIDENTS_FILE).read_bytes(), type=IncidentsFile)
    sign = Sign("SYS-MISS", "SYSTEM", "flow", "fault", minute - 9, minute - 1)
    stored.incidents.append(Incident("new", "site-1", "001", "fault", minute - 9, minute - 1, signs=[sign]))
    (server.data / INCIDENTS_FILE).write_bytes(msgspec.json.encode(stored))
    acts.append(server.data, acts.new(LEAK_ID, "Kim", NOW, acts.Do.CLOSE, cause="repaired"))
    wait_for(lambda: visit.page.clock.run_for(3000) or visit.count('[data-incident="new"]'), "the new one")
    assert "Kim" in visit.text(f'[data-incident="{LEAK_ID}"] summary')
    assert visit.page.locator(f'[data-incident="{LEAK_ID}"] [data-part=why]').is_visible()
    assert summary.evaluate("node => node === document.activeElement")


def test_a_damaged_file_is_said_and_the_page_goes_on(visit: Visit, server: ReceiverProcess) -> None:
    (server.data / INCIDENTS_FILE).write_text("{")
    (server.data / INCIDENT_ACTS_FILE).write_text("")
    visit.page.goto(visit.address)
    visit.page.locator("#incidents-problem").wait_for()
    assert visit.text("#incidents-problem") == "incidents.json cannot be read"
    assert not visit.page.locator("#no-incidents").is_visible()
    visit.page.wait_for_selector('[data-charts="001"] [data-chart="night"] .column')


def test_many_are_told_up_first_and_bounded(server: ReceiverProcess) -> None:
    minute = minute_of(NOW)
    sign = Sign("PRE-STEP", "PREDICT", "both", "watch", minute - 9000, minute - 8000, minute - 7000)
    over = [Incident(f"i{n}", "s", "001", "leak", minute - 9000, minute - n, minute, signs=[sign]) for n in range(500)]
    up = Incident("up", "s", "001", "leak", minute - 9000, minute - 8000, signs=[Sign(*_values(sign))])
    (server.data / INCIDENTS_FILE).write_bytes(msgspec.json.encode(IncidentsFile(incidents=[*over, up])))
    found = server.get("/api/incidents").json
    assert [each["id"] for each in found["incidents"][:2]] == ["up", "i0"]
    assert len(found["incidents"]) + found["left_out"] == 501
    assert len(json.dumps(found)) < 100_000
    chart = found["incidents"][0]["charts"][0]
    assert chart["channel"] == "flow"
    query = "&".join(f"{name}={chart[name]}" for name in ("sensor", "channel", "method", "start", "end"))
    assert server.get(f"/api/finding?{query}").status == 200


def _values(sign: Sign) -> tuple[Any, ...]:
    """Of the same sign while it is up."""
    return (sign.code, sign.method, sign.channel, sign.severity, sign.since, sign.raised)
