"""The server tells that nothing has been heard of a box: once a silence, also over a restart, and that it is back."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from alerts_box import FIRST, START, HandClock, webhook
from http_server import HttpServer, answer
from receiver_process import ReceiverProcess
from waiting import wait_for

from common.clock import ScaledClock, minute_of
from common.database import Database
from common.errors import LogError
from common.folder import SILENT_BOXES_FILE
from common.runner import Context
from common.settings import Settings
from common.settings_alerts import Person
from messengers.message import Message
from messengers.messenger import Messengers
from server.silent_boxes import HeardSites, SilentBoxes, heard


@pytest.fixture
def hook() -> Iterator[HttpServer]:
    with HttpServer(answer(200)) as made:
        yield made


class Server:
    """The part of a server that watches its boxes, on a clock that only the test moves."""

    def __init__(self, settings: Settings, hook: HttpServer, **more: str) -> None:
        self.person = Person("Kim", (webhook(hook),), more.get("language", "en"))
        self.settings = replace(settings, alerts=replace(settings.alerts, people=(self.person,)))
        self.clock, self.heard = HandClock(), {"site-1": FIRST}
        self.start()

    def start(self) -> None:
        self.boxes = SilentBoxes(Context(self.settings, self.clock, threading.Event(), "server"), self.heard)

    def after(self, minutes: int) -> None:
        self.clock.time = START + timedelta(minutes=minutes)
        for _ in range(3):
            self.boxes.step(self.clock.now())


def titles(hook: HttpServer) -> list[str]:
    return [json.loads(request.body)["title"] for request in hook.requests]


def test_a_silence_is_told_once_and_its_end_once_also_over_a_restart(
    settings_for: Callable[..., Settings], hook: HttpServer
) -> None:
    server = Server(settings_for(), hook)
    server.after(59)
    assert not hook.requests
    server.after(60)
    server.start()
    server.after(300)
    assert titles(hook) == ["[no data] site-1: no delivery for 60 min"]
    assert "since 2024-08-26 12:00" in json.loads(hook.requests[0].body)["message"]
    assert server.boxes.counters == {"boxes_silent": 1}
    server.heard["site-1"] = FIRST + 301
    server.after(302)
    assert titles(hook)[1:] == ["Over: site-1: delivers again"]
    assert len({json.loads(request.body)["incident"] for request in hook.requests}) == 1
    server.after(400)
    assert len(hook.requests) == 3


def test_silence_counts_only_after_listening_and_a_box_that_was_taken_away_is_none(
    settings_for: Callable[..., Settings], hook: HttpServer
) -> None:
    server = Server(settings_for(), hook)
    server.heard["taken-away"] = FIRST - 7 * 1440
    server.clock.time = START + timedelta(minutes=500)  # the server itself was off
    server.start()
    server.after(501)
    assert not hook.requests
    server.after(560)
    assert titles(hook) == ["[no data] site-1: no delivery for 560 min"]


def test_an_address_that_is_away_is_told_later_and_in_the_persons_language(
    settings_for: Callable[..., Settings], hook: HttpServer
) -> None:
    server = Server(settings_for(), hook, language="ko")
    hook.behave = answer(503)
    server.after(60)
    assert len(hook.requests) == 1  # not again at once
    hook.behave = answer(200)
    server.after(75)
    assert titles(hook)[1:] == ["[수신 두절] site-1: 75분째 수신 없음"]


def test_a_state_that_cannot_be_written_is_an_error(settings_for: Callable[..., Settings], hook: HttpServer) -> None:
    server = Server(settings_for(), hook)
    (server.settings.paths.data / SILENT_BOXES_FILE).mkdir(parents=True)
    with pytest.raises(LogError, match="cannot keep what was told"):
        server.after(60)


def test_many_are_told_together_and_no_one_while_the_topic_is_not_read(
    settings_for: Callable[..., Settings], hook: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Message] = []

    def send(_self: Messengers, _name: str, message: Message) -> str:
        told.append(message)
        return ""

    monkeypatch.setattr(Messengers, "send", send)
    server = Server(settings_for(), hook)
    server.heard.update({f"site-{number}": FIRST for number in range(40)})
    server.after(70)
    (first,) = told
    assert first.title == "[no data] 40 boxes: no delivery"
    assert first.body.splitlines()[2] == "site-0: 2024-08-26 12:00"
    assert first.body.splitlines()[-1].startswith("And 10 more:")
    server.heard.update({f"late-{number}": FIRST + 11 for number in range(2)})
    server.after(74)
    assert len(told) == 1  # what comes up within five minutes is told together
    server.heard.update(dict.fromkeys(["site-1", "site-2"], FIRST + 74))
    server.after(80)
    server.after(90)
    assert [each.title for each in told[1:]] == ["[no data] 2 boxes: no delivery", "Over: 2 boxes deliver again"]

    def read(minute: int, through: int) -> int:
        server.clock.time = START + timedelta(minutes=minute)
        server.boxes.know(HeardSites({"far": FIRST + 60}, FIRST + through))
        server.after(minute)
        return len(told)

    assert read(130, through=115) == 3  # "far" was heard 70 minutes ago, but the topic was read to 115 only
    assert read(185, through=185) == 3  # read again: since it stood still, everybody has an hour
    assert read(191, through=191) == 4
    server.heard["near"] = FIRST + 192
    assert read(255, through=250) == 4  # nothing was heard for 63 minutes, but of the last five nobody knows yet
    assert read(256, through=256) == 5


def test_a_box_that_was_heard_while_a_clock_was_years_ahead_is_silent_in_its_time(
    settings_for: Callable[..., Settings], hook: HttpServer
) -> None:
    server = Server(settings_for(), hook)
    server.heard["site-1"] = FIRST + 1_000_000
    server.clock.time = START + timedelta(minutes=10)
    server.boxes.know(HeardSites({"site-1": FIRST}, None))
    server.after(69)
    assert not hook.requests
    server.after(70)
    assert titles(hook) == ["[no data] site-1: no delivery for 60 min"]


def test_who_was_heard_and_how_far_a_topic_is_read_is_in_the_database(
    settings_for: Callable[..., Settings], database_url: str
) -> None:
    database = Database(settings_for(database__url=database_url), "test")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO SITE_TB (site, heard_at) VALUES ('site-1', now()), ('gone', now() - interval '9 days')"
        )
        now = minute_of(datetime.now(UTC))
        found = heard(database)
        assert ([*found.sites], found.through) == (["site-1"], None)
        assert found.sites["site-1"] == pytest.approx(now, abs=1)
        connection.execute(
            "INSERT INTO KAFKA_MARK_TB (topic_id, partition, topic, next, lag, seen_at, read_through) VALUES"
            " ('old', 0, 'rows', 9, 5, now() - interval '1 day', now() - interval '1 day'),"
            " ('new', 0, 'rows', 9, 5, now(), now()), ('new', 1, 'rows', 9, 5, now(), now() - interval '20 minutes')"
        )
        assert heard(database).through == pytest.approx(now - 20, abs=1)
        connection.execute("UPDATE KAFKA_MARK_TB SET read_through = NULL WHERE topic_id = 'new' AND partition = 1")
        assert heard(database).through == 0
    database.close()


def test_a_killed_server_tells_the_same_silence_once(tmp_path: Path, database_url: str, hook: HttpServer) -> None:
    data = tmp_path / "data"
    fast = ScaledClock(600.0, time.time(), time.time())  # an hour in six seconds
    urls = {"HYDROLOG_ALERTS__URLS": webhook(hook), "HYDROLOG_CLOCK": fast.to_environment()}
    urls["HYDROLOG_LOG__URL"] = "kafka://127.0.0.1:1/rows"  # as in a center
    server = ReceiverProcess(data, database_url, **urls)
    try:
        server.start()
        assert server.post_rows(1, 2).status == 200
        wait_for(lambda: hook.requests, "the silence")
        wait_for((data / SILENT_BOXES_FILE).exists, "the state")
        server.kill()
        server.start()
        assert server.post_rows(3, 4).status == 200
        wait_for(lambda: len(hook.requests) > 1, "the end")
    finally:
        server.kill()
    assert ["no data" in title for title in titles(hook)[:2]] == [True, False]
