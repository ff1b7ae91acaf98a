"""The box's upkeep on the page: a real server with a real Postgres, real HTTP, and a server that takes rows again."""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import psycopg
import pytest
from access_site import NO_DATABASE, Browser, after, logged_in, make_user
from http_server import HttpServer, Request, accept, answer
from receiver_process import Answer, ReceiverProcess
from waiting import wait_for

from common import audit, confirmation
from common.audit import Actor
from common.clock import FixedClock, minute_of
from common.folder import AUDIT_FILE, CLOCK_CONFIRMED_FILE, CRITERIA_WANTED_FILE, MARK_FILE, RESENDING_FILE
from common.health import Health
from common.http_answer import HttpAnswer
from common.refused import NotPossible
from common.settings import Settings
from consumer.batch import BatchLine, OutgoingBatch
from consumer.rejected import Rejected
from log import mark
from outliers import relearning
from outliers.relearning import LearningProgress, Run
from server.access.roles import Role
from server.resending import Resending
from server.screens import Screens
from server.upkeep_pages import UpkeepPages

NOW = datetime(2024, 9, 17, 10, 30, tzinfo=ZoneInfo("Asia/Seoul"))
MINUTE = minute_of(NOW)
LOG_ID = "6f2ba6e3-d94c-4f63-9be9-8c3164eb3018"
A_ROW = "INSERT INTO REAL_VAL_TB (sensor, time, flow, samples, log_id, log_offset) VALUES ('001', %s, 3, 60, %s, %s)"


@pytest.fixture(scope="module")
def center() -> Iterator[HttpServer]:
    with HttpServer(accept) as made:
        yield made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, filled_url: str, center: HttpServer) -> Iterator[ReceiverProcess]:
    """One for all: each test cleans up after itself in `data`."""
    data = tmp_path_factory.mktemp("upkeep") / "data"
    data.mkdir()
    make_user(data, "Kim")
    make_user(data, "이영희", Role.OPERATOR)
    with psycopg.connect(filled_url) as connection:
        connection.execute("INSERT INTO SENSOR_TB (sensor) VALUES ('001'), ('002')")
        connection.execute("SELECT real_val_partition(%s)", (NOW,))
        for offset in range(5):
            connection.execute(A_ROW, (NOW - timedelta(hours=2, minutes=-offset), LOG_ID, offset))
    running = ReceiverProcess(
        data,
        filled_url,
        HYDROLOG_CLOCK=f"1 {time.time()!r} {NOW.timestamp()!r}",
        HYDROLOG_SERVER__URL=center.url,
        HYDROLOG_SERVER__TOKEN="t0ken",
    )
    running.start()
    yield running
    running.kill()


@pytest.fixture
def data(server: ReceiverProcess) -> Iterator[Path]:
    yield server.data
    names = (AUDIT_FILE, CLOCK_CONFIRMED_FILE, CRITERIA_WANTED_FILE, MARK_FILE, RESENDING_FILE, "health/producer.json")
    for name in names:
        (server.data / name).unlink(missing_ok=True)


@pytest.fixture
def lee(server: ReceiverProcess) -> Browser:
    return logged_in(server, "이영희")


def act(browser: Browser, do: str, **fields: Any) -> Answer:
    return browser.send("/upkeep", browser.token("/password"), do=do, **fields)


def page(browser: Browser, query: str = "") -> str:
    return browser.get(f"/upkeep{query}").body.decode()


def seen(text: str) -> str:
    """What the form of the clock would send."""
    found = re.search(r'name="seen" value="(\d+)"', text)
    return found[1] if found else ""


def test_a_doubted_clock_is_confirmed_by_who_has_just_seen_it(lee: Browser, data: Path) -> None:
    assert "It is believed" in page(lee) and not seen(page(lee))
    Health(data, "producer", NOW).success(NOW, 0.0, clock="stepped")
    wait_for(lambda: seen(page(lee)), "the doubt")
    shown = page(lee)
    assert "It says 2024-09-17 10:3" in shown and "set these rows aside" not in shown
    old = act(lee, "confirm", seen=str(MINUTE - 60))
    assert (old.status, b"See what it is now" in old.body) == (409, True)
    assert confirmation.take(data) is None
    for nonsense in ("", "soon", "9" * 900):
        assert act(lee, "confirm", seen=nonsense).status == 409
    assert after(act(lee, "confirm", seen=seen(shown))) == "upkeep?done=confirm"
    assert confirmation.take(data) == confirmation.RIGHT
    (done,) = [entry for entry in audit.load(data)[0] if entry.what == "clock-confirmed"]
    assert (done.by, done.address) == ("이영희", "127.0.0.1")


def test_rows_of_the_future_are_set_aside_only_by_who_says_so(lee: Browser, data: Path, filled_url: str) -> None:
    mark.store(data, mark.Mark(MINUTE + 600, 9, LOG_ID, {"001": MINUTE + 600}))
    with psycopg.connect(filled_url) as connection:
        connection.execute(A_ROW, (NOW + timedelta(hours=10), LOG_ID, 8))
    wait_for(lambda: "There are rows until 2024-09-17 20:30" in page(lee), "the rows to be seen")
    shown = seen(page(lee))
    refused = act(lee, "confirm", seen=shown)
    assert (refused.status, b"There are rows of later times" in refused.body) == (409, True)
    assert after(act(lee, "go-on", seen=shown)) == "upkeep?done=go-on"
    assert confirmation.take(data) == confirmation.GO_ON
    (folder,) = (data / "set_aside").iterdir()
    assert len((folder / "real_val_tb.csv").read_text().splitlines()) == 2


