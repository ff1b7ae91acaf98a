"""Planned work and holidays on the page: a real server, real HTTP, and no database."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from access_site import Browser, after, logged_in, make_user, told
from receiver_process import Answer, ReceiverProcess
from waiting import wait_for

from common import audit
from outliers import calendar, planning
from outliers.calendar import ALL, Work
from server.access.roles import Role

Start = Callable[..., ReceiverProcess]
SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2024, 9, 17, 10, 30, tzinfo=SEOUL)
WORK = {"do": "plan", "sensor": ALL, "first": "2024-09-17T09:00", "end": "2024-09-17T12:30", "kind": "flushing"}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def server(empty: Start, data: Path) -> ReceiverProcess:
    make_user(data, "Kim")
    make_user(data, "이영희", Role.OPERATOR)
    make_user(data, "guest", Role.VIEWER)
    return empty(HYDROLOG_CLOCK=f"1 {time.time()!r} {NOW.timestamp()!r}", HYDROLOG_SITE__COUNTRY="KR")


@pytest.fixture
def browser(server: ReceiverProcess) -> Browser:
    return logged_in(server, "이영희")


def send(browser: Browser, **fields: Any) -> Answer:
    return browser.send("/calendar", browser.token("/calendar"), **fields)


def works(data: Path) -> list[Work]:
    return [*calendar.load(data, SEOUL).works]


def test_an_operator_plans_work_ends_it_and_removes_it(browser: Browser, data: Path) -> None:
    assert after(send(browser, **WORK, note="  North  Street ")) == "calendar?done=plan"
    (work,) = works(data)
    assert work.what == "flushing, North Street"
    page = browser.get("/calendar?done=plan").body.decode()
    assert "flushing, North Street" in page and 'data-stage="now"' in page and 'role="status"' in page
    wait_for(lambda: "flushing, North Street" in browser.get("/").body.decode(), "the overview to show it")
    assert after(send(browser, do="end", entry=planning.key(work))) == "calendar?done=end"
    (ended,) = works(data)
    assert (ended.first, ended.end - ended.first) == (work.first, 90)
    assert after(send(browser, do="remove", entry=planning.key(ended))) == "calendar?done=remove"
    assert works(data) == []
    done = [(entry.by, entry.address, entry.what) for entry in audit.load(data)[0] if entry.what.startswith("work")]
    assert done == [("이영희", "127.0.0.1", what) for what in ("work-planned", "work-ended", "work-removed")]


def test_sent_twice_is_planned_once(browser: Browser, data: Path) -> None:
    for _ in range(2):
        assert send(browser, **WORK).status == 303
    assert len(works(data)) == 1


WRONG: list[tuple[dict[str, str], str, str]] = [
    ({"sensor": "no such thing"}, "sensor", "neither a sensor id nor all"),
    ({"sensor": "<script>"}, "sensor", "neither a sensor id nor all"),
    ({"first": "soon"}, "first", "not a local time"),
    ({"first": ""}, "first", "not a local time"),
    ({"end": "2024-09-17T09:00+09:00"}, "end", "not a local time"),
    ({"end": "2024-09-17T08:00"}, "end", "not after the beginning"),
    ({"end": "2025-09-17T08:00"}, "end", "longer than 31 days"),
    ({"first": "0001-01-01T00:00"}, "first", "not a local time"),
    ({"first": "1999-01-01T00:00"}, "first", "out of range"),
    ({"kind": "other", "note": " "}, "what", "at most 80"),
    ({"kind": "other", "note": "x" * 500}, "what", "at most 80"),
    ({"note": "a\x1b[2J"}, "what", "printable"),
]


def test_what_is_wrong_is_named_at_its_field_and_what_was_typed_stays(browser: Browser, data: Path) -> None:
    for changed, field, said in WRONG:
        answer = send(browser, **WORK | {"note": "<b>Mill</b> Lane"} | changed)
        page = answer.body.decode()
        assert (answer.status, said in told(answer, f"wrong-{field}")) == (422, True), changed
        assert f'aria-describedby="wrong-{field}"' in page
        assert "<b>Mill" not in page and "<script>" not in page
        assert "note" in changed or 'value="&lt;b&gt;Mill&lt;/b&gt; Lane"' in page
    assert works(data) == []


def test_a_line_break_in_a_note_makes_no_second_line(browser: Browser, data: Path) -> None:
    send(browser, **WORK, note="a\r\nall 2024-01-01 00:00 2024-01-31 00:00 x")
    assert len(works(data)) == 1
    assert calendar.load(data, SEOUL).problems == ()


def test_refusals_are_in_the_readers_language(browser: Browser) -> None:
    browser.headers["Accept-Language"] = "ko"
    assert told(send(browser, **WORK | {"end": "2024-09-17T08:00"}), "wrong-end") == "종료가 시작보다 늦어야 합니다."


def test_whoever_comes_second_is_told_who_was_first(server: ReceiverProcess, browser: Browser, data: Path) -> None:
    send(browser, **WORK)
    (work,) = works(data)
    kim = logged_in(server, "Kim")
    assert send(kim, do="end", entry=planning.key(work)).status == 303
    for do in ("end", "remove"):
        late = send(browser, do=do, entry=planning.key(work))
        assert late.status == 409
        assert "Kim has changed it" in told(late, "problem")
    assert len(works(data)) == 1
    assert send(browser, do="remove", entry="0" * 16).status == 409


def test_two_at_once_lose_nothing(server: ReceiverProcess, data: Path) -> None:
    browsers = [logged_in(server, name) for name in ("Kim", "이영희")]

    def plan(browser: Browser, number: int) -> None:
        for day in range(10, 20):
            assert send(browser, **WORK | {"end": f"2024-09-{day + 9}T12:30", "note": f"{number}"}).status == 303

    threads = [threading.Thread(target=plan, args=(each, number)) for number, each in enumerate(browsers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(works(data)) == 20


def test_holidays_of_people_are_added_and_removed(browser: Browser, data: Path) -> None:
    (data / "criteria").mkdir()
    (data / "criteria" / "holidays.country.txt").write_text("2024-10-03  개천절\n2023-10-03  개천절\n")
    assert after(send(browser, do="holiday", day="2024-10-04", name="<i>bridge</i>")) == "calendar?done=holiday"
    page = browser.get("/calendar").body.decode()
    assert "개천절" in page and "2023-10-03" not in page
    assert "&lt;i&gt;bridge" in page
    again = send(browser, do="holiday", day="2024-10-04", name="twice")
    assert (again.status, "already" in told(again, "wrong-day")) == (422, True)
    assert send(browser, do="holiday", day="2024-02-30").status == 422
    assert send(browser, do="workday", entry="2024-10-03").status == 409  # the country's
    assert after(send(browser, do="workday", entry="2024-10-04")) == "calendar?done=workday"
    assert "bridge" not in browser.get("/calendar").body.decode()


def test_school_holidays_are_added_and_removed(browser: Browser, data: Path) -> None:
    summer = {"do": "school", "school_first": "2024-07-22", "school_last": "2024-08-16", "school_name": "<i>여름</i>"}
    assert after(send(browser, **summer)) == "calendar?done=school"
    page = browser.get("/calendar?done=school").body.decode()
    assert "2024-07-22 to 2024-08-16" in page and "&lt;i&gt;여름" in page and "The school holiday is added." in page
    wrong = send(browser, **summer | {"school_last": "2024-07-21"})
    assert (wrong.status, told(wrong, "wrong-school_last")) == (422, "The last day is before the first.")
    assert send(browser, **summer | {"school_first": "soon"}).status == 422
    assert send(browser, **summer | {"school_first": "0024-07-22"}).status == 422
    assert len(calendar.load(data, SEOUL).school) == 1
    assert after(send(browser, **summer | {"school_last": "2024-08-23"})) == "calendar?done=school"
    assert 'value="2024-07-22 2024-08-16"' in browser.get("/calendar").body.decode()
    assert after(send(browser, do="lessons", entry="2024-07-22 2024-08-16")) == "calendar?done=lessons"
    assert [each.last.day for each in calendar.load(data, SEOUL).school] == [23]
    assert send(browser, do="lessons", entry="2024-07-22 2024-08-16").status == 409


def test_what_cannot_be_written_is_said_and_not_done(browser: Browser, data: Path) -> None:
    (data / "criteria").write_text("a file in the place of the folder")
    answer = send(browser, **WORK)
    assert (answer.status, "nothing has changed" in told(answer, "problem")) == (503, True)
