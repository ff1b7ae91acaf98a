"""What goes in one batch, and when."""

import dataclasses
import threading
from collections.abc import Callable

import pytest
from delivery_site import FIRST, TOKEN, MakeSite, Watch
from http_server import accept, drop, drop_after_keeping, in_turn

from common import false_rows
from common.errors import NotDelivered, SettingsError
from common.false_rows import FalseSpan
from common.runner import Context
from common.settings import SERVER_TOKEN, Settings
from common.zones import parse
from consumer.batch import moment_of
from consumer.delivery import Delivery
from log import mark


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


def test_where_sites_share_out_the_time_a_window_waits_for_its_sites_moment(site: MakeSite) -> None:
    here = site(server__spread_seconds=300)
    moment_s = moment_of("site-1", 300, 10)
    here.append(10)
    here.watch.later(minutes=11)
    assert moment_s > 60
    assert here.step()["lag"] == 10
    here.watch.later(seconds=moment_s - 60)
    assert here.step()["lag"] == 0


def test_the_mark_says_that_a_window_is_whole(site: MakeSite) -> None:
    here = site()
    here.append(9)
    here.watch.later(minutes=10, seconds=2)
    here.step()
    assert not here.server.requests  # 16:39 is still to come
    here.append(1, first=FIRST + 9)
    mark.store(here.data, mark.Mark(FIRST + 9, 10, here.log.log_id))
    here.step()
    (request,) = here.server.requests
    assert request.offsets == list(range(10))
    assert request.headers["hydrolog-mark"] == "2024-08-26T07:39:00+00:00 0"


def test_a_mark_that_comes_late_lets_the_log_be_reset_without_new_rows(site: MakeSite) -> None:
    here = site()
    here.append(10)
    mark.store(here.data, mark.Mark(FIRST, 1, here.log.log_id))
    here.watch.later(minutes=12)
    here.step()
    assert len((here.data / "server_data.txt").read_text().splitlines()) == 11
    mark.store(here.data, mark.Mark(FIRST + 9, 10, here.log.log_id))
    here.step()
    assert len((here.data / "server_data.txt").read_text().splitlines()) == 1


def test_a_backlog_goes_oldest_first_until_none_is_left(site: MakeSite) -> None:
    here = site()
    here.append(4320, sensors=("001",))
    here.watch.later(days=3, minutes=2)
    while here.step()["lag"]:  # a step gives back after a few seconds, however much waits
        pass
    assert here.delivered_once(4320)
    assert here.server.arrivals == list(range(4320))
    assert {len(request.lines) for request in here.server.requests} == {10}


def test_a_forecast_that_comes_after_the_first_attempt_changes_no_byte(site: MakeSite) -> None:
    here = site(in_turn(drop_after_keeping, accept))
    here.attempt_then_forecast()
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


def test_rows_of_a_false_time_are_not_sent_not_even_from_a_frozen_batch(site: MakeSite) -> None:
    """`hydrolog clock confirm --go-on` names them while one batch of them is being tried."""
    here = site(in_turn(drop, accept))
    here.append(1)
    here.append(2, first=FIRST + 7)
    here.append(2, first=FIRST + 2_000_000)
    here.watch.later(minutes=11)
    with pytest.raises(NotDelivered):
        here.step()
    false_rows.add(here.data, FalseSpan(here.log.log_id, here.log.end_offset, FIRST + 5))
    here.append(3, first=FIRST + 11)
    here.try_for(hours=0.5)
    assert [offset for _, offset in here.server.rows] == [0, 5, 6, 7]
    assert here.committed == 8


def test_rows_of_zones_stay_here_and_hold_nothing_up_unless_the_server_wants_them(site: MakeSite) -> None:
    zones = {"zone_a": parse("zone_a", "001 + 002")}
    here = site()
    here.settings = dataclasses.replace(here.settings, zones=zones)
    here.restart()
    here.append(10, sensors=("001", "002", "zone_a"))
    here.watch.later(minutes=12)
    here.step()
    (request,) = here.server.requests
    assert {line.split("\t")[2] for line in request.lines} == {"001", "002"}
    assert request.key == f"site-1/{here.log.log_id}/0-28"
    here.restart()
    here.append(10, sensors=("001", "zone_a"), first=FIRST + 10)
    here.watch.later(minutes=10)
    here.step()
    assert here.server.requests[1].key == f"site-1/{here.log.log_id}/30-48"
    assert here.server.requests[1].headers["hydrolog-mark"].rpartition(" ")[2] == "29"  # whoever has 0-28 sees no gap
    here.settings = dataclasses.replace(here.settings, server=dataclasses.replace(here.settings.server, zones=True))
    here.restart()
    here.append(10, sensors=("zone_a",), first=FIRST + 20)
    here.watch.later(minutes=10)
    here.step()
    assert [line.split("\t")[2] for line in here.server.requests[-1].lines] == ["zone_a"] * 10
    assert here.step()["lag"] == 0
    assert len((here.data / "server_data.txt").read_text().splitlines()) == 1  # the header


def test_batches_of_which_no_row_is_sent_leave_no_gap_in_the_marks(site: MakeSite) -> None:
    here = site()
    here.append(10)
    here.append(10, first=FIRST + 2_000_000)
    here.append(10, first=FIRST + 10)
    false_rows.add(here.data, FalseSpan(here.log.log_id, 20, FIRST + 1_000_000))
    here.watch.later(minutes=22)
    here.step()
    marks = [request.headers["hydrolog-mark"].rpartition(" ")[2] for request in here.server.requests]
    assert (marks, here.committed) == (["0", "10"], 30)
