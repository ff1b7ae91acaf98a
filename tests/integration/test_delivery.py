"""The group "server" against a real server on a socket, for every kind of answer; each step is called by hand."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from http_server import (
    HttpServer,
    accept,
    answer,
    at_most,
    cut_answer,
    drop,
    drop_after_keeping,
    in_turn,
    refuse_offsets,
)

from common import commits, mark
from common.clock import minute_of
from common.errors import NotDelivered, SettingsError
from common.log import Log, open_for
from common.row import Row, format_payload
from common.runner import Context
from common.settings import SERVER_TOKEN, Settings
from consumer.delivery import Delivery
from consumer.rejected import load_all

START = datetime(2024, 8, 26, 7, 30, tzinfo=UTC)
FIRST = minute_of(START)
TOKEN = "s3cret-of-the-test"


@dataclass
class Watch:
    """A clock that is put forward by hand."""

    at: datetime = START
    waited_s: float = 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.waited_s

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        raise AssertionError("the delivery never sleeps")

    def later(self, **by: float) -> None:
        self.at += timedelta(**by)
        self.waited_s += timedelta(**by).total_seconds()


class Site:
    """A log with rows, a server, and a worker that can be started anew."""

    def __init__(self, settings: Settings, server: HttpServer) -> None:
        self.settings, self.server = settings, server
        self.data = settings.paths.data
        self.watch = Watch()
        self.log: Log = open_for(settings)
        self.worker = self.started()

    def started(self) -> Delivery:
        return Delivery(Context(self.settings, self.watch, threading.Event(), "consumer-server"))

    def restart(self) -> None:
        self.worker.close()
        self.worker = self.started()

    def append(self, minutes: int, sensors: tuple[str, ...] = ("001",), first: int = FIRST) -> None:
        self.log.append(
            [
                format_payload(Row(first + minute, sensor, 8.0 + minute / 100, 4.1, 60), self.settings.site.zone)
                for minute in range(minutes)
                for sensor in sensors
            ]
        )

    def step(self) -> dict[str, object]:
        return dict(self.worker.step(self.watch.now()))

    def try_for(self, hours: float) -> str:
        """Step for so long; the last problem."""
        problem = ""
        for _ in range(int(hours * 360)):
            try:
                self.step()
            except NotDelivered as error:
                problem = str(error)
            self.watch.later(seconds=10)
        return problem

    @property
    def committed(self) -> int:
        return commits.read(self.data, "server") or 0

    def delivered_once(self, count: int) -> bool:
        offsets = sorted(offset for _, offset in self.server.rows)
        return offsets == list(range(count)) and not self.server.conflicts


MakeSite = Callable[..., Site]


@pytest.fixture
def site(settings_for: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeSite]:
    monkeypatch.setenv(SERVER_TOKEN, TOKEN)
    made: list[Site] = []

    def make(behave: Callable[..., None] = accept, **keys: object) -> Site:
        server = HttpServer(behave)
        keys = {"log__groups": "server", "server__timeout_seconds": 5, **keys}
        made.append(Site(settings_for(server__url=server.url, **keys), server))
        return made[-1]

    yield make
    for one in made:
        one.worker.close()
        one.log.close()
        one.server.close()


def test_ten_minutes_go_as_one_batch_and_the_log_is_reset(site: MakeSite) -> None:
    here = site()
    here.append(10)
    here.watch.later(minutes=9, seconds=59)
    assert here.step()["lag"] == 10  # not before the window is over
    here.watch.later(minutes=1, seconds=1)
    counters = here.step()
    (request,) = here.server.requests
    assert request.target == "/v1/batches"
    assert request.key == f"site-1/{here.log.log_id}/0-9"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["content-type"] == "text/tab-separated-values; charset=utf-8"
    assert request.lines[3] == "3\t2024-08-26T16:33:00+09:00\t001\t8.03\t4.1\t60\t0000\t000\t0\t0"
    assert (counters["batches_sent"], counters["rows_sent"], counters["lag"]) == (1, 10, 0)
    assert len((here.data / "server_data.txt").read_text().splitlines()) == 1  # the header
    assert not (here.data / "outbox.tsv").exists()


def test_the_mark_says_that_a_window_is_whole(site: MakeSite) -> None:
    here = site()
    here.append(9)
    here.watch.later(minutes=10, seconds=2)
    here.step()
    assert not here.server.requests  # 16:39 is still to come
    here.append(1, first=FIRST + 9)
    mark.store(here.data, mark.Mark(FIRST + 9, 10, here.log.log_id))
    here.step()
    assert [request.offsets for request in here.server.requests] == [list(range(10))]


def test_a_backlog_goes_oldest_first_until_none_is_left(site: MakeSite) -> None:
    here = site()
    here.append(4320, sensors=("001",))
    here.watch.later(days=3, minutes=2)
    while here.step()["lag"]:  # a step gives back after a few seconds, however much waits
        pass
    assert here.delivered_once(4320)
    assert here.server.arrivals == list(range(4320))
    assert {len(request.lines) for request in here.server.requests} == {10}


def test_an_outage_of_half_an_hour_loses_nothing(site: MakeSite) -> None:
    here = site(drop)
    for minute in range(43):
        here.append(1, first=FIRST + minute)
        here.watch.later(minutes=1)
        if minute >= 10:  # from a minute after the first window on
            with pytest.raises(NotDelivered, match="no answer"):
                here.step()
    here.server.behave = accept
    here.watch.later(minutes=10)
    here.step()
    assert here.delivered_once(43)
    assert here.server.arrivals == list(range(43))


@pytest.mark.parametrize("status", [302, 404, 405, 408, 409, 415, 421, 425, 429, 500, 502, 503, 101, 418])
def test_rows_are_kept_and_sent_later_with_the_same_bytes(site: MakeSite, status: int) -> None:
    here = site(in_turn(answer(status, Location="http://127.0.0.1:1/elsewhere"), accept))
    here.append(10)
    here.watch.later(minutes=12)
    with pytest.raises(NotDelivered) as raised:
        here.step()
    assert raised.value.counters["lag"] == 10
    assert raised.value.counters["last_status"] == status
    assert raised.value.counters["waiting_since"] == here.watch.now().isoformat()
    here.append(3, first=FIRST + 10)  # more rows come in between: the batch stays as it is
    here.restart()
    here.watch.later(minutes=1)
    here.step()
    first, second = here.server.requests
    assert (first.key, first.body) == (second.key, second.body)
    assert here.delivered_once(10)
    assert not list((here.data / "rejected").glob("*.tsv"))


@pytest.mark.parametrize(("header", "at_least", "at_most_s"), [("50", 50, 60), ("-3", 0.5, 2), ("soon", 0.5, 2)])
def test_retry_after_is_honoured(site: MakeSite, header: str, at_least: float, at_most_s: float) -> None:
    here = site(in_turn(answer(429, Retry_After=header), accept))
    here.append(10)
    here.watch.later(minutes=12)
    waited = 0.0
    while not here.server.rows:
        try:
            here.step()
        except NotDelivered:
            here.watch.later(seconds=0.5)
            waited += 0.5
    assert at_least <= waited <= at_most_s


def test_an_answer_that_is_lost_after_the_server_kept_the_rows(site: MakeSite) -> None:
    here = site(in_turn(drop_after_keeping, cut_answer, accept))
    here.append(10)
    here.watch.later(minutes=12)
    here.try_for(hours=0.1)
    assert here.delivered_once(10)
    assert here.server.repeats == 20
    assert here.committed == 10


def test_a_forecast_that_comes_after_the_first_attempt_changes_no_byte(site: MakeSite) -> None:
    here = site(in_turn(drop_after_keeping, accept))
    here.append(10, first=FIRST + 30)
    here.watch.later(minutes=42)
    with pytest.raises(NotDelivered):
        here.step()
    hour = "2024-08-26T17:00:00+09:00"
    (here.data / "sensor_data.csv").write_text(f"sensor,made_at,hour,flow,pressure\n001,{hour},{hour},9.5,4.2\n")
    here.restart()
    here.watch.later(minutes=1)
    here.step()
    first, second = here.server.requests
    assert (first.key, first.body) == (second.key, second.body)
    assert first.lines[0].endswith("\t0\t0")


def test_rows_on_the_hour_carry_the_hours_own_forecast(site: MakeSite) -> None:
    here = site()
    hour, before = "2024-08-26T17:00:00+09:00", "2024-08-26T16:00:00+09:00"
    (here.data / "sensor_data.csv").write_text(
        f"sensor,made_at,hour,flow,pressure\n001,{hour},{hour},9.5,4.2\n002,{before},{hour},1,1\n"
    )
    here.append(10, sensors=("001", "002", "003"), first=FIRST + 30)
    here.watch.later(minutes=42)
    here.step()
    ends = [line.split("\t")[-2:] for line in here.server.requests[0].lines]
    assert ends[:3] == [["9.5", "4.2"], ["0", "0"], ["0", "0"]]
    assert set(map(tuple, ends[3:])) == {("0", "0")}


def test_the_forecaster_is_waited_for_on_the_hour_but_never_for_a_backlog(site: MakeSite) -> None:
    here = site(server__every_minutes=1, forecast__wait_seconds=300)
    here.append(31)  # to 17:00
    mark.store(here.data, mark.Mark(FIRST + 30, 31, here.log.log_id))
    here.watch.later(minutes=31, seconds=5)  # 17:01:05: 17:00 may still get its forecast
    here.step()
    assert here.committed == 30
    here.watch.later(minutes=4)
    here.step()
    assert here.committed == 31


def test_too_large_a_batch_is_split_in_order(site: MakeSite) -> None:
    here = site(at_most(5))
    here.append(10, sensors=("001", "002", "003"))
    here.watch.later(minutes=12)
    here.step()
    assert here.delivered_once(30)
    assert here.server.arrivals == list(range(30))
    assert max(len(request.lines) for request in here.server.requests[3:]) <= 5


@pytest.mark.parametrize("status", [400, 413, 422])
def test_one_row_that_is_refused_is_set_aside_alone(site: MakeSite, status: int) -> None:
    here = site(refuse_offsets(17, status=status))
    here.append(30)
    here.watch.later(minutes=32)
    counters = here.step()
    assert sorted(offset for _, offset in here.server.rows) == [*range(17), *range(18, 30)]
    (refused,) = load_all(here.data)
    assert refused.parcel.lines[0].offset == 17
    assert f"status={status}" in refused.path.read_text()
    assert "bad row" in refused.path.read_text()
    assert (counters["rows_rejected"], counters["refused_in_a_row"], counters["lag"]) == (1, 0, 0)


def test_a_server_that_refuses_everything_gets_five_rows_and_the_rest_waits(site: MakeSite) -> None:
    here = site(answer(400))
    here.append(40)
    here.watch.later(minutes=42)
    problem = here.try_for(hours=3)
    assert "5 rows in a row were refused" in problem
    here.restart()  # the count is on disk
    here.try_for(hours=3)
    assert [refused.parcel.first for refused in load_all(here.data)] == [0, 1, 2, 3, 4]
    asked = len(here.server.requests)
    here.try_for(hours=1)
    assert len(here.server.requests) - asked <= 14  # slowly
    here.server.behave = accept
    here.try_for(hours=1)
    assert sorted(offset for _, offset in here.server.rows) == list(range(5, 40))
    assert here.step()["refused_in_a_row"] == 0


def test_rejected_rows_are_bounded_and_the_rest_waits_for_a_person(
    site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consumer.rejected.MOST_FILES", 2)
    here = site(refuse_offsets(3, 6, 9))
    here.append(20)
    here.watch.later(minutes=22)
    problem = here.try_for(hours=1)
    assert "rejected/ holds 2 rows; `hydrolog resend`" in problem
    assert here.committed == 9
    next(iter((here.data / "rejected").glob("*.tsv"))).unlink()  # a person has looked
    here.try_for(hours=1)
    assert here.committed == 20
    assert here.step()["rejected_kept"] == 2
    assert sorted(offset for _, offset in here.server.rows) == [n for n in range(20) if n not in (3, 6, 9)]


def test_a_refused_token_waits_for_a_person_and_takes_a_new_one_from_the_file(
    site: MakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(SERVER_TOKEN)
    token_file = tmp_path / "token"
    token_file.write_text("old\n")
    token_file.chmod(0o600)
    here = site(answer(401), server__token_file=token_file)
    here.append(10)
    here.watch.later(minutes=12)
    problem = here.try_for(hours=1)
    assert "server.token_file" in problem
    assert 3 <= len(here.server.requests) <= 14
    token_file.write_text("new\n")
    here.server.behave = accept
    here.try_for(hours=0.3)
    assert here.server.requests[-1].headers["authorization"] == "Bearer new"
    assert here.delivered_once(10)
    assert not list((here.data / "rejected").glob("*"))


def test_a_line_that_is_no_row_is_set_aside_and_stops_nothing(site: MakeSite) -> None:
    here = site()
    here.append(5)
    here.log.append(["somebody wrote this by hand", "\t\t"])
    here.append(5, first=FIRST + 5)
    here.log.append(["the last line"])
    here.watch.later(minutes=12)
    counters = here.step()
    assert [offset for _, offset in here.server.rows] == [0, 1, 2, 3, 4, 7, 8, 9, 10, 11]
    assert (counters["not_rows"], counters["lag"]) == (3, 0)
    here.step()
    assert here.committed == 13
    assert len((here.data / "unparsed.tsv").read_text().splitlines()) == 3


def test_rows_that_were_read_but_not_sent_are_not_committed_by_a_stray_line(site: MakeSite) -> None:
    here = site()
    here.append(5)
    here.log.append(["no row"])
    here.watch.later(minutes=4)
    here.step()
    assert here.committed == 0


def test_an_outbox_that_was_committed_already_is_not_sent_again(site: MakeSite) -> None:
    here = site()
    here.append(10)
    here.watch.later(minutes=12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("consumer.outbox.remove", lambda _data: None)  # killed before it could be removed
        here.step()
    here.restart()
    here.append(10, first=FIRST + 10)
    here.watch.later(minutes=10)
    here.step()
    assert [request.offsets[0] for request in here.server.requests] == [0, 10]


def test_a_lost_commit_repeats_rows_and_loses_none(site: MakeSite) -> None:
    here = site(log__groups="server,other")
    here.append(30)
    here.watch.later(minutes=32)
    here.server.behave = in_turn(accept, accept, drop, accept)
    with pytest.raises(NotDelivered):
        here.step()
    here.worker.close()
    (here.data / "groups" / "server").unlink()
    here.worker = here.started()
    here.watch.later(minutes=1)
    here.step()
    assert here.delivered_once(30)
    assert here.server.repeats == 30  # the frozen batch came first, then all of them again
    assert here.committed == 30


def test_a_frozen_batch_behind_a_stray_line_keeps_its_bytes(site: MakeSite) -> None:
    here = site(in_turn(drop_after_keeping, accept))
    here.log.append(["no row"])
    here.append(10, first=FIRST + 30)
    here.watch.later(minutes=42)
    with pytest.raises(NotDelivered):
        here.step()
    hour = "2024-08-26T17:00:00+09:00"
    (here.data / "sensor_data.csv").write_text(f"sensor,made_at,hour,flow,pressure\n001,{hour},{hour},9.5,4.2\n")
    here.restart()
    here.watch.later(minutes=1)
    here.step()
    assert len(here.server.requests) == 2
    assert not here.server.conflicts
    assert here.committed == 11


def test_a_batch_that_was_frozen_before_the_log_took_a_new_id_is_not_sent_under_both(site: MakeSite) -> None:
    here = site(in_turn(drop_after_keeping, accept))
    here.append(10)
    here.watch.later(minutes=12)
    with pytest.raises(NotDelivered):
        here.step()
    here.worker.close()
    (here.data / "server_data.txt.lock").unlink()
    here.worker = here.started()
    here.append(10, first=FIRST + 10)
    here.watch.later(minutes=10)
    here.step()
    old, again, new = here.server.requests
    assert (old.log_id, old.offsets) == (again.log_id, again.offsets)
    assert new.log_id != old.log_id
    assert here.delivered_once(20)


def test_a_frozen_batch_of_a_log_that_is_gone_is_still_sent(site: MakeSite) -> None:
    here = site(drop)
    here.append(10)
    here.watch.later(minutes=12)
    with pytest.raises(NotDelivered):
        here.step()
    here.worker.close()
    here.log.close()
    for path in [*here.data.glob("server_data*"), *here.data.glob("groups/*")]:
        path.unlink()
    old_id = here.server.requests[0].log_id
    here.log = open_for(here.settings)
    here.append(10, first=FIRST + 20)
    here.server.behave = accept
    here.worker = here.started()
    here.watch.later(minutes=20)
    here.step()
    assert here.log.log_id != old_id
    assert len([1 for log_id, _ in here.server.rows if log_id == old_id]) == 10
    assert len([1 for log_id, _ in here.server.rows if log_id == here.log.log_id]) == 10


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ({"server__url": ""}, "server.url"),
        ({"log__groups": "archive"}, "log.groups"),
        ({"server__url": f"http://{'a' * 70}.example/"}, "server.url"),
    ],
)
def test_wrong_settings_are_named(
    settings_for: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, keys: dict[str, str], key: str
) -> None:
    monkeypatch.setenv(SERVER_TOKEN, TOKEN)
    with pytest.raises(SettingsError, match=key):
        Delivery(Context(settings_for(**keys), Watch(), threading.Event(), "consumer-server"))


def test_without_a_token_nothing_is_touched(settings_for: Callable[..., Settings]) -> None:
    settings = settings_for(server__url="http://127.0.0.1:9/")
    with pytest.raises(SettingsError, match=r"server\.token_file"):
        Delivery(Context(settings, Watch(), threading.Event(), "consumer-server"))
    assert not list(settings.paths.data.iterdir())
