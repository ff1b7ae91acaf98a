"""The page in Korean: no word of the scripts is English, and what counts on is said as the server says it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from page_site import HOSTILE, LEAK_ID, Visit
from receiver_process import ReceiverProcess

from common.messages import words
from common.units import chosen

# Units, names of sensors, models, zones and programs, and what others have written, stay as they are.
STAYS = re.compile(
    r"m³(/h)?|L/h|\b(bar|kPa|UARL|N1|hydrolog( night set)?|Mill Lane|lstm-1|site-1|English|Asia/Seoul)\b"
)
SAID = """() => {
    const NAMES = ["aria-label", "title", "alt", "placeholder", "data-waiting"];
    const of = (node) => NAMES.map((name) => node.getAttribute(name) ?? "");
    return [document.body.innerText, ...[...document.querySelectorAll("*")].flatMap(of)].join("\\n");
}"""


@pytest.fixture
def korean(browser: Any, server: ReceiverProcess) -> Iterator[Visit]:
    visited = Visit(browser, server, viewport={"width": 1400, "height": 1400}, locale="ko-KR")
    yield visited
    visited.page.close()


def foreign(text: str) -> list[str]:
    """The words in Latin letters that have no reason to be."""
    for others in (HOSTILE, HOSTILE[:60]):
        text = text.replace(others, "")
    return re.findall(r"[A-Za-z][A-Za-z]+.*", STAYS.sub("", text))


def hovered(visit: Visit, chart: str, marks: str) -> str:
    """What the chart says at its first mark."""
    visit.page.locator(f"{chart} {marks}").first.hover(force=True)
    visit.page.locator(f"{chart} .tip").wait_for()
    return visit.text(f"{chart} .tip")


def test_a_korean_page_of_a_sensor_has_no_english_word(korean: Visit) -> None:
    page = korean.page
    page.goto(f"{korean.address}sensor?id=001")
    page.wait_for_selector('[data-chart="night"] .column')
    assert foreign(page.evaluate(SAID)) == []
    assert korean.text("#clock").startswith("10:2") and "2024년 8월 26일" in korean.text("#zone")
    assert "예측: 8월 26일 10:00, 모델 lstm-1." in korean.text(".sensor-note")
    told = hovered(korean, '[data-chart="flow"]', ".mark") + hovered(korean, '[data-chart="night"]', ".column")
    assert "누수 의심(예측 비교)" in told and foreign(told) == []
    page.locator("[data-nights]").click()
    page.wait_for_selector("#panel .column")
    assert "2,000명 × 0.6 L/h" in korean.text("#panel-facts")
    assert foreign(korean.text("#panel") + hovered(korean, "#panel .chart", ".column")) == []
    page.locator("#panel-close").click()
    page.locator(f'[data-incident="{LEAK_ID}"] summary').click()
    page.locator(f'[data-incident="{LEAK_ID}"] button').first.click()
    page.wait_for_selector("#panel .limit")
    assert foreign(korean.text("#panel")) == []
    assert korean.complaints == []


def test_a_server_that_does_not_answer_is_said_in_korean(korean: Visit) -> None:
    korean.page.route("**/api/**", lambda route: route.abort())
    korean.page.goto(f"{korean.address}sensor?id=001")
    korean.page.wait_for_selector("#footer:has-text('데이터베이스가 응답하지 않습니다')")
    assert foreign(korean.page.evaluate(SAID)) == []


@pytest.mark.parametrize("language", ["en", "ko"])
def test_an_age_counts_on_as_the_server_says_it(visit: Visit, language: str) -> None:
    visit.page.goto(f"{visit.address}?language={language}")
    spans = [20, 60, 3599, 3600, 5000, 35999, 36000, 200_000, 600_000, 9e6]
    ages = visit.page.evaluate(
        "async (spans) => { const { age } = await import('./static/text.js'); return spans.map(age); }", spans
    )
    assert ages == [said_by_server(language, span) for span in spans]


def said_by_server(language: str, span_s: float) -> str:
    return words(language, chosen({})).span(span_s / 60) if span_s >= 60 else words(language).say("under a minute")
