"""The pages of a center: which sites deliver, and what is known of one. A real server and a real database."""

import json
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from receiver_process import ReceiverProcess
from waiting import wait_for

from cli import sites as command
from common.settings_checks import NO_LOG
from situation.sites import Hearing, hearing, silence_limits

NOW = datetime(2024, 8, 26, 12, tzinfo=UTC)
AHEAD = datetime(2199, 1, 1, tzinfo=UTC)  # the row of a wrong clock
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
HOSTILE = "<img src=x onerror=alert(1)>&"


@pytest.mark.parametrize(
    ("ago", "read_ago", "expected"),
    [
        (59 * MINUTE, 0 * MINUTE, Hearing.HEARD),
        (61 * MINUTE, 0 * MINUTE, Hearing.SILENT),
        (61 * MINUTE, 2 * MINUTE, Hearing.UNKNOWN),  # it may be in what is not read yet
        (70 * MINUTE, 2 * MINUTE, Hearing.SILENT),
        (timedelta(days=7), 0 * MINUTE, Hearing.GONE),
    ],
)
def test_a_site_is_silent_only_if_all_that_came_is_read(ago: timedelta, read_ago: timedelta, expected: Hearing) -> None:
    assert hearing(NOW - ago, silence_limits(NOW, NOW - read_ago, HOUR)) is expected


def test_who_does_not_know_or_has_not_listened_for_long_calls_nobody_silent() -> None:
    ago = NOW - 70 * MINUTE
    assert hearing(ago, silence_limits(NOW, None, HOUR)) is Hearing.UNKNOWN
    assert hearing(ago, silence_limits(NOW, NOW, HOUR, NOW - 59 * MINUTE)) is Hearing.UNKNOWN
    assert hearing(ago, silence_limits(NOW, NOW, HOUR, NOW - HOUR)) is Hearing.SILENT


def test_sites_are_listed_silent_ones_first_and_each_has_its_newest_rows(
    receiver: ReceiverProcess, database_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 'href="sites"' not in receiver.get("/").body.decode()
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO SITE_TB (site, heard_at, log_id, next_offset, closed_through) VALUES"
            " ('a', now(), 'new', 4, '2024-08-26T12:00Z'), ('b', now() - interval '2 hours', NULL, NULL, NULL),"
            " (%s, now() - interval '3 hours', NULL, NULL, NULL)",
            (HOSTILE,),
        )
        connection.execute("INSERT INTO SENSOR_TB (site, sensor) VALUES ('a', '001'), ('b', '001')")
        row = (
            "INSERT INTO REAL_VAL_TB (site, log_id, log_offset, time, sensor, flow, pressure, samples, flow_flags)"
            " VALUES (%s, 'log', %s, %s, '001', %s, 4.1, 60, %s)"
        )
        for site, offset, time, flow, flags in [
            ("a", 2, NOW + 2 * MINUTE, 8.5, "0000"),
            ("a", 3, NOW + 3 * MINUTE, 9.25, "0L00"),
            ("a", 4, AHEAD, 77.0, "0000"),
            ("b", 1, NOW + MINUTE, 66.0, "0000"),
        ]:
            connection.execute("SELECT real_val_partition(%s)", (time,))
            connection.execute(row, (site, offset, time, flow, flags))

    listed = receiver.get("/sites?language=en").body.decode()
    assert "3 sites deliver here. <b>2 of them are silent.</b>" in listed
    assert HOSTILE not in listed and HOSTILE in unescape(listed)
    assert [listed.index(f'data-key="{name}"') for name in ("b", "a")] == sorted(
        listed.index(f'data-key="{name}"') for name in ("b", "a")
    )
    assert "26 Aug 2024 21:00" in listed
    one = receiver.get("/site?id=a&language=en&flow_unit=L/s").body.decode()
    assert "2.57" in one and "66" not in one and "77" not in one and "see the page of the site" in one
    assert receiver.get(f"/site?id={quote(HOSTILE)}").status == 200
    assert receiver.get("/site?id=nobody").status == receiver.get("/site?id=%00").status == 404
    assert "수신 두절" in receiver.get("/sites?language=ko").body.decode()

    for name, value in {"PATHS__DATA": str(receiver.data), "DATABASE__URL": database_url}.items():
        monkeypatch.setenv(f"HYDROLOG_{name}", value)
    assert command.run(["heard"]) == 0
    assert "complete through" in capsys.readouterr().out
    assert command.run(["heard", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(each["site"], each["state"]) for each in told] == [(HOSTILE, "silent"), ("b", "silent"), ("a", "heard")]
    assert [each["closed_through"] for each in told][1:] == [None, "2024-08-26T12:00:00+00:00"]


def test_the_metric_counts_the_sites_that_the_page_calls_silent(receiver: ReceiverProcess, database_url: str) -> None:
    """Of a topic that is read up to an hour ago nobody knows who is silent since then."""
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO SITE_TB (site, heard_at) VALUES ('a', now()), ('b', now() - interval '70 minutes'),"
            " ('c', now() - interval '3 hours'), ('d', now() - interval '8 days')"
        )
        connection.execute(
            "INSERT INTO KAFKA_MARK_TB (topic_id, partition, topic, next, lag, seen_at, read_through) VALUES"
            " ('id', 0, 'rows', 9, 5, now(), now() - interval '1 hour')"
        )
    assert "<b>One of them is silent.</b>" in receiver.get("/sites?language=en").body.decode()
    metrics = receiver.get("/metrics").body.decode().splitlines()
    assert {"hydrolog_sites 3", "hydrolog_sites_silent 1"} <= {*metrics}


def test_the_first_page_of_a_center_speaks_of_its_sites_and_not_of_sensors_that_it_does_not_have(
    database_url: str, tmp_path: Path
) -> None:
    center = ReceiverProcess(tmp_path / "data", database_url, HYDROLOG_LOG__URL=NO_LOG, HYDROLOG_SITE__ID="center")
    center.start()

    def words() -> str:
        page = center.request("GET", "/", None, {"Accept-Language": "en"}).body.decode()
        assert 'href="sites"' in page
        return page.partition('<div data-live="hero">')[2]

    try:
        before = words()
        assert "no delivery yet" in before
        assert "No site delivers rows here." in before
        assert center.post_rows(0, 3).status == 200
        wait_for(lambda: "One site delivers here." in words(), "the site")
        after = words()
        assert "since the newest delivery, " in after
        assert "None of them is silent." in after
        assert not [said for said in ("No sensor is registered", "no row yet", "sensors add") if said in before + after]
        assert center.post_rows(4, 4, time=AHEAD.isoformat()).status == 200
        wait_for(lambda: "they came from the site site-1" in words(), "whose clock is wrong")
    finally:
        center.kill()
