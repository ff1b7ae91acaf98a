"""The words of a message: what, where, since when, its id; nothing that could shape a page or a terminal."""

import unicodedata
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.settings_alerts import TOLD_KINDS
from common.verdict import Problem
from consumer.alerts.events import AlertEvent
from consumer.alerts.news import News
from consumer.alerts.pending import Item, Queue
from consumer.alerts.text import KINDS, MOST_IN_WORDS, MOST_LENGTH, NEWS, Site, compose, plain
from incidents.incident import Incident, Sign
from incidents.life import Life
from incidents.reading import Known
from messengers.message import Message

T0 = 28_000_000  # 2023-03-28 19:40 in Seoul
SITE = Site("site-1", "en", ZoneInfo("Asia/Seoul"), {"001": "Yeonsan 3"}, "", 6)
NO_DATA = Problem("silent", "002", "no-data", {"silent_s": 1200.0})
SILENT = AlertEvent("002", "both", "BOX", "BOX-SENSOR", "fault", T0 - 20, T0, problem=NO_DATA)


def leak(sensor: str = "001", what: News = News.RAISED) -> Item:
    sign = Sign("LEAK", "PREDICT", "flow", "leak", T0 - 60, T0, numbers={"rise_m3h": 9.3})
    incident = Incident(f"{sensor}-20230328T0940Z-leak", "site-1", sensor, "leak", T0 - 60, T0, signs=[sign])
    return Item(incident.id, "leak", T0, what, Known(incident, Life()))


def silent(event: AlertEvent = SILENT) -> Item:
    return Item(event.id, "silent", T0, News.RAISED if event.cleared is None else News.OVER, event=event)


def message(*items: Item, site: Site = SITE, language: str = "en", held_since_s: float | None = None) -> Message:
    return compose(items, Queue(held_since_s=held_since_s), site, language, T0 + 60)


def test_a_leak_says_where_and_since_when_what_to_do_and_its_id() -> None:
    said = message(leak(), site=replace(SITE, page_url="https://water.example/"))
    assert "Yeonsan 3" in said.title and said.title.endswith("(site-1)")
    assert "18:40" in said.body and "What to do:\n1. " in said.body
    assert "https://water.example/incident?id=001-20230328T0940Z-leak" in said.body
    assert "(001-20230328T0940Z-leak)" in said.body.splitlines()
    assert (said.colour, said.thread) == ("failure", "001-20230328T0940Z-leak.site-1")
    assert "incident?id=" not in message(leak()).body


def test_news_of_a_known_incident_are_named_and_its_end_is_good() -> None:
    assert message(leak(what=News.GREW)).title.startswith("Larger: ")
    over = message(leak(what=News.OVER))
    assert not over.title.startswith("Larger") and over.colour == "success"


def test_several_are_one_message_in_no_thread_and_without_end_it_is_cut() -> None:
    said = message(leak(), silent())
    assert said.title.endswith(", 2 messages (site-1)") and not said.thread
    many = message(*(leak(f"{number:03}") for number in range(MOST_IN_WORDS + 5)))
    assert "And 5 more" in many.body
    assert many.body.count("-leak)") == MOST_IN_WORDS


def test_a_summary_says_that_it_is_one() -> None:
    assert "A summary of what came since 2023-03-28 19:40" in message(leak(), held_since_s=T0 * 60.0).body


def test_trouble_of_the_box_is_said_in_the_language_of_the_reader() -> None:
    assert message(silent()).title == "[no data] 002 (site-1)"
    assert "since 2023-03-28 19:20: no data; nothing for 20 min; see to the meter" in message(silent()).body
    korean = message(silent(), language="ko")
    assert korean.title == "[수신 두절] 002 (site-1)"
    assert "2023-03-28 19:20부터: 수신 두절; 20분 동안 결측; 계측기, 통신선" in korean.body
    ended = message(silent(replace(SILENT, cleared=T0 + 30)))
    assert ended.title.startswith("Over: ")
    assert "from 2023-03-28 19:20 to 2023-03-28 20:10: no data; nothing for 20 min\n" in ended.body


def test_a_part_of_the_box_has_its_name_in_the_language_of_the_reader() -> None:
    full = Problem("trouble", "disk", "disk-full", {"free_bytes": 63_000_000})
    event = AlertEvent("", "disk", "BOX", "BOX-DISK", "fault", T0, T0, problem=full)
    told = {language: message(silent(event), language=language) for language in ("en", "ko")}
    assert [one.title for one in told.values()] == ["[no data] disk (site-1)", "[수신 두절] 디스크 (site-1)"]
    assert "full; only 63 MB are free; make room" in told["en"].body
    assert "부족; 남은 공간 63 MB; 공간을 확보하십시오" in told["ko"].body


def test_a_sentence_of_an_earlier_version_is_told_as_it_is() -> None:
    event = replace(SILENT, problem=None, reason="no row of this sensor")
    assert "since 2023-03-28 19:20: no row of this sensor" in message(silent(event)).body


def test_whatever_may_be_told_has_words() -> None:
    assert KINDS.keys() == {*TOLD_KINDS}
    assert {*NEWS} == {*News} - {News.RAISED, News.OVER}


@given(st.text(max_size=1200))
def test_no_text_brings_control_characters_or_lines_into_a_message(text: str) -> None:
    shown = plain(text)
    assert len(shown) <= MOST_LENGTH
    assert not [sign for sign in shown if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    named = message(
        leak(),
        silent(replace(SILENT, problem=replace(NO_DATA, values={"silent_s": 1.0, "reason": text}))),
        site=replace(SITE, names={"001": text or "001"}),
    )
    assert len(named.body.splitlines()) == len(message(leak(), silent()).body.splitlines())
    assert not [sign for sign in named.title if unicodedata.category(sign)[0] == "C"]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_hostile_name_stays_text(language: str) -> None:
    said = message(leak(), site=replace(SITE, names={"001": "{x} %s\r\nBcc: a@b"}), language=language)
    assert "\r" not in said.title + said.body and "{x} %s" in said.title