def test_a_database_that_keeps_its_rows_of_the_future_is_named(settings_for: Callable[..., Settings]) -> None:
    settings = settings_for(database__url=NO_DATABASE)
    current = SimpleNamespace(settings=settings, clock=FixedClock(NOW))
    pages = UpkeepPages(cast(Screens, SimpleNamespace(current=current)), cast(Resending, None))
    mark.store(settings.paths.data, mark.Mark(MINUTE + 600, 9, LOG_ID))
    with pytest.raises(NotPossible, match="confirm once more"):
        pages._confirm(Actor("Kim"), str(MINUTE), go_on=True)
    assert confirmation.take(settings.paths.data) == confirmation.GO_ON


def test_new_limits_are_asked_for_once_and_it_is_said_how_it_went(lee: Browser, data: Path) -> None:
    assert act(lee, "learn", sensor="009").status == 422
    assert after(act(lee, "learn", sensor="*")) == "upkeep?done=learn"
    wish = relearning.open_wish(data)
    assert wish is not None and (wish.by, wish.sensors) == ("이영희", ["001", "002"])
    shown = page(lee)
    assert "이영희 asked at" in shown and "Learn anew" not in shown and "The night process is not at work" in shown
    again = act(lee, "learn", sensor="001")
    assert (again.status, "이영희 has asked for it already".encode() in again.body) == (409, True)
    runs = {"001": Run(NOW), "002": Run(NOW, "the database of <b>flow</b> does not answer")}
    relearning.store(data, LearningProgress(wish.id, runs))
    shown = page(lee)
    assert re.search(r"Last learnt [^<]*10:30", shown) and "not learnt: the database of &lt;b&gt;" in shown
    relearning.store(data, LearningProgress(wish.id, {"001": Run(NOW, "only 7.1 clean weeks", short=True)}))
    assert "fewer than eight good weeks" in page(lee)
    assert after(act(lee, "learn", sensor="001")) == "upkeep?done=learn"


def test_a_span_is_counted_and_then_sent_and_the_page_says_how_it_ended(
    lee: Browser, data: Path, center: HttpServer
) -> None:
    span = {"first": "2024-09-17T08:31", "end": "2024-09-17T08:34"}
    query = "?first={first}&end={end}".format(**span)
    assert "3 rows would be sent: of one sensor" in page(lee, query)
    assert not center.requests
    assert after(act(lee, "resend", **span)) == "upkeep?done=resend"
    wait_for(lambda: "3 rows were sent." in page(lee), "the end")
    assert sorted(offset for _, offset in center.rows) == [1, 2, 3]
    go_on = threading.Event()

    def refuse_later(server: HttpServer, request: Request, connection: socket.socket) -> None:
        go_on.wait(30)
        answer(401)(server, request, connection)

    center.behave = refuse_later
    Rejected(data).put(OutgoingBatch("site-1", LOG_ID, (BatchLine(77, "77\tas it was"),)), HttpAnswer(400), NOW)
    assert after(act(lee, "resend-refused")) == "upkeep?done=resend-refused"
    late = act(lee, "resend", **span)
    assert (late.status, b"being sent again already" in late.body) == (409, True)
    go_on.set()
    wait_for(lambda: "Then it ended: " in page(lee) and "401" in page(lee), "the refusal")
    done = [(entry.by, entry.values) for entry in audit.load(data)[0] if entry.what == "rows-resent"]
    assert done[0][1]["first"] == "2024-09-17T08:31:00+09:00" and done[1][1] == {}


def test_a_span_that_cannot_be_is_said_at_its_field(lee: Browser, data: Path) -> None:
    for first, end, said in (
        ("2024-09-17T08:31", "2024-09-17T08:31", "must be later"),
        ("2024-09-01T08:31", "2024-09-17T08:31", "At most 7 days"),
        ("soon", "2024-09-17T08:31", "not a local time"),
    ):
        assert said in page(lee, f"?first={first}&end={end}")
        assert act(lee, "resend", first=first, end=end).status == 422
    assert "no row in this span" in page(lee, "?first=2023-01-01T00:00&end=2023-01-02T00:00")
    assert not (data / RESENDING_FILE).exists()
    (data / RESENDING_FILE).write_text('{"by": "Kim", "began": "2024-09-17T01:00:00Z"}')  # a restart came between
    assert "It was cut off" in page(lee)
    assert after(act(lee, "nonsense")) == "upkeep"


def test_a_wish_is_not_taken_that_cannot_be_written_down(tmp_path: Path) -> None:
    (tmp_path / AUDIT_FILE).mkdir()
    with pytest.raises(audit.AuditUnwritable):
        relearning.ask(tmp_path, Actor("Kim"), ["001"], NOW)
    assert relearning.open_wish(tmp_path) is None
